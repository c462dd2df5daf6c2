"""Formats of strings, each with something that is one and something that is none."""

from __future__ import annotations

import pytest

from emulator.objects import formats


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", "2026-01-02T03:04:05.6Z", "2026-01-02"),
        ("datetime", "2026-01-02T03:04:05+01:00", "yesterday"),
        ("date", "2026-02-28", "2026-02-30"),
        ("duration", "1h30m", "1 hour or so"),
        ("duration", "3 days", "three"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "fe80::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("uri", "http://example.com/x", "no uri"),
        ("uri", "/path", "path"),
        ("hostname", "a.example.com", "-a.example.com"),
        ("email", "a@example.com", "a at example.com"),
        ("mac", "00:1b:44:11:3a:b7", "00:1b:44"),
        ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810"),
        ("uuid4", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("byte", "aGVsbG8=", "%%%"),
        ("isbn10", "0306406152", "0306406153"),
        ("isbn13", "978-3-16-148410-0", "978-3-16-148410-1"),
        ("isbn", "9783161484100", "1"),
        ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("ssn", "123-45-6789", "12-345"),
        ("hexcolor", "#a1b2c3", "#xyz"),
        ("rgbcolor", "rgb(1, 2, 3)", "rgb(1, 2)"),
        ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
    ],
)
def test_a_format(name: str, good: str, bad: str) -> None:
    assert formats.check(name, good)
    assert not formats.check(name, bad)


def test_an_unknown_format_is_no_rule() -> None:
    assert formats.check("my-own", "anything")
    assert not formats.is_known("my-own")
    assert formats.is_known("date-time")
    assert formats.check("password", "anything")
