"""Definitions come, change and go while kemu runs."""

from __future__ import annotations

import logging

import pytest

from emulator.objects.errors import BadRequest
from emulator.workloads.definitions import Definitions
from emulator.workloads.owndefinitions import own_definition
from tests.workloads.definitions import GROUP, OWN, World, definition, foo, version


def test_a_kind_is_served_as_soon_as_it_is_defined() -> None:
    world = World()
    kind = world.define()
    assert world.store.registry.of(f"{GROUP}/v1", "Foo") is kind
    assert [(c["type"], c["status"], c["reason"]) for c in world.get().status["conditions"]] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]
    assert world.get().status["acceptedNames"] == {
        "plural": "foos",
        "singular": "foo",
        "kind": "Foo",
        "listKind": "FooList",
    }


def test_a_changed_definition_changes_the_kind_and_keeps_its_objects() -> None:
    world = World()
    kind = world.define()
    made = world.store.create(foo())
    assert world.define(version(), version("v2")) is kind
    assert kind.versions == ("v2", "v1")
    assert world.store.list(kind) == [made]


def test_a_deleted_definition_takes_its_objects_along() -> None:
    world = World()
    kind = world.define()
    world.store.create(foo())
    world.undefine()
    assert world.find() is None
    assert world.store.list(kind) == []
    with pytest.raises(BadRequest, match='no matches for kind "Foo"'):
        world.store.create(foo())


def test_a_definition_waits_for_objects_that_something_else_holds() -> None:
    world = World()
    kind = world.define()
    held = world.store.create(foo(metadata={"name": "a", "finalizers": ["example.com/hold"]}))
    world.undefine()
    found = world.get()
    assert found.is_deleting
    assert found.condition("Terminating")["reason"] == "InstanceDeletionInProgress"
    assert "create" not in kind.verbs
    world.store.patch_metadata(held.key, finalizers=[])
    assert world.find() is None
    assert world.store.registry.of_group(GROUP, "Foo") is None


def test_definitions_that_were_there_before_are_served() -> None:
    world = World()
    world.define()
    store = world.store
    for kind in [kind for kind in store.registry if kind.group == GROUP]:
        store.registry.remove(kind)
    Definitions(store, own_definition)
    assert store.registry.of(f"{GROUP}/v1", "Foo") is not None


def test_own_kinds_have_definitions_that_change_nothing() -> None:
    world = World()
    found = world.get("owns.own.knative.dev")
    assert found.condition("Established")["status"] == "True"
    world.store.update(
        {**found.obj, "spec": {**found.obj["spec"], "names": {**found.obj["spec"]["names"], "shortNames": ["o"]}}}
    )
    assert world.store.registry.of("own.knative.dev/v1", "Own") is OWN
    assert OWN.short_names == ()


def test_an_own_definition_that_is_deleted_takes_the_objects_and_comes_back() -> None:
    world = World()
    world.store.create({"apiVersion": "own.knative.dev/v1", "kind": "Own", "metadata": {"name": "a"}})
    before = world.get("owns.own.knative.dev")
    world.undefine("owns.own.knative.dev")
    assert world.store.list(OWN) == []
    assert world.get("owns.own.knative.dev").uid != before.uid
    assert world.store.registry.of("own.knative.dev/v1", "Own") is OWN


def test_of_a_kind_that_kemu_does_not_run_yet_nothing_can_be_made(caplog: pytest.LogCaptureFixture) -> None:
    world = World(f"foos.{GROUP}")
    world.store.create(definition())
    assert world.get().condition("Established")["status"] == "True"
    kind = world.store.registry.of_group(GROUP, "Foo")
    assert kind is not None
    assert {"get", "list", "watch"} <= set(kind.verbs)
    assert not {"create", "patch", "update"} & set(kind.verbs)
    assert "no object can be made of them: foos" in caplog.text


def test_what_kemu_leaves_out_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world = World()
    rules = {"x-kubernetes-validations": [{"rule": "self.a > 1"}]}
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://example.com"}}}
    for _ in range(2):
        world.define(version(spec=rules), version("v1beta1"), conversion=conversion)
    assert [record.getMessage() for record in caplog.records] == [
        f"foos.{GROUP} is served in its stored version only, not in v1beta1: kemu calls no conversion webhooks",
        f"rules in x-kubernetes-validations of foos.{GROUP} are kept, but not evaluated",
    ]
