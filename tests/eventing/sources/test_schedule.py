"""When a PingSource ticks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.eventing.sources.schedule import BadSchedule, Schedule

START = datetime(2026, 3, 1, 10, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "tick"),
    [
        ("* * * * *", "", "2026-03-01T10:31:00"),
        ("*/2 * * * *", "", "2026-03-01T10:32:00"),
        ("* * * * * *", "", "2026-03-01T10:30:16"),
        ("*/20 * * * * *", "", "2026-03-01T10:30:20"),
        ("0 12 * * ?", "", "2026-03-01T12:00:00"),
        ("@hourly", "", "2026-03-01T11:00:00"),
        ("@daily", "", "2026-03-02T00:00:00"),
        ("@every 90s", "", "2026-03-01T10:31:45"),
        ("0 9 * * *", "Europe/Berlin", "2026-03-02T08:00:00"),
        ("CRON_TZ=Europe/Berlin 0 12 * * *", "", "2026-03-01T11:00:00"),
        ("0 0 * * MON", "", "2026-03-02T00:00:00"),
    ],
)
def test_the_next_tick(expression: str, zone: str, tick: str) -> None:
    assert Schedule(expression, zone).next_after(START) == datetime.fromisoformat(tick).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "field", "text"),
    [
        ("* * *", "", "schedule", "expected 5 to 6 fields, found 3: [* * *]"),
        ("61 * * * *", "", "schedule", "failed to parse: 61 * * * *"),
        ("0 0 * * 7", "", "schedule", "end of range (7) above maximum (6): 7"),
        ("0 0 L * *", "", "schedule", "L, W and # are not supported: 0 0 L * *"),
        ("@reboot", "", "schedule", "unrecognized descriptor: @reboot"),
        ("@every 10ms", "", "schedule", "@every 10ms: at least 1s"),
        ("* * * * *", "Mars/Olympus", "timezone", "unknown time zone Mars/Olympus"),
    ],
)
def test_a_schedule_that_cannot_be_read_says_why(expression: str, zone: str, field: str, text: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        Schedule(expression, zone)
    assert (caught.value.field, str(caught.value)) == (field, text)
