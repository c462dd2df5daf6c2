"""Plain YAML scalars as kubectl reads them.

kubectl goes through sigs.k8s.io/yaml and its fork of go-yaml v2: YAML 1.1 for null and booleans (`y`, `on` …), numbers
with 0o17, 1_000 and 1e3, no sexagesimals, and dates stay strings. PyYAML's own resolver differs in each of these, so it
is not asked. Measured against kubectl 1.32 (style of each case in tests/manifests/test_scalars.py).
"""

from __future__ import annotations

import math
import re

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_INFINITE = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
_INT = re.compile(r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

Scalar = str | int | float | bool | None


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar without a tag."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] in "+-.0123456789":
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    if text.lower() in _INFINITE:
        return _INFINITE[text.lower()]
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    bare = text.replace("_", "")
    if _FLOAT.fullmatch(bare):
        found = float(bare)
        # JSON knows one kind of number: 1e3 arrives as 1000 in an integer field.
        return int(found) if found.is_integer() and abs(found) < 2**53 else found
    return text


def _integer(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").lower()
    for prefix, base in (("0b", 2), ("0o", 8), ("0x", 16)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    if len(digits) > 1 and digits[0] == "0":
        return sign * int(digits, 8)
    return sign * int(digits)
