"""Requests that kemu itself makes: in this process, or dialled; answers, failures, patience."""

from __future__ import annotations

import asyncio

import pytest

from emulator.ingress.cluster import Answer, Call, ClusterClient, Sink
from emulator.ingress.cycle import Client, Cycle
from emulator.ingress.deadlines import Deadlines
from tests.ingress.conftest import World, throttler
from tests.waiting import until


class Receiver:
    """A Handler that answers with what it was asked."""

    def open(self, connection: Client) -> Cycle:
        raise NotImplementedError

    def call(self, call: Call) -> None:
        call.answer(202, [(b"X-Target", call.target)], call.method + b" " + call.body)


async def ask(world: World, url: str, body: bytes = b"", timeout_s: float = 5.0, method: bytes = b"POST") -> Answer:
    async with asyncio.timeout(10):
        return await world.client.post(url, [(b"Ce-Id", b"1")], body, timeout_s, method)


async def test_a_host_of_the_table_is_asked_in_this_process(world: World) -> None:
    world.hosts.internal.set("broker.test", Receiver())
    answer = await ask(world, "http://broker.test/a/b?x=1", b"event")
    assert (answer.status, answer.body, answer.header(b"x-target")) == (202, b"POST event", b"/a/b?x=1")
    assert answer.header(b"x-none") is None


async def test_a_revision_is_asked_through_its_throttler(world: World) -> None:
    answer = await ask(world, "http://hello.example.com/echo", b"event")
    assert (answer.status, answer.body) == (200, b"event")
    head = world.backend.heads[-1]
    for line in (b"Host: hello.example.com\r\n", b"Ce-Id: 1\r\n", b"Forwarded: for=127.0.0.1;", b"Traceparent: 00-"):
        assert line in head
    assert world.throttler.in_flight == 0


async def test_a_foreign_server_is_dialled_and_gets_nothing_of_knatives(world: World) -> None:
    answer = await ask(world, f"http://127.0.0.1:{world.backend.port}/echo", b"event")
    assert (answer.status, answer.body) == (200, b"event")
    assert b"Forwarded" not in world.backend.heads[-1]


async def test_connections_to_a_foreign_server_are_reused(world: World) -> None:
    for _ in range(3):
        await ask(world, f"http://127.0.0.1:{world.backend.port}/die-on-second")
    assert world.backend.connections == 3
    for _ in range(3):
        await ask(world, f"http://127.0.0.1:{world.backend.port}/echo")
    assert world.backend.connections == 3


@pytest.mark.parametrize(
    ("path", "status", "body", "error"),
    [
        ("/chunked", 200, b"hello" * 3, ""),
        ("/eof", 200, b"until the end", ""),
        ("/204", 204, b"", ""),
        ("/truncated", 0, b"", "unexpected EOF"),
        ("/die", 0, b"EOF", "EOF"),
    ],
)
async def test_an_answer_is_whole_or_none(world: World, path: str, status: int, body: bytes, error: str) -> None:
    answer = await ask(world, f"http://127.0.0.1:{world.backend.port}{path}")
    assert (answer.status, answer.body, answer.error) == (status, body, error)


async def test_patience_ends_in_gos_words(world: World) -> None:
    answer = await ask(world, f"http://127.0.0.1:{world.backend.port}/slow", timeout_s=0.2)
    assert (answer.status, answer.error) == (0, "context deadline exceeded")


async def test_patience_ends_while_no_replica_is_there_and_the_place_is_left(world: World) -> None:
    asleep = throttler()
    world.serve(asleep, "asleep.example.com")
    answer = await ask(world, "http://asleep.example.com/", timeout_s=0.2)
    assert answer.error == "context deadline exceeded"
    assert asleep.in_flight == 0


async def test_a_call_that_is_cancelled_leaves_its_place_and_is_not_answered(world: World) -> None:
    asleep = throttler()
    world.serve(asleep, "asleep.example.com")
    answers: list[Answer] = []
    parked = world.client.start("http://asleep.example.com/", [], b"", answers.append)
    parked.cancel()
    parked.cancel()
    assert (asleep.in_flight, parked.finished, answers) == (0, True, [])


async def test_a_call_that_is_cancelled_closes_its_connection(world: World) -> None:
    heard = asyncio.Event()
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.set()
        await reader.read()
        closed.set()
        writer.close()

    answers: list[Answer] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, asyncio.timeout(5):
        port = server.sockets[0].getsockname()[1]
        sent = world.client.start(f"http://127.0.0.1:{port}/", [], b"", answers.append)
        await heard.wait()
        sent.cancel()
        await closed.wait()
    assert answers == []


async def test_a_cluster_local_name_that_is_about_to_come_is_waited_for(world: World) -> None:
    name, expected = "soon.default.svc.cluster.local", {"soon.default.svc.cluster.local"}
    client = ClusterClient(world.hosts.internal, world.dialer, Deadlines(), expected.__contains__)
    first, second = list[Answer](), list[Answer]()
    client.start(f"http://{name}/echo", [], b"a", first.append)
    client.start(f"http://{name}/echo", [], b"b", second.append).cancel()
    await asyncio.sleep(0)
    assert first == []
    world.serve(world.throttler, name)
    answer = await client.post(f"http://{name}/echo", [], b"c", 5.0)
    assert (answer.status, answer.body) == (200, b"c")
    await until(lambda: first)
    assert (first[0].status, first[0].body, second) == (200, b"a", [])


async def test_a_cluster_local_name_that_comes_to_nothing_is_not_waited_for(world: World) -> None:
    name, expected = "soon.default.svc.cluster.local", {"soon.default.svc.cluster.local"}
    client = ClusterClient(world.hosts.internal, world.dialer, Deadlines(), expected.__contains__)
    answers: list[Answer] = []
    client.start(f"http://{name}/", [], b"", answers.append)
    await asyncio.sleep(0)
    assert answers == []
    expected.clear()
    await until(lambda: answers)
    assert answers[0].error == f"dial tcp: lookup {name}: no such host"


async def test_a_cluster_local_name_that_nobody_has_is_not_dialled(world: World) -> None:
    answer = await ask(world, "http://no.default.svc.cluster.local/")
    assert answer.error == "dial tcp: lookup no.default.svc.cluster.local: no such host"


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://a.test", b"a.test", b"/"),
        ("http://user:pw@a.test:8080/x?y=1#z", b"a.test:8080", b"/x?y=1"),
        ("http://[::1]:80/", b"[::1]:80", b"/"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: bytes, target: bytes) -> None:
    sink = Sink(url)
    assert (sink.host, sink.target, sink.is_plain) == (host, target, True)


@pytest.mark.parametrize("url", ["http://a.test:99999/", "http://a.test:no/", "http://[::1/"])
async def test_a_url_that_cannot_be_dialled_is_an_answer_not_a_crash(world: World, url: str) -> None:
    answer = await ask(world, url)
    assert answer.status == 0
    assert url in answer.error
