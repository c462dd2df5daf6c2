"""Wall time as one replaceable thing.

Durations are always measured with `loop.time()`; this module only says what time it is for people and for
schedules. In production that is the computer's clock (a laptop that slept must see the new time); in tests
`LoopClock` ties wall time to the event loop, so that virtual time moves both.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time: an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class LoopClock:
    """Starts at `start` and advances with the running loop's time, virtual or not."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._zero: float | None = None

    def now(self) -> datetime:
        time = asyncio.get_running_loop().time()
        if self._zero is None:
            self._zero = time
        return self._start + timedelta(seconds=time - self._zero)


def rfc3339(moment: datetime) -> str:
    """Kubernetes' metav1.Time: UTC with whole seconds, `2026-01-02T03:04:05Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_nano(moment: datetime) -> str:
    """The same with nine digits of a second, as the kubelet stamps lines of output (types.RFC3339NanoFixed)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def parse_rfc3339(text: str) -> datetime:
    """The inverse of `rfc3339`; fractions of a second and offsets are accepted. ValueError if it is no time."""
    return datetime.fromisoformat(text).astimezone(UTC)
