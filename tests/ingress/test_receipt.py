"""Requests that this process answers itself: whole bodies, late answers, bounds, and clients that left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from emulator.ingress.cluster import Call
from emulator.ingress.cycle import Client, Cycle
from emulator.ingress.receipt import BODY_LIMIT, Receipt, header
from tests.ingress.conftest import Line, World

HOST = b"receiver.test"
TOO_MUCH = bytes(BODY_LIMIT + 1)


class Kept(Receipt):
    """Tells when its client has left."""

    def __init__(self, connection: Client, take: Callable[[Receipt], None]) -> None:
        super().__init__(connection, take)
        self.left = asyncio.Event()

    def client_lost(self) -> None:
        super().client_lost()
        self.left.set()


@dataclass
class Receiver:
    """A Handler that keeps what it is given; with `is_prompt` it answers at once with the body."""

    is_prompt: bool = True
    taken: asyncio.Queue[Receipt] = field(default_factory=asyncio.Queue)

    def open(self, connection: Client) -> Cycle:
        return Kept(connection, self._take)

    def call(self, call: Call) -> None:
        call.answer(500)

    def _take(self, found: Receipt) -> None:
        self.taken.put_nowait(found)
        if self.is_prompt:
            found.answer(200, [(b"X-Answer", b"1")], found.body)

    async def next(self) -> Receipt:
        async with asyncio.timeout(5):
            return await self.taken.get()


@dataclass
class Talk:
    receiver: Receiver
    line: Line

    def post(self, body: bytes, extra: str = "") -> None:
        self.line.send("/", "POST", f"Content-Length: {len(body)}\r\n{extra}", body, host=HOST)


@pytest.fixture
async def talk(world: World) -> AsyncIterator[Talk]:
    receiver = Receiver()
    world.hosts.public.set(HOST.decode(), receiver)
    yield Talk(receiver, await world.connect())


async def test_the_function_is_handed_the_whole_request(talk: Talk) -> None:
    talk.line.send("/in?x=1", "POST", "Transfer-Encoding: chunked\r\nX-Mixed: 1\r\n", b"3\r\nabc\r\n", host=HOST)
    talk.line.writer.write(b"2\r\nde\r\n0\r\n\r\n")
    status, headers, body = await talk.line.answer()
    assert (status, headers[b"x-answer"], body) == (200, b"1", b"abcde")
    found = await talk.receiver.next()
    assert (found.method, found.target, found.host) == (b"POST", b"/in?x=1", HOST)
    assert (b"X-Mixed", b"1") in found.headers
    assert header(found.headers, b"x-mixed") == b"1"
    assert header(found.headers, b"x-none") is None


async def test_an_answer_may_come_late_and_the_connection_goes_on(talk: Talk) -> None:
    talk.receiver.is_prompt = False
    for text in (b"first", b"second"):
        talk.post(text)
        found = await talk.receiver.next()
        found.answer(202, (), text)
        assert (await talk.line.answer())[::2] == (202, text)


async def test_only_the_first_answer_counts(talk: Talk) -> None:
    talk.receiver.is_prompt = False
    talk.post(b"x")
    found = await talk.receiver.next()
    found.answer(202)
    found.answer(500, (), b"too late")
    assert (await talk.line.answer())[::2] == (202, b"")
    talk.receiver.is_prompt = True
    talk.post(b"y")
    assert (await talk.line.answer())[::2] == (200, b"y")


async def test_a_client_that_waits_for_100_gets_it(talk: Talk) -> None:
    talk.line.send("/", "POST", "Expect: 100-continue\r\nContent-Length: 2\r\n", host=HOST)
    assert await talk.line.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    talk.line.writer.write(b"ok")
    assert (await talk.line.answer())[2] == b"ok"


async def test_a_body_beyond_the_bound_is_refused_and_the_connection_closed(talk: Talk) -> None:
    talk.post(TOO_MUCH)
    said = await talk.line.rest()
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close\r\n" in said
    assert said.endswith(b"\r\n\r\nrequest body too large\n")
    assert talk.receiver.taken.empty()


async def test_a_client_that_left_is_known_to_be_gone(talk: Talk) -> None:
    talk.receiver.is_prompt = False
    talk.post(b"x")
    found = await talk.receiver.next()
    assert isinstance(found, Kept)
    assert not found.is_gone
    told: list[bool] = []
    found.on_gone = lambda: told.append(found.is_gone)
    talk.line.writer.close()
    async with asyncio.timeout(5):
        await found.left.wait()
    assert found.is_gone
    assert told == [True]
    found.answer(200)  # nobody waits: dropped


async def test_head_gets_no_body(talk: Talk) -> None:
    talk.line.send("/", "HEAD", host=HOST)
    found = await talk.receiver.next()
    assert (found.method, found.body) == (b"HEAD", b"")
    assert (await talk.line.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    talk.post(b"next")
    assert (await talk.line.answer())[2] == b"next"


async def test_a_client_that_says_close_is_closed(talk: Talk) -> None:
    talk.post(b"x", "Connection: close\r\n")
    said = await talk.line.rest()
    assert b"Connection: close\r\n" in said
    assert said.endswith(b"\r\n\r\nx")


async def test_pipelined_requests_are_answered_in_order_though_the_first_takes_long(talk: Talk) -> None:
    talk.receiver.is_prompt = False
    talk.post(b"first")
    talk.post(b"second")
    talk.post(b"third", "Expect: 100-continue\r\n")
    first = await talk.receiver.next()
    assert talk.receiver.taken.empty()
    talk.receiver.is_prompt = True
    first.answer(200, (), b"first")
    assert [(await talk.line.answer())[2] for _ in range(3)] == [b"first", b"second", b"third"]


async def test_any_number_of_pipelined_requests_is_answered(talk: Talk) -> None:
    talk.receiver.is_prompt = False
    for number in range(1000):
        talk.post(b"%d" % number)
    first = await talk.receiver.next()
    talk.receiver.is_prompt = True
    first.answer(200, (), first.body)
    assert [(await talk.line.answer())[2] for _ in range(1000)] == [b"%d" % number for number in range(1000)]


async def test_a_pipelined_body_beyond_the_bound_is_refused_in_its_turn(talk: Talk) -> None:
    talk.receiver.is_prompt = False
    talk.post(b"first")
    talk.post(TOO_MUCH)
    first = await talk.receiver.next()
    first.answer(200, (), b"first")
    assert (await talk.line.answer())[2] == b"first"
    assert (await talk.line.rest()).startswith(b"HTTP/1.1 413 ")
