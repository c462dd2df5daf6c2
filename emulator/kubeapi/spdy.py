"""SPDY/3.1 frames, without any I/O: bytes in, events out; and the frames that a server writes.

Only what Kubernetes' clients use: streams that the client opens, data both ways, half-close, reset, ping, go-away.
Their library (moby/spdystream) knows no flow control: it neither counts windows nor sends updates, so whoever waited
for one would hang. Windows are therefore read over and never sent; back-pressure is the connection's. Used by
`spdyconnection.py`. Followed: SPDY protocol draft 3.1, §2.2 and §2.6.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from emulator.kubeapi.spdydictionary import DICTIONARY

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 0x01
CANCEL = 5

_HEADER = 8
_ID_MASK = 0x7FFFFFFF
# No client's headers come near; the draft sets no bound.
_CONTROL_BOUND, _BLOCK_BOUND = 1 << 16, 1 << 16


class ProtocolFault(Exception):
    """The client does not speak SPDY/3.1; the connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The client has opened a stream; `is_finished`: it will send nothing on it."""

    id: int
    headers: Mapping[str, str]
    is_finished: bool


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes of a stream, perhaps none; `is_finished`: the last ones."""

    id: int
    data: bytes
    is_finished: bool


@dataclass(frozen=True, slots=True)
class WasReset:
    """The client has given a stream up."""

    id: int


@dataclass(frozen=True, slots=True)
class Pinged:
    """To be answered with the same id."""

    id: int


@dataclass(frozen=True, slots=True)
class GoneAway:
    """The client will open no more streams."""


Event = Opened | Received | WasReset | Pinged | GoneAway


class Framer:
    """One connection, the server's side. Frames must be written in the order they are made: headers share one zlib."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._id = 0
        self._left = 0
        self._is_last = False
        self._newest = 0

    # -- reading

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the bytes say, as far as they go; data frames in the pieces in which they come. ProtocolFault."""
        self._buffer += data
        while True:
            if self._left:
                if not self._buffer:
                    return
                yield self._data()
                continue
            if len(self._buffer) < _HEADER:
                return
            first, word = struct.unpack_from(">II", self._buffer)
            flags, length = word >> 24, word & 0xFFFFFF
            if not first >> 31:
                del self._buffer[:_HEADER]
                self._id, self._left, self._is_last = first & _ID_MASK, length, bool(flags & FIN)
                if not length and self._is_last:
                    yield Received(self._id, b"", True)
                continue
            if length > _CONTROL_BOUND:
                raise ProtocolFault(f"a control frame of {length} bytes")
            if len(self._buffer) < _HEADER + length:
                return
            body = bytes(self._buffer[_HEADER : _HEADER + length])
            del self._buffer[: _HEADER + length]
            event = self._control(first, flags, body)
            if event is not None:
                yield event

    def _data(self) -> Received:
        data = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._left -= len(data)
        return Received(self._id, data, self._is_last and not self._left)

    def _control(self, first: int, flags: int, body: bytes) -> Event | None:
        if (first >> 16) & 0x7FFF != VERSION:
            raise ProtocolFault(f"version {(first >> 16) & 0x7FFF} instead of {VERSION}")
        try:
            return self._read(first & 0xFFFF, flags, body)
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise ProtocolFault(f"a frame of type {first & 0xFFFF} cannot be read: {error}") from error

    def _read(self, type_: int, flags: int, body: bytes) -> Event | None:
        if type_ == SYN_STREAM:
            return self._opened(flags, body)
        if type_ in (SYN_REPLY, HEADERS):
            self._headers(body[4:])  # of no interest, but part of the compressed stream
        elif type_ == RST_STREAM:
            return WasReset(_id(body))
        elif type_ == PING and _word(body) % 2:  # a server's own have even numbers
            return Pinged(_word(body))
        elif type_ == GOAWAY:
            return GoneAway()
        return None

    def _opened(self, flags: int, body: bytes) -> Opened:
        id, headers = _id(body), self._headers(body[10:])
        if id % 2 == 0 or id <= self._newest:
            raise ProtocolFault(f"stream {id} after stream {self._newest}")
        self._newest = id
        return Opened(id, headers, bool(flags & FIN))

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(block, _BLOCK_BOUND)
        if self._inflate.unconsumed_tail:
            raise ProtocolFault(f"headers of more than {_BLOCK_BOUND} bytes")
        (count,) = struct.unpack_from(">I", plain)
        texts, at = [], 4
        for _ in range(min(2 * count, len(plain))):
            (length,) = struct.unpack_from(">I", plain, at)
            texts.append(plain[at + 4 : at + 4 + length].decode("latin-1"))
            at += 4 + length
        return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=False)}

    # -- writing

    def reply(self, id: int) -> bytes:
        """The stream is taken. Clients drop data that comes before this."""
        block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _frame(SYN_REPLY, struct.pack(">I", id) + block)

    def data(self, id: int, data: bytes, *, is_last: bool = False) -> bytes:
        """At most 2^24 - 1 bytes of a stream."""
        return struct.pack(">II", id, (FIN if is_last else 0) << 24 | len(data)) + data

    def reset(self, id: int) -> bytes:
        return _frame(RST_STREAM, struct.pack(">II", id, CANCEL))

    def ping(self, id: int) -> bytes:
        return _frame(PING, struct.pack(">I", id))


def _frame(type_: int, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, type_, len(body)) + body


def _word(body: bytes) -> int:
    (word,) = struct.unpack_from(">I", body)
    return int(word)


def _id(body: bytes) -> int:
    return _word(body) & _ID_MASK
