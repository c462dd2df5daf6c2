"""A log that stays readable."""

from __future__ import annotations

import asyncio
import logging

import pytest

from emulator.lib.linebudget import LINES_PER_S, LineBudget

pytestmark = pytest.mark.looptime
logger = logging.getLogger(__name__)


async def test_beyond_so_many_lines_a_second_they_are_only_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    budget = LineBudget(logger, "requests")
    assert [budget.may_speak() for _ in range(LINES_PER_S + 7)] == [True] * LINES_PER_S + [False] * 7
    await asyncio.sleep(1.1)
    assert caplog.messages == ["… and 7 more lines in the last second"]
    assert budget.may_speak()


async def test_a_quiet_second_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LineBudget(logger, "requests").may_speak()
    await asyncio.sleep(5)
    assert caplog.messages == []
