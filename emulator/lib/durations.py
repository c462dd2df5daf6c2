"""Durations as Go and as ISO 8601 write them.

Go's form (`1m30s`, `1.5h`) is what annotations and ConfigMaps hold; it is kept in whole nanoseconds, as Go does, so
that "whole seconds only" can be checked exactly. ISO 8601 (`PT0.2S`, `P1DT2H`) is what event delivery holds, read with
the quirks of the library that reads it on a cluster. Nothing here knows which field a text came from: the faults are
plain ValueErrors and the caller words the message.

Followed: Go's `time/format.go` (ParseDuration) and `time/time.go` (Duration.String); `github.com/rickb777/date`
v1.20 `period/parse.go` and `period.go`.
"""

from __future__ import annotations

import re
from fractions import Fraction

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_GO_UNITS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,  # U+00B5, the micro sign
    "μs": MICROSECOND,  # U+03BC, the Greek letter
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_GO_WHOLE = re.compile(r"([+-]?)((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+")
_GO_PART = re.compile(r"([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_GO_MAX = 2**63 - 1

# A year is 365.2425 days and a month a twelfth of it (period.go: daysPerMonthE6).
_DAY_S = 86_400
_MONTH_S = Fraction(2_629_746)
_DATE_UNITS = {"Y": 12 * _MONTH_S, "M": _MONTH_S, "W": Fraction(7 * _DAY_S), "D": Fraction(_DAY_S)}
_TIME_UNITS = {"H": Fraction(3_600), "M": Fraction(60), "S": Fraction(1)}
_ISO_FIELD = re.compile(r"([0-9]+)(?:[.,]([0-9]*))?([YMWDHS])")
# The library keeps each field in an int16 of tenths, after carrying small units up into years.
_ISO_MAX_S = Fraction(32_767, 10) * 12 * _MONTH_S


def parse_go(text: str) -> int:
    """Nanoseconds of a Go duration such as `1h2m3.5s`, `-10ms` or `0`. ValueError if it is none or leaves int64."""
    if text in ("0", "+0", "-0"):
        return 0
    if not _GO_WHOLE.fullmatch(text):
        raise ValueError(_why_not_go(text))
    total = 0
    for whole, fraction, unit in _GO_PART.findall(text):
        scale = _GO_UNITS[unit]
        total += int(whole or "0") * scale
        # Go drops what is below a nanosecond.
        total += int(fraction or "0") * scale // 10 ** len(fraction)
    if total > _GO_MAX:
        raise ValueError(f'time: invalid duration "{text}"')
    return -total if text.startswith("-") else total


def format_go(nanoseconds: int) -> str:
    """What Go prints: `0s`, `1.5ms`, `6s`, `1h0m0s`. The inverse of `parse_go`."""
    size = abs(nanoseconds)
    sign = "-" if nanoseconds < 0 else ""
    if size < SECOND:
        return sign + _below_a_second(size)
    minutes, rest = divmod(size, MINUTE)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, SECOND) + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def parse_iso(text: str) -> float:
    """Seconds of an ISO 8601 duration such as `PT0.2S`, `P1D` or `-PT5M`. ValueError if it is none.

    As the library on a cluster: one decimal digit counts and the others are dropped (`PT0.25S` is 0.2 s), the comma is
    a decimal mark too, fields may come in any order, one field at most may have a fraction, a month is 730 h 29 m 6 s.
    """
    if text == "P0":
        return 0.0
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if not body.startswith("P"):
        raise ValueError(f"{text}: expected 'P' period mark at the start")
    date, mark, clock = body[1:].partition("T")
    parts = _iso_fields(text, date, _DATE_UNITS) + (_iso_fields(text, clock, _TIME_UNITS) if mark else [])
    if not parts:
        raise ValueError(f"{text}: expected 'Y', 'M', 'W', 'D', 'H', 'M', or 'S' designator")
    if sum(1 for tenths, _ in parts if tenths % 10) > 1:
        raise ValueError(f"{text}: only the last field can have a fraction")
    total = sum((Fraction(tenths, 10) * unit for tenths, unit in parts), Fraction(0))
    if total > _ISO_MAX_S:
        raise ValueError(f"{text}: integer overflow occurred")
    return sign * float(total)


def human(seconds: float) -> str:
    """A length of time as kubectl's AGE column has it: `5m`, `2d3h` (apimachinery util/duration, HumanDuration)."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years = days // 365
    return f"{years}y{days % 365}d" if years < 8 and days % 365 else f"{years}y"


def _why_not_go(text: str) -> str:
    """Go tells a missing unit and an unknown one apart from plain nonsense."""
    found = re.match(r"[+-]?(?:[0-9.]+(?:ns|us|µs|μs|ms|s|m|h))*[0-9]*\.?[0-9]*([^0-9.]*)", text)
    number = re.search(r"[0-9]", text)
    if not text or not number or not found:
        return f'time: invalid duration "{text}"'
    if not found[1]:
        return f'time: missing unit in duration "{text}"'
    return f'time: unknown unit "{found[1]}" in duration "{text}"'


def _below_a_second(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return "0s"
    for unit, size in (("ms", MILLISECOND), ("µs", MICROSECOND)):
        if nanoseconds >= size:
            return _decimal(nanoseconds, size) + unit
    return f"{nanoseconds}ns"


def _decimal(value: int, unit: int) -> str:
    """`value / unit` with as many digits as it needs; `unit` is a power of ten."""
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _iso_fields(text: str, part: str, units: dict[str, Fraction]) -> list[tuple[int, Fraction]]:
    """The fields of one half as (tenths, seconds of the unit)."""
    fields: list[tuple[int, Fraction]] = []
    seen: set[str] = set()
    at = 0
    while at < len(part):
        found = _ISO_FIELD.match(part, at)
        if not found:
            raise ValueError(f"{text}: expected a number and a designator at '{part[at:]}'")
        whole, fraction, designator = found.groups()
        if designator not in units:
            raise ValueError(f"{text}: '{designator}' designator cannot occur here")
        if designator in seen:
            raise ValueError(f"{text}: '{designator}' designator cannot occur more than once")
        seen.add(designator)
        fields.append((int(whole) * 10 + int((fraction or "0")[:1] or "0"), units[designator]))
        at = found.end()
    return fields
