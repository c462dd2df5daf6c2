"""Times of the latest occurrences, and what they come to: for `kemu stats`. Pure, and bounded in memory.

Percentiles are of the last so many values, not of all since the start: what a function does now is what a user asks.
They are exact (nearest rank), where a histogram's would be a bucket's bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import Any

Json = dict[str, Any]


class Times:
    """Milliseconds, of which the last `kept` count; `count` is how many there ever were."""

    def __init__(self, kept: int) -> None:
        self.count = 0
        self._latest: deque[float] = deque(maxlen=kept)

    def add(self, ms: float) -> None:
        self.count += 1
        self._latest.append(ms)

    def summary(self) -> Json:
        return {"count": self.count, **percentiles(self._latest)}


def percentiles(times_ms: Sequence[float]) -> Json:
    """`p50Ms` and `p95Ms`; None where there is nothing to count."""
    ordered = sorted(times_ms)
    return {"p50Ms": _rank(ordered, 50), "p95Ms": _rank(ordered, 95)}


def _rank(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest value that so many percent of all do not exceed."""
    return round(ordered[max(ceil(len(ordered) * percent / 100), 1) - 1], 3) if ordered else None
