"""Tasks that have an owner."""

from __future__ import annotations

import asyncio

import pytest

from emulator.lib.tasks import Tasks


async def test_leaving_cancels_what_still_runs() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with Tasks() as tasks:
        tasks.spawn(forever(), "forever")
        await asyncio.sleep(0)
    assert ended == [True]


async def test_a_task_that_fails_ends_the_group() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        async with Tasks() as tasks:
            tasks.spawn(fail(), "fail")
            await asyncio.Event().wait()
    assert caught.group_contains(ValueError, match="broken")
