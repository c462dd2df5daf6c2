"""Blocks that kemu makes, read by another implementation."""

from __future__ import annotations

import pytest
from hpack import Decoder

from emulator.ingress.fieldblocks import encode, request_fields, status_field


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 254, 255, 16_383, 70_000])
def test_names_and_values_of_any_length_are_read_back(length: int) -> None:
    fields = [(b"x-a", b"v" * length), (b"x-" + b"n" * length, b"1"), (b"x-a", b"\xff\x00")]
    assert list(Decoder(max_header_list_size=1 << 20).decode(encode(fields), raw=True)) == fields


@pytest.mark.parametrize("status", [200, 204, 206, 304, 400, 404, 418, 500, 503])
def test_a_status_is_three_digits(status: int) -> None:
    assert Decoder().decode(status_field(status), raw=True) == [(b":status", b"%d" % status)]


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PATCH"])
def test_a_first_line_becomes_four_fields(method: bytes) -> None:
    target = b"/" + b"a" * 200
    assert Decoder().decode(request_fields(method, target, b"a.test:80"), raw=True) == [
        (b":method", method),
        (b":scheme", b"http"),
        (b":path", target),
        (b":authority", b"a.test:80"),
    ]


def test_no_table_is_needed() -> None:
    block = encode([(b"x-a", b"1")])
    decoder = Decoder()
    decoder.header_table_size = 0
    assert decoder.decode(b"\x20" + block + block, raw=True) == [(b"x-a", b"1")] * 2
