"""The Store: versions, generations, conflicts, finalizers, watches."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.objects.errors import AlreadyExists, Conflict, Denied, Gone, Invalid, NotFound
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.problems import missing
from emulator.objects.resource import Resource
from emulator.objects.selectors import Selector
from emulator.store.projection import Projection
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.configs import CONFIG_MAP


class ThingSpec(Model):
    size: int | None = None


def _default(obj: dict[str, Any], request: Any) -> None:
    obj.setdefault("spec", {}).setdefault("size", 1)


def _validate(thing: Resource[ThingSpec], request: Any) -> list[Any]:
    return [missing("spec", "size")] if thing.spec.size == 0 else []


THING: Kind[ThingSpec] = Kind(
    group="test.dev",
    version="v1",
    name="Thing",
    plural="things",
    spec=ThingSpec,
    webhook="hook.test.dev",
    default=_default,
    validate=_validate,
)


def thing(name: str, size: int | None = None, **metadata: Any) -> dict[str, Any]:
    spec = {} if size is None else {"size": size}
    return {"apiVersion": "test.dev/v1", "kind": "Thing", "metadata": {"name": name, **metadata}, "spec": spec}


@pytest.fixture
def store() -> Store:
    return Store(Registry([THING, CONFIG_MAP]), SystemClock(), CONFIG_MAP)


def test_a_new_object_is_defaulted_and_gets_what_a_server_gives(store: Store) -> None:
    made = store.create(thing("a"))
    assert (made.spec.size, made.namespace, made.generation) == (1, "default", 1)
    assert made.uid and made.resource_version and made.metadata["creationTimestamp"]
    assert store.get(THING, "a", "default") is made


def test_a_status_in_a_new_object_is_dropped(store: Store) -> None:
    assert store.create({**thing("a"), "status": {"x": 1}}).status == {}


def test_only_a_changed_spec_raises_the_generation(store: Store) -> None:
    store.create(thing("a", 1))
    assert store.update(thing("a", 1, labels={"x": "y"})).generation == 1
    assert store.update(thing("a", 2)).generation == 2


def test_a_write_that_changes_nothing_makes_no_version_and_no_change(store: Store) -> None:
    made = store.create(thing("a", 1))
    heard: list[Change] = []
    store.observe(heard.append)
    assert store.update(thing("a", 1)) is made
    assert store.update_status(made.key, {}) is made
    assert heard == []


def test_a_stale_version_or_another_uid_is_a_conflict(store: Store) -> None:
    made = store.create(thing("a", 1))
    store.update(thing("a", 2))
    for metadata in ({"resourceVersion": str(made.resource_version)}, {"uid": "other"}):
        with pytest.raises(Conflict):
            store.update(thing("a", 3, **metadata))


def test_what_is_there_twice_or_not_at_all_is_told(store: Store) -> None:
    store.create(thing("a"))
    with pytest.raises(AlreadyExists, match=r'things.test.dev "a" already exists'):
        store.create(thing("a"))
    with pytest.raises(NotFound, match=r'things.test.dev "b" not found'):
        store.get(THING, "b", "default")


def test_a_broken_schema_is_invalid_and_a_broken_rule_denied_in_the_webhooks_words(store: Store) -> None:
    with pytest.raises(Invalid, match=r"spec.size: "):
        store.create({**thing("a"), "spec": {"size": "big"}})
    with pytest.raises(Denied) as caught:
        store.create(thing("a", 0))
    assert str(caught.value) == (
        'admission webhook "hook.test.dev" denied the request: validation failed: missing field(s): spec.size'
    )


def test_an_object_with_finalizers_is_only_marked(store: Store) -> None:
    made = store.create(thing("a", finalizers=["hold"]))
    assert store.delete(THING, "a", "default").is_deleting
    store.patch_metadata(made.key, finalizers=())
    assert store.find(THING, "a", "default") is None


def test_patching_metadata_sets_and_removes(store: Store) -> None:
    key = store.create(thing("a", labels={"x": "1"})).key
    patched = store.patch_metadata(key, labels={"x": None, "y": "2"}, annotations={"z": "3"})
    assert (dict(patched.labels), dict(patched.annotations)) == ({"y": "2"}, {"z": "3"})


def test_lists_are_sorted_and_selected(store: Store) -> None:
    for name in ("b", "a"):
        store.create(thing(name, labels={"name": name}))
    assert [r.name for r in store.list(THING)] == ["a", "b"]
    assert [r.name for r in store.list(THING, "default", Selector.parse("name=b"))] == ["b"]
    assert store.list(THING, "elsewhere") == []


async def test_a_watch_replays_and_follows_in_order(store: Store) -> None:
    since = store.version
    store.create(thing("a"))
    async with store.watch(THING, since=since) as watch:
        store.update(thing("a", 5))
        store.delete(THING, "a", "default")
        seen = [(await anext(watch)).type for _ in range(3)]
    assert seen == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_from_too_long_ago_is_gone(store: Store) -> None:
    store.create(thing("a", 0 + 1))
    for size in range(2, 20_010):
        store.update(thing("a", size))
    with pytest.raises(Gone, match="too old resource version"):
        store.watch(THING, since=1)


def test_changes_made_by_an_observer_are_announced_after_the_present_one(store: Store) -> None:
    order: list[str] = []

    def first(change: Change) -> None:
        if change.resource.name == "a":
            store.create(thing("b"))

    store.observe(first)
    store.observe(lambda change: order.append(change.resource.name))
    store.create(thing("a"))
    assert order == ["a", "b"]


def test_a_projection_keeps_a_table(store: Store) -> None:
    store.create(thing("a", 1))
    table: dict[str, int | None] = {}

    def put(resource: Resource[ThingSpec]) -> None:
        table[resource.name] = resource.spec.size

    Projection(store, THING, put, lambda resource: table.pop(resource.name))  # type: ignore[arg-type]
    store.create(thing("b", 2))
    store.update(thing("a", 3))
    store.delete(THING, "b", "default")
    assert table == {"a": 3}


def test_objects_of_a_kind_that_comes_later_are_kept_like_any(store: Store) -> None:
    late: Kind[ThingSpec] = Kind("late.dev", "v1", "Late", "lates", ThingSpec)
    assert store.find(late, "a", "default") is None
    assert store.list(late) == []
    store.registry.add(late)
    made = store.create({"apiVersion": "late.dev/v1", "kind": "Late", "metadata": {"name": "a"}})
    assert store.list(late) == [made]
    store.delete(late, "a", "default")
    store.registry.remove(late)
    assert store.list(late) == []
