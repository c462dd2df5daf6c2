"""More ports of one address."""

from __future__ import annotations

import logging
import socket

import pytest

from emulator.ingress.deadlines import Deadlines
from emulator.ingress.doors import Doors
from emulator.ingress.hosts import HostTable
from emulator.ingress.server import Listener, Server, UnknownHost, bind
from emulator.lib.tasks import Tasks
from tests.ingress.test_server import ask

HERE = "127.0.0.1"


def free_port() -> int:
    with bind(HERE, 0) as probe:
        return int(probe.getsockname()[1])


def serve(bound: socket.socket) -> Server:
    hosts = HostTable()
    return Server(Listener(bound, hosts, Deadlines(), UnknownHost(hosts)))


async def test_doors_open_and_close_as_they_are_wanted() -> None:
    doors, first, second = Doors(HERE, serve), free_port(), free_port()
    async with Tasks() as tasks:
        await doors.keep({first, second}, tasks)
        assert doors.ports == {first, second}
        for port in (first, second):
            assert (await ask(port)).startswith(b"HTTP/1.1 404")
        await doors.keep({second}, tasks)
        assert doors.ports == {second}
        with pytest.raises(ConnectionRefusedError):
            await ask(first)
        assert (await ask(second)).startswith(b"HTTP/1.1 404")
        await doors.stop(0.0)
        with pytest.raises(ConnectionRefusedError):
            await ask(second)


async def test_a_port_that_is_taken_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    doors = Doors(HERE, serve)
    with bind(HERE, 0) as taken:
        port = int(taken.getsockname()[1])
        async with Tasks() as tasks:
            await doors.keep({port}, tasks)
            await doors.keep({port}, tasks)
    (record,) = caplog.records
    assert f"containers cannot reach core Services on port {port}: port {port} on {HERE} is in use" in record.message
