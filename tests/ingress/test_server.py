"""Listeners: sockets that are taken or forbidden, several servers on one loop, their end, and unknown hosts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import HostTable
from emulator.ingress.server import Listener, PortForbidden, PortInUse, Server, UnknownHost, bind
from emulator.lib.tasks import Tasks
from emulator.serving.rulehandlers import RuleHandler
from tests.ingress.conftest import HOST, World


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[tuple[Server, int]]:
    async with Tasks() as tasks:
        listener = Listener(bind("127.0.0.1", 0), HostTable(), Deadlines(), app)
        server = Server(listener)
        running = tasks.spawn(server.run(), "server")
        try:
            yield server, listener.port
        finally:
            await server.stop(0.0)
            await running


async def ask(port: int, method: str = "GET", host: str = "nobody.test") -> bytes:
    """The whole answer to one request."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{method} /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(-1)
        writer.close()
    return answer


def says(text: str) -> Starlette:
    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(text)

    return Starlette(routes=[Route("/x", answer)])


def test_a_port_that_is_taken_is_told_with_its_holder_and_a_cure() -> None:
    holder = f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})"
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as caught:
            bind("127.0.0.1", port)
    said = f"port {port} on 127.0.0.1 is in use by {holder}; stop it, or choose another with --port N"
    assert (str(caught.value), caught.value.port) == (said, port)


def test_a_host_that_is_not_this_computers_is_not_told_as_a_port_in_use() -> None:
    with pytest.raises(PortForbidden, match=r"^port 8080 on 192\.0\.2\.1 may not be bound: .*"):
        bind("192.0.2.1", 8080)


def test_a_host_that_nobody_knows_is_not_told_as_a_port_in_use() -> None:
    with pytest.raises(PortForbidden, match=r"^port 8080 on no\.such\.host\.invalid may not be bound: .+"):
        bind("no.such.host.invalid", 8080)


def test_a_port_that_was_just_left_is_bound_again() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            first.setblocking(True)
            accepted, _ = first.accept()
            accepted.close()
    bind("127.0.0.1", port).close()


def test_an_ipv6_address_is_bound_as_one() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = bind("::1", 0)
    except PortForbidden as reason:
        pytest.skip(str(reason))
    with listener:
        assert listener.family == socket.AF_INET6


async def test_several_servers_run_on_one_loop_and_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serving(says("one")) as (_, first), serving(says("two")) as (_, second):
        assert (await ask(first)).endswith(b"one")
        assert (await ask(second)).endswith(b"two")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_a_stop_lets_a_request_end_and_takes_no_new_ones() -> None:
    is_in, may_end = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> PlainTextResponse:
        is_in.set()
        await may_end.wait()
        return PlainTextResponse("ended")

    async with Tasks() as tasks:
        answers: asyncio.Queue[bytes] = asyncio.Queue()
        async with serving(Starlette(routes=[Route("/x", slow)])) as (server, port):

            async def client() -> None:
                answers.put_nowait(await ask(port))

            tasks.spawn(client(), "client")
            await is_in.wait()
            stopping = tasks.spawn(server.stop(10.0), "stop")
            may_end.set()
            await stopping
            async with asyncio.timeout(5):
                assert (await answers.get()).endswith(b"ended")


@pytest.mark.parametrize("host", [HOST, b"nobody.test"], ids=["proxied", "asgi"])
async def test_a_request_that_comes_after_a_stop_is_answered_as_the_last_of_its_connection(
    world: World, host: bytes
) -> None:
    used, fresh, idle = [await world.connect() for _ in range(3)]
    for line in (used, idle):
        line.send("/echo", host=host)
        assert b"connection" not in (await line.answer())[1]
    async with Tasks() as tasks, asyncio.timeout(10):
        stopping = tasks.spawn(world.server.stop(5.0), "stop")
        while not all(connection.is_last for connection in world.connections()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for line in (used, fresh):
            line.send("/echo", host=host)
            assert (await line.answer())[1][b"connection"] == b"close"
            assert await line.rest() == b""
        assert await idle.rest() == b""
        await stopping


async def test_a_stop_cuts_what_takes_longer_than_the_drain() -> None:
    is_in = asyncio.Event()

    async def endless(request: Request) -> PlainTextResponse:
        is_in.set()
        await asyncio.Event().wait()
        return PlainTextResponse("never")

    async with serving(Starlette(routes=[Route("/x", endless)])) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /x HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
        await is_in.wait()
        async with asyncio.timeout(5):
            await server.stop(0.05)
            assert await reader.read(-1) == b""
        writer.close()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PROPFIND"])
async def test_an_unknown_host_is_a_404_that_lists_the_hosts(method: str) -> None:
    table = HostTable()
    for host in ("b.test", "*.shop.test"):
        table.set(host, RuleHandler.to())
    async with serving(UnknownHost(table)) as (_, port):
        answer = await ask(port, method)
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(
        b'\r\n\r\nno Service answers to the host "nobody.test"; there are:\n  *.shop.test\n  b.test\n'
    )


async def test_an_unknown_host_is_told_that_there_are_none_yet() -> None:
    async with serving(UnknownHost(HostTable())) as (_, port):
        assert (await ask(port)).endswith(b"there are:\n  (none yet)\n")


async def test_an_unknown_host_whose_owner_is_known_is_told_why() -> None:
    asked: list[str] = []

    def why(host: str) -> str:
        asked.append(host)
        return "Service default/hello is not ready: it fails"

    async with serving(UnknownHost(HostTable(), why)) as (_, port):
        assert (await ask(port)).endswith(b"\r\n\r\nService default/hello is not ready: it fails\n")
    assert asked == ["nobody.test"]


async def test_an_answer_to_head_has_no_body() -> None:
    async with serving(UnknownHost(HostTable())) as (_, port):
        assert (await ask(port, "HEAD")).endswith(b"\r\n\r\n")


async def test_of_many_hosts_the_nearest_are_named() -> None:
    hosts = HostTable()
    for number in range(40):
        hosts.set(f"service-{number:02}.test", RuleHandler.to())
    async with serving(UnknownHost(hosts)) as (_, port):
        answer = (await ask(port, host="service-7.test")).decode()
    assert "  service-07.test\n" in answer
    assert answer.endswith("  … and 20 more\n")
    assert answer.count("\n  service-") == 20
