"""Wall time that tests can move."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from emulator.lib.clock import LoopClock, parse_rfc3339, rfc3339, rfc3339_nano

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_times_are_written_and_read_as_kubernetes_does() -> None:
    assert rfc3339(START) == "2026-01-02T03:04:05Z"
    assert rfc3339_nano(START + timedelta(microseconds=120)) == "2026-01-02T03:04:05.000120000Z"
    assert parse_rfc3339("2026-01-02T05:04:05.25+02:00") == START + timedelta(seconds=0.25)


@pytest.mark.looptime
async def test_the_loop_clock_moves_with_the_loop() -> None:
    clock = LoopClock(START)
    assert clock.now() == START
    await asyncio.sleep(3600)
    assert clock.now() - START == timedelta(hours=1)
