"""Taking a connection over from the engine, and what is said when it is not given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from emulator.runtime.docker_dial import Refused, hijack, tell
from emulator.runtime.engine import Endpoint
from emulator.runtime.errors import EngineLost

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nUpgrade: tcp\r\n\r\nhello"


@asynccontextmanager
async def engine_that_says(answer: bytes) -> AsyncIterator[tuple[Endpoint, list[bytes]]]:
    """An endpoint that answers every request with these bytes, and the requests' heads."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Endpoint(f"tcp://127.0.0.1:{port}", "the test"), heads


async def test_what_follows_the_answer_is_the_stream() -> None:
    async with engine_that_says(UPGRADED) as (endpoint, heads):
        reader, writer = await hijack(endpoint, "/exec/1/start", {"Tty": True})
        assert await reader.read() == b"hello"
        writer.close()
    assert heads[0].startswith(b"POST /v1.41/exec/1/start HTTP/1.1\r\n")
    assert b"Content-Length: 13\r\n" in heads[0]


async def test_without_a_body_nothing_could_be_taken_for_input() -> None:
    async with engine_that_says(UPGRADED) as (endpoint, heads):
        _, writer = await hijack(endpoint, "/containers/1/attach")
        writer.close()
    assert b"Content-Length: 0\r\n" in heads[0]


async def test_a_refusal_has_the_engines_words() -> None:
    said = b'{"message":"No such exec instance: 1"}'
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)
    async with engine_that_says(answer) as (endpoint, _):
        with pytest.raises(Refused, match="No such exec instance: 1") as refused:
            await hijack(endpoint, "/exec/1/start", {})
    assert refused.value.status == 404


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 UPGR"], ids=["at once", "in the midst of its answer"])
async def test_an_engine_that_hangs_up_is_lost(answer: bytes) -> None:
    async with engine_that_says(answer) as (endpoint, _):
        with pytest.raises(EngineLost):
            await hijack(endpoint, "/exec/1/start", {})


async def test_an_engine_that_is_not_there_is_lost() -> None:
    with pytest.raises(EngineLost, match="no socket of that name"):
        await hijack(Endpoint("unix:///nowhere.sock", "the test"), "/exec/1/start", {})


async def test_what_is_told_is_done_or_refused() -> None:
    async with engine_that_says(b"HTTP/1.1 204 No Content\r\n\r\n") as (endpoint, heads):
        await tell(endpoint, "/containers/1/unpause")
    assert heads[0].startswith(b"POST /v1.41/containers/1/unpause HTTP/1.1\r\n")
    said = b'{"message":"Container 1 is not paused"}'
    answer = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)
    async with engine_that_says(answer) as (endpoint, _):
        with pytest.raises(Refused, match="Container 1 is not paused") as refused:
            await tell(endpoint, "/containers/1/unpause")
    assert refused.value.status == 500
    async with engine_that_says(b"") as (endpoint, _):
        with pytest.raises(EngineLost):
            await tell(endpoint, "/containers/1/unpause")
