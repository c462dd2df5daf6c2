"""Formats of strings and numbers that a schema may ask for, as an API server checks them.

A format that is not listed here is no rule: clients use it as a hint. Followed: kube-openapi pkg/validation/strfmt and
apiextensions-apiserver pkg/apiserver/validation/formats.go (Kubernetes 1.31).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from email.utils import parseaddr
from urllib.parse import urlsplit

from emulator.lib.durations import parse_go

_HEX = "[0-9a-f]"


def check(format_: str, text: str) -> bool:
    """Whether `text` is of that format; True for formats that nobody checks."""
    found = _CHECKS.get(format_.replace("-", ""))
    return found is None or found(text)


def is_known(format_: str) -> bool:
    return format_.replace("-", "") in _CHECKS


def _matches(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    compiled = re.compile(pattern, flags | re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _uuid(version: str = "", variant: str = "") -> Callable[[str], bool]:
    third = f"{version}{_HEX}{{3}}" if version else f"{_HEX}{{4}}"
    fourth = f"{variant}{_HEX}{{3}}" if variant else f"{_HEX}{{4}}"
    return _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?{third}-?{fourth}-?{_HEX}{{12}}", re.IGNORECASE)


def _parses(read: Callable[[str], object]) -> Callable[[str], bool]:
    def is_fine(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return is_fine


def _uri(text: str) -> object:
    """As Go's url.ParseRequestURI: absolute, or a path that begins with a slash."""
    parts = urlsplit(text)
    if not text or re.search(r"[\x00-\x20\x7f]", text) or not (parts.scheme or text.startswith("/")):
        raise ValueError(text)
    return parts.port


def _hostname(text: str) -> object:
    labels = text.split(".")
    is_fine = all(re.fullmatch(r"[^\W_](?:[^\W_]|-)*", label) and not label.endswith("-") for label in labels)
    if not is_fine or len(text) > 255 or any(len(label) > 63 for label in labels):
        raise ValueError(text)
    if len(labels) > 1 and not re.fullmatch(r"[^\W\d_]{2,}", labels[-1]):
        raise ValueError(text)
    return text


def _email(text: str) -> object:
    _, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    if not local or not domain or re.search(r"\s", address):
        raise ValueError(text)
    return address


def _date_time(text: str) -> object:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?", text):
        raise ValueError(text)
    return datetime.fromisoformat(re.sub(r"[.,]\d+", "", text).replace("z", "Z"))


def _date(text: str) -> object:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _duration(text: str) -> object:
    """A Go duration, or a number with a unit in words: `3 days`."""
    if re.fullmatch(r"\d+\s*(?:ns|us|ms|s|m|h|d|w|(?:second|minute|hour|day|week)s?|mins?|secs?|hrs?)", text):
        return text
    return parse_go(text)


def _base64(text: str) -> object:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(text) from None


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    values = [10 if digit == "X" else int(digit) for digit in digits]
    return sum((position + 1) * value for position, value in enumerate(values)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{13}", digits):
        return False
    return sum((3 if position % 2 else 1) * int(digit) for position, digit in enumerate(digits)) % 10 == 0


def _credit_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


_CHECKS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches("[0-9a-f]{24}", re.IGNORECASE),
    "uri": _parses(_uri),
    "email": _parses(_email),
    "hostname": _parses(_hostname),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(lambda text: ipaddress.ip_network(text if "/" in text else f"{text}/none", strict=False)),
    "mac": _matches(r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.I),
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _credit_card,
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matches("#?(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE),
    "rgbcolor": _matches(r"rgb\(\s*(?:\d{1,3}\s*,\s*){2}\d{1,3}\s*\)"),
    "byte": _parses(_base64),
    "password": lambda text: True,
    "date": _parses(_date),
    "duration": _parses(_duration),
    "datetime": _parses(_date_time),
}
