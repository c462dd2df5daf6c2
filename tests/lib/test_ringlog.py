import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from emulator.lib.ringlog import RingLog, Run

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def filled(count: int, **limits: int) -> RingLog:
    log = RingLog(**limits)
    for number in range(count):
        log.append(f"line {number}", NOON + timedelta(seconds=number))
    return log


def test_lines_are_read_back_in_order_with_their_stream_and_time() -> None:
    log = RingLog()
    log.append("hello", NOON)
    log.append("oops", NOON, "stderr")
    assert [(line.position, line.text, line.stream, line.at) for line in log.read()] == [
        (0, "hello", "stdout", NOON),
        (1, "oops", "stderr", NOON),
    ]


def test_the_oldest_lines_go_first_and_positions_stay() -> None:
    log = filled(5, limit_lines=3)
    assert [line.position for line in log.read()] == [2, 3, 4]
    assert log.end == 5


def test_the_amount_of_text_is_bounded_but_one_line_is_always_kept() -> None:
    log = filled(10, limit_bytes=14)
    assert [line.text for line in log.read()] == ["line 8", "line 9"]
    log.append("x" * 100, NOON)
    assert [line.text for line in log.read()] == ["x" * 100]


@pytest.mark.parametrize(
    ("tail", "since", "start", "positions"),
    [
        (2, None, 0, [3, 4]),
        (0, None, 0, []),
        (99, None, 0, [0, 1, 2, 3, 4]),
        (None, 3, 0, [3, 4]),
        (1, 3, 0, [4]),
        (None, None, 4, [4]),
        (None, None, 9, []),
        (None, 1, 2, [2, 3, 4]),
    ],
)
def test_reading_back_can_be_narrowed(tail: int | None, since: int | None, start: int, positions: list[int]) -> None:
    moment = None if since is None else NOON + timedelta(seconds=since)
    assert [line.position for line in filled(5).read(start=start, since=moment, tail=tail)] == positions


async def test_a_follower_gets_old_and_new_lines_until_the_log_closes() -> None:
    log, seen = filled(2), []

    async def consume() -> None:
        async for line in log.follow(start=1):
            seen.append(line.text)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(consume())
        await asyncio.sleep(0)
        log.append("line 2", NOON)
        await asyncio.sleep(0)
        log.append("line 3", NOON)
        log.close()
    assert seen == ["line 1", "line 2", "line 3"]
    assert log.is_closed


async def test_followers_do_not_disturb_each_other() -> None:
    log = filled(1)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        stays = group.create_task(texts(log))
        leaves = group.create_task(texts(log))
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.sleep(0)
        log.append("line 1", NOON)
        log.close()
    assert stays.result() == ["line 0", "line 1"]
    assert leaves.cancelled()


async def test_a_slow_follower_sees_the_gap_in_the_positions() -> None:
    log = filled(1, limit_lines=2)
    lines = log.follow()
    assert (await anext(lines)).position == 0
    for number in range(5):
        log.append(f"late {number}", NOON)
    assert [(await anext(lines)).position for _ in range(2)] == [4, 5]
    await lines.aclose()  # type: ignore[attr-defined]


def test_runs_are_told_apart() -> None:
    log = RingLog()
    assert log.run() == Run(0)
    assert log.run(1) is None
    for number in range(3):
        log.begin()
        log.append(f"line {number}", NOON)
        log.rest()
    assert (log.run(), log.run(1), log.run(2)) == (Run(2, 3), Run(1, 2), None)
    assert [line.text for line in log.read(start=1, end=2)] == ["line 1"]
    log.begin()
    assert log.run() == Run(3)


async def test_who_follows_a_run_ends_with_it() -> None:
    log, seen = RingLog(), []
    log.begin()
    log.append("line 0", NOON)

    async def consume() -> None:
        async for line in log.follow(run=log.run()):
            seen.append(line.text)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(consume())
        await asyncio.sleep(0)
        log.append("line 1", NOON)
        log.begin()
        log.append("line 2", NOON)
    assert seen == ["line 0", "line 1"]


async def test_who_is_released_follows_no_more() -> None:
    log = filled(1)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        reading = group.create_task(texts(log))
        await asyncio.sleep(0)
        log.release()
    assert reading.result() == ["line 0"]
    log.append("line 1", NOON)
    assert [line.text for line in log.read()] == ["line 0", "line 1"]


async def texts(log: RingLog) -> list[str]:
    return [line.text async for line in log.follow()]
