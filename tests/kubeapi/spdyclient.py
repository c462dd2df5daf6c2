"""A SPDY/3.1 client for tests, written apart from the server: over an upgraded connection or a WebSocket."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.kubeapi.spdydictionary import DICTIONARY

Send = Callable[[bytes], Awaitable[Any]]


class SpdyClient:
    """Writes frames with `send`; `feed` takes what the server says."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._next = 1
        self._buffer = b""
        self.data: defaultdict[int, bytes] = defaultdict(bytes)
        self.replied: list[int] = []
        self.ended: list[int] = []
        self.resets: list[int] = []
        self.pings: list[int] = []
        self.is_cut = asyncio.Event()
        """The server has closed the connection; whoever calls `feed` says so."""
        self._changed = asyncio.Event()

    async def open(self, *, fin: bool = False, **headers: str) -> int:
        """A new stream's id."""
        id, self._next = self._next, self._next + 2
        plain = struct.pack(">I", len(headers))
        for word in (word for pair in headers.items() for word in pair):
            plain += struct.pack(">I", len(word)) + word.encode()
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        await self.control(1, struct.pack(">IIBB", id, 0, 0, 0) + block, flags=int(fin))
        return id

    async def control(self, type_: int, body: bytes, flags: int = 0, version: int = 3) -> None:
        await self._send(struct.pack(">HHI", 0x8000 | version, type_, flags << 24 | len(body)) + body)

    async def write(self, id: int, data: bytes, *, fin: bool = False) -> None:
        await self._send(struct.pack(">II", id, int(fin) << 24 | len(data)) + data)

    async def reset(self, id: int) -> None:
        await self.control(3, struct.pack(">II", id, 5))

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            first, word = struct.unpack_from(">II", self._buffer)
            length = word & 0xFFFFFF
            if len(self._buffer) < 8 + length:
                break
            body, self._buffer = self._buffer[8 : 8 + length], self._buffer[8 + length :]
            self._take(first, bool(word >> 24 & 1), body)
        self._changed.set()

    def _take(self, first: int, fin: bool, body: bytes) -> None:
        if not first >> 31:
            self.data[first] += body
            if fin:
                self.ended.append(first)
            return
        (id,) = struct.unpack_from(">I", body)
        match first & 0xFFFF:
            case 2:
                assert self._inflate.decompress(body[4:]) == b"\0\0\0\0"
                self.replied.append(id)
            case 3:
                self.resets.append(id)
            case 6:
                self.pings.append(id)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Returns when the condition is true."""
        try:
            async with asyncio.timeout(5):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never: {what}; {dict(self.data)} {self.ended} {self.resets}") from None
