"""Exec and attach over WebSocket: every message is one channel's, named by its first byte.

0 stdin, 1 stdout, 2 stderr, 3 the Status in the end, 4 the terminal's size; in version 5 255 closes the channel that
the next byte names, which is how input ends. The base64 forms write the channel as a digit and the rest in base64.
Followed: k8s.io/apimachinery pkg/util/httpstream/wsstream, k8s.io/client-go tools/remotecommand/websocket.go.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from emulator.kubeapi.exec import ClientLeft, Data, EndOfInput, Message, Plan, size_of
from emulator.runtime.base import StdioName

Json = dict[str, Any]

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
PROTOCOLS = (V5, V4, "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io")
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_DIGITS = b"0123456789"
_NORMAL = 1000


def negotiated(offered: Sequence[str]) -> str | None:
    """The first protocol of the client's that is served; "" if it offers none, None if it has no other."""
    if not offered:
        return ""
    return next((name for name in offered if name in PROTOCOLS), None)


class ChannelRemote:
    """Implements `Remote` on a WebSocket that has been accepted."""

    def __init__(self, socket: WebSocket, protocol: str, plan: Plan) -> None:
        self._socket = socket
        self._is_base64 = "base64" in protocol
        self._can_close = protocol == V5
        self._has_status_object = protocol in (V5, V4, "v4.base64.channel.k8s.io")
        self._plan = plan

    async def greet(self) -> None:
        """An empty message, by which some clients know that the connection stands."""
        with suppress(ClientLeft):
            await self._send(STDOUT if self._plan.stdout else STDERR if self._plan.stderr else STATUS, b"")

    async def receive(self) -> Message:
        while True:
            frame = await received(self._socket)
            if (message := self._read(frame)) is not None:
                return message

    async def send(self, stream: StdioName, data: bytes) -> None:
        await self._send(STDOUT if stream == "stdout" else STDERR, data)

    async def finish(self, status: Json) -> None:
        if self._has_status_object:
            await self._send(STATUS, json.dumps(status).encode())
        elif status["status"] != "Success":
            await self._send(STATUS, str(status["message"]).encode())
        try:
            await self._socket.close(_NORMAL)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            raise ClientLeft from error

    def _read(self, frame: bytes) -> Message | None:
        """What a frame says; None for what nobody waits for."""
        channel, data = frame[:1], frame[1:]
        if self._is_base64 and channel in _DIGITS:
            try:
                channel, data = bytes([_DIGITS.index(channel)]), base64.b64decode(data, validate=True)
            except (ValueError, binascii.Error):
                return None
        match channel[0] if channel else None:
            case 0 if self._plan.stdin and data:
                return Data(data)
            case 255 if self._can_close and data[:1] == bytes([STDIN]):
                return EndOfInput()
            case 4:
                return size_of(data)
        return None

    async def _send(self, channel: int, data: bytes) -> None:
        await sent(self._socket, channel, data, self._is_base64)


async def received(socket: WebSocket) -> bytes:
    """The next message's bytes; ClientLeft. Text counts as UTF-8: some clients send their input so."""
    message = await socket.receive()
    if message["type"] != "websocket.receive":
        raise ClientLeft
    data = message.get("bytes")
    return data if data is not None else str(message.get("text") or "").encode()


async def sent(socket: WebSocket, channel: int, data: bytes, is_base64: bool = False) -> None:
    """Send one channel's bytes; waits while the client is slow. ClientLeft."""
    try:
        if is_base64:
            await socket.send_text(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await socket.send_bytes(bytes([channel]) + data)
    except (WebSocketDisconnect, OSError, RuntimeError) as error:
        raise ClientLeft from error
