"""The forwarding path over raw sockets: framing, streaming, headers, failures."""

from __future__ import annotations

import asyncio

import pytest

from emulator.ingress.handler import Timeouts
from emulator.serving.throttler import Hooks, Throttler
from tests.ingress.backend import BIG
from tests.ingress.conftest import World, throttler


async def test_a_body_of_known_length_goes_there_and_back(world: World) -> None:
    line = await world.connect()
    line.send("/echo", "POST", "Content-Length: 5\r\n", b"12345")
    assert (await line.answer())[2] == b"12345"


async def test_a_chunked_body_is_passed_as_it_comes(world: World) -> None:
    line = await world.connect()
    line.send("/echo", "POST", "Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n")
    line.writer.write(b"2\r\nde\r\n0\r\n\r\n")
    assert (await line.answer())[2] == b"abcde"


async def test_a_chunked_response_stays_chunked(world: World) -> None:
    line = await world.connect()
    line.send("/chunked")
    status, headers, body = await line.answer()
    assert (status, headers[b"transfer-encoding"], body) == (200, b"chunked", b"hello" * 3)


async def test_trailers_of_a_response_are_passed(world: World) -> None:
    line = await world.connect()
    line.send("/trailers")
    said = await line.until(b"X-Sum: 7\r\n\r\n")
    assert b"Trailer: X-Sum" in said


async def test_a_response_that_ends_with_its_connection_is_made_chunked(world: World) -> None:
    line = await world.connect()
    line.send("/eof")
    assert (await line.answer())[2] == b"until the end"
    line.send("/echo")
    assert (await line.answer())[0] == 200


@pytest.mark.parametrize(("path", "status"), [("/204", 204), ("/304", 304)])
async def test_a_status_without_body_has_none_and_the_connection_goes_on(world: World, path: str, status: int) -> None:
    line = await world.connect()
    line.send(path)
    assert f" {status} ".encode() in await line.until(b"\r\n\r\n")
    line.send("/echo")
    assert (await line.answer())[0] == 200


async def test_head_has_the_length_and_no_body(world: World) -> None:
    line = await world.connect()
    line.send("/echo", "HEAD")
    assert b"Content-Length: 2" in await line.until(b"\r\n\r\n")
    line.send("/echo")
    assert (await line.answer())[2] == b"ok"


async def test_100_continue_is_the_replicas_own(world: World) -> None:
    line = await world.connect()
    line.send("/100", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n")
    assert b" 100 " in await line.until(b"\r\n\r\n")
    line.writer.write(b"wxyz")
    assert (await line.answer())[2] == b"wxyz"


async def test_early_hints_come_before_the_answer(world: World) -> None:
    line = await world.connect()
    line.send("/103")
    assert b"Link: </a>" in await line.until(b"\r\n\r\n")
    assert (await line.answer())[2] == b"x"


async def test_connections_to_the_replica_are_reused(world: World) -> None:
    line = await world.connect()
    for _ in range(5):
        line.send("/echo")
        await line.answer()
    assert world.backend.connections == 1


async def test_a_dead_pooled_connection_is_replaced_once(world: World) -> None:
    line = await world.connect()
    for _ in range(3):
        line.send("/die-on-second")
        assert (await line.answer())[0] == 200


async def test_a_post_on_a_dead_pooled_connection_is_not_sent_twice(world: World) -> None:
    line = await world.connect()
    line.send("/die-on-second")
    await line.answer()
    line.send("/die-on-second", "POST", "Content-Length: 1\r\n", b"a")
    assert await line.answer() == (502, _any_headers(), b"EOF\n")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/die", b"EOF\n"),
        ("/garbage", b'net/http: HTTP/1.x transport connection broken: malformed HTTP response "SPAM 1 2 3"\n'),
    ],
)
async def test_a_replica_that_answers_nonsense_is_a_502_in_gos_words(world: World, path: str, text: bytes) -> None:
    line = await world.connect()
    line.send(path)
    status, headers, body = await line.answer()
    assert (status, body) == (502, text)
    assert headers[b"x-content-type-options"] == b"nosniff"


