"""Connections that were joined: bytes both ways, back-pressure, and whoever ends it."""

from __future__ import annotations

import asyncio

import pytest

from emulator.ingress.pipe import pipe
from tests.ingress.conftest import Line, World
from tests.waiting import until

UPGRADE = "Connection: Upgrade\r\nUpgrade: echo\r\n"


async def upgraded(world: World) -> Line:
    line = await world.connect()
    line.send("/upgrade", extra=UPGRADE)
    assert (await line.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert await line.until(b"hi!") == b"hi!"
    return line


async def idle(world: World) -> None:
    """Returns once nothing is in flight."""
    await until(lambda: not world.throttler.in_flight)


async def test_bytes_pass_both_ways_however_many(world: World) -> None:
    line = await upgraded(world)
    sent = bytes(range(256)) * 4096
    line.writer.write(sent)
    async with asyncio.timeout(10):
        assert await line.reader.readexactly(len(sent)) == sent
    assert world.throttler.in_flight == 1
    line.writer.close()
    await idle(world)
    async with asyncio.timeout(5):
        await world.backend.ended.wait()


async def test_an_end_of_the_replicas_is_the_clients(world: World) -> None:
    line = await upgraded(world)
    (connection,) = world.connections()
    connection.current.upstream.transport.abort()
    assert await line.rest() == b""
    await idle(world)


class End(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")


class Wire(asyncio.Transport):
    """A transport of which each call is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[object] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.mark.parametrize("which", [0, 1])
def test_who_takes_too_little_stops_the_reading_of_the_other(which: int) -> None:
    wires, ends = (Wire(), Wire()), (End(), End())
    pipe(ends[0], wires[0], ends[1], wires[1])
    here, there = wires[which], wires[1 - which]
    here.protocol.data_received(b"x")
    here.protocol.pause_writing()
    here.protocol.resume_writing()
    there.is_closed = True
    here.protocol.resume_writing()
    here.protocol.connection_lost(None)
    assert there.calls == [b"x", "pause", "resume"]
    assert (here.calls, ends[which].told, ends[1 - which].told) == ([], ["lost"], [])
