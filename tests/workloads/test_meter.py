"""What Pods use: differences between two looks at their containers (virtual time)."""

from __future__ import annotations

import asyncio

import pytest

from emulator.workloads.meter import ContainerUse
from emulator.workloads.pods import POD
from tests.workloads.test_podscaling import MIB, World, world

__all__ = ["world"]
pytestmark = pytest.mark.looptime
USED = ContainerUse(0.5, 10 * MIB)


async def measured(world: World, wait_s: float = 0.0) -> dict[str, dict[str, ContainerUse]]:
    found = await world.meter.measure(world.store.list(POD), wait_s)
    return {key.name: uses for key, uses in found.items()}


async def test_a_rate_takes_two_looks(world: World) -> None:
    world.deployment()
    world.engine.cpu = 0.5
    assert await measured(world) == {}
    await asyncio.sleep(15)
    assert await measured(world) == {"d-0": {"c": USED}}


async def test_who_cannot_wait_for_the_next_has_the_second_look_at_once(world: World) -> None:
    world.deployment()
    world.engine.cpu = 0.5
    assert await measured(world, 1.0) == {"d-0": {"c": USED}}


async def test_what_was_just_seen_is_not_looked_at_again_and_what_is_old_does_not_count(world: World) -> None:
    world.deployment()
    await measured(world)
    await asyncio.sleep(0.5)
    assert (await measured(world), world.engine.asked) == ({}, 1)
    await asyncio.sleep(500)
    assert (await measured(world), world.engine.asked) == ({}, 2)


async def test_a_container_that_has_gone_has_no_use(world: World) -> None:
    world.pod("gone", {"name": "c", "image": "app"})
    assert await measured(world, 1.0) == {}
