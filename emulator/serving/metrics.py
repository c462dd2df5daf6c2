"""Load over time: one bucket a second, averaged over a window that ends now.

What is recorded is what a Throttler reports of the past second (average concurrency or number of requests). The Scaler
records and the Autoscaler reads the averages; nothing here looks at a clock, every call is told the time in seconds.

A window younger than its length is averaged over the seconds since its first record; one that heard nothing for a while
over the seconds that it knows of; one that heard nothing for its whole length is empty and starts afresh.

Followed: knative/serving pkg/autoscaler/aggregation/bucketing.go and pkg/autoscaler/metrics/collector.go (98e5ef9).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.serving.scalespec import ScaleSpec

# bucketing.go
_MIN_EXPONENT = 0.2
_WEIGHT_PRECISION = 0.9999
_PRECISION = 6


@dataclass(frozen=True)
class Sample:
    """What a Throttler saw since it was asked last: time-averaged concurrency, and requests that arrived."""

    concurrency: float
    requests: float


def smoothing(buckets: int) -> float:
    """Weight of the newest of `buckets`, so that all weights sum to nearly one."""
    return max(_MIN_EXPONENT, 1.0 - math.pow(1.0 - _WEIGHT_PRECISION, 1.0 / buckets))


class Window:
    """Values of the last `length_s` seconds, summed up per second; `weighted` averages favour the newest."""

    def __init__(self, length_s: int, *, weighted: bool = False) -> None:
        self._buckets = [0.0] * length_s
        self._weighted = weighted
        self._first: int | None = None
        self._last = 0

    def record(self, now: float, value: float) -> None:
        """Add `value` to the second of `now`; one older than the window is dropped."""
        second, length = int(now), len(self._buckets)
        if self._first is None or second - self._last >= length:
            self._buckets = [0.0] * length
            self._first = self._last = second
        elif second <= self._last - length:
            return
        for missed in range(self._last + 1, second + 1):
            self._buckets[missed % length] = 0.0
        self._first = min(self._first, second)
        self._last = max(self._last, second)
        self._buckets[second % length] += value

    def is_empty(self, now: float) -> bool:
        """Whether nothing was recorded for longer than the window."""
        return self._first is None or int(now) - self._last > len(self._buckets)

    def average(self, now: float) -> float:
        """The mean per second over the window, to six decimals; 0 when it is empty."""
        silent, length = max(int(now) - self._last, 0), len(self._buckets)
        if self._first is None or silent >= length:
            return 0.0
        known = length - silent
        newest_first = [self._buckets[(self._last - age) % length] for age in range(known)]
        if self._weighted:
            return round(_weighted_sum(newest_first, smoothing(length), silent), _PRECISION)
        return round(sum(newest_first) / min(self._last - self._first + 1, known), _PRECISION)


class LoadWindows:
    """The stable and the panic window of one Revision."""

    def __init__(self, spec: ScaleSpec) -> None:
        self._lengths = (spec.stable_window_s, spec.panic_window_s, spec.is_weighted)
        self.stable = Window(spec.stable_window_s, weighted=spec.is_weighted)
        self.panic = Window(spec.panic_window_s, weighted=spec.is_weighted)

    def fits(self, spec: ScaleSpec) -> bool:
        """Whether these windows are still the ones that `spec` asks for."""
        return self._lengths == (spec.stable_window_s, spec.panic_window_s, spec.is_weighted)

    def record(self, now: float, value: float) -> None:
        self.stable.record(now, value)
        self.panic.record(now, value)


def _weighted_sum(newest_first: list[float], weight: float, silent: int) -> float:
    """Weights k (1-k)^i, where the seconds without any record count as zeros in front."""
    factor = weight * (1.0 - weight) ** silent
    total = 0.0
    for value in newest_first:
        total += value * factor
        factor *= 1.0 - weight
    return total
