"""Frames on a connection: answers, windows, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, PingFrame, RstStreamFrame

from emulator.ingress import frames
from emulator.ingress.fieldblocks import encode, request_fields
from emulator.ingress.frames import PREFACE
from emulator.ingress.session import BLOCK_LIMIT
from emulator.ingress.stream import STREAM_WINDOW
from tests.ingress.conftest import HOST, World
from tests.ingress.h2peers import stream_client

SETTINGS = frames.frame(frames.SETTINGS, 0, 0)
HEAD = request_fields(b"POST", b"/", HOST)


class Raw:
    """A client that writes frames by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self, kind: type[Frame]) -> Frame:
        """The next frame of a kind."""
        async with asyncio.timeout(5):
            while True:
                found, length = Frame.parse_frame_header(memoryview(await self.reader.readexactly(9)))
                found.parse_body(memoryview(await self.reader.readexactly(length)))
                if isinstance(found, kind):
                    return found


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    raw = Raw(*await asyncio.open_connection("127.0.0.1", world.port))
    raw.writer.write(PREFACE + SETTINGS)
    yield raw
    raw.writer.close()


async def test_a_ping_is_answered_with_its_bytes(raw: Raw) -> None:
    raw.writer.write(frames.frame(frames.PING, 0, 0, b"12345678"))
    ping = await raw.frame(PingFrame)
    assert isinstance(ping, PingFrame)
    assert (ping.opaque_data, "ACK" in ping.flags) == (b"12345678", True)


async def test_frames_may_come_in_any_pieces_and_with_padding(raw: Raw) -> None:
    block = HEAD + encode([(b"x-long", b"v" * 100)])
    said = (
        frames.frame(frames.HEADERS, frames.PADDED | frames.HAS_PRIORITY, 1, b"\x02" + b"\0" * 5 + block[:20] + b"\0\0")
        + frames.frame(frames.CONTINUATION, 0, 1, block[20:40])
        + frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1, block[40:])
        + frames.frame(99, 0, 0, b"unknown")
        + frames.frame(frames.DATA, frames.PADDED | frames.END_STREAM, 1, b"\x03abc\0\0\0")
    )
    for byte in said:
        raw.writer.write(bytes([byte]))
        await asyncio.sleep(0)
    answer = await raw.frame(DataFrame)
    assert answer.data == b"abc"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (frames.frame(frames.DATA, 0, 1, b"x"), 1),
        (frames.frame(frames.HEADERS, frames.END_HEADERS, 2, HEAD), 1),
        (frames.frame(frames.HEADERS, 0, 1, HEAD) + frames.frame(frames.PING, 0, 0, b"12345678"), 1),
        (frames.frame(frames.CONTINUATION, 0, 1, HEAD), 1),
        (frames.frame(frames.HEADERS, frames.END_HEADERS | frames.PADDED, 1, b"\xff" + HEAD), 1),
        (frames.frame(frames.PUSH_PROMISE, 0, 1, b"\0" * 4), 1),
        (frames.frame(frames.HEADERS, frames.END_HEADERS, 1, b"\x80"), 9),
        (frames.frame(frames.PING, 0, 0, b"short"), 6),
        (frames.frame(frames.SETTINGS, 0, 0, b"short"), 6),
        (frames.frame(frames.DATA, 0, 1, b"x" * (frames.FRAME_SIZE + 1)), 6),
        (frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: 2**31}), 3),
        (frames.window_update(0, 0), 3),
        (frames.window_update(0, 2**31 - 1), 3),
        (
            frames.frame(frames.HEADERS, 0, 1, HEAD)
            + frames.frame(frames.CONTINUATION, 0, 1, b"\0" * frames.FRAME_SIZE) * (BLOCK_LIMIT // frames.FRAME_SIZE),
            11,
        ),
    ],
    ids=[
        "data for nobody", "an even stream", "headers interrupted", "nothing continued", "padding", "a push", "a block",
        "a short ping", "cut settings", "too large", "window of settings", "window of 0", "window", "endless headers",
    ],
)  # fmt: skip
async def test_what_may_not_be_ends_the_connection_and_says_why(raw: Raw, said: bytes, code: int) -> None:
    raw.writer.write(said)
    goaway = await raw.frame(GoAwayFrame)
    assert isinstance(goaway, GoAwayFrame)
    assert goaway.error_code == code
    async with asyncio.timeout(5):
        while await raw.reader.read(100):
            pass


async def test_a_stream_that_sends_more_than_its_window_ends_the_connection(raw: Raw, world: World) -> None:
    world.throttler.set_replicas({})  # nobody takes what is sent
    raw.writer.write(frames.frame(frames.HEADERS, frames.END_HEADERS, 3, HEAD))
    raw.writer.write(
        frames.frame(frames.DATA, 0, 3, b"x" * frames.FRAME_SIZE) * (3 * STREAM_WINDOW // frames.FRAME_SIZE)
    )
    try:
        goaway = await raw.frame(GoAwayFrame)
        assert isinstance(goaway, GoAwayFrame) and goaway.error_code == 3
    except ConnectionResetError:
        pass  # what was not read any more
    assert world.throttler.in_flight == 0


async def test_a_window_that_overflows_ends_its_stream_only(raw: Raw, world: World) -> None:
    head = frames.frame(
        frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, request_fields(b"GET", b"/slow", HOST)
    )
    raw.writer.write(head + frames.window_update(1, 2**31 - 1) + frames.frame(frames.PING, 0, 0, b"12345678"))
    reset = await raw.frame(RstStreamFrame)
    assert isinstance(reset, RstStreamFrame) and reset.error_code == 3
    await raw.frame(PingFrame)
    assert world.throttler.in_flight == 0


async def test_a_peer_with_a_small_table_is_told_that_none_is_used(world: World) -> None:
    async with stream_client(world.port) as client:
        client.peer.h2.update_settings({1: 0})  # header table size
        client.peer.write()
        assert [(await client.answer(client.ask("/"))).status for _ in range(2)] == [200, 200]


async def test_a_server_that_stops_says_goodbye_and_lets_requests_end(raw: Raw, world: World) -> None:
    world.throttler.set_replicas({})
    raw.writer.write(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, HEAD))
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        while not world.throttler.in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        tasks.create_task(world.server.stop(5.0))
        goaway = await raw.frame(GoAwayFrame)
        assert isinstance(goaway, GoAwayFrame) and (goaway.last_stream_id, goaway.error_code) == (1, 0)
        raw.writer.write(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 3, HEAD))
        reset = await raw.frame(RstStreamFrame)
        assert isinstance(reset, RstStreamFrame) and (reset.stream_id, reset.error_code) == (3, 7)  # REFUSED_STREAM
        world.throttler.set_replicas({"only": world.endpoint()})
        answer = await raw.frame(DataFrame)
        assert answer.data == b"ok"  # type: ignore[attr-defined]
        assert await raw.reader.read() == b""
