"""Connections to replicas: pooling, staleness, retries, failures in Go's words, tunnels, misbehaving servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emulator.ingress import upstream
from emulator.ingress.carried import Carried
from emulator.ingress.repeats import HeaderList
from emulator.ingress.upstream import Dialer, Endpoint, Upstream
from emulator.lib.tasks import Tasks
from tests.ingress.backend import Backend, plain

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Work(Carried):
    """A GET that keeps all that it is told, as a log and in parts."""

    def __init__(self, path: str, method: str = "GET", *, replayable: bool = True) -> None:
        super().__init__()
        self.log: list[str] = []
        self.status = 0
        self.body = b""
        self.failure = ""
        self.is_over = asyncio.Event()
        self._news = asyncio.Event()
        self._request = f"{method} {path} HTTP/1.1\r\nHost: replica.test\r\n\r\n".encode()
        self._is_replayable = replayable
        self._is_head = method == "HEAD"

    def send(self) -> None:
        self.log.append("send")
        assert self.upstream is not None
        self.upstream.transport.write(self._request)

    def unsend(self) -> None:
        self.log.append("unsend")

    def is_replayable(self) -> bool:
        return self._is_replayable

    def fail(self, status: int, text: str) -> None:
        self.detach(False)
        self.failure = f"{status} {text}"
        self._end("fail")

    def response_head(self, status: int, headers: HeaderList) -> bool:
        self.log.append(f"head {status}")
        self.is_started = status >= 200
        self.status = status
        return self._is_head or status in (204, 304)

    def response_body(self, data: bytes) -> None:
        self.body += data

    def response_counted(self, data: bytes) -> None:
        self.body += data
        self._news.set()

    async def until(self, text: bytes) -> None:
        """Until `text` has come through the tunnel."""
        async with asyncio.timeout(5):
            while text not in self.body:
                self._news.clear()
                await self._news.wait()

    def response_end(self, trailers: HeaderList, is_reusable: bool) -> None:
        self.log += [f"trailer {name.decode()}" for name, _ in trailers]
        self.detach(is_reusable)
        self._end("end reusable" if is_reusable else "end")

    def response_lost(self, error: Exception | None) -> None:
        self._end("lost")

    def tunnel(self, rest: bytes) -> None:
        self.body += rest
        self.log.append("tunnel")
        self._news.set()

    def _end(self, how: str) -> None:
        self.log.append(how)
        self.finished = True
        self.is_over.set()


class Watched(Endpoint):
    """Tells when a connection came back."""

    def __init__(self, port: int, dialer: Dialer, tls: ssl.SSLContext | None = None) -> None:
        super().__init__("127.0.0.1", port, dialer, tls=tls)
        self.was_released = asyncio.Event()

    def release(self, upstream: Upstream) -> None:
        super().release(upstream)
        self.was_released.set()


class Replica:
    """The misbehaving backend, and an Endpoint of it."""

    def __init__(self, backend: Backend, dialer: Dialer) -> None:
        self.backend = backend
        self.dialer = dialer
        self.endpoint = Watched(backend.port, dialer)

    async def ask(self, path: str, method: str = "GET", **more: Any) -> Work:
        work = Work(path, method, **more)
        work.dispatch(self.endpoint)
        async with asyncio.timeout(5):
            await work.is_over.wait()
        return work


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    async with Tasks() as tasks, Backend() as backend:
        replica = Replica(backend, Dialer(tasks))
        yield replica
        replica.endpoint.close()


@pytest.mark.parametrize(
    ("path", "method", "log", "body"),
    [
        ("/echo", "GET", ["send", "head 200", "end reusable"], b"ok"),
        ("/echo", "HEAD", ["send", "head 200", "end reusable"], b""),
        ("/204", "GET", ["send", "head 204", "end reusable"], b""),
        ("/304", "GET", ["send", "head 304", "end reusable"], b""),
        ("/chunked", "GET", ["send", "head 200", "end reusable"], b"hello" * 3),
        ("/trailers", "GET", ["send", "head 200", "trailer X-Sum", "end reusable"], b"hi"),
        ("/103", "GET", ["send", "head 103", "head 200", "end reusable"], b"x"),
        ("/eof", "GET", ["send", "head 200", "lost"], b"until the end"),
        ("/truncated", "GET", ["send", "head 200", "lost"], b"0123456789"),
    ],
)
async def test_a_response_is_told_part_by_part(
    replica: Replica, path: str, method: str, log: list[str], body: bytes
) -> None:
    work = await replica.ask(path, method)
    assert (work.log, work.body) == (log, body)


async def test_a_connection_is_used_again_last_in_first_out(replica: Replica) -> None:
    works = [Work("/echo"), Work("/echo")]
    for work in works:
        work.dispatch(replica.endpoint)
    for work in works:
        await work.is_over.wait()
    assert replica.backend.connections == 2
    last = replica.endpoint.idle[-1]
    third = Work("/echo")
    third.dispatch(replica.endpoint)
    assert third.upstream is last
    await third.is_over.wait()
    assert replica.backend.connections == 2


async def test_a_connection_made_ahead_is_the_next_works(replica: Replica) -> None:
    replica.endpoint.warm()
    async with asyncio.timeout(5):
        await replica.endpoint.was_released.wait()
    (ready,) = replica.endpoint.idle
    work = Work("/echo")
    work.dispatch(replica.endpoint)
    assert work.upstream is ready
    await work.is_over.wait()
    assert replica.backend.connections == 1


async def test_a_closed_endpoint_keeps_nothing(replica: Replica) -> None:
    work = Work("/echo")
    work.dispatch(replica.endpoint)
    replica.endpoint.close()
    await work.is_over.wait()
    assert (work.body, replica.endpoint.idle) == (b"ok", [])


async def test_not_more_than_the_bound_are_kept(replica: Replica) -> None:
    works = [Work("/echo") for _ in range(upstream.IDLE_LIMIT + 5)]
    for work in works:
        work.dispatch(replica.endpoint)
    for work in works:
        await work.is_over.wait()
    assert len(replica.endpoint.idle) <= upstream.IDLE_LIMIT


@pytest.mark.looptime(start=0)
async def test_a_connection_that_nobody_used_for_a_while_is_closed(replica: Replica) -> None:
    await replica.ask("/echo")
    (idle,) = replica.endpoint.idle
    await asyncio.sleep(upstream.IDLE_TIMEOUT_S / 2 - 1)
    assert replica.endpoint.idle == [idle]
    await asyncio.sleep(upstream.IDLE_TIMEOUT_S)
    assert replica.endpoint.idle == []
    assert idle.transport.is_closing()


@pytest.mark.looptime(start=0)
async def test_a_connection_that_is_used_now_and_then_stays(replica: Replica) -> None:
    for _ in range(10):
        await replica.ask("/echo")
        await asyncio.sleep(upstream.IDLE_TIMEOUT_S / 3)
    assert replica.backend.connections == 1


async def test_a_pooled_connection_that_died_is_replaced_and_the_work_sent_again(replica: Replica) -> None:
    await replica.ask("/die-on-second")
    work = await replica.ask("/die-on-second")
    assert work.log == ["send", "unsend", "send", "head 200", "end reusable"]


async def test_what_may_not_be_sent_twice_fails_on_a_pooled_connection_that_died(replica: Replica) -> None:
    await replica.ask("/die-on-second")
    work = await replica.ask("/die-on-second", replayable=False)
    assert (work.log, work.failure) == (["send", "fail"], "502 EOF")


async def test_a_new_connection_that_ends_without_an_answer_is_no_reason_to_try_again(replica: Replica) -> None:
    work = await replica.ask("/die")
    assert (work.log, work.failure) == (["send", "fail"], "502 EOF")


async def test_an_answer_that_is_no_http_is_shown_in_its_first_words(replica: Replica) -> None:
    work = await replica.ask("/garbage")
    said = '502 net/http: HTTP/1.x transport connection broken: malformed HTTP response "SPAM 1 2 3"'
    assert work.failure == said


async def test_a_101_hands_over_what_came_behind_it(replica: Replica) -> None:
    work = Work("/upgrade")
    work.dispatch(replica.endpoint)
    await work.until(b"hi!")
    assert work.log == ["send", "head 101", "tunnel"]
    work.detach(False)


async def test_work_that_left_while_its_connection_was_made_leaves_it_to_the_pool(replica: Replica) -> None:
    work = Work("/echo")
    work.dispatch(replica.endpoint)
    work.finished = True
    async with asyncio.timeout(5):
        await replica.endpoint.was_released.wait()
    assert work.log == []
    assert (await replica.ask("/echo")).body == b"ok"
    assert replica.backend.connections == 1


async def test_a_server_that_speaks_unasked_is_let_go(replica: Replica) -> None:
    async with plain(OK + OK) as port:  # the second one was not asked for
        replica.endpoint = Watched(port, replica.dialer)
        work = await replica.ask("/echo")
        assert (work.log, work.body) == (["send", "head 200", "end"], b"ok")
        assert replica.endpoint.idle == []


async def test_nobody_listening_is_told_in_gos_words(replica: Replica) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        replica.endpoint = Watched(port, replica.dialer)
        work = await replica.ask("/")
    assert work.failure == f"502 dial tcp 127.0.0.1:{port}: connect: connection refused"


async def test_a_server_without_tls_is_told_as_that(replica: Replica) -> None:
    async with plain(OK) as port:
        replica.endpoint = Watched(port, replica.dialer, ssl.create_default_context())
        work = await replica.ask("/")
    assert work.failure == "502 http: server gave HTTP response to HTTPS client"


async def test_an_ipv6_address_is_written_in_brackets(replica: Replica) -> None:
    assert Endpoint("::1", 80, replica.dialer).address == "[::1]:80"