async def test_a_replica_that_does_not_listen_is_a_502(world: World) -> None:
    dead = throttler()
    from emulator.ingress.upstream import Endpoint

    dead.set_replicas({"dead": lambda: Endpoint("127.0.0.1", 1, world.dialer)})
    world.serve(dead, "dead.example.com")
    line = await world.connect()
    line.send("/", host=b"dead.example.com")
    assert (await line.answer())[2] == b"dial tcp 127.0.0.1:1: connect: connection refused\n"


async def test_a_truncated_response_is_truncated_for_the_client(world: World) -> None:
    line = await world.connect()
    line.send("/truncated")
    assert (await line.rest()).endswith(b"\r\n\r\n0123456789")


async def test_a_response_before_the_body_was_read_is_passed(world: World) -> None:
    line = await world.connect()
    line.send("/early", "POST", "Content-Length: 5000000\r\n", b"x" * 1000)
    assert b" 413 " in await line.until(b"big")


async def test_an_upgrade_joins_the_two_connections(world: World) -> None:
    line = await world.connect()
    line.send("/upgrade", extra="Connection: Upgrade\r\nUpgrade: echo\r\n")
    said = await line.until(b"hi!")
    assert b" 101 " in said
    assert b"Upgrade: echo" in said
    line.writer.write(b"ping")
    assert await line.until(b"ping") == b"ping"


async def test_pipelined_requests_are_answered_in_order(world: World) -> None:
    line = await world.connect()
    line.send("/echo", "POST", "Content-Length: 1\r\n", b"1")
    line.send("/x", host=b"nobody.example.com")
    line.send("/echo", "POST", "Content-Length: 1\r\n", b"2")
    answers = [await line.answer() for _ in range(3)]
    assert [answers[0][2], answers[1][0], answers[2][2]] == [b"1", 404, b"2"]


async def test_an_http10_client_gets_no_chunks(world: World) -> None:
    line = await world.connect()
    line.writer.write(b"GET /chunked HTTP/1.0\r\nHost: hello.example.com\r\n\r\n")
    said = await line.rest()
    assert b"chunked" not in said
    assert said.endswith(b"\r\n\r\n" + b"hello" * 3)


async def test_a_request_with_two_framings_is_refused(world: World) -> None:
    line = await world.connect()
    line.send("/", "POST", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")
    assert b" 400 " in await line.rest()


async def test_hop_by_hop_headers_stay_on_their_hop(world: World) -> None:
    line = await world.connect()
    line.send("/hop", extra="Connection: X-Mine\r\nX-Mine: 1\r\nTE: trailers, gzip\r\nKeep-Alive: 3\r\nX-Kept: 2\r\n")
    _, headers, _ = await line.answer()
    assert not {b"x-private", b"keep-alive"} & headers.keys()
    head = world.backend.heads[-1].lower()
    assert b"x-mine" not in head
    assert b"keep-alive" not in head
    assert b"te: trailers\r\n" in head
    assert b"x-kept: 2\r\n" in head


async def test_the_replica_sees_who_asked(world: World) -> None:
    line = await world.connect()
    line.send("/echo", extra="X-Forwarded-For: 9.9.9.9\r\nKnative-Serving-Revision: forged\r\n")
    await line.answer()
    head = world.backend.heads[-1]
    assert b"Host: hello.example.com\r\n" in head
    assert b"X-Forwarded-For: 9.9.9.9, 127.0.0.1, 127.0.0.1, 127.0.0.1\r\n" in head
    assert b"Forwarded: for=9.9.9.9;proto=http, for=127.0.0.1, for=127.0.0.1\r\n" in head
    assert b"K-Proxy-Request: activator\r\n" in head
    assert b"Traceparent: 00-" in head
    assert b"forged" not in head


async def test_the_answer_names_the_revision(world: World) -> None:
    line = await world.connect()
    line.send("/echo")
    assert (await line.answer())[1][b"kemu-revision"] == b"r1"


async def test_time_runs_out_before_the_answer(world: World) -> None:
    hasty = throttler(total_s=0.2)
    hasty.set_replicas({"only": world.endpoint()})
    world.serve(hasty, "hasty.example.com")
    line = await world.connect()
    line.send("/slow", host=b"hasty.example.com")
    assert await line.answer() == (504, _any_headers(), b"activator request timeout")


async def test_time_runs_out_within_the_answer(world: World) -> None:
    hasty = throttler(total_s=0.2)
    hasty.set_replicas({"only": world.endpoint()})
    world.serve(hasty, "hasty.example.com")
    line = await world.connect()
    line.send("/slow-body", host=b"hasty.example.com")
    assert (await line.answer())[2] == b"helloactivator request timeout"


async def test_a_client_that_leaves_ends_the_request_at_the_replica(world: World) -> None:
    line = await world.connect()
    line.send("/upgrade", extra="Connection: Upgrade\r\nUpgrade: echo\r\n")
    await line.until(b"hi!")
    line.writer.close()
    async with asyncio.timeout(5):
        await world.backend.ended.wait()
    assert world.throttler.in_flight == 0


async def test_a_large_body_passes_whole(world: World) -> None:
    line = await world.connect()
    line.send("/big")
    assert len((await line.answer())[2]) == BIG
    line.send("/echo")
    assert (await line.answer())[0] == 200


async def test_a_slow_reader_stops_the_replica(world: World) -> None:
    """Back-pressure: what the client does not take stays with the replica."""
    line = await world.connect()
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]
    line.send("/big")
    await asyncio.sleep(0.2)
    buffered = sum(c.transport.get_write_buffer_size() for c in world.connections())
    assert buffered < BIG / 4
    line.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len((await line.answer())[2]) == BIG


