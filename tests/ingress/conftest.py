"""A listener with a misbehaving backend behind it, and raw sockets to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulator.ingress.cluster import ClusterClient
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.handler import Timeouts
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.server import Listener, Server, UnknownHost, bind
from emulator.ingress.upstream import Dialer, Endpoint
from emulator.lib.tasks import Tasks
from emulator.serving.rulehandlers import RuleHandler
from emulator.serving.throttler import Hooks, Throttler
from tests.ingress.backend import Backend

HOST = b"hello.example.com"


class Line:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(
        self, path: str = "/", method: str = "GET", extra: str = "", body: bytes = b"", host: bytes = HOST
    ) -> None:
        head = f"{method} {path} HTTP/1.1\r\n".encode() + b"Host: " + host + b"\r\n" + extra.encode() + b"\r\n"
        self.writer.write(head + body)

    async def until(self, end: bytes) -> bytes:
        """What comes up to and including `end`."""
        async with asyncio.timeout(10):
            return await self.reader.readuntil(end)

    async def rest(self) -> bytes:
        """What comes until the other side closes."""
        async with asyncio.timeout(10):
            return await self.reader.read(-1)

    async def answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """A whole response with a counted or chunked body."""
        head = await self.until(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")[:-2]
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(b":") for line in lines)}
        status = int(first.split()[1])
        if headers.get(b"transfer-encoding") == b"chunked":
            return status, headers, await self._chunks()
        length = int(headers.get(b"content-length", b"0"))
        async with asyncio.timeout(10):
            return status, headers, await self.reader.readexactly(length)

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            size = int(await self.until(b"\r\n"), 16)
            async with asyncio.timeout(10):
                piece = await self.reader.readexactly(size + 2)
            if not size:
                return body
            body += piece[:-2]


@dataclass
class World:
    """A running ingress."""

    hosts: VirtualHosts
    client: ClusterClient
    dialer: Dialer
    backend: Backend
    port: int
    throttler: Throttler
    server: Server
    lines: list[Line] = field(default_factory=list)

    def connections(self) -> set[Any]:
        """uvicorn's connections."""
        return set(self.server._server.server_state.connections)

    async def connect(self) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.port))
        self.lines.append(line)
        return line

    def serve(self, throttler: Throttler, host: str = HOST.decode()) -> None:
        handler = RuleHandler.to((throttler, 100))
        self.hosts.public.set(host, handler)

    def endpoint(self) -> Callable[[], Endpoint]:
        return lambda: Endpoint("127.0.0.1", self.backend.port, self.dialer, response_lines=b"Kemu-Revision: r1\r\n")


def throttler(concurrency: int = 0, total_s: float = 5.0) -> Throttler:
    return Throttler(concurrency, Timeouts(total_s), Hooks(lambda: None, lambda work, pod: None))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    hosts, deadlines = VirtualHosts(), Deadlines()
    async with Tasks() as dials, Backend() as backend:
        dialer = Dialer(dials)
        listener = Listener(bind("127.0.0.1", 0), hosts.public, deadlines, UnknownHost(hosts.public))
        server = Server(listener)
        serving = dials.spawn(server.run(), "server")
        client = ClusterClient(hosts.internal, dialer, deadlines)
        world = World(hosts, client, dialer, backend, listener.port, throttler(), server)
        world.throttler.set_replicas({"only": world.endpoint()})
        world.serve(world.throttler)
        yield world
        for line in world.lines:
            line.writer.close()
        client.close()
        await server.stop(0.0)
        world.throttler.set_replicas({})
        await serving
