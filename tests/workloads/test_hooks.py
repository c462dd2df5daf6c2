"""Hooks after a container's start and before its end (virtual time, an engine in memory)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.runtime.base import ExecResult
from tests.workloads.test_containers import World, shown, world

__all__ = ["world"]
pytestmark = pytest.mark.looptime(start=0)

COMMAND = {"exec": {"command": ["hook"]}}


def asked(world: World, code: int = 0) -> list[tuple[str, ...]]:
    """The commands that are run in containers from now on; they end with `code`."""
    found: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> ExecResult:
        found.append(argv)
        return ExecResult(code, "")

    world.runtime.exec_result = run
    return found


async def test_a_container_is_ready_when_its_first_hook_has_run(world: World) -> None:
    commands = asked(world)
    keeper = world.keep(lifecycle={"postStart": {"sleep": {"seconds": 5}}, "preStop": COMMAND})
    await asyncio.sleep(4)
    assert shown(keeper) == "running"
    await asyncio.sleep(2)
    assert (shown(keeper), commands) == ("ready", [])


async def test_one_whose_first_hook_fails_is_started_anew(world: World) -> None:
    commands = asked(world, code=1)
    keeper = world.keep(lifecycle={"postStart": COMMAND})
    await asyncio.sleep(5)
    assert (shown(keeper), keeper.restarts, len(commands)) == ("CrashLoopBackOff", 1, 2)
    assert "FailedPostStartHook" in {note.reason for note in world.told}


@pytest.mark.parametrize("code", [0, 1])
async def test_the_last_hook_runs_before_the_end_however_it_ends(world: World, code: int) -> None:
    commands = asked(world, code)
    keeper = world.keep(lifecycle={"preStop": COMMAND})
    await asyncio.sleep(1)
    await keeper.stop(10.0)
    await asyncio.sleep(1)
    assert (shown(keeper), commands) == ("ended 143", [("hook",)])
    assert ("FailedPreStopHook" in {note.reason for note in world.told}) is (code == 1)


@pytest.mark.parametrize(("hook", "took_s"), [({"sleep": {"seconds": 4}}, 4), ({"sleep": {"seconds": 60}}, 10)])
async def test_its_time_is_part_of_the_grace(world: World, hook: dict[str, Any], took_s: float) -> None:
    keeper = world.keep(lifecycle={"preStop": hook})
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await keeper.stop(10.0)
    assert round(loop.time() - begun) == took_s


async def test_one_that_a_probe_condemns_has_its_last_hook_too(world: World) -> None:
    commands = asked(world, code=1)
    live = {"exec": {"command": ["live"]}, "periodSeconds": 1, "failureThreshold": 1}
    world.keep("Never", livenessProbe=live, lifecycle={"preStop": COMMAND})
    await asyncio.sleep(3)
    assert commands == [("live",), ("hook",)]
