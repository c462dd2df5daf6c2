"""An ASGI handler that takes a client's connection over, or does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import HostTable
from emulator.ingress.server import Listener, Server, bind
from emulator.ingress.tunnel import TUNNEL, Tunnel
from emulator.lib.tasks import Tasks

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: thing\r\n\r\n"
OFFER = b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: thing\r\nContent-Length: 0\r\n\r\n"
PLAIN = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def served(use: Callable[[Tunnel], Awaitable[None]]) -> AsyncIterator[tuple[int, Server]]:
    """A listener whose app takes over what offers to switch, and says `usual` to everything else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        open_tunnel = (scope.get("extensions") or {}).get(TUNNEL)
        if open_tunnel is not None and scope["path"] == "/x":
            await use(open_tunnel(HEAD))
            return
        body = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            body += message["body"]
            if not message["more_body"]:
                break
        body += b"usual"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async with asyncio.timeout(10), Tasks() as tasks:
        listener = Listener(bind("127.0.0.1", 0), HostTable(), Deadlines(), app)
        server = Server(listener)
        serving = tasks.spawn(server.run(), "server")
        yield listener.port, server
        await server.stop(0.0)
        await serving


async def echo(tunnel: Tunnel) -> None:
    while data := await tunnel.receive():
        await tunnel.send(data)
    tunnel.close()


async def test_bytes_go_both_ways_behind_the_head() -> None:
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(OFFER + b"early")
        assert await reader.readexactly(len(HEAD) + 5) == HEAD + b"early"
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.readexactly(18) == b"GET / HTTP/1.1\r\n\r\n"
        writer.close()


async def test_who_does_not_take_it_answers_as_usual() -> None:
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in (PLAIN, OFFER.replace(b"/x", b"/y"), PLAIN):
            writer.write(request)
            assert (await reader.readuntil(b"usual")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


@pytest.mark.parametrize(
    ("framing", "body", "expected"),
    [
        ("Content-Length: 5", b"12345", b"12345"),
        ("Transfer-Encoding: chunked", b"3\r\n123\r\n2\r\n45\r\n0\r\n\r\n", b"12345"),
        ("Content-Length: 0", b"", b""),
    ],
    ids=["of a length", "in chunks", "empty"],
)
async def test_a_post_that_offers_h2c_keeps_its_body(framing: str, body: bytes, expected: bytes) -> None:
    """Java's HTTP client offers it with every request."""
    offer = f"POST /y HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{framing}\r\n\r\n".encode()
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in (offer + body, PLAIN, offer + body, offer, body):
            writer.write(request)
            if request == offer and body:
                await asyncio.sleep(0)
                continue
            if request:
                answer = await reader.readuntil(b"usual")
                wanted = b"" if request == PLAIN else expected
                assert answer.partition(b"\r\n\r\n")[2] == wanted + b"usual"
        writer.close()


async def test_both_ends_wait_for_a_slow_one() -> None:
    taken, let_go = 0, asyncio.Event()

    async def slow(tunnel: Tunnel) -> None:
        nonlocal taken
        await let_go.wait()
        while data := await tunnel.receive():
            taken += len(data)
            await tunnel.send(data)

    async with served(slow) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(OFFER)
        await reader.readexactly(len(HEAD))
        sent = 0
        while sent < 50_000_000:
            writer.write(b"x" * 100_000)
            try:
                async with asyncio.timeout(0.2):
                    await writer.drain()
            except TimeoutError:
                break
            sent += 100_000
        assert sent < 40_000_000, "nobody reads, so writing waits"
        let_go.set()
        await asyncio.sleep(0.2)
        assert taken < sent, "nobody reads the echo, so reading waits"
        while await reader.read(1 << 20):
            if taken >= sent:
                break
        writer.close()


async def test_a_client_that_goes_and_a_server_that_stops_end_it() -> None:
    ended: asyncio.Queue[bool] = asyncio.Queue()

    async def until_end(tunnel: Tunnel) -> None:
        while await tunnel.receive():
            pass
        try:
            await tunnel.send(b"too late")
        except ConnectionError:
            ended.put_nowait(True)

    async with served(until_end) as (port, server):
        for stop in (False, True):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(OFFER)
            await reader.readexactly(len(HEAD))
            if stop:
                await server.stop(5.0)
            else:
                writer.transport.abort()
            assert await ended.get()
            writer.close()
