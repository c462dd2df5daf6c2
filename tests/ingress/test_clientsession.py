"""Clients that speak HTTP/2: whom their requests reach, and which reach nobody."""

from __future__ import annotations

import pytest

from emulator.ingress.clientsession import STREAMS_MOST
from emulator.ingress.cycle import Client
from emulator.ingress.receipt import Receipt
from tests.ingress.conftest import World
from tests.ingress.h2peers import Headers, stream_client

HOST = "hello.example.com"
HEAD = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", HOST)]


def without(name: str) -> Headers:
    return [field for field in HEAD if field[0] != name]


async def test_an_unknown_host_is_told_the_hosts_there_are(world: World) -> None:
    async with stream_client(world.port) as client:
        answer = await client.answer(client.ask(host="other.test"))
        assert answer.status == 404
        assert answer.body.decode() == f'no Service answers to the host "other.test"; there are:\n  {HOST}\n'
        head = await client.answer(client.ask(host="other.test", method="HEAD"))
        assert (head.status, head.body) == (404, b"")


@pytest.mark.parametrize(
    "fields",
    [
        without(":method"),
        without(":path"),
        without(":scheme"),
        [*HEAD, (":path", "/")],
        [*without(":path"), ("x-a", "1"), (":path", "/")],
        [*HEAD, (":odd", "1")],
        [*without(":path"), (":path", "/ HTTP/1.1")],
        [*without(":method"), (":method", "GET / ")],
        [*HEAD, ("connection", "close")],
        [*HEAD, ("transfer-encoding", "chunked")],
        [*HEAD, ("X-Upper", "1")],
        [*HEAD, ("x-a", "1\r\nEvil: 1")],
        [*HEAD, ("content-length", "5")],
        [*HEAD, ("content-length", "-5")],
    ],
    ids=[
        "no method", "no path", "no scheme", "two paths", "late", "unknown", "a space in the path",
        "a space in the method", "connection", "transfer-encoding", "upper case", "a line's end", "a body missing",
        "no length",
    ],
)  # fmt: skip
async def test_a_malformed_request_ends_its_stream_and_reaches_nobody(world: World, fields: Headers) -> None:
    async with stream_client(world.port) as client:
        stream = client.peer.h2.get_next_available_stream_id()
        client.peer.h2.config.normalize_outbound_headers = False
        client.peer.h2.send_headers(stream, fields, end_stream=True)
        client.peer.write()
        assert (await client.answer(stream)).reset == 1  # PROTOCOL_ERROR
        client.peer.h2.config.normalize_outbound_headers = True
        assert (await client.answer(client.ask())).status == 200
        assert len(world.backend.heads) == 1
        assert world.throttler.in_flight == 0


@pytest.mark.parametrize("body", [b"123456", b"1234"], ids=["longer", "shorter"])
async def test_a_body_of_another_length_than_was_said_does_not_reach_the_next_request(
    world: World, body: bytes
) -> None:
    async with stream_client(world.port) as client:
        stream = client.ask("/", method="POST", more=[("content-length", "5")], body=b"", ends=False)
        client.send(stream, body, ends=True)
        assert (await client.answer(stream)).reset == 1
        assert world.throttler.in_flight == 0
        assert (await client.answer(client.ask())).body == b"ok"


async def test_host_stands_for_a_missing_authority(world: World) -> None:
    async with stream_client(world.port) as client:
        stream = client.peer.h2.get_next_available_stream_id()
        client.peer.h2.send_headers(stream, [*without(":authority"), ("host", HOST)], end_stream=True)
        client.peer.write()
        assert (await client.answer(stream)).status == 200
        assert b"host: hello.example.com\r\n" in world.backend.heads[0]


async def test_a_probe_is_answered_here(world: World) -> None:
    async with stream_client(world.port) as client:
        answer = await client.answer(client.ask(more=[("k-network-probe", "queue")]))
        assert (answer.status, answer.body, world.backend.heads) == (200, b"queue", [])


class Receiver:
    """Implements `Handler`: answers with what it got."""

    def open(self, connection: Client) -> Receipt:
        return Receipt(connection, lambda r: r.answer(202, [(b"X-Got", r.body)], b"thanks"))

    def call(self, call: object) -> None:
        raise AssertionError


async def test_a_receiver_of_this_process_takes_requests_too(world: World) -> None:
    world.hosts.public.set("events.test", Receiver())
    async with stream_client(world.port) as client:
        stream = client.ask(host="events.test", method="POST", more=[("expect", "100-continue")], body=b"", ends=False)
        await client.until(lambda: client.responses[stream].interim == [100])
        client.send(stream, b"event", ends=True)
        answer = await client.answer(stream)
        assert (answer.status, answer.headers["x-got"], answer.body) == (202, "event", b"thanks")


async def test_no_more_streams_are_taken_than_was_said(world: World) -> None:
    async with stream_client(world.port) as client:
        await client.answer(client.ask())
        assert client.peer.h2.remote_settings.max_concurrent_streams == STREAMS_MOST


async def test_a_body_is_held_until_there_is_a_replica(world: World) -> None:
    world.throttler.set_replicas({})
    async with stream_client(world.port) as client:
        stream = client.ask("/", method="POST", body=b"x" * 1_000_000)
        await client.until(lambda: len(client.peer.waiting[stream]) <= 1_000_000 - 262_144)
        world.throttler.set_replicas({"only": world.endpoint()})
        assert (await client.answer(stream)).body == b"x" * 1_000_000
