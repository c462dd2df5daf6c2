"""The last lines of a program's output, bounded, for reading back and for following.

Every line has an absolute position that never changes: a reader who asks again from its last position plus one neither
repeats nor misses a line, and one that fell behind sees the gap in the positions. What exceeds the bounds is dropped
from the old end. Everything happens on one event loop; appending never waits for a reader. A program that is started
again goes on in the same log: `begin` and `rest` tell its runs apart.

This module knows nothing of containers: whoever reads a program's output appends here, whoever serves `logs` reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

LIMIT_LINES = 10_000
LIMIT_BYTES = 1024 * 1024
_RUNS_KEPT = 2


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line without its newline, when it was read (aware UTC) and from which stream."""

    position: int
    at: datetime
    text: str
    stream: str = "stdout"


@dataclass(slots=True)
class Run:
    """From one start of the program to its end: positions from `start` up to `end`; None while it goes on."""

    start: int
    end: int | None = None


class RingLog:
    """The newest lines: at most `limit_lines`, and about `limit_bytes` of text (one line is always kept)."""

    def __init__(self, limit_lines: int = LIMIT_LINES, limit_bytes: int = LIMIT_BYTES) -> None:
        self._lines: deque[LogLine] = deque()
        self._limit_lines = limit_lines
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._next = 0
        self._closed = False
        self._is_released = False
        self._runs: deque[Run] = deque(maxlen=_RUNS_KEPT)
        self._followers: set[asyncio.Event] = set()

    @property
    def end(self) -> int:
        """The position that the next line will get."""
        return self._next

    @property
    def is_closed(self) -> bool:
        """Whether the program has ended, so that no line will follow."""
        return self._closed

    def append(self, text: str, at: datetime, stream: str = "stdout") -> LogLine:
        """Add one line at the new end and wake the followers."""
        line = LogLine(self._next, at, text, stream)
        self._next += 1
        self._lines.append(line)
        self._bytes += len(text)
        while len(self._lines) > self._limit_lines or (self._bytes > self._limit_bytes and len(self._lines) > 1):
            self._bytes -= len(self._lines.popleft().text)
        self._wake()
        return line

    def begin(self) -> None:
        """The program starts, again perhaps: what is appended from now on is this run's."""
        self.rest()
        self._runs.append(Run(self._next))

    def rest(self) -> None:
        """The program has ended; it may be started again."""
        if self._runs and self._runs[-1].end is None:
            self._runs[-1].end = self._next
        self._wake()

    def run(self, back: int = 0) -> Run | None:
        """The latest run, or with `back` 1 the one before. What never began is one run, all of it."""
        if not self._runs and back == 0:
            return Run(0)
        return self._runs[-1 - back] if back < len(self._runs) else None

    def close(self) -> None:
        """No line will follow: followers end once they have read what is there."""
        self.rest()
        self._closed = True
        self._wake()

    def release(self) -> None:
        """Whoever follows has followed long enough; appending goes on."""
        self._is_released = True
        self._wake()

    def read(
        self, *, start: int = 0, end: int | None = None, since: datetime | None = None, tail: int | None = None
    ) -> list[LogLine]:
        """The kept lines from position `start` up to `end`, not older than `since`, of these the last `tail`."""
        stop = None if end is None else self._offset(end)
        lines: list[LogLine] = list(islice(self._lines, self._offset(start), stop))
        if since is not None:
            lines = [line for line in lines if line.at >= since]
        if tail is None:
            return lines
        return lines[-tail:] if tail > 0 else []

    async def follow(self, start: int = 0, run: Run | None = None) -> AsyncIterator[LogLine]:
        """Yield the kept lines from position `start` on and then each new one.

        Until `close`, `release` or the end of `run`.

        A consumer slower than the program loses the lines that were dropped meanwhile, never the order.
        """
        changed = asyncio.Event()
        self._followers.add(changed)
        try:
            while True:
                changed.clear()
                is_last = self._closed or self._is_released or (run is not None and run.end is not None)
                for line in self.read(start=start, end=run.end if run is not None else None):
                    start = line.position + 1
                    yield line
                if is_last:
                    return
                if changed.is_set():
                    continue
                await changed.wait()
        finally:
            self._followers.discard(changed)

    def _offset(self, start: int) -> int:
        first = self._next - len(self._lines)
        return max(start - first, 0)

    def _wake(self) -> None:
        for follower in self._followers:
            follower.set()
