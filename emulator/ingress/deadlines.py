"""One timer for all deadlines of the data plane.

A timer for each request costs 3.5 % of the request rate; a sweep over what is active costs next to nothing, and
stops when nothing is. Work registers itself in `active` with a `deadline` (the loop's time) and is told by `expire`
when that has passed; it may have moved its deadline meanwhile. Precision is `TICK_S`, for timeouts in whole seconds.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol

TICK_S = 0.1
NEVER = inf


class Expiring(Protocol):
    """Something with a deadline. Hashable by identity."""

    deadline: float

    def expire(self, now: float) -> None:
        """`deadline` has passed: end, or set a later one."""
        ...


class Deadlines:
    """The active work of one event loop. `add` when it starts, `active.discard` when it is over."""

    __slots__ = ("_armed", "active")

    def __init__(self) -> None:
        self.active: set[Expiring] = set()
        self._armed = False

    def add(self, work: Expiring) -> None:
        self.active.add(work)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(TICK_S, self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for work in [work for work in self.active if work.deadline <= now]:
            work.expire(now)
        self._armed = bool(self.active)
        if self._armed:
            loop.call_later(TICK_S, self._sweep)
