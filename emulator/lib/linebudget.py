"""How many lines a second the log gets about things that may happen thousands of times in it; the rest is counted."""

from __future__ import annotations

import asyncio
import logging

from emulator.lib.report import report

LINES_PER_S = 60


class LineBudget:
    """Asked before each line. What was not said is told as a number, about `about`, when the second is over."""

    def __init__(self, logger: logging.Logger, about: str) -> None:
        self._logger = logger
        self._about = about
        self._left = LINES_PER_S
        self._skipped = 0
        self._second: asyncio.TimerHandle | None = None

    def may_speak(self) -> bool:
        """Whether there is a line left in this second."""
        if self._second is None:
            self._second = asyncio.get_running_loop().call_later(1.0, self._next_second)
        if self._left <= 0:
            self._skipped += 1
            return False
        self._left -= 1
        return True

    def _next_second(self) -> None:
        self._second, self._left = None, LINES_PER_S
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            report(self._logger, self._about, "… and %d more lines in the last second", skipped)
