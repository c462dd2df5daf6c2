"""HTTP/1.1 and HTTP/2 on one listener."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from emulator.ingress.deadlines import Deadlines
from emulator.ingress.frames import PREFACE
from emulator.ingress.hosts import HostTable
from emulator.ingress.server import Listener, Server, bind
from emulator.lib.tasks import Tasks


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{request.scope['http_version']} {len(await request.body())}")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])])
    listener = Listener(bind("127.0.0.1", 0), HostTable(), Deadlines(), app)
    server = Server(listener)
    async with Tasks() as tasks:
        serving = tasks.spawn(server.run(), "server")
        yield listener.port
        await server.stop(0.0)
        await serving


async def ask(port: int, *pieces: bytes) -> bytes:
    """What is answered to a request that comes in these pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        answer = await reader.read(4096)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "pieces",
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",),
        (b"P", b"OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ],
    ids=["at once", "like the other's first letter"],
)
async def test_http1_is_spoken_with_who_begins_so(port: int, pieces: tuple[bytes, ...]) -> None:
    assert b"\r\n\r\n1.1 " in await ask(port, *pieces)


async def test_a_server_answers_the_preface_of_http2_with_its_settings(port: int) -> None:
    answer = await ask(port, PREFACE[:5], PREFACE[5:] + b"\0\0\0\4\0\0\0\0\0")
    assert answer[3] == 4  # the type of a SETTINGS frame


async def test_a_client_that_says_nothing_does_not_hold_up_the_end(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PRI")
    await writer.drain()
    writer.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
async def test_http2_is_spoken_with_who_knows_beforehand(port: int) -> None:
    command = ("curl", "-sS", "--http2-prior-knowledge", "--data-binary", "x" * 100_000, f"http://127.0.0.1:{port}/")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert said == b"2 100000"


def test_it_serves_on_the_loop_that_kemu_runs_on() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def served() -> bytes:
        app = Starlette(routes=[Route("/", _echo)])
        listener = Listener(bind("127.0.0.1", 0), HostTable(), Deadlines(), app)
        server = Server(listener)
        async with Tasks() as tasks:
            serving = tasks.spawn(server.run(), "server")
            answer = await ask(listener.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await server.stop(0.0)
            await serving
        return answer

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(served()).endswith(b"1.1 0")
