"""The line to the engine: ends that are noticed, by all who wait, and an engine that goes and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from emulator.lib.tasks import Tasks
from emulator.runtime.base import ContainerSpec, Runtime, Status
from emulator.workloads.enginelink import EngineLink
from tests.runtime.memory import MemoryRuntime

pytestmark = pytest.mark.looptime(start=0)


class World:
    def __init__(self, tasks: Tasks) -> None:
        self.runtime = MemoryRuntime("an/image")
        runtime: Runtime = self.runtime
        self.link = EngineLink(runtime, 1.0, 4.0)
        self.tasks = tasks
        self.codes: list[int | None] = []
        tasks.spawn(self.link.run(), "link")

    async def start(self, name: str = "c") -> str:
        return (await self.link.call(lambda: self.runtime.start(ContainerSpec(name=name, image="an/image")))).id

    def wait(self, id: str) -> asyncio.Task[None]:
        async def wait() -> None:
            self.codes.append((await self.link.ended(id)).exit_code)

        return self.tasks.spawn(wait(), "waiter")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with Tasks() as tasks:
        yield World(tasks)


async def test_the_end_of_a_container_is_noticed_with_its_code(world: World) -> None:
    id = await world.start()
    world.wait(id)
    await asyncio.sleep(1)
    assert world.codes == []
    world.runtime.finish(id, 3)
    await asyncio.sleep(1)
    assert world.codes == [3]


async def test_all_who_wait_for_one_container_hear_of_its_end(world: World) -> None:
    id = await world.start()
    waiters = [world.wait(id) for _ in range(3)]
    await asyncio.sleep(1)
    world.runtime.finish(id, 3)
    async with asyncio.timeout(5):
        await asyncio.wait(waiters)
    assert world.codes == [3, 3, 3]


async def test_one_who_stops_waiting_takes_nothing_from_the_others(world: World) -> None:
    id = await world.start()
    leaving, staying = world.wait(id), world.wait(id)
    await asyncio.sleep(1)
    leaving.cancel()
    await asyncio.sleep(1)
    world.runtime.finish(id, 3)
    async with asyncio.timeout(5):
        await staying
    assert world.codes == [3]


async def test_a_pause_is_no_end(world: World) -> None:
    id = await world.start()
    world.wait(id)
    await world.runtime.pause(id)
    await asyncio.sleep(1)
    assert world.codes == []


async def test_a_container_that_was_removed_or_never_was_is_gone(world: World) -> None:
    assert (await world.link.ended("never")).status is Status.GONE


async def test_a_call_waits_for_a_lost_engine_and_is_made_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.sleep(0.1)
    world.runtime.lose()
    await asyncio.sleep(0.1)
    assert not world.link.is_here
    asyncio.get_running_loop().call_later(20, world.runtime.comes_back)
    async with asyncio.timeout(60):
        assert await world.start()
    assert world.link.is_here
    assert world.runtime.connects >= 5
    said = "Container engine at memory was lost: the test said so; wait. Requests are held until it is back."
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [said]


async def test_an_end_while_the_engine_was_away_is_noticed_when_it_is_back(world: World) -> None:
    id = await world.start()
    waiter = world.wait(id)
    await asyncio.sleep(1)
    world.runtime.lose()
    world.runtime.finish(id, 9)
    await asyncio.sleep(10)
    world.runtime.comes_back()
    async with asyncio.timeout(30):
        await waiter
    assert world.codes == [9]
