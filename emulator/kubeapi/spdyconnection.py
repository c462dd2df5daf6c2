"""A SPDY/3.1 connection on the event loop: streams that a client has opened, over anything that carries bytes.

Over a connection that was upgraded, or over the messages of a WebSocket (kubectl tunnels the same bytes there). Knows
nothing of what the streams are for: `spdyremote.py` and `portforward.py` do. A stream whose reader is slow holds up the
whole connection once its buffer is full, as in Kubernetes' own library: the protocol has nothing better there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from emulator.kubeapi.exec import ClientLeft
from emulator.kubeapi.spdy import (
    Event,
    Framer,
    GoneAway,
    Opened,
    Pinged,
    ProtocolFault,
    Received,
    WasReset,
)

_READ_AHEAD = 256 * 1024
_CHUNK = 32 * 1024
_STREAMS_BOUND = 2048


class Carrier(Protocol):
    """Bytes both ways."""

    async def receive(self) -> bytes:
        """b"" when the client has closed; ClientLeft when the line broke."""

    async def send(self, data: bytes) -> None:
        """Waits while the client is slow; ClientLeft."""


class SpdyStream:
    """One stream, opened by the client."""

    def __init__(self, id: int, headers: Mapping[str, str], connection: SpdyConnection) -> None:
        self.id = id
        self.headers = headers
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self.is_ended = False
        """The client will send nothing more."""
        self.is_finished = False
        """Nothing more will be sent."""
        self.is_dropped = False

    async def read(self) -> bytes:
        """What has come; b"" at the end."""
        while not self._pieces and not self.is_ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._pieces:
            return b""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._changed.set()
        return data

    async def write(self, data: bytes) -> None:
        """Waits while the client is slow; ClientLeft. After a reset by the client: nothing."""
        for start in range(0, len(data), _CHUNK):
            await self._connection.send_data(self, data[start : start + _CHUNK])

    async def finish(self) -> None:
        """Nothing more will be written; reading goes on. ClientLeft."""
        await self._connection.send_data(self, b"", is_last=True)

    async def reset(self) -> None:
        """Give the stream up. ClientLeft."""
        self.drop()
        await self._connection.send_reset(self)

    def drop(self) -> None:
        """What still comes is thrown away."""
        self.is_dropped = True
        self._pieces.clear()
        self._changed.set()

    # -- for the connection

    async def put(self, data: bytes) -> None:
        """Keep what has come; waits while too much is unread."""
        while self._size >= _READ_AHEAD and not self.is_dropped and not self.is_ended:
            self._changed.clear()
            await self._changed.wait()
        if data and not self.is_dropped and not self.is_ended:
            self._pieces.append(data)
            self._size += len(data)
            self._changed.set()

    def end(self) -> None:
        self.is_ended = True
        self._changed.set()


class SpdyConnection:
    """All streams of one client. `opened` is called with each new one, in order."""

    def __init__(self, carrier: Carrier, opened: Callable[[SpdyStream], None]) -> None:
        self._carrier = carrier
        self._opened = opened
        self._framer = Framer()
        self._streams: dict[int, SpdyStream] = {}
        # Frames must leave in the order in which they were made.
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Read until the client leaves: always ends with ClientLeft."""
        try:
            while data := await self._carrier.receive():
                for event in self._framer.feed(data):
                    await self._take(event)
        except ProtocolFault as fault:
            raise ClientLeft from fault
        finally:
            for stream in self._streams.values():
                stream.end()
        raise ClientLeft

    async def _take(self, event: Event) -> None:
        match event:
            case Opened(id, headers, is_finished):
                await self._open(id, headers, is_finished)
            case Received(id, data, is_finished):
                stream = self._streams.get(id)
                if stream is not None:
                    await stream.put(data)
                    if is_finished:
                        stream.end()
                        self._forget(stream)
            case WasReset(id):
                stream = self._streams.pop(id, None)
                if stream is not None:
                    stream.is_finished = True
                    stream.drop()
                    stream.end()
            case Pinged(id):
                async with self._sending:
                    await self._carrier.send(self._framer.ping(id))
            case GoneAway():
                # It closes once all its streams have ended.
                pass

    async def _open(self, id: int, headers: Mapping[str, str], is_finished: bool) -> None:
        stream = SpdyStream(id, headers, self)
        if len(self._streams) >= _STREAMS_BOUND:
            await self.send_reset(stream)
            return
        self._streams[id] = stream
        async with self._sending:
            await self._carrier.send(self._framer.reply(id))
        if is_finished:
            stream.end()
        self._opened(stream)

    # -- for streams

    async def send_data(self, stream: SpdyStream, data: bytes, *, is_last: bool = False) -> None:
        async with self._sending:
            if stream.is_finished:
                return
            stream.is_finished = is_last
            await self._carrier.send(self._framer.data(stream.id, data, is_last=is_last))
        self._forget(stream)

    async def send_reset(self, stream: SpdyStream) -> None:
        async with self._sending:
            if stream.is_finished and stream.is_ended:
                return
            stream.is_finished = stream.is_ended = True
            await self._carrier.send(self._framer.reset(stream.id))
        self._streams.pop(stream.id, None)

    def _forget(self, stream: SpdyStream) -> None:
        if stream.is_finished and stream.is_ended:
            self._streams.pop(stream.id, None)
