"""Probes, asked of real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from emulator.runtime.base import Address
from emulator.runtime.probes import grpc_health, http_get, tcp_connects

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WITHIN_S = 5.0
SHORT_S = 0.1


@asynccontextmanager
async def serving(serve: Serve, host: str = "127.0.0.1") -> AsyncIterator[Address]:
    """A server on a free port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            return  # whoever asked has left
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, 0)
    try:
        yield (host, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


def says(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return serve


async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.fixture
def nobody() -> Address:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return ("127.0.0.1", server.getsockname()[1])


async def test_a_port_that_listens_is_ready() -> None:
    async with serving(waits) as address:
        assert await tcp_connects(address, WITHIN_S)


async def test_a_published_port_that_is_closed_at_once_is_not_ready() -> None:
    async with serving(hangs_up) as address:
        assert not await tcp_connects(address, WITHIN_S)


async def test_a_direct_address_counts_when_it_accepts() -> None:
    async with serving(hangs_up, "127.0.0.2") as address:
        assert await tcp_connects(address, WITHIN_S)


async def test_nothing_listens(nobody: Address) -> None:
    assert not await tcp_connects(nobody, WITHIN_S)
    assert not await http_get(nobody, "/", (), "http", WITHIN_S)
    assert not await grpc_health(nobody, "", WITHIN_S)


@pytest.mark.parametrize(
    ("answer", "is_ready"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 204\r\n\r\n", True),
        (b"HTTP/1.0 399 Odd\r\n\r\n", True),
        (b"HTTP/1.1 400 Bad\r\n\r\n", False),
        (b"HTTP/1.1 503 Not yet\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (b"SSH-2.0\r\n", False),
        (b"HTTP/1.1 ready\r\n", False),
        (b"", False),
        (b"x" * 100_000, False),
    ],
    ids=["200", "204", "399", "400", "503", "100", "ssh", "no number", "nothing", "endless line"],
)
async def test_an_http_probe_wants_200_to_399(answer: bytes, is_ready: bool) -> None:
    async with serving(says(answer)) as address:
        assert await http_get(address, "/", (), "http", WITHIN_S) is is_ready


@pytest.mark.parametrize(
    ("headers", "host"),
    [((), "{address}"), ((("HOST", "mine"),), "mine")],
    ids=["the address", "its own"],
)
async def test_an_http_probe_asks_as_the_kubelet_does(headers: tuple[tuple[str, str], ...], host: str) -> None:
    heads: list[list[str]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().splitlines())
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with serving(serve) as address:
        assert await http_get(address, "/ready?now=1", (("X-A", "1"), *headers), "http", WITHIN_S)
        expected = host.format(address=f"{address[0]}:{address[1]}")
    (head,) = heads
    assert head[0] == "GET /ready?now=1 HTTP/1.1"
    assert "X-A: 1" in head
    assert [line.partition(": ")[2] for line in head if line.lower().startswith("host:")] == [expected]
    assert any(line.startswith("User-Agent: kube-probe/") for line in head)


async def test_who_does_not_answer_in_time_is_not_ready() -> None:
    async with serving(waits) as address:
        assert not await http_get(address, "/", (), "http", SHORT_S)
        assert not await grpc_health(address, "", SHORT_S)


async def test_https_from_a_server_without_tls_is_not_ready() -> None:
    async with serving(says(b"HTTP/1.1 200 OK\r\n\r\n")) as address:
        assert not await http_get(address, "/", (), "https", SHORT_S)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


SETTINGS = frame(4, 0, 0)
HEADERS = frame(1, 4, 1, b"\x88")  # :status 200


@pytest.mark.parametrize(
    ("frames", "is_ready"),
    [
        (SETTINGS + HEADERS + frame(0, 0, 1, b"\0\0\0\0\x02\x08\x01"), True),
        (
            SETTINGS + frame(4, 1, 0) + frame(8, 0, 0, b"\0\0\0\1") + HEADERS + frame(0, 0, 1, b"\0\0\0\0\x02\x08\x01"),
            True,
        ),
        (SETTINGS + HEADERS + frame(0, 0, 1, b"\0\0\0\0\x02\x08\x02"), False),
        (SETTINGS + HEADERS + frame(0, 0, 1, b"\0\0\0\0\0"), False),
        (SETTINGS + frame(1, 5, 1, b"\x88"), False),
        (SETTINGS + frame(3, 0, 1, b"\0\0\0\7"), False),
        (SETTINGS + frame(7, 0, 0, b"\0" * 8), False),
        (SETTINGS, False),
    ],
    ids=["serving", "between other frames", "not serving", "unknown", "trailers only", "reset", "goaway", "closed"],
)
async def test_grpc_is_ready_when_it_serves(frames: bytes, is_ready: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"SM\r\n\r\n")
        writer.write(frames)
        await writer.drain()

    async with serving(serve) as address:
        assert await grpc_health(address, "shop", WITHIN_S) is is_ready


async def test_grpc_asks_for_the_service_named() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"shop"))

    async with serving(serve) as address:
        await grpc_health(address, "shop", WITHIN_S)
    (request,) = asked
    assert request.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"/grpc.health.v1.Health/Check" in request
    assert request.endswith(b"\0\0\0\0\x06\x0a\x04shop")
