"""Requests in which one side or both speak HTTP/2, with another implementation of it on the other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from emulator.ingress.handler import Timeouts
from emulator.ingress.upstream import Dialer
from emulator.serving.throttler import Hooks, Throttler
from tests.ingress.conftest import World
from tests.ingress.h2peers import BIG, StreamBackend, StreamClient, stream_client
from tests.waiting import until

H2C = "h2c.example.com"
PLAIN = "hello.example.com"


class Streams:
    """A Revision whose replica speaks HTTP/2, behind the listener of `world`."""

    def __init__(self, world: World, backend: StreamBackend, timeouts: Timeouts) -> None:
        self.world = world
        self.backend = backend
        self.troubles: list[str] = []
        hooks = Hooks(lambda: None, lambda work, pod: None, None, lambda work, text: self.troubles.append(text))
        self.throttler = Throttler(0, timeouts, hooks, speaks_http2=True)
        dialer: Dialer = world.dialer
        self.throttler.set_replicas(
            {
                "only": lambda: dialer.endpoint(
                    "127.0.0.1", backend.port, speaks_http2=True, response_lines=b"Kemu-Revision: r2\r\n"
                )
            }
        )
        world.serve(self.throttler, H2C)

    async def quiet(self) -> None:
        """Returns once nothing is in flight."""
        await until(lambda: not self.throttler.in_flight)


@asynccontextmanager
async def streams(world: World, backend: StreamBackend, timeouts: Timeouts | None = None) -> AsyncIterator[Streams]:
    async with backend:
        found = Streams(world, backend, timeouts or Timeouts(5.0))
        yield found
        await found.quiet()
        found.throttler.set_replicas({})


@pytest.fixture
async def h2c(world: World) -> AsyncIterator[Streams]:
    async with streams(world, StreamBackend()) as found:
        yield found


@pytest.fixture
async def client(world: World) -> AsyncIterator[StreamClient]:
    async with stream_client(world.port) as found:
        yield found


# -- from HTTP/2 to HTTP/2


async def test_a_request_and_its_response_pass(h2c: Streams, client: StreamClient) -> None:
    more = [("content-type", "text/plain"), ("x-twice", "1"), ("x-twice", "2")]
    answer = await client.answer(client.ask("/a?b", method="PUT", host=H2C, more=more, body=b"hello"))
    assert (answer.status, answer.body, answer.headers["kemu-revision"]) == (200, b"hello", "r2")
    (asked,) = h2c.backend.asked
    assert asked.headers[:4] == [(":method", "PUT"), (":scheme", "http"), (":path", "/a?b"), (":authority", H2C)]
    assert [value for name, value in asked.headers if name == "x-twice"] == ["1", "2"]
    assert asked.get("x-forwarded-for").startswith("127.0.0.1, ")
    assert asked.get("k-proxy-request") == "activator"
    assert asked.get("traceparent").startswith("00-")
    assert "host" not in dict(asked.headers)


async def test_trailers_pass_both_ways(h2c: Streams, client: StreamClient) -> None:
    stream = client.ask("/trailers", method="POST", host=H2C, more=[("te", "trailers")], body=b"x", ends=False)
    client.peer.h2.send_headers(stream, [("x-sum", "7")], end_stream=True)
    client.peer.write()
    answer = await client.answer(stream)
    assert (answer.body, answer.trailers) == (b"x", {"grpc-status": "0"})
    assert h2c.backend.asked[0].trailers == [("x-sum", "7")]
    assert h2c.backend.asked[0].get("te") == "trailers"


async def test_a_response_that_is_all_head_stays_one(h2c: Streams, client: StreamClient) -> None:
    answer = await client.answer(client.ask("/trailers-only", host=H2C))
    assert answer.ended_by_headers
    assert answer.headers["grpc-status"] == "5"


async def test_messages_pass_both_ways_before_either_side_has_ended(h2c: Streams, client: StreamClient) -> None:
    stream = client.ask("/duplex", method="POST", host=H2C, body=b"", ends=False)
    await client.until(lambda: client.responses[stream].body == b"first")
    client.send(stream, b"second")
    await h2c.backend.until(lambda: h2c.backend.asked[0].body == b"second")
    client.send(stream, b"", ends=True)
    assert (await client.answer(stream)).body == b"firstsecond"


async def test_many_requests_share_a_connection(h2c: Streams, client: StreamClient) -> None:
    wanted = [client.ask(f"/{n}", method="POST", host=H2C, body=b"%d" % n) for n in range(90)]
    answers = [await client.answer(stream) for stream in wanted]
    assert [answer.body for answer in answers] == [b"%d" % n for n in range(90)]
    assert h2c.backend.connections == 1


async def test_no_more_streams_are_opened_than_the_replica_allows(world: World, client: StreamClient) -> None:
    async with streams(world, StreamBackend(streams_most=3)) as h2c:
        wanted = [client.ask(f"/{n}", method="POST", host=H2C, body=b"x" * 1000) for n in range(60)]
        assert {(await client.answer(stream)).status for stream in wanted} == {200}
        assert h2c.troubles == []


@pytest.mark.parametrize(("path", "status"), [("/204", 204), ("/304", 304)])
async def test_responses_without_a_body(h2c: Streams, client: StreamClient, path: str, status: int) -> None:
    answer = await client.answer(client.ask(path, host=H2C))
    assert (answer.status, answer.body, answer.is_whole) == (status, b"", True)


async def test_head_has_the_length_and_no_body(h2c: Streams, client: StreamClient) -> None:
    answer = await client.answer(client.ask("/", method="HEAD", host=H2C))
    assert (answer.headers["content-length"], answer.body) == ("2", b"")


async def test_an_interim_response_passes(h2c: Streams, client: StreamClient) -> None:
    more = [("expect", "100-continue")]
    stream = client.ask("/100", method="POST", host=H2C, more=more, body=b"", ends=False)
    await client.until(lambda: client.responses[stream].interim == [100])
    client.send(stream, b"body", ends=True)
    assert (await client.answer(stream)).body == b"body"


@pytest.mark.parametrize("host", [H2C, PLAIN])
async def test_a_large_body_passes_down_and_holds_for_a_slow_client(
    h2c: Streams, client: StreamClient, host: str
) -> None:
    client.takes_data = False
    stream = client.ask("/big", host=host)
    await client.until(lambda: len(client.responses[stream].body) == 65535)
    other = client.ask("/", host=host)  # not held up by the one that is
    assert client.responses[stream].body
    client.peer.h2.increment_flow_control_window(BIG * 2)
    client.peer.write()
    assert (await client.answer(other)).status == 200
    client.peer.h2.increment_flow_control_window(BIG, stream)
    client.peer.write()
    assert len((await client.answer(stream)).body) == BIG


@pytest.mark.parametrize("host", [H2C, PLAIN])
async def test_a_large_body_passes_up(h2c: Streams, client: StreamClient, host: str) -> None:
    body = bytes(range(256)) * 4096
    more = [("content-length", str(len(body)))]
    answer = await client.answer(client.ask("/", method="POST", host=host, more=more, body=body))
    assert answer.body == body


async def test_a_client_is_held_while_the_replica_takes_nothing(world: World, client: StreamClient) -> None:
    async with streams(world, StreamBackend(takes_data=False)) as h2c:
        stream = client.ask("/", method="POST", host=H2C, body=bytes(BIG))
        await h2c.backend.until(lambda: bool(h2c.backend.asked) and len(h2c.backend.asked[0].body) == 65535)
        await client.until(lambda: len(client.peer.waiting[stream]) < BIG - 300_000)
        assert len(client.peer.waiting[stream]) > BIG - 1_000_000
        client.reset(stream)


# -- endings


async def test_a_client_that_leaves_is_followed_by_its_request(h2c: Streams, client: StreamClient) -> None:
    stream = client.ask("/never", host=H2C)
    await h2c.backend.until(lambda: bool(h2c.backend.asked))
    client.reset(stream)
    await h2c.backend.until(lambda: h2c.backend.asked[0].reset == 8)  # CANCEL
    assert h2c.throttler.in_flight == 0
    assert (await client.answer(client.ask("/", host=H2C))).status == 200
    assert h2c.backend.connections == 1


async def test_a_client_whose_connection_ends_leaves_all_its_requests(h2c: Streams, client: StreamClient) -> None:
    for _ in range(3):
        client.ask("/never", host=H2C)
    await h2c.backend.until(lambda: len(h2c.backend.asked) == 3)
    client.peer.writer.close()
    await h2c.backend.until(lambda: [asked.reset for asked in h2c.backend.asked] == [8, 8, 8])
    assert h2c.throttler.in_flight == 0


async def test_an_answer_before_the_request_has_ended_ends_it(h2c: Streams, client: StreamClient) -> None:
    stream = client.ask("/early", method="POST", host=H2C, body=b"x", ends=False)
    answer = await client.answer(stream)
    assert answer.status == 413
    await client.until(lambda: answer.reset == 0)  # NO_ERROR: the response is whole


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/reset", "stream error: stream ID 1; INTERNAL_ERROR; received from peer"),
        ("/hang-up", "EOF"),
        (
            "/garbage",
            "http2: connection error: FRAME_SIZE_ERROR: frame too large, note that the frame header looked like an "
            "HTTP/1.1 header",
        ),
    ],
)
async def test_a_replica_that_gives_no_answer_is_told_as_go_tells_it(
    h2c: Streams, client: StreamClient, path: str, text: str
) -> None:
    answer = await client.answer(client.ask(path, host=H2C))
    assert answer.status == 502
    assert answer.body.decode().startswith(text) or "connection reset by peer" in answer.body.decode()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(h2c.troubles) == 1
    assert h2c.throttler.in_flight == 0


@pytest.mark.parametrize("path", ["/cut", "/short"])
async def test_a_response_that_is_cut_off_is_seen_to_be(h2c: Streams, client: StreamClient, path: str) -> None:
    answer = await client.answer(client.ask(path, host=H2C))
    assert (answer.body, answer.is_whole, answer.reset) == (b"half", False, 2)  # INTERNAL_ERROR
    assert len(h2c.troubles) == 1
    assert h2c.throttler.in_flight == 0


async def test_what_a_replica_refused_untouched_is_sent_again(h2c: Streams, client: StreamClient) -> None:
    answer = await client.answer(client.ask("/refused", method="POST", host=H2C, body=b"once"))
    assert (answer.status, answer.body) == (200, b"once")
    assert h2c.troubles == []


async def test_what_is_too_large_to_be_kept_is_not_sent_again(h2c: Streams, client: StreamClient) -> None:
    body = b"x" * 100_000
    answer = await client.answer(client.ask("/refused-late", method="POST", host=H2C, body=body))
    assert answer.status == 502
    assert answer.body == b"stream error: stream ID 1; REFUSED_STREAM; received from peer\n"


async def test_what_came_after_the_replicas_goaway_is_sent_again(world: World, client: StreamClient) -> None:
    async with streams(world, StreamBackend(goes_after=1)) as h2c:
        for n in range(4):
            answer = await client.answer(client.ask("/", method="POST", host=H2C, body=b"%d" % n))
            assert (answer.status, answer.body) == (200, b"%d" % n)
        assert h2c.backend.connections == 4


async def test_a_replica_that_never_answers_is_given_up(world: World, client: StreamClient) -> None:
    async with streams(world, StreamBackend(), Timeouts(0.2)) as h2c:
        answer = await client.answer(client.ask("/never", host=H2C))
        assert (answer.status, answer.body) == (504, b"activator request timeout")
        await h2c.backend.until(lambda: h2c.backend.asked[0].reset == 8)


async def test_a_response_that_never_ends_is_ended_with_the_text(world: World, client: StreamClient) -> None:
    async with streams(world, StreamBackend(), Timeouts(0.2)):
        answer = await client.answer(client.ask("/stuck", host=H2C))
        assert (answer.status, answer.body) == (200, b"begunactivator request timeout")
        assert answer.is_whole


async def test_nobody_listening_is_told_as_go_tells_it(world: World, client: StreamClient) -> None:
    async with streams(world, StreamBackend()) as h2c:
        h2c.backend._server.close()
        answer = await client.answer(client.ask("/", host=H2C))
        assert answer.status == 502
        assert answer.body.endswith(b"connect: connection refused\n")


# -- between the versions


async def test_an_http1_client_reaches_a_replica_that_speaks_http2(world: World, h2c: Streams) -> None:
    line = await world.connect()
    for n in range(2):  # the second is told without parsing
        line.send("/x", method="POST", extra="Content-Length: 3\r\n", body=b"abc", host=H2C.encode())
        status, headers, body = await line.answer()
        assert (status, body, headers[b"kemu-revision"]) == (200, b"abc", b"r2")
        assert h2c.backend.asked[n].get(":authority") == H2C
    line.send("/x", host=H2C.encode())
    assert (await line.answer())[2] == b"ok"
    assert h2c.backend.connections == 1


async def test_chunks_and_trailers_become_frames_and_back(world: World, h2c: Streams) -> None:
    line = await world.connect()
    body = b"2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 7\r\n\r\n"
    line.send("/trailers", method="POST", extra="Transfer-Encoding: chunked\r\n", body=body, host=H2C.encode())
    head = await line.until(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked\r\n" in head
    assert await line.until(b"\r\n\r\n") == b"3\r\nabc\r\n0\r\ngrpc-status: 0\r\n\r\n"
    assert h2c.backend.asked[0].trailers == [("x-sum", "7")]
    assert h2c.backend.asked[0].body == b"abc"


async def test_a_get_without_a_body_is_one_of_no_length(world: World, h2c: Streams) -> None:
    line = await world.connect()
    line.send("/", host=H2C.encode())
    await line.answer()
    assert "content-length" not in dict(h2c.backend.asked[0].headers)
    assert h2c.backend.asked[0].is_whole


async def test_an_upgrade_does_not_pass_to_http2(world: World, h2c: Streams) -> None:
    line = await world.connect()
    line.send("/", extra="Connection: Upgrade\r\nUpgrade: websocket\r\n", host=H2C.encode())
    status, _, body = await line.answer()
    assert (status, body) == (502, b'http2: invalid Upgrade request header: ["websocket"]\n')


async def test_an_http1_client_sees_that_a_response_was_cut_off(world: World, h2c: Streams) -> None:
    line = await world.connect()
    line.send("/cut", host=H2C.encode())
    assert (await line.rest()).endswith(b"4\r\nhalf\r\n")
    assert h2c.throttler.in_flight == 0


async def test_an_http2_client_reaches_a_replica_that_speaks_http1(world: World, client: StreamClient) -> None:
    more = [("content-length", "3"), ("cookie", "a=1"), ("cookie", "b=2")]
    answer = await client.answer(client.ask("/", method="POST", more=more, body=b"abc"))
    assert (answer.status, answer.body, answer.headers["kemu-revision"]) == (200, b"abc", "r1")
    head = world.backend.heads[0].decode()
    assert head.startswith("POST / HTTP/1.1\r\nhost: hello.example.com\r\n")
    assert "cookie: a=1; b=2\r\n" in head
    assert "chunked" not in head


async def test_a_body_of_unknown_length_is_chunked_for_http1(world: World, client: StreamClient) -> None:
    assert (await client.answer(client.ask("/", method="POST", body=b"abc"))).body == b"abc"
    assert b"Transfer-Encoding: chunked\r\n" in world.backend.heads[0]


@pytest.mark.parametrize(
    ("path", "body", "trailers"),
    [("/chunked", b"hello" * 3, {}), ("/trailers", b"hi", {"x-sum": "7"}), ("/eof", b"until the end", {})],
)
async def test_http1s_ways_to_end_a_body_become_one(
    world: World, client: StreamClient, path: str, body: bytes, trailers: dict[str, str]
) -> None:
    answer = await client.answer(client.ask(path))
    assert (answer.body, answer.trailers, answer.is_whole) == (body, trailers, True)


@pytest.mark.parametrize(("path", "reset"), [("/truncated", 2), ("/slow-body", None)])
async def test_http1s_broken_responses(world: World, client: StreamClient, path: str, reset: int | None) -> None:
    stream = client.ask(path)
    if reset is None:
        await client.until(lambda: client.responses[stream].body == b"hello")
        client.reset(stream)
        await asyncio.wait_for(world.backend.ended.wait(), 5) if path == "/upgrade" else None
    else:
        assert (await client.answer(stream)).reset == reset
    await until(lambda: not world.throttler.in_flight)


async def test_an_early_answer_of_http1_ends_the_request(world: World, client: StreamClient) -> None:
    stream = client.ask("/early", method="POST", body=b"x", ends=False)
    answer = await client.answer(stream)
    assert (answer.status, answer.body) == (413, b"big")
    await client.until(lambda: answer.reset == 0)
    assert world.throttler.in_flight == 0
