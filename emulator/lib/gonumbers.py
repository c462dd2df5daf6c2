"""Numbers and truth values as Go's strconv reads them from text.

Annotations and ConfigMaps hold strings; what counts as a number there is decided by Go, not by Python (which would
take ` 1`, `1_000` and `nan`). The faults are ValueErrors in strconv's words; the caller says which key it was.

Followed: Go's `strconv/atob.go`, `atof.go`, `atoi.go`. Not taken over: infinities and NaN, which no setting means.
"""

from __future__ import annotations

import re

_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)

INT32_MAX, INT64_MAX = 2**31 - 1, 2**63 - 1


class OutOfRange(ValueError):
    """A number, but not one that fits."""


def parse_bool(text: str) -> bool:
    """`strconv.ParseBool`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def parse_int32(text: str) -> int:
    """`strconv.ParseInt(text, 10, 32)`; OutOfRange when it is whole but does not fit."""
    return _parse_int(text, INT32_MAX)


def parse_int64(text: str) -> int:
    """`strconv.ParseInt(text, 10, 64)`, and an int's on the machines that clusters have."""
    return _parse_int(text, INT64_MAX)


def _parse_int(text: str, largest: int) -> int:
    if not _INT.fullmatch(text):
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    value = int(text[:40])
    if not -largest - 1 <= value <= largest:
        raise OutOfRange(f'strconv.ParseInt: parsing "{text}": value out of range')
    return value


def parse_float(text: str) -> float:
    """`strconv.ParseFloat(text, 64)`, finite numbers in decimal notation only."""
    if not _FLOAT.fullmatch(text):
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise OutOfRange(f'strconv.ParseFloat: parsing "{text}": value out of range')
    return value


def format_float(value: float) -> str:
    """`%v` of a float64: no trailing `.0`."""
    return f"{value:g}" if value != int(value) else str(int(value))
