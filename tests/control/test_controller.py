"""The Controller: children, pruning, reads that wake readers, failures, garbage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.control.recorder import Recorder
from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.conditions import Condition
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.kubeevents import KUBE_EVENT


class ParentSpec(Model):
    names: list[str] = []  # noqa: RUF012
    config: str = ""
    friend: str = ""


def _kind(name: str) -> Kind[ParentSpec]:
    return Kind(group="test.dev", version="v1", name=name, plural=name.lower() + "s", spec=ParentSpec)


PARENT, CHILD = _kind("Parent"), _kind("Child")
RUNS: list[str] = []


def reconcile(parent: Resource[ParentSpec], view: View) -> Outcome:
    RUNS.append(parent.name)
    if parent.spec.config == "fail":
        raise ValueError("as asked for")
    children = [_object("Child", name) for name in parent.spec.names]
    friends = [friend.name for friend in view.referring(PARENT, parent.key)]
    status = {"level": view.config(parent.spec.config, "default").get("level", ""), "friends": friends}
    ready = [Condition.true("Made")] if all(view.find(CHILD, n, "default") for n in parent.spec.names) else []
    return Outcome(ready or [Condition.unknown("Made")], status, children, notes=[Note("Ran", "it ran")])


def _friends(parent: Resource[ParentSpec]) -> Iterator[Key]:
    if parent.spec.friend:
        yield Key(PARENT, "default", parent.spec.friend)


def _object(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "test.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}


class World:
    def __init__(self) -> None:
        RUNS.clear()
        self.store = Store(Registry([PARENT, CHILD, CONFIG_MAP, KUBE_EVENT]), SystemClock(), CONFIG_MAP)
        recorder = Recorder(self.store, KUBE_EVENT)
        reconcilers = {PARENT: Reconciler(reconcile, prunes=(CHILD,), references=_friends)}
        self.controller = Controller(self.store, reconcilers, recorder, Addresses())

    def parent(self, name: str = "p", **spec: Any) -> Resource[Any]:
        obj = _object("Parent", name, **spec)
        present = self.store.find(PARENT, name, "default")
        changed = self.store.create(obj) if present is None else self.store.update(obj)
        self.controller.settle()
        return self.store.get(PARENT, changed.name, "default")

    def children(self) -> list[str]:
        return [child.name for child in self.store.list(CHILD)]


@pytest.fixture
def world() -> World:
    return World()


def test_what_can_wait_is_left_when_the_rest_is_settled(world: World) -> None:
    looked_at: list[str] = []

    def look(child: Resource[ParentSpec], view: View) -> Outcome:
        looked_at.append(child.name)
        return Outcome()

    reconcilers = {PARENT: Reconciler(reconcile, prunes=(CHILD,)), CHILD: Reconciler(look, can_wait=True)}
    controller = Controller(world.store, reconcilers, Recorder(world.store, KUBE_EVENT), Addresses())
    world.store.create(_object("Parent", "p", names=["a", "b"]))
    controller.settle(wholly=False)
    assert (world.children(), looked_at) == (["a", "b"], [])
    controller.settle()
    assert looked_at == ["a", "b"]


async def test_while_it_rests_nothing_is_reconciled_and_all_of_it_afterwards(world: World) -> None:
    async with Tasks() as tasks:
        tasks.spawn(world.controller.run(), "controller")
        world.controller.rest()
        world.store.create(_object("Parent", "p", names=["a"]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert world.children() == []
        async with asyncio.timeout(5), world.store.watch(CHILD) as made:
            await made.batch()
        assert world.children() == ["a"]


async def test_children_are_made_owned_and_pruned(world: World) -> None:
    parent = world.parent(names=["a", "b"])
    assert world.children() == ["a", "b"]
    assert all(child.is_controlled_by(parent) for child in world.store.list(CHILD))
    world.parent(names=["b"])
    assert world.children() == ["b"]


async def test_when_the_owner_goes_its_children_go(world: World) -> None:
    world.parent(names=["a"])
    world.store.delete(PARENT, "p", "default")
    assert world.children() == []


async def test_status_has_conditions_ready_and_the_observed_generation(world: World) -> None:
    parent = world.parent(names=["a"])
    assert parent.is_ready
    assert parent.status["observedGeneration"] == parent.generation


async def test_a_second_run_writes_nothing(world: World) -> None:
    world.parent(names=["a"])
    version = world.store.version
    world.store.patch_metadata(Key(PARENT, "default", "p"), labels={"x": "1"})
    world.controller.settle()
    changed = {c.name for c in world.store.list(KUBE_EVENT)}
    assert world.store.get(CHILD, "a", "default").resource_version < version
    assert len(changed) == 1


async def test_what_a_reconciler_read_wakes_it_and_nothing_else(world: World) -> None:
    world.parent("p", config="one")
    world.parent("q", config="two")
    RUNS.clear()
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"level": "7"}}
    world.store.create(config)
    world.controller.settle()
    assert RUNS == ["p"]
    assert world.store.get(PARENT, "p", "default").status["level"] == "7"


async def test_who_is_named_hears_of_who_names_it(world: World) -> None:
    world.parent("p")
    world.parent("q", friend="p")
    assert world.store.get(PARENT, "p", "default").status["friends"] == ["q"]
    RUNS.clear()
    world.parent("stranger")
    assert RUNS == ["stranger"]


async def test_a_child_that_somebody_deletes_comes_back(world: World) -> None:
    world.parent(names=["a"])
    world.store.delete(CHILD, "a", "default")
    world.controller.settle()
    assert world.children() == ["a"]


async def test_what_others_write_on_a_child_stays(world: World) -> None:
    world.parent(names=["a"])
    world.store.patch_metadata(Key(CHILD, "default", "a"), labels={"theirs": "1"})
    world.parent(names=["a", "b"])
    assert world.store.get(CHILD, "a", "default").labels == {"theirs": "1"}


async def test_a_child_that_is_somebody_elses_is_left_alone(world: World) -> None:
    world.store.create(_object("Child", "a"))
    world.parent(names=["a"])
    assert world.store.get(CHILD, "a", "default").controller is None


async def test_a_reconciler_that_fails_is_run_again_and_the_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.parent("bad", config="fail")
    world.parent("good")
    assert "reconciling failed; again in 0.1 s" in caplog.text
    assert world.store.get(PARENT, "good", "default").is_ready
