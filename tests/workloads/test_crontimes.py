"""Cron expressions as Kubernetes reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.workloads.crontimes import fault, latest_first, next_after, zone_of

AT = datetime(2026, 3, 28, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "then"),
    [
        ("*/5 * * * *", "", "2026-03-28T12:05:00+00:00"),
        ("0 3 * * *", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("@hourly", "", "2026-03-28T13:00:00+00:00"),
        ("0 0 ? * MON", "", "2026-03-30T00:00:00+00:00"),
    ],
)
def test_the_next_time(expression: str, zone: str, then: str) -> None:
    place = zone_of(zone)
    assert place is not None
    assert next_after(expression, place, AT).isoformat() == then


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
        ("61 * * * *", "failed to parse: 61 * * * *"),
        ("0 0 * * 7", "end of range (7) above maximum (6): 7"),
        ("@never", "unrecognized descriptor: @never"),
        ("*/5 * * * *", ""),
    ],
)
def test_faults(expression: str, said: str) -> None:
    assert fault(expression) == said


def test_times_that_have_passed_come_latest_first_and_include_the_present() -> None:
    noon = AT.replace(second=0)
    after = noon.replace(hour=11, minute=50)
    minutes = [t.minute for t in latest_first("*/5 * * * *", UTC, after, noon)]
    assert minutes == [0, 55]


def test_a_zone_that_is_not_there_is_none() -> None:
    assert zone_of("Nowhere/Land") is None
