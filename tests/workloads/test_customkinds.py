"""Objects of users' kinds: validated, defaulted, in several versions, with columns of their own."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import Invalid
from emulator.objects.kind import AGE
from tests.workloads.definitions import GROUP, World, definition, foo, version

SPEC = {
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "pattern": "^[a-z]+$"},
        "size": {"type": "integer", "default": 2, "maximum": 9},
    },
}


def test_an_object_is_pruned_and_completed() -> None:
    world = World()
    world.define(version(spec=SPEC))
    made = world.store.create(foo(spec={"text": "abc", "bogus": 1}))
    assert made.obj["spec"] == {"text": "abc", "size": 2}


def test_a_faulty_object_is_refused_with_all_its_faults() -> None:
    world = World()
    world.define(version(spec=SPEC))
    with pytest.raises(Invalid) as refused:
        world.store.create(foo(spec={"text": "A", "size": 10}))
    assert refused.value.details["kind"] == "Foo"
    assert refused.value.details["group"] == GROUP
    assert [(c["field"], c["reason"]) for c in refused.value.details["causes"]] == [
        ("spec.text", "FieldValueInvalid"),
        ("spec.size", "FieldValueInvalid"),
    ]


def test_versions_differ_by_their_name_only() -> None:
    world = World()
    kind = world.define(version("v1alpha1"), version("v1"), version("v1beta1"), version("v2"))
    assert kind.versions == ("v2", "v1", "v1beta1", "v1alpha1")
    made = world.store.create(foo(api_version=f"{GROUP}/v1beta1"))
    assert made.obj["apiVersion"] == f"{GROUP}/v2"
    assert world.get().status["storedVersions"] == ["v1"]


def test_an_object_is_judged_by_the_schema_of_the_version_it_is_written_in() -> None:
    world = World()
    strict = {"required": ["text"], "properties": {"text": {"type": "string"}}}
    world.define(version("v1", strict), version("v1beta1"))
    world.store.create(foo(spec={}, api_version=f"{GROUP}/v1beta1"))
    with pytest.raises(Invalid, match=r"spec.text: Required value"):
        world.store.create(foo("b", spec={}))


def test_of_versions_that_a_webhook_converts_the_stored_one_is_served() -> None:
    world = World()
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": "w", "namespace": "n"}}}}
    kind = world.define(version("v1"), version("v1beta1"), conversion=conversion)
    assert kind.versions == ("v1",)


def test_a_definition_that_serves_no_version_has_no_kind() -> None:
    world = World()
    world.store.create(definition({**version(), "served": False}))
    assert world.store.registry.of_group(GROUP, "Foo") is None


def test_columns_come_from_the_definition() -> None:
    world = World()
    columns = [
        {"name": "Text", "type": "string", "jsonPath": ".spec.text"},
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1, "description": "How big"},
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"},
        {"name": "Ratio", "type": "number", "jsonPath": ".status.ratio"},
        {"name": "On", "type": "boolean", "jsonPath": ".status.on"},
        {"name": "Since", "type": "date", "jsonPath": ".status.since"},
        {"name": "Until", "type": "date", "jsonPath": ".status.until"},
    ]
    properties = {
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "spec": {"type": "object", **SPEC},
    }
    whole = {
        **version(additionalPrinterColumns=columns),
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }
    kind = world.define(whole)
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "ratio": 0.5,
        "on": True,
        "since": "2026-01-01T00:00:00Z",
        "until": "soon",
    }
    made = world.store.create(foo(spec={"text": "abc"}, status=status))
    assert [(c.name, c.cell(made), c.wide) for c in kind.columns] == [
        ("Text", "abc", False),
        ("Size", 2, True),
        ("Ready", "True", False),
        ("Ratio", 0.5, False),
        ("On", True, False),
        ("Since", "2026-01-01T00:00:00Z", False),
        ("Until", "<invalid>", False),
    ]
    assert [c.description for c in kind.columns[:2]] == [
        "Custom resource definition column (in JSONPath format): .spec.text",
        "How big",
    ]


def test_without_columns_there_is_an_age() -> None:
    assert World().define().columns == (AGE,)


def test_a_column_without_a_value_is_empty() -> None:
    world = World()
    kind = world.define(version(additionalPrinterColumns=[{"name": "N", "type": "integer", "jsonPath": ".spec.n"}]))
    assert kind.columns[0].cell(world.store.create(foo(spec={}))) == ""


def test_without_a_status_part_status_is_a_field_like_others() -> None:
    world = World()
    kind = world.define(
        {**version(), "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
    )
    assert not kind.has_status
    made = world.store.create(foo(status={"a": 1}))
    assert made.status == {"a": 1}
    changed = world.store.update({**made.obj, "status": {"a": 2}})
    assert (changed.status, changed.generation) == ({"a": 2}, 2)


def test_with_a_status_part_status_is_written_there_and_judged() -> None:
    world = World()
    status = {"type": "object", "properties": {"n": {"type": "integer"}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"status": status}}}
    kind = world.define({**version(subresources={"status": {}}), "schema": schema})
    assert kind.has_status
    made = world.store.create(foo(status={"n": 1}))
    assert made.status == {}
    assert world.store.update_status(made.key, {"n": 2, "bogus": 3}).status == {"n": 2}
    with pytest.raises(Invalid, match=r'status.n: Invalid value: "string": status.n in body must be of type integer'):
        world.store.update_status(made.key, {"n": "x"})


def test_scale_short_names_categories_and_selectable_fields() -> None:
    world = World()
    paths = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size", "labelSelectorPath": ".status.sel"}
    kind = world.define(
        version(spec=SPEC, subresources={"scale": paths}, selectableFields=[{"jsonPath": ".spec.text"}]),
        names={"shortNames": ["fo"], "categories": ["all"]},
    )
    assert kind.scale is not None
    assert (kind.scale.replicas, kind.scale.current, kind.scale.selector) == ("spec.size", "status.size", "status.sel")
    assert (kind.short_names, kind.categories, kind.fields) == (("fo",), ("all",), ("spec.text",))


@pytest.mark.parametrize(
    ("names", "reason", "message"),
    [
        ({"singular": "bar"}, "SingularConflict", '"bar" is already in use'),
        ({"shortNames": ["b", "bars"]}, "ShortNamesConflict", '["b" is already in use, "bars" is already in use]'),
        ({"listKind": "BarList"}, "ListKindConflict", '"BarList" is already in use'),
    ],
)
def test_names_that_are_taken(names: dict[str, Any], reason: str, message: str) -> None:
    world = World()
    world.define(kind="Bar", names={"shortNames": ["b"]})
    world.store.create(definition(names=names))
    found = world.get()
    condition = found.condition("NamesAccepted")
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", reason, message)
    assert found.condition("Established")["status"] == "False"
    assert world.store.registry.of_group(GROUP, "Foo") is None
    world.undefine(f"bars.{GROUP}")
    assert world.get().condition("Established")["status"] == "True"
    assert world.store.registry.of_group(GROUP, "Foo") is not None
