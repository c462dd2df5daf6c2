"""Who controls whom, and what goes when an owner goes."""

from __future__ import annotations

from typing import Any

from emulator.control.ownership import Ownership
from emulator.lib.clock import SystemClock
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from tests.world import obj


class Spec(Model):
    size: int = 0


THING = Kind(group="test.dev", version="v1", name="Thing", plural="things", spec=Spec)


class World:
    def __init__(self) -> None:
        self.store = Store(Registry([THING, CONFIG_MAP]), SystemClock(), CONFIG_MAP)
        self.ownership = Ownership(self.store)
        self.store.observe(self.ownership.note)

    def thing(self, name: str, *owners: Resource[Any], controls: bool = True, **metadata: Any) -> Resource[Any]:
        references = [{**owner.owner_reference(), "controller": controls} for owner in owners]
        return self.store.create(obj(THING, name, {}, ownerReferences=references, **metadata))

    def names(self) -> list[str]:
        return [thing.name for thing in self.store.list(THING)]

    def owned(self, owner: Resource[Any]) -> list[str]:
        return [thing.name for thing in self.ownership.owned(THING, owner.uid)]


def test_only_controlled_children_are_listed_by_name() -> None:
    world = World()
    owner = world.thing("owner")
    world.thing("b", owner)
    world.thing("a", owner)
    world.thing("friend", owner, controls=False)
    assert world.owned(owner) == ["a", "b"]


def test_children_and_their_children_go_with_the_owner() -> None:
    world = World()
    owner = world.thing("owner")
    world.thing("grandchild", world.thing("child", owner))
    world.thing("friend", owner, controls=False)
    world.thing("stranger")
    world.store.delete(THING, "owner", "default")
    assert world.names() == ["stranger"]


def test_a_child_of_two_stays_with_the_other_one() -> None:
    world = World()
    one, two = world.thing("one"), world.thing("two")
    world.thing("child", one, two, controls=False)
    world.store.delete(THING, "one", "default")
    assert "child" in world.names()
    world.store.delete(THING, "two", "default")
    assert world.names() == []


def test_a_child_that_changes_hands_is_the_new_owners() -> None:
    world = World()
    one, two = world.thing("one"), world.thing("two")
    world.thing("child", one)
    world.store.update(obj(THING, "child", {}, ownerReferences=[two.owner_reference()]))
    assert (world.owned(one), world.owned(two)) == ([], ["child"])
    world.store.delete(THING, "one", "default")
    assert "child" in world.names()


def test_an_owner_of_the_same_name_made_later_is_another_one() -> None:
    world = World()
    one, other = world.thing("one"), world.thing("other")
    gone = {**other.owner_reference(), "uid": "gone", "controller": False}
    world.store.create(obj(THING, "child", {}, ownerReferences=[one.owner_reference(), gone]))
    world.store.delete(THING, "one", "default")
    assert "child" not in world.names()


def test_a_child_with_finalizers_waits_for_them() -> None:
    world = World()
    owner = world.thing("owner")
    world.thing("child", owner, finalizers=["test.dev/wait"])
    world.store.delete(THING, "owner", "default")
    assert world.store.get(THING, "child", "default").is_deleting
