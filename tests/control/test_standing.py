"""What is not ready is told once for each message, with what it lacks, and when it is ready again."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.control.recorder import Recorder
from emulator.lib.clock import SystemClock
from emulator.objects.conditions import Condition
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.kubeevents import KUBE_EVENT


class ThingSpec(Model):
    lacks: str = ""
    explains: bool = False
    children: bool = False


THING = Kind(group="test.dev", version="v1", name="Thing", plural="things", spec=ThingSpec)


def reconcile(thing: Resource[ThingSpec], _: View) -> Outcome:
    lacks = thing.spec.lacks
    condition = Condition.false("Made", "Lacking", f"it lacks {lacks}") if lacks else Condition.true("Made")
    notes = [Note("Lack", f"no {lacks}: make one", "Warning", is_told=True)] if thing.spec.explains else []
    children = [_object(f"{thing.name}-child", lacks=lacks)] if thing.spec.children else []
    return Outcome([condition], {}, children, notes=notes)


def _object(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "test.dev/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


class World:
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.store = Store(Registry([THING, CONFIG_MAP, KUBE_EVENT]), SystemClock(), CONFIG_MAP)
        recorder = Recorder(self.store, KUBE_EVENT)
        self.controller = Controller(self.store, {THING: Reconciler(reconcile)}, recorder, Addresses())
        self._caplog = caplog
        caplog.set_level(logging.INFO)

    def told_by(self, *objects: dict[str, Any]) -> list[tuple[str, str]]:
        """What the log says, about whom, of these as they are written together."""
        self._caplog.clear()
        for obj in objects:
            present = self.store.find(THING, obj["metadata"]["name"], "default")
            _ = self.store.create(obj) if present is None else self.store.update(obj)
        self.controller.settle()
        return [(record.__dict__["about"], record.getMessage()) for record in self._caplog.records]


@pytest.fixture
async def world(caplog: pytest.LogCaptureFixture) -> World:
    return World(caplog)


async def test_what_is_ready_is_not_talked_of(world: World) -> None:
    assert world.told_by(_object("a")) == []


async def test_each_lack_is_told_once_and_its_end(world: World) -> None:
    assert world.told_by(_object("a", lacks="salt")) == [("a", "Thing is not ready: it lacks salt")]
    assert world.told_by(_object("a", lacks="salt", children=True)) == []
    assert world.told_by(_object("a", lacks="oil")) == [("a", "Thing is not ready: it lacks oil")]
    assert world.told_by(_object("a")) == [("a", "Thing is ready")]
    assert world.told_by(_object("a", lacks="oil")) == [("a", "Thing is not ready: it lacks oil")]


async def test_what_is_mended_before_the_work_is_done_is_not_told(world: World) -> None:
    assert world.told_by(_object("a", lacks="salt"), _object("a")) == []


async def test_children_say_it_through_their_owner(world: World) -> None:
    told = world.told_by(_object("a", lacks="salt", children=True))
    assert world.store.get(THING, "a-child", "default").condition("Ready")["status"] == "False"
    assert [about for about, _ in told] == ["a"]


async def test_what_a_line_has_explained_is_not_said_again(world: World) -> None:
    told = world.told_by(_object("a", lacks="salt", explains=True))
    assert told == [("a", "Lack: no salt: make one")]
    assert world.told_by(_object("a")) == [("a", "Thing is ready")]


async def test_one_that_is_made_anew_is_told_again(world: World) -> None:
    world.told_by(_object("a", lacks="salt"))
    world.store.delete(THING, "a", "default")
    assert world.told_by(_object("a", lacks="salt")) == [("a", "Thing is not ready: it lacks salt")]
