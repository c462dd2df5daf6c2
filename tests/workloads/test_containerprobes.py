"""What follows from the answers of a container's probes (virtual time, an engine in memory)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.lib.tasks import Tasks
from emulator.runtime.base import ExecResult, Status
from emulator.workloads.containerprobes import Sleep
from tests.workloads.test_containers import World, shown, world

__all__ = ["world"]
pytestmark = pytest.mark.looptime(start=0)


def probe(**fields: Any) -> dict[str, Any]:
    return {"exec": {"command": ["well"]}, "periodSeconds": 5, "failureThreshold": 3, **fields}


def answer(world: World, is_well: bool) -> None:
    world.runtime.exec_result = lambda argv: ExecResult(0 if is_well else 1, "")


async def test_one_that_does_not_start_up_in_time_is_started_anew(world: World) -> None:
    answer(world, False)
    keeper = world.keep(startupProbe=probe(), livenessProbe=probe())
    await asyncio.sleep(14)
    assert (keeper.is_started, keeper.restarts) == (False, 0)
    await asyncio.sleep(2)
    assert (keeper.is_started, keeper.restarts) == (False, 1)
    assert "Startup probe failed" in {note.message for note in world.told}
    answer(world, True)
    await asyncio.sleep(1)
    assert (keeper.is_started, shown(keeper)) == (True, "ready")


async def test_one_that_stops_living_is_started_anew_after_so_many_failures(world: World) -> None:
    keeper = world.keep(livenessProbe=probe(initialDelaySeconds=2))
    await asyncio.sleep(8)
    answer(world, False)
    await asyncio.sleep(13)
    assert keeper.restarts == 0, "two failures are not three"
    answer(world, True)
    await asyncio.sleep(6)
    answer(world, False)
    await asyncio.sleep(15)
    assert keeper.restarts == 1
    killed = "Container c failed liveness probe, will be restarted"
    assert killed in {note.message for note in world.told}


async def test_one_that_is_not_ready_any_more_runs_on(world: World) -> None:
    keeper = world.keep(readinessProbe=probe(successThreshold=2))
    await asyncio.sleep(1)
    assert shown(keeper) == "ready"
    answer(world, False)
    await asyncio.sleep(16)
    assert (shown(keeper), keeper.restarts) == ("running", 0)
    answer(world, True)
    await asyncio.sleep(6)
    assert shown(keeper) == "running", "one success is not two"
    await asyncio.sleep(5)
    assert shown(keeper) == "ready"


async def test_nothing_is_asked_of_one_that_sleeps_and_its_answers_of_before_do_not_count() -> None:
    sleep, asked, said = Sleep(), list[float](), list[bool]()
    loop = asyncio.get_running_loop()

    async def check() -> bool:
        asked.append(loop.time())
        await asyncio.sleep(1)
        return len(asked) > 1

    async def ask() -> None:
        said.append(await sleep.when_over(check)())

    async with Tasks() as tasks:
        tasks.spawn(ask(), "ask")
        await asyncio.sleep(0.5)
        sleep.begin()
        assert sleep.is_asleep
        await asyncio.sleep(10)
        assert said == [], "it said no, but fell asleep meanwhile"
        sleep.end()
        await asyncio.sleep(2)
    assert said == [True]
    assert [round(at) for at in asked] == [0, 10]


async def test_a_container_that_a_probe_condemns_is_stopped_and_not_removed_first(world: World) -> None:
    answer(world, False)
    keeper = world.keep("Never", livenessProbe=probe(periodSeconds=1, failureThreshold=1))
    await asyncio.sleep(3)
    assert shown(keeper) == "ended 143"
    assert [state.status for state in await world.runtime.containers()] == [Status.EXITED]
