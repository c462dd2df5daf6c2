"""Whatever a container does to a request, its slot is free again afterwards, and the next request gets through."""

from __future__ import annotations

import asyncio

import pytest

from emulator.ingress.handler import Timeouts
from emulator.serving.throttler import Hooks, Throttler
from tests.ingress.conftest import World
from tests.waiting import until

TIMEOUTS = Timeouts(total_s=1.0)


def single(world: World, timeouts: Timeouts = TIMEOUTS, *, in_path: bool = True) -> Throttler:
    """Serve by a Throttler that lets one request at a time into the only replica."""
    throttler = Throttler(1, timeouts, Hooks(lambda: None, lambda work, pod: None))
    throttler.set_mode(is_proxied=in_path)
    throttler.set_replicas({"only": world.endpoint()})
    world.serve(throttler)
    return throttler


def in_flight(throttler: Throttler) -> tuple[int, int, list[int]]:
    return throttler.in_flight, throttler.waiting, [replica.in_flight for replica in throttler._order]


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/die", "GET", b"", 502),
        ("/garbage", "GET", b"", 502),
        ("/truncated", "GET", b"", 200),
        ("/slow", "GET", b"", 504),
        ("/slow-body", "GET", b"", 200),
        ("/early", "POST", b"x" * 10, 413),
    ],
    ids=["no answer", "garbage", "closes mid-response", "never answers", "never ends", "answers before the end"],
)
async def test_a_bad_container_keeps_no_slot(world: World, path: str, method: str, body: bytes, status: int) -> None:
    throttler = single(world)
    for _ in range(3):
        line = await world.connect()
        # More is announced than ever comes.
        extra = f"Content-Length: {len(body) + 5}\r\n" if body else ""
        line.send(path, method=method, extra=extra, body=body)
        assert int((await line.until(b"\r\n")).split()[1]) == status
        line.writer.close()
    await until(lambda: in_flight(throttler) == (0, 0, [0]))
    line = await world.connect()
    line.send("/")
    assert (await line.answer())[0] == 200
    assert in_flight(throttler) == (0, 0, [0])
    throttler.set_replicas({})


async def test_a_client_that_leaves_frees_its_slot_or_its_place(world: World) -> None:
    throttler = single(world, Timeouts(60.0))
    inside, waiting, patient = [await world.connect() for _ in range(3)]
    inside.send("/slow")
    await until(lambda: throttler.in_flight == 1)
    waiting.send("/")
    await until(lambda: throttler.waiting == 1)
    patient.send("/")
    await until(lambda: throttler.waiting == 2)
    waiting.writer.close()
    await until(lambda: throttler.waiting == 1)
    inside.writer.close()
    assert (await patient.answer())[0] == 200
    assert in_flight(throttler) == (0, 0, [0])
    throttler.set_replicas({})


async def test_a_request_whose_time_is_over_in_the_queue_leaves_it(world: World) -> None:
    throttler = single(world, Timeouts(0.5))
    first, second = await world.connect(), await world.connect()
    first.send("/slow")
    await until(lambda: throttler.in_flight == 1)
    second.send("/")
    assert (await first.answer())[0::2] == (504, b"activator request timeout")
    # The slot that came free may have reached the second just in time.
    assert (await second.answer())[0] in (200, 504)
    await until(lambda: in_flight(throttler) == (0, 0, [0]))
    throttler.set_replicas({})


@pytest.mark.parametrize(
    ("timeouts", "path"),
    [
        (Timeouts(0.3), "/slow"),
        (Timeouts(60.0, response_start_s=0.3), "/slow"),
        (Timeouts(60.0, idle_s=0.3), "/slow"),
    ],
    ids=["total", "response start", "idle"],
)
@pytest.mark.parametrize(
    ("in_path", "text"), [(True, b"activator request timeout"), (False, b"request timeout")], ids=["in path", "direct"]
)
async def test_each_clock_answers_504_before_the_response(
    world: World, timeouts: Timeouts, path: str, in_path: bool, text: bytes
) -> None:
    throttler = single(world, timeouts, in_path=in_path)
    line = await world.connect()
    line.send(path)
    status, _, body = await line.answer()
    assert (status, body) == (504, text)
    throttler.set_replicas({})


@pytest.mark.parametrize("timeouts", [Timeouts(0.3), Timeouts(60.0, idle_s=0.3)], ids=["total", "idle"])
async def test_within_a_chunked_response_the_text_is_glued_to_the_body(world: World, timeouts: Timeouts) -> None:
    throttler = single(world, timeouts)
    line = await world.connect()
    line.send("/slow-body")
    status, _, body = await line.answer()
    assert (status, body) == (200, b"helloactivator request timeout")
    assert await line.rest() == b""
    throttler.set_replicas({})


async def test_within_a_counted_response_too_and_the_connection_ends_short(world: World) -> None:
    throttler = single(world, Timeouts(0.3))
    line = await world.connect()
    line.send("/slow-counted")
    head = await line.until(b"\r\n\r\n")
    assert b"Content-Length: 100" in head
    assert await line.rest() == b"0123456789activator request timeout"
    throttler.set_replicas({})


async def test_the_clock_for_the_start_of_a_response_stops_when_it_begins(world: World) -> None:
    throttler = single(world, Timeouts(0.8, response_start_s=0.2))
    line = await world.connect()
    line.send("/slow-body")
    begun = asyncio.get_running_loop().time()
    await line.answer()
    assert asyncio.get_running_loop().time() - begun >= 0.7
    throttler.set_replicas({})


@pytest.mark.parametrize(
    "timeouts",
    [Timeouts(0.4), Timeouts(60.0, response_start_s=0.4), Timeouts(60.0, idle_s=0.4)],
    ids=["total", "response start", "idle"],
)
async def test_an_upgraded_connection_ends_with_the_first_clock_whatever_passes(
    world: World, timeouts: Timeouts
) -> None:
    throttler = single(world, timeouts)
    line = await world.connect()
    line.send("/upgrade", extra="Connection: Upgrade\r\nUpgrade: echo\r\n")
    await line.until(b"hi!")
    begun = asyncio.get_running_loop().time()
    async with asyncio.timeout(5):
        while await _echoes(line.writer, line.reader):
            pass
    assert asyncio.get_running_loop().time() - begun < 2
    await until(lambda: in_flight(throttler) == (0, 0, [0]))
    throttler.set_replicas({})


async def _echoes(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> bool:
    try:
        writer.write(b"x")
        return bool(await reader.read(10))
    except ConnectionError:
        return False
