"""WebSockets of a server that has not loaded what speaks them."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from tests.ingress.test_server import serving

_START = """
import asyncio, sys
from tests.ingress.test_server import ask, says, serving
async def main():
    async with serving(says("hello")) as (_, port):
        print((await ask(port)).endswith(b"hello"), "wsproto" in sys.modules)
asyncio.run(main())
"""


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


ECHO = Starlette(routes=[WebSocketRoute("/", echo)])


def test_a_server_starts_without_it() -> None:
    said = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False"]


@pytest.mark.parametrize("count", [1, 20])
async def test_all_who_come_at_once_and_later_are_served(count: int) -> None:
    async def talk(port: int, text: str) -> None:
        async with asyncio.timeout(20), connect(f"ws://127.0.0.1:{port}/", proxy=None) as socket:
            for word in (text, "more"):
                await socket.send(word)
                assert await socket.recv() == word

    async with serving(ECHO) as (_, port):
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                for number in range(count):
                    group.create_task(talk(port, str(number)))


async def test_a_client_that_leaves_meanwhile_is_forgotten() -> None:
    head = (
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving(ECHO) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        connections = server._server.server_state.connections
        async with asyncio.timeout(20):
            while not connections:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.001)
            writer.transport.abort()
            while connections:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
