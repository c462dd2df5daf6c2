"""Port-forward by channels of a WebSocket: two for each port of the request, one for data and one for faults.

Channel 2i is the data of the i-th port, 2i + 1 its faults; the first message on each is the port's number, two bytes,
little endian. The WebSocket ends when all ports' connections have. Python's client speaks this. Followed: kubelet
pkg/cri/streaming/portforward/websocket.go.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from emulator.kubeapi.channels import V4, V5, received, sent
from emulator.kubeapi.exec import ClientLeft
from emulator.kubeapi.portforward import Forwarder
from emulator.lib.tasks import Tasks
from emulator.objects.errors import BadRequest

PROTOCOLS = (V4, V5, "v4.base64.channel.k8s.io")
_READ_AHEAD = 32
_PORT_MOST = 65535
_PORTS_BOUND = 100
_NORMAL = 1000


def ports_of(values: Sequence[str]) -> list[int]:
    """The ports of a request's `ports`, each a number or several with commas; BadRequest."""
    texts = [text for value in values for text in value.split(",") if text]
    found = [int(text) for text in texts if text.isascii() and text.isdecimal() and 0 < int(text) <= _PORT_MOST]
    if not texts or len(found) != len(texts) or len(found) > _PORTS_BOUND:
        raise BadRequest(f'query parameter "ports" must be 1 to {_PORTS_BOUND} port numbers, not "{",".join(texts)}"')
    return found


async def serve_channels(socket: WebSocket, protocol: str, ports: Sequence[int], forwarder: Forwarder) -> None:
    """The whole life of an accepted WebSocket."""
    is_base64 = "base64" in protocol
    lanes = [_ChannelLane(socket, channel, is_base64) for channel in range(2 * len(ports))]
    try:
        for lane, port in zip(lanes, [port for port in ports for _ in range(2)], strict=True):
            await lane.write(port.to_bytes(2, "little"))
        async with Tasks() as tasks:
            tasks.spawn(_dispatch(socket, lanes, is_base64), "receive")
            async with asyncio.TaskGroup() as under_way:
                for index, port in enumerate(ports):
                    data, error = lanes[2 * index : 2 * index + 2]
                    under_way.create_task(forwarder.forward(port, data, error))
        with suppress(WebSocketDisconnect, OSError, RuntimeError):
            await socket.close(_NORMAL)
    except* ClientLeft:
        pass


async def _dispatch(socket: WebSocket, lanes: Sequence[_ChannelLane], is_base64: bool) -> None:
    while True:
        frame = await received(socket)
        if is_base64 and frame[:1].isdigit():
            with suppress(ValueError):
                frame = bytes([int(frame[:1])]) + base64.b64decode(frame[1:], validate=True)
        # What comes on a channel for faults means nothing.
        if len(frame) > 1 and frame[0] < len(lanes) and frame[0] % 2 == 0:
            await lanes[frame[0]].put(frame[1:])


class _ChannelLane:
    """Implements `Lane`. The protocol has no way to end one direction: it ends with the WebSocket."""

    def __init__(self, socket: WebSocket, channel: int, is_base64: bool) -> None:
        self._socket = socket
        self._channel = channel
        self._is_base64 = is_base64
        self._received: asyncio.Queue[bytes] = asyncio.Queue(_READ_AHEAD)
        self._is_finished = False

    async def read(self) -> bytes:
        return await self._received.get()

    async def write(self, data: bytes) -> None:
        await sent(self._socket, self._channel, data, self._is_base64)

    async def finish(self) -> None:
        """What still comes is thrown away."""
        self._is_finished = True
        while not self._received.empty():
            self._received.get_nowait()

    async def put(self, data: bytes) -> None:
        if not self._is_finished:
            await self._received.put(data)
