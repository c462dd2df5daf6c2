"""When a CronJob is due: cron expressions of five fields, in a time zone.

Pure. The fields are croniter's work; what it takes and Kubernetes' parser (robfig/cron v3, ParseStandard) does not is
refused here. Without a zone it is UTC, as in a cluster whose nodes are. `@every` is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter

_DESCRIPTORS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")


@cache
def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name; None if there is none."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def fault(expression: str) -> str:
    """What is wrong with an expression, "" if nothing is."""
    text = expression.strip()
    if text in _DESCRIPTORS:
        return ""
    if text.startswith("@"):
        return f"unrecognized descriptor: {text}"
    fields = text.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    if re.search(r"(^|[,-])7($|[,/-])", fields[-1]):
        return f"end of range (7) above maximum (6): {fields[-1]}"
    if re.search(r"[LW#]", text.upper().replace("JUL", "").replace("WED", "")):
        return f"failed to parse: {text}"
    return "" if croniter.is_valid(_fields(text)) else f"failed to parse: {text}"


def next_after(expression: str, zone: tzinfo, moment: datetime) -> datetime:
    """The first time after `moment`, in UTC."""
    found: datetime = croniter(_fields(expression), moment.astimezone(zone)).get_next(datetime)
    return found.astimezone(UTC)


def latest_first(expression: str, zone: tzinfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The times later than `after` and not later than `until`, the latest first, in UTC."""
    start = until.replace(microsecond=0) + timedelta(seconds=1)
    times = croniter(_fields(expression), start.astimezone(zone))
    while (found := times.get_prev(datetime).astimezone(UTC)) > after:
        yield found


def _fields(expression: str) -> str:
    return expression.strip().replace("?", "*")
