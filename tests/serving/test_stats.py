"""Percentiles of the latest times."""

from __future__ import annotations

import pytest

from emulator.serving.stats import Times, percentiles


@pytest.mark.parametrize(
    ("times", "p50", "p95"),
    [
        pytest.param([], None, None, id="nothing to count"),
        pytest.param([7.0], 7.0, 7.0, id="one"),
        pytest.param([3.0, 1.0, 2.0], 2.0, 3.0, id="whatever their order"),
        pytest.param([float(n) for n in range(1, 101)], 50.0, 95.0, id="a hundred"),
        pytest.param([float(n) for n in range(1, 21)], 10.0, 19.0, id="twenty"),
    ],
)
def test_percentiles_are_the_nearest_rank(times: list[float], p50: float | None, p95: float | None) -> None:
    assert percentiles(times) == {"p50Ms": p50, "p95Ms": p95}


def test_all_are_counted_and_the_latest_are_kept() -> None:
    times = Times(2)
    for ms in (100.0, 1.0, 2.0):
        times.add(ms)
    assert times.summary() == {"count": 3, "p50Ms": 1.0, "p95Ms": 2.0}
