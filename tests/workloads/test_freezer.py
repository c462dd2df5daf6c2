"""A Pod's containers are paused and thawed in order, whatever is wished when (virtual time)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emulator.lib.tasks import Tasks
from emulator.runtime.base import Status
from emulator.runtime.errors import ContainerFailed
from emulator.workloads.containers import ContainerKeeper
from emulator.workloads.freezer import Freezer
from tests.workloads import test_containers as containers

pytestmark = pytest.mark.looptime(start=0)
PROBE = {"exec": {"command": ["ok"]}, "periodSeconds": 5, "failureThreshold": 1}


class World(containers.World):
    """With a Freezer over some keepers; `is_drained` says whether no request is under way."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.is_drained = True
        self.changes: list[bool] = []
        self.keepers: list[ContainerKeeper] = []

    def freezer(self, *fields: dict[str, Any]) -> Freezer:
        self.keepers = [self.keep(name=name, **more) for name, more in zip(("c", "d"), fields or ({},), strict=False)]

        async def drained() -> bool:
            await asyncio.sleep(1)
            return self.is_drained

        def changed() -> None:
            self.changes.append(freezer.is_frozen)

        freezer = Freezer("hello-00001", self.link, self.keepers, drained, changed)
        self.tasks.spawn(freezer.run(), "freezer")
        return freezer

    def status(self, number: int = 0) -> Status | None:
        id = self.keepers[number].id
        return self.runtime.states[id].status if id is not None else None


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with Tasks() as tasks:
        world = World(tasks)
        tasks.spawn(world.link.run(), "engine")
        yield world


async def test_it_is_told_before_anything_is_paused_and_after_all_is_thawed(world: World) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    freezer.wish(True)
    await asyncio.sleep(0.1)
    assert (world.changes, world.status()) == ([True], Status.RUNNING)
    await asyncio.sleep(2)
    assert (freezer.is_frozen, world.status()) == (True, Status.PAUSED)
    freezer.wish(False)
    await asyncio.sleep(0.1)
    assert (world.changes, world.status()) == ([True, False], Status.RUNNING)
    id = world.keepers[0].id
    assert id is not None
    assert freezer.took_ms(id) is not None


async def test_a_wish_that_is_taken_back_in_time_asks_nothing_of_the_engine(world: World) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    freezer.wish(True)
    await asyncio.sleep(1.1)
    freezer.wish(False)
    await asyncio.sleep(0.01)
    assert (freezer.is_frozen, world.changes) == (False, [True, False])
    assert world.runtime.naps == 0


async def test_it_waits_for_what_is_under_way(world: World) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    world.is_drained = False
    freezer.wish(True)
    await asyncio.sleep(60)
    assert (freezer.is_frozen, world.status()) == (True, Status.RUNNING)
    world.is_drained = True
    await asyncio.sleep(3)
    assert world.status() is Status.PAUSED


async def test_all_containers_of_a_pod_are_paused(world: World) -> None:
    freezer = world.freezer({}, {})
    await asyncio.sleep(1)
    freezer.wish(True)
    await asyncio.sleep(3)
    assert [world.status(0), world.status(1)] == [Status.PAUSED, Status.PAUSED]
    await freezer.thaw()
    assert [world.status(0), world.status(1)] == [Status.RUNNING, Status.RUNNING]


async def test_probes_rest_meanwhile(world: World) -> None:
    asked: list[float] = []
    plain = world.runtime.exec_result

    def result(argv: tuple[str, ...]) -> Any:
        asked.append(asyncio.get_running_loop().time())
        return plain(argv)

    world.runtime.exec_result = result
    freezer = world.freezer({"livenessProbe": PROBE, "readinessProbe": PROBE})
    await asyncio.sleep(12)
    freezer.wish(True)
    await asyncio.sleep(3)
    before = len(asked)
    await asyncio.sleep(600)
    assert len(asked) == before
    freezer.wish(False)
    await asyncio.sleep(12)
    assert len(asked) > before
    assert world.keepers[0].restarts == 0
    assert world.keepers[0].is_ready


async def test_one_that_ends_while_frozen_is_started_again_when_it_is_thawed(world: World) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    freezer.wish(True)
    await asyncio.sleep(3)
    world.end(world.keepers[0], 137)
    await asyncio.sleep(600)
    assert (containers.shown(world.keepers[0]), await world.left()) == ("ended 137", [])
    freezer.wish(False)
    await asyncio.sleep(1)
    assert (containers.shown(world.keepers[0]), await world.left()) == ("ready", ["c-2"])


async def test_a_lost_engine_is_waited_for(world: World) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    freezer.wish(True)
    await asyncio.sleep(3)
    world.runtime.lose()
    freezer.wish(False)
    await asyncio.sleep(10)
    assert freezer.is_frozen
    world.runtime.comes_back()
    await asyncio.sleep(5)
    assert (freezer.is_frozen, world.status()) == (False, Status.RUNNING)


async def test_one_that_cannot_be_thawed_is_started_anew(world: World) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    freezer.wish(True)
    await asyncio.sleep(3)
    world.runtime.stuck = ContainerFailed("c", "unpause", "cgroup is gone")
    freezer.wish(False)
    await asyncio.sleep(1)
    assert (containers.shown(world.keepers[0]), await world.left()) == ("ready", ["c-2"])


async def test_an_engine_that_cannot_pause_leaves_it_running_without_requests(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    freezer = world.freezer()
    await asyncio.sleep(1)
    world.runtime.stuck = ContainerFailed("c", "pause", "no freezer")
    freezer.wish(True)
    await asyncio.sleep(3)
    assert (freezer.is_frozen, world.status()) == (True, Status.RUNNING)
    assert "not paused, it runs on without requests: no freezer" in caplog.text
    await freezer.thaw()
    assert world.keepers[0].is_ready
