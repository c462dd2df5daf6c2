"""One timer for all deadlines, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from emulator.ingress.deadlines import NEVER, TICK_S, Deadlines


class Work:
    """Ends when it expires, unless it was told to go on until `later`."""

    def __init__(self, deadlines: Deadlines, deadline: float, later: float | None = None) -> None:
        self.deadline = deadline
        self.later = later
        self.expired_at: list[float] = []
        self._deadlines = deadlines
        deadlines.add(self)

    def expire(self, now: float) -> None:
        self.expired_at.append(now)
        if self.later is None:
            self.end()
        else:
            self.deadline, self.later = self.later, None

    def end(self) -> None:
        self._deadlines.active.discard(self)


@pytest.mark.looptime(start=0)
async def test_each_work_is_told_within_a_tick_after_its_deadline() -> None:
    deadlines = Deadlines()
    works = [Work(deadlines, at) for at in (0.05, 3.0, 1.0)]
    await asyncio.sleep(5)
    for work in works:
        (at,) = work.expired_at
        assert work.deadline <= at <= work.deadline + TICK_S + 0.01


@pytest.mark.looptime(start=0)
async def test_a_deadline_that_moved_is_told_again_when_it_comes() -> None:
    deadlines = Deadlines()
    work = Work(deadlines, 1.0, later=4.0)
    await asyncio.sleep(10)
    assert [round(at) for at in work.expired_at] == [1, 4]


@pytest.mark.looptime(start=0)
async def test_work_that_ended_in_time_is_not_told() -> None:
    deadlines = Deadlines()
    work = Work(deadlines, 1.0)
    await asyncio.sleep(0.5)
    work.end()
    await asyncio.sleep(5)
    assert work.expired_at == []


@pytest.mark.looptime(start=0)
async def test_work_without_a_deadline_is_never_told() -> None:
    deadlines = Deadlines()
    work = Work(deadlines, NEVER)
    await asyncio.sleep(1000)
    assert work.expired_at == []
    work.end()


@pytest.mark.looptime(start=0)
async def test_the_timer_rests_when_nothing_is_active_and_starts_again() -> None:
    deadlines = Deadlines()
    Work(deadlines, 0.05)
    await asyncio.sleep(1)
    second = Work(deadlines, asyncio.get_running_loop().time() + 1)
    await asyncio.sleep(2)
    assert len(second.expired_at) == 1
    assert deadlines.active == set()
