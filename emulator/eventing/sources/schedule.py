"""When a PingSource ticks: cron expressions of five fields, or six with seconds first, and `@every`.

Pure: a Schedule says which moment comes after another. The fields are croniter's work; what it takes and Knative's
parser (robfig/cron v3) does not is refused here. `@every DURATION` is kemu's own addition, Knative refuses it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter

from emulator.lib.durations import parse_go

_DESCRIPTORS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_ZONE = re.compile(r"(?:CRON_TZ|TZ)=(\S+)\s+(.*)")
_EVERY = "@every "


class BadSchedule(Exception):
    """The schedule (or the timezone) cannot be read; `field` says which of the two."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class Schedule:
    """The ticks of one expression. `zone` is an IANA name, "" for UTC."""

    def __init__(self, expression: str, zone: str = "") -> None:
        if (match := _ZONE.fullmatch(expression.strip())) is not None:
            zone, expression = match[1], match[2]
        self._zone: tzinfo = _zone(zone)
        self._expression = expression.strip()
        self._every = _every(self._expression)
        if self._every is None:
            _check(self._expression)
        self._has_seconds = len(self._expression.split()) == 6

    def next_after(self, moment: datetime) -> datetime:
        """The first tick after `moment`, in UTC."""
        if self._every is not None:
            return moment.replace(microsecond=0) + self._every
        start = moment.astimezone(self._zone)
        found: datetime = croniter(self._cron(), start, second_at_beginning=self._has_seconds).get_next(datetime)
        return found.astimezone(UTC)

    def _cron(self) -> str:
        return self._expression.replace("?", "*")


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSchedule("timezone", f"unknown time zone {name}") from None


def _every(expression: str) -> timedelta | None:
    if not expression.startswith(_EVERY):
        return None
    try:
        seconds = parse_go(expression.removeprefix(_EVERY).strip()) / 1e9
    except ValueError as error:
        raise BadSchedule("schedule", f"failed to parse duration {expression}: {error}") from error
    if seconds < 1:
        raise BadSchedule("schedule", f"{expression}: at least 1s")
    return timedelta(seconds=int(seconds))


def _check(expression: str) -> None:
    if expression.startswith("@"):
        if expression not in _DESCRIPTORS:
            raise BadSchedule("schedule", f"unrecognized descriptor: {expression}")
        return
    fields = expression.split()
    if len(fields) not in (5, 6):
        raise BadSchedule("schedule", f"expected 5 to 6 fields, found {len(fields)}: [{' '.join(fields)}]")
    if re.search(r"[LW#]", expression.upper().replace("JUL", "").replace("WED", "")):
        raise BadSchedule("schedule", f"L, W and # are not supported: {expression}")
    if re.search(r"(^|[,-])7($|[,/-])", fields[-1]):
        raise BadSchedule("schedule", f"end of range (7) above maximum (6): {fields[-1]}")
    if not croniter.is_valid(expression.replace("?", "*"), second_at_beginning=len(fields) == 6):
        raise BadSchedule("schedule", f"failed to parse: {expression}")
