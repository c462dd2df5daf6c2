"""Messages that repeat are answered like those that are parsed, and whatever differs in one byte is parsed."""

from __future__ import annotations

import pytest

from emulator.ingress.repeats import HeaderList, head_length
from tests.ingress.conftest import Line, World

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
COUNTED = [(b"Host", b"a"), (b"Content-Length", b"5")]


@pytest.mark.parametrize(
    ("data", "headers", "length"),
    [
        (HEAD + b"12345", COUNTED, len(HEAD)),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [(b"Host", b"a")], 27),
        (HEAD + b"1234", COUNTED, 0),
        (HEAD + b"12345\r\n", COUNTED, 0),
        (HEAD + b"12345" + HEAD + b"12345", COUNTED, 0),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + HEAD + b"12345", COUNTED, 0),
        (HEAD, [(b"Transfer-Encoding", b"chunked")], 0),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", [(b"Content-Length", b"1")], 0),
        (b"GET / HTTP/1.1\nHost: a\n\n", [(b"Host", b"a")], 0),
    ],
    ids=[
        "a counted body",
        "no body",
        "a body not yet whole",
        "something behind it",
        "two",
        "two of different sizes",
        "chunked",
        "an interim response before it",
        "bare newlines",
    ],
)
def test_the_head_of_one_whole_message_is_found(data: bytes, headers: HeaderList, length: int) -> None:
    assert head_length(data, headers) == length


def repeated(world: World) -> bool:
    """Whether the last request and the last response, should they come again, would not be parsed."""
    (replica,) = world.throttler._replicas.values()
    requests = any(connection.repeated is not None for connection in world.connections())
    return requests and replica.endpoint.repeated is not None


@pytest.mark.parametrize("path", ["/echo", "/chunked", "/204", "/eof", "/garbage", "/early", "/hop"])
async def test_the_fifth_answer_is_as_the_first(world: World, path: str) -> None:
    line = await world.connect()
    answers = []
    for _ in range(5):
        line.send(path)
        answers.append(await line.answer())
    assert answers == answers[:1] * 5


async def one_by_one(line: Line, *requests: bytes) -> list[bytes]:
    """The answers' bodies, each request sent when the one before was answered."""
    bodies = []
    for request in requests:
        line.writer.write(request)
        bodies.append((await line.answer())[2])
    return bodies


def post(body: bytes, path: bytes = b"/echo", more: bytes = b"") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: hello.example.com\r\n%bContent-Length: %d\r\n\r\n"
    return head % (path, more, len(body)) + body


async def test_each_of_many_equal_requests_reaches_the_replica(world: World) -> None:
    line = await world.connect()
    assert await one_by_one(line, *[b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"] * 6) == [b"ok"] * 6
    assert repeated(world)
    assert len(world.backend.heads) == 6
    traces = {line for head in world.backend.heads for line in head.split(b"\r\n") if line.startswith(b"Traceparent")}
    assert len(traces) == 6


async def test_bodies_behind_equal_heads_are_told_apart(world: World) -> None:
    line = await world.connect()
    bodies = [b"%05d" % number for number in range(6)]
    assert await one_by_one(line, *map(post, bodies)) == bodies
    assert repeated(world)


async def test_what_differs_in_one_byte_is_another_request(world: World) -> None:
    line = await world.connect()
    paths = [b"/a", b"/a", b"/a", b"/b", b"/a", b"/c", b"/c", b"/c"]
    await one_by_one(line, *(post(b"12345", path) for path in paths))
    assert [head.split()[1] for head in world.backend.heads] == paths


@pytest.mark.parametrize("cut", [1, 20, 70, -1], ids=["the first byte", "in the head", "in a header", "in the body"])
async def test_an_equal_request_that_comes_in_two_pieces_is_put_together(world: World, cut: int) -> None:
    line = await world.connect()
    request = post(b"12345")
    await one_by_one(line, request, request, request)
    line.writer.write(request[:cut])
    await one_by_one(
        await world.connect(), b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"
    )  # it is read by now
    line.writer.write(request[cut:] + request)
    assert [(await line.answer())[2] for _ in range(2)] == [b"12345"] * 2
    assert await one_by_one(line, request, request) == [b"12345"] * 2


async def test_an_equal_request_behind_one_that_waits_takes_its_turn(world: World) -> None:
    line = await world.connect()
    request = post(b"12345")
    await one_by_one(line, request, request, request)
    line.writer.write(b"GET /chunked HTTP/1.1\r\nHost: hello.example.com\r\n\r\n")
    await line.writer.drain()
    line.writer.write(request)
    assert [(await line.answer())[2] for _ in range(2)] == [b"hello" * 3, b"12345"]


async def test_an_equal_request_goes_where_its_host_leads_now(world: World) -> None:
    line = await world.connect()
    request = b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"
    await one_by_one(line, *[request] * 3)
    world.hosts.public.remove("hello.example.com")
    line.writer.write(request)
    assert (await line.answer())[0] == 404
    world.serve(world.throttler)
    assert await one_by_one(line, *[request] * 3) == [b"ok"] * 3


async def test_a_replica_that_went_is_not_asked_again(world: World) -> None:
    line = await world.connect()
    request = b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"
    await one_by_one(line, *[request] * 3)
    world.throttler.set_replicas({})
    line.writer.write(request)
    await line.writer.drain()
    world.throttler.set_replicas({"new": world.endpoint()})
    assert (await line.answer())[2] == b"ok"
    assert world.backend.connections == 2


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_connection_close_is_heard_each_time(world: World, version: str) -> None:
    for _ in range(3):
        line = await world.connect()
        line.writer.write(f"GET /echo HTTP/{version}\r\nHost: hello.example.com\r\nConnection: close\r\n\r\n".encode())
        assert (await line.rest()).endswith(b"\r\n\r\nok")


async def test_an_http10_client_that_keeps_its_connection_is_told_so_each_time(world: World) -> None:
    line = await world.connect()
    for _ in range(4):
        line.writer.write(b"GET /echo HTTP/1.0\r\nHost: hello.example.com\r\nConnection: keep-alive\r\n\r\n")
        assert (await line.answer())[1][b"connection"] == b"keep-alive"


async def test_head_after_get_has_no_body(world: World) -> None:
    line = await world.connect()
    await one_by_one(line, *[b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"] * 3)
    for _ in range(3):
        line.send("/echo", "HEAD")
        assert (await line.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert await one_by_one(line, b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n") == [b"ok"]


async def test_a_large_body_between_equal_answers_passes_whole(world: World) -> None:
    line = await world.connect()
    small = b"GET /echo HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"
    await one_by_one(line, *[small] * 3)
    bodies = await one_by_one(line, small.replace(b"/echo", b"/big"), *[small] * 3)
    assert [len(body) for body in bodies] == [4 << 20, 2, 2, 2]
    assert world.backend.connections == 1


async def test_an_upgrade_is_made_each_time(world: World) -> None:
    for _ in range(3):
        line = await world.connect()
        line.send("/upgrade", extra="Connection: Upgrade\r\nUpgrade: echo\r\n")
        await line.until(b"hi!")
        line.writer.write(b"bytes")
        assert await line.until(b"bytes") == b"bytes"
