"""A client's connection that an ASGI handler has taken over: bytes both ways, no HTTP any more.

ASGI has no word for an upgrade to anything but a WebSocket. Where a request offers another one, its scope carries
`extensions[TUNNEL]`: called with the head of the answer (up to and with the empty line) it writes that head and returns
the Tunnel; a handler that does not call it answers as usual. Made by `Connection`; used by the API's listener for
SPDY.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

TUNNEL = "kemu.tunnel"

_READ_AHEAD = 256 * 1024


class Tunnel:
    """`drain` waits until the client takes more; `pause` and `resume` are of reading from it."""

    def __init__(
        self,
        transport: asyncio.Transport,
        drain: Callable[[], Awaitable[None]],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._drain = drain
        self._pause = pause
        self._resume = resume
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self._is_ended = False

    async def receive(self) -> bytes:
        """What has come; b"" when the client has closed, or is gone."""
        while not self._pieces and not self._is_ended:
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if not self._is_ended:
            self._resume()
        return data

    async def send(self, data: bytes) -> None:
        """Waits while the client is slow; ConnectionError."""
        if self._is_ended or self._transport.is_closing():
            raise ConnectionResetError("the client has closed the connection")
        self._transport.write(data)
        await self._drain()

    def close(self) -> None:
        """What was sent still arrives."""
        self._transport.close()

    # -- for the connection

    def received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= _READ_AHEAD:
            self._pause()
        self._changed.set()

    def lost(self) -> None:
        self._is_ended = True
        self._changed.set()
