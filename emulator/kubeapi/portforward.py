"""`pods/portforward`: connections to a Pod's ports, through the API.

Three ways lead here: SPDY over an upgraded connection (kubectl before 1.31), the same SPDY over a WebSocket (later
ones), and a pair of channels for each port over a WebSocket (Python's client). In each a connection is two lanes: one
for data, one for what went wrong. kemu dials the container's own address, where a cluster dials loopback inside the
Pod: what listens on 127.0.0.1 only is not reached. Followed: kubelet pkg/cri/streaming/portforward.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from emulator.kubeapi.exec import ClientLeft
from emulator.kubeapi.podcontainers import Containers
from emulator.kubeapi.spdyconnection import Carrier, SpdyConnection, SpdyStream
from emulator.lib.tasks import Tasks
from emulator.runtime.base import Address
from emulator.runtime.errors import RuntimeFault

PROTOCOL = "portforward.k8s.io"
_PORT_MOST = 65535
_DIAL_S = 10.0
_CHUNK = 64 * 1024
_HALVES_BOUND = 256


class Lane(Protocol):
    """One direction each way, between the client and one thing."""

    async def read(self) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    async def finish(self) -> None: ...


class Forwarder:
    """Connects lanes to ports of one Pod. `running` gives the id of a container of it that runs, None if none does."""

    def __init__(self, containers: Containers, running: Callable[[], str | None], pod: str, uid: str) -> None:
        self._containers = containers
        self._running = running
        self._pod = pod
        self._uid = uid

    async def forward(self, port: int, data: Lane, error: Lane) -> None:
        """Carry bytes until the container closes; what goes wrong is said on `error`. ClientLeft."""
        said = await self._carry(port, data)
        if said:
            text = f"error forwarding port {port} to pod {self._pod}, uid {self._uid}: {said}"
            await error.write(text.encode())
        await data.finish()
        await error.finish()

    async def _carry(self, port: int, data: Lane) -> str:
        """What went wrong, or ""."""
        id = self._running()
        if id is None:
            return "no container of it is running"
        try:
            address = await self._containers.reach(id, port)
        except RuntimeFault as fault:
            return str(fault)
        if address is None:
            return f"the engine does not publish port {port}: name it among the container's ports"
        try:
            async with asyncio.timeout(_DIAL_S):
                reader, writer = await asyncio.open_connection(*address)
        except (OSError, TimeoutError) as fault:
            return _dial_failed(address, fault)
        try:
            async with Tasks() as tasks:
                tasks.spawn(_send(data, writer), f"to port {port}")
                with suppress(OSError):
                    while received := await reader.read(_CHUNK):
                        await data.write(received)
        finally:
            writer.close()
        return ""


async def _send(data: Lane, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while sent := await data.read():
            writer.write(sent)
            await writer.drain()
        writer.write_eof()


def _dial_failed(address: Address, fault: Exception) -> str:
    """As Go says it: people search for these words."""
    code = fault.errno if isinstance(fault, OSError) else None
    why = "i/o timeout" if code is None else f"connect: {os.strerror(code).lower()}"
    known = {errno.ECONNREFUSED: "connect: connection refused", errno.EHOSTUNREACH: "connect: no route to host"}
    return f"dial tcp {address[0]}:{address[1]}: {known.get(code or 0, why)}"


# -- over SPDY


async def serve_spdy(carrier: Carrier, forwarder: Forwarder) -> None:
    """Forward each pair of streams that the client opens, until it leaves."""
    pairs = _Pairs()
    try:
        async with Tasks() as tasks:

            async def connect(port: int, data: SpdyStream, error: SpdyStream) -> None:
                await forwarder.forward(port, data, error)
                data.drop()
                error.drop()

            def opened(stream: SpdyStream) -> None:
                tasks.spawn(pairs.add(stream, lambda *pair: tasks.spawn(connect(*pair), "forward")), "pair")

            await SpdyConnection(carrier, opened).run()
    except* ClientLeft:
        pass


class _Pairs:
    """Streams that wait for the other one of their connection, by `requestid`."""

    def __init__(self) -> None:
        self._waiting: dict[str, SpdyStream] = {}

    async def add(self, stream: SpdyStream, complete: Callable[[int, SpdyStream, SpdyStream], object]) -> None:
        """`complete` is called with port, data and error stream when both are there. ClientLeft."""
        kind, request = stream.headers.get("streamtype", ""), stream.headers.get("requestid", "")
        port = _port(stream.headers.get("port", ""))
        other = self._waiting.pop(request, None)
        if kind not in ("data", "error") or not request or port is None or len(self._waiting) >= _HALVES_BOUND:
            await stream.reset()
        elif other is None:
            self._waiting[request] = stream
        elif other.headers.get("streamtype") == kind:
            await stream.reset()
            await other.reset()
        else:
            data, error = (stream, other) if kind == "data" else (other, stream)
            complete(port, data, error)


def _port(text: str) -> int | None:
    if not text.isascii() or not text.isdecimal():
        return None
    return int(text) if 0 < int(text) <= _PORT_MOST else None
