"""Connections to replicas that speak HTTP/2: how many, how long, and what may go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from emulator.ingress import frames
from emulator.ingress.cluster import Answer, Call, Sink
from emulator.ingress.fieldblocks import encode, status_field
from emulator.ingress.upstream import Dialer
from emulator.ingress.upstreamsession import StreamEndpoint
from emulator.lib.tasks import Tasks
from tests.ingress.h2peers import StreamBackend
from tests.waiting import until

SETTINGS = frames.frame(frames.SETTINGS, 0, 0)


class Replica:
    """An endpoint, and Calls to it."""

    def __init__(self, endpoint: StreamEndpoint) -> None:
        self.endpoint = endpoint

    def start(self, path: str = "/", body: bytes = b"") -> asyncio.Future[Answer]:
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        call = Call(b"POST", Sink(f"http://replica{path}"), [(b"Ce-Id", b"1")], body, done.set_result)
        call.dispatch(self.endpoint)
        return done

    async def ask(self, path: str = "/", body: bytes = b"") -> Answer:
        async with asyncio.timeout(5):
            return await self.start(path, body)


@asynccontextmanager
async def replica(port: int) -> AsyncIterator[Replica]:
    async with Tasks() as tasks:
        endpoint = Dialer(tasks).endpoint("127.0.0.1", port, speaks_http2=True)
        assert isinstance(endpoint, StreamEndpoint)
        yield Replica(endpoint)
        endpoint.close()


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[int]:
    """The port of a server whose connections write, one after the other, one of `answers`; then it hangs up on all.

    At its end all connections must have been closed.
    """
    left, is_open = list(answers), set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_open.add(writer)
        await reader.read(4096)
        if left:
            writer.write(left.pop(0))
            while await reader.read(4096):
                pass
        writer.close()
        is_open.discard(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await until(lambda: not is_open)


async def test_an_event_passes_with_its_length() -> None:
    async with StreamBackend() as backend, replica(backend.port) as found:
        answer = await found.ask("/a", b"event")
        assert (answer.status, answer.body) == (200, b"event")
        (asked,) = backend.asked
        assert (asked.get(":authority"), asked.get("content-length"), asked.get("ce-id")) == ("replica", "5", "1")


async def test_a_connection_made_ahead_is_the_next_calls() -> None:
    async with StreamBackend() as backend, replica(backend.port) as found:
        found.endpoint.warm()
        found.endpoint.warm()
        assert (await found.ask("/a")).status == 200
        assert (await found.ask("/b")).status == 200
        assert backend.connections == 1


async def test_calls_at_once_wait_for_one_connection() -> None:
    async with StreamBackend() as backend, replica(backend.port) as found:
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(found.start(body=b"%d" % n) for n in range(50)))
        assert [answer.body for answer in answers] == [b"%d" % n for n in range(50)]
        assert backend.connections == 1


async def test_a_replica_that_is_taken_out_may_end_what_it_has() -> None:
    async with StreamBackend() as backend, replica(backend.port) as found:
        await found.ask()
        held = found.start("/never")
        await backend.until(lambda: len(backend.asked) == 2)
        found.endpoint.close()
        assert found.endpoint.sessions == []
        assert not held.done()
        backend.peers[0].h2.send_headers(3, [(":status", "204")], end_stream=True)
        backend.peers[0].write()
        assert (await held).status == 204
        await backend.until(lambda: backend.peers[0].writer.is_closing())


async def test_an_idle_connection_is_given_up_at_the_second_look() -> None:
    async with StreamBackend() as backend, replica(backend.port) as found:
        await found.ask()
        found.endpoint._drop_stale()
        assert len(found.endpoint.sessions) == 1
        found.endpoint._drop_stale()
        assert found.endpoint.sessions == []
        await backend.until(lambda: backend.peers[0].writer.is_closing())
        assert (await found.ask()).status == 200


async def test_an_idle_connection_that_the_replica_closed_is_replaced() -> None:
    async with StreamBackend() as backend, replica(backend.port) as found:
        await found.ask()
        backend.peers[0].writer.close()
        await until(lambda: not found.endpoint.sessions)
        assert (await found.ask()).status == 200
        assert backend.connections == 2


async def test_whoever_hangs_up_on_everybody_is_not_asked_for_ever() -> None:
    async with scripted() as port, replica(port) as found:
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(found.start() for _ in range(3)))
        assert [answer.error for answer in answers] == ["EOF"] * 3


async def test_nobody_there_is_told_to_all_who_wait() -> None:
    async with scripted() as port:
        pass
    async with replica(port) as found:
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(found.start() for _ in range(3)))
        assert {answer.error for answer in answers} == {f"dial tcp 127.0.0.1:{port}: connect: connection refused"}


def _head(*fields: tuple[bytes, bytes], status: bytes = status_field(200), ends: bool = False) -> bytes:
    return SETTINGS + frames.header_frames(1, status + encode(fields), ends=ends)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (_head(status=b"", ends=True), "malformed non-numeric status pseudo header"),
        (_head(status=encode([(b":status", b"2xx")]), ends=True), "malformed non-numeric status pseudo header"),
        (_head(status=encode([(b":status", b"101")]), ends=True), "malformed non-numeric status pseudo header"),
        (_head((b"content-length", b"x")), "bad Content-Length"),
        (SETTINGS + frames.frame(frames.DATA, 0, 1, b"x"), "received DATA before a HEADERS frame"),
        (SETTINGS + frames.frame(frames.DATA, 1, 1), "missing status pseudo header"),
        (_head((b"bad name", b"1"), ends=True), "PROTOCOL_ERROR"),
        (SETTINGS + frames.goaway(0, 2), "server sent GOAWAY and closed the connection; ErrCode=INTERNAL_ERROR"),
    ],
    ids=["no status", "no number", "switching", "length", "data first", "no head", "field", "goaway twice"],
)
async def test_a_malformed_response_is_none(said: bytes, error: str) -> None:
    async with scripted(said, said) as port, replica(port) as found:
        assert error in (await found.ask()).error


@pytest.mark.parametrize("body", [b"123456", b"1234"], ids=["longer", "shorter"])
async def test_a_body_of_another_length_than_was_said_is_broken(body: bytes) -> None:
    said = _head((b"content-length", b"5")) + frames.frame(frames.DATA, 1, 1, body)
    async with scripted(said) as port, replica(port) as found:
        assert (await found.ask()).error == "unexpected EOF"
