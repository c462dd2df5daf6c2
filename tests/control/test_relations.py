"""The Index behind a View: who names whom, and which reads a change makes stale."""

from __future__ import annotations

from emulator.control.reconciler import Listed, Owned, Referring
from emulator.control.relations import Index
from emulator.objects.resource import Key
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE
from emulator.serving.routes import referenced
from emulator.store.watch import Change
from tests.world import World, obj


def route(revision: str) -> dict[str, object]:
    return obj(ROUTE, "r", {"traffic": [{"revisionName": revision, "percent": 100}]})


def key(name: str) -> Key:
    return Key(REVISION, "default", name)


def test_who_names_an_object_is_found_until_it_names_another_or_goes() -> None:
    world = World()
    world.create(route("a"))
    assert [r.name for r in world.view().referring(ROUTE, key("a"))] == ["r"]
    world.store.update(route("b"))
    assert world.view().referring(ROUTE, key("a")) == []
    assert [r.name for r in world.view().referring(ROUTE, key("b"))] == ["r"]
    world.store.delete(ROUTE, "r", "default")
    assert world.view().referring(ROUTE, key("b")) == []


def test_a_change_is_news_to_those_that_read_it_its_list_its_owner_or_what_it_names() -> None:
    world = World()
    owner = world.create(obj(CONFIGURATION, "c", {"template": {"spec": {"containers": [{"image": "app"}]}}}))
    index = Index(world.store, {ROUTE: referenced})
    stale: list[object] = []

    def note(change: Change) -> None:
        stale[:] = index.note(change)

    world.store.observe(note)
    made = world.create(route("a"), owner)
    own = [made.key, Listed(ROUTE, "default"), Listed(ROUTE, ""), Owned(ROUTE, owner.uid)]
    assert stale == [*own, Referring(ROUTE, key("a"))]
    world.edit(made, spec={"traffic": [{"revisionName": "b", "percent": 100}]})
    assert set(stale) == {*own, Referring(ROUTE, key("a")), Referring(ROUTE, key("b"))}


def test_an_objects_age_is_that_of_its_spec() -> None:
    world = World()
    made = world.create(route("a"))
    world.clock.advance(2)
    world.store.patch_metadata(made.key, labels={"mine": "1"})
    assert world.view().age_s(made) == 2
    changed = world.edit(made, spec={"traffic": [{"revisionName": "b", "percent": 100}]})
    assert world.view().age_s(changed) == 0
