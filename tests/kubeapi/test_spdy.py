"""Frames, against what kubectl 1.28 wrote on the wire, and against what nobody should write."""

from __future__ import annotations

import struct
import zlib

import pytest

from emulator.kubeapi.spdy import Event, Framer, GoneAway, Opened, Pinged, ProtocolFault, Received, WasReset
from emulator.kubeapi.spdydictionary import DICTIONARY

# `echo hello | kubectl exec -i py -- cat`, behind the upgrade.
EXEC = bytes.fromhex(
    "80030001000000290000000100000000000078f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff"
    "800300010000001700000003000000000000c22e555c92929907000000ffff"
    "800300010000001900000005000000000000c22ac5565c92925f5a02000000ffff"
    "800300010000001500000007000000000000c229975a5404000000ffff"
    "000000030000000668656c6c6f0a000000030100000080030003000000080000000100000005"
    "800300030000000800000003000000058003000300000008000000070000000580030007000000080000000000000000"
)
EXEC_EVENTS: list[Event] = [
    Opened(1, {"streamtype": "error"}, False),
    Opened(3, {"streamtype": "stdin"}, False),
    Opened(5, {"streamtype": "stdout"}, False),
    Opened(7, {"streamtype": "stderr"}, False),
    Received(3, b"hello\n", False),
    Received(3, b"", True),
    WasReset(1),
    WasReset(3),
    WasReset(7),
    GoneAway(),
]
# The first connection through `kubectl port-forward pod/web 18555:8080`, to where the data begins.
FORWARD = bytes.fromhex(
    "800300010000003e0000000100000000000078f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45e01c60616061c0c0c0c059"
    "0489c64c50f2663400000000ffff0000000101000000800300010000001800000003000000000000c2aa19540e2512d60b000000ffff"
)
HEAD = struct.Struct(">HHI")


def test_the_dictionary_has_the_checksum_that_every_stream_begins_with() -> None:
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


@pytest.mark.parametrize("size", [1, 7, 64, len(EXEC)])
def test_what_kubectl_writes_is_read_however_it_is_cut(size: int) -> None:
    framer, seen = Framer(), list[Event]()
    for start in range(0, len(EXEC), size):
        seen += framer.feed(EXEC[start : start + size])
    whole: list[Event] = []
    for event in seen:  # data comes in the pieces in which it came
        last = whole[-1] if whole else None
        if isinstance(event, Received) and isinstance(last, Received) and event.data:
            whole[-1] = Received(last.id, last.data + event.data, event.is_finished)
        else:
            whole.append(event)
    assert whole == EXEC_EVENTS


def test_later_headers_refer_to_earlier_ones() -> None:
    shared = {"port": "8080", "requestid": "0"}
    assert list(Framer().feed(FORWARD)) == [
        Opened(1, {"streamtype": "error", **shared}, False),
        Received(1, b"", True),
        Opened(3, {"streamtype": "data", **shared}, False),
    ]


def test_an_answer_is_an_empty_block_of_the_same_compressed_stream() -> None:
    framer, inflate = Framer(), zlib.decompressobj(zdict=DICTIONARY)
    for id in (1, 3):
        frame = framer.reply(id)
        assert HEAD.unpack_from(frame) == (0x8003, 2, len(frame) - 8)
        assert struct.unpack_from(">I", frame, 8) == (id,)
        assert inflate.decompress(frame[12:]) == b"\0\0\0\0"


def test_frames_are_written_as_the_draft_draws_them() -> None:
    framer = Framer()
    assert framer.data(5, b"hi") == bytes.fromhex("00000005 00000002") + b"hi"
    assert framer.data(5, b"", is_last=True) == bytes.fromhex("00000005 01000000")
    assert framer.reset(7) == bytes.fromhex("80030003 00000008 00000007 00000005")
    assert framer.ping(9) == bytes.fromhex("80030006 00000004 00000009")


@pytest.mark.parametrize(
    ("frame", "events"),
    [
        pytest.param("80030006 00000004 00000001", [Pinged(1)], id="a ping"),
        pytest.param("80030006 00000004 00000002", [], id="the answer to a ping of ours"),
        pytest.param("80030004 0000000c 00000001 00000004 00000064", [], id="settings"),
        pytest.param("80030009 00000008 00000001 00010000", [], id="a window that nobody counts"),
        pytest.param("800300ff 00000002 abcd", [], id="a frame of a type to come"),
        pytest.param("00000001 00000000", [], id="no data, and not the last"),
        pytest.param("00000001 01000002 6869", [Received(1, b"hi", True)], id="the last data"),
    ],
)
def test_other_frames_are_read(frame: str, events: list[Event]) -> None:
    assert list(Framer().feed(bytes.fromhex(frame))) == events


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        pytest.param("80020001 0000000a" + "00" * 10, "version 2 instead of 3", id="SPDY/2"),
        pytest.param("80030001 00fffff0", "a control frame of 16777200 bytes", id="too long"),
        pytest.param("80030003 00000000", "a frame of type 3 cannot be read", id="too short"),
        pytest.param("80030001 00000010 00000001" + "00" * 6 + "ffffffffffff", "cannot be read", id="not compressed"),
        pytest.param("47455420 2f204854 54502f31 2e310d0a", None, id="HTTP, which looks like data"),
    ],
)
def test_what_is_no_spdy_is_said_so(frame: str, said: str | None) -> None:
    if said is None:
        assert all(isinstance(event, Received) for event in Framer().feed(bytes.fromhex(frame)))
        return
    with pytest.raises(ProtocolFault, match=said):
        list(Framer().feed(bytes.fromhex(frame)))


def block(plain: bytes) -> bytes:
    deflate = zlib.compressobj(zdict=DICTIONARY)
    return deflate.compress(plain) + deflate.flush(zlib.Z_SYNC_FLUSH)


def opening(id: int, plain: bytes) -> bytes:
    body = struct.pack(">IIH", id, 0, 0) + block(plain)
    return HEAD.pack(0x8003, 1, len(body)) + body


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        pytest.param(
            b"\0\0\0\1" + b"\0\0\0\4name" + b"\0\1\0\0" + b"x" * 0x10000, "more than 65536 bytes", id="a bomb"
        ),
        pytest.param(b"\xff\xff\xff\xff", "cannot be read", id="more names than bytes"),
        pytest.param(b"", "cannot be read", id="not even a count"),
    ],
)
def test_headers_are_bounded(plain: bytes, said: str) -> None:
    with pytest.raises(ProtocolFault, match=said):
        list(Framer().feed(opening(1, plain)))


@pytest.mark.parametrize("ids", [(2,), (1, 1), (3, 1)], ids=["a server's", "twice", "backwards"])
def test_stream_numbers_are_odd_and_grow(ids: tuple[int, ...]) -> None:
    framer, deflate = Framer(), zlib.compressobj(zdict=DICTIONARY)
    with pytest.raises(ProtocolFault, match="after stream"):
        for id in ids:
            packed = deflate.compress(b"\0\0\0\0") + deflate.flush(zlib.Z_SYNC_FLUSH)
            body = struct.pack(">IIH", id, 0, 0) + packed
            list(framer.feed(HEAD.pack(0x8003, 1, len(body)) + body))