async def test_an_UnknownHost_is_a_404_that_lists_the_hosts(world: World) -> None:
    line = await world.connect()
    line.send("/", host=b"nobody.example.com")
    status, _, body = await line.answer()
    assert status == 404
    assert b'no Service answers to the host "nobody.example.com"; there are:\n  hello.example.com' in body


async def test_host_names_ignore_case_port_and_trailing_dot(world: World) -> None:
    line = await world.connect()
    for host in (b"Hello.Example.com", b"hello.example.com:8080", b"hello.example.com."):
        line.send("/echo", host=host)
        assert (await line.answer())[0] == 200


@pytest.mark.parametrize(
    ("probe", "status", "body"),
    [
        ("queue", 200, b"queue"),
        ("activator", 200, b"activator"),
        ("probe", 400, b'a probe request must contain a non-empty "K-Network-Hash" header\n'),
        ("other", 400, b'unexpected probe header value: "other"\n'),
    ],
)
async def test_knatives_own_probes_never_reach_the_function(world: World, probe: str, status: int, body: bytes) -> None:
    line = await world.connect()
    line.send("/", extra=f"K-Network-Probe: {probe}\r\n")
    assert (await line.answer())[::2] == (status, body)
    assert world.backend.heads == []


class _any_headers(dict[bytes, bytes]):
    """Equal to every headers."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/die", "EOF"),
        ("/garbage", 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "SPAM 1 2 3"'),
        ("/truncated", "ended within its response: unexpected EOF"),
        ("/slow", "had not answered after 0."),
        ("/slow-body", "had begun and not ended its response after 0."),
    ],
)
async def test_whatever_a_replica_does_wrong_is_told_once_and_frees_its_slot(
    world: World, path: str, said: str
) -> None:
    told: list[str] = []
    hooks = Hooks(lambda: None, lambda work, pod: None, None, lambda work, text: told.append(text))
    backend = Throttler(1, Timeouts(0.3), hooks)
    backend.set_replicas({"only": world.endpoint()})
    world.serve(backend)
    line = await world.connect()
    line.send(path, extra="Connection: close\r\n")
    await line.rest()
    assert len(told) == 1
    assert told[0].startswith(said)
    assert backend.in_flight == 0
    line = await world.connect()
    line.send("/")
    assert (await line.answer())[0] == 200
    backend.set_replicas({})
