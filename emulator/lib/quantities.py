"""Quantities: `100m`, `1.5Gi`, `2e3`, as memory, CPU and storage are written in pod specs.

A text is read exactly (no float in between), can be asked for as a number, and can be written the one canonical way in
which an API server hands it back: no fraction, the largest suffix that fits, the family of suffixes (binary, decimal,
exponent) of the text it came from. Limits and units of a given resource are the caller's business.

Followed: Kubernetes apimachinery `pkg/api/resource/quantity.go` and `suffix.go`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal

Family = Literal["decimal", "binary", "exponent"]

_SHAPE = re.compile(r"([+-]?)([0-9]*\.?[0-9]*)([eEinumkKMGTP]*[-+]?[0-9]*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()}
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_NANO = 10**9
_MAX = 2**63 - 1

_WRONG_FORMAT = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"  # ErrFormatWrong
)
_WRONG_SUFFIX = "unable to parse quantity's suffix"  # ErrSuffix


@dataclass(frozen=True)
class Quantity:
    """An exact amount, at most nano-precise, and the family of suffixes to write it with."""

    value: Fraction
    family: Family = "decimal"

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read `text`; what is finer than a nano is rounded away from zero. ValueError in Kubernetes' words."""
        found = _SHAPE.fullmatch(text)
        if not found or not any(digit.isdigit() for digit in found[2]):
            raise ValueError(_WRONG_FORMAT)
        sign, number, suffix = found.groups()
        scale, family = _scale(suffix)
        nanos = ceil(_exact(number) * scale * _NANO)
        amount = min(Fraction(nanos, _NANO), Fraction(_MAX))
        return cls(-amount if sign == "-" else amount, family)

    def to_int(self) -> int:
        """The amount in whole units, a fraction rounded away from zero as `Quantity.Value()` does."""
        size = ceil(abs(self.value))
        return -size if self.value < 0 else size

    def to_float(self) -> float:
        """The amount in units, for shares of a CPU and the like."""
        return float(self.value)

    def __str__(self) -> str:
        """The canonical form, as an API server writes it."""
        if self.value == 0:
            return "0"
        sign = "-" if self.value < 0 else ""
        return sign + self._canonical(abs(self.value))

    def _canonical(self, size: Fraction) -> str:
        # Below 1024, or with a fraction, a binary quantity is written in the decimal family.
        if self.family == "binary" and size >= 1024 and size.denominator == 1:
            number, exponent = _without_factors(size.numerator, 1024, 10, 60)
            return f"{number}{_BINARY_SUFFIX.get(exponent, '')}"
        number, exponent = _thousands(size)
        if self.family == "exponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


def canonical(text: str) -> str:
    """`text` as an API server would hand it back: `1000m` is `1`, `1024Mi` is `1Gi`. ValueError if it is none."""
    return str(Quantity.parse(text))


def _scale(suffix: str) -> tuple[Fraction, Family]:
    if suffix in _DECIMAL:
        return Fraction(10) ** _DECIMAL[suffix], "decimal"
    if suffix in _BINARY:
        return Fraction(2) ** _BINARY[suffix], "binary"
    exponent = _EXPONENT.fullmatch(suffix)
    # An int64 holds 19 digits; anything wild would only cost memory.
    if exponent and abs(int(exponent[1])) <= 1000:
        return Fraction(10) ** int(exponent[1]), "exponent"
    raise ValueError(_WRONG_SUFFIX)


def _exact(number: str) -> Fraction:
    whole, _, fraction = number.partition(".")
    return Fraction(int((whole + fraction) or "0"), 10 ** len(fraction))


def _without_factors(number: int, factor: int, step: int, limit: int) -> tuple[int, int]:
    exponent = 0
    while exponent < limit and number % factor == 0:
        number //= factor
        exponent += step
    return number, exponent


def _thousands(size: Fraction) -> tuple[int, int]:
    """`size` as a whole number times ten to the largest multiple of three that leaves no fraction."""
    number, exponent = _without_factors(int(size * _NANO), 1000, 3, 27)
    return number, exponent - 9
