"""Blocks that another implementation makes, and some that nobody may make."""

from __future__ import annotations

import pytest
from hpack import Encoder

from emulator.ingress.fieldblocks import Fields
from emulator.ingress.fieldreader import BLOCKS_KEPT, LIST_LIMIT, BadBlock, BadFields, FieldReader

# RFC 7541, C.4 and C.6: requests and responses with Huffman's code and a table (of 256 bytes for responses).
REQUESTS = [
    ("828684418cf1e3c2e5f23a6ba0ab90f4ff", [(b":authority", b"www.example.com")]),
    ("828684be5886a8eb10649cbf", [(b":authority", b"www.example.com"), (b"cache-control", b"no-cache")]),
    (
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        [(b":authority", b"www.example.com"), (b"custom-key", b"custom-value")],
    ),
]


def test_the_standards_own_examples() -> None:
    reader = FieldReader()
    for block, fields in REQUESTS:
        assert reader.read(bytes.fromhex(block))[3:] == fields


def test_what_another_implementation_writes_is_read_whatever_is_repeated() -> None:
    encoder, reader = Encoder(), FieldReader()
    for n in range(2000):
        fields = [
            (b":method", b"POST"),
            (b":path", b"/echo.Echo/Unary"),
            (b"grpc-timeout", b"%du" % (n // 3)),
            (b"x-id", b"v" * (n % 200)),
            (b"user-agent", b"grpc/1"),
        ]
        block = encoder.encode([(f[0], f[1]) for f in fields], huffman=n % 2 == 0)
        assert reader.read(block) == fields


def test_a_block_that_repeats_is_not_read_again() -> None:
    encoder, reader = Encoder(), FieldReader()
    fields = [(b"x-a", b"1"), (b"x-b", b"2")]
    reader.read(encoder.encode(fields))
    block = encoder.encode(fields)
    assert reader.read(block) is reader.read(block)
    reader.read(encoder.encode([(b"x-c", b"3")]))
    assert reader.read(encoder.encode(fields)) == fields


def test_only_so_many_blocks_are_kept() -> None:
    reader = FieldReader()
    for n in range(3 * BLOCKS_KEPT):
        reader.read(b"\x00\x01a\x04%04d" % n)
    assert len(reader._known) <= BLOCKS_KEPT


def test_a_smaller_table_forgets() -> None:
    reader = FieldReader()
    reader.read(b"\x40\x01a\x01b")
    assert reader.read(b"\xbe") == [(b"a", b"b")]
    assert reader.read(b"\x20") == []
    with pytest.raises(BadBlock, match="beyond the header table"):
        reader.read(b"\xbe")


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",
        b"\xbe",
        b"\x00",
        b"\x00\x05ab",
        b"\x00\x01a\x05b",
        b"\xff\xff\xff\xff\xff\xff",
        b"\xff",
        b"\x82\x20",
        b"\x3f\xe2\x1f",
        b"\x00\x01a\x81\x00",
        b"\x00\x01a\x7f\x81\xff\x0f" + b"v" * 300_000,
    ],
    ids=[
        "index 0", "no such entry", "nothing", "short name", "short value", "endless number", "cut number",
        "late resize", "too large a table", "no Huffman", "too large",
    ],
)  # fmt: skip
def test_a_block_that_cannot_be_read_is_refused(block: bytes) -> None:
    with pytest.raises(BadBlock):
        FieldReader().read(block)


def test_a_list_that_grows_out_of_a_few_bytes_is_refused() -> None:
    reader = FieldReader()
    reader.read(b"\x40\x01a\x7f\xa1\x1e" + b"v" * 4000)
    with pytest.raises(BadBlock, match=f"larger than {LIST_LIMIT}"):
        reader.read(b"\xbe" * 100)


@pytest.mark.parametrize(
    "fields",
    [[(b"X-Upper", b"1")], [(b"a b", b"1")], [(b"", b"1")], [(b"a", b"1\r\nEvil: 1")], [(b"a", b"1\x002")]],
    ids=["upper case", "space", "empty", "line's end", "NUL"],
)
def test_fields_that_would_be_another_message_are_refused_and_the_table_lives_on(fields: Fields) -> None:
    encoder, reader = Encoder(), FieldReader()
    reader.read(encoder.encode([(b"x-a", b"1")]))
    with pytest.raises(BadFields):
        reader.read(encoder.encode(fields))
    assert reader.read(encoder.encode([(b"x-a", b"1")])) == [(b"x-a", b"1")]
