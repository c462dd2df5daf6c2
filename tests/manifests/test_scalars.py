"""Plain scalars as kubectl reads them; the expectations were taken from kubectl 1.32.4."""

from __future__ import annotations

import pytest

from emulator.manifests.scalars import Scalar, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("y", True),
        ("On", True),
        ("n", False),
        ("off", False),
        ("yes please", "yes please"),
        ("12", 12),
        ("-3", -3),
        ("0o17", 15),
        ("017", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("22:22", "22:22"),
        ("2001-01-01", "2001-01-01"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("08", 8),
        ("hello", "hello"),
    ],
)
def test_a_plain_scalar_is_read_as_kubectl_does(text: str, value: Scalar) -> None:
    found = plain(text)
    assert found == value
    assert type(found) is type(value)
