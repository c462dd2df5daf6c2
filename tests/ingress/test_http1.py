"""The wire format of HTTP/1.1 on either side of an Exchange (most of it is in test_exchange.py)."""

from __future__ import annotations

from tests.ingress.conftest import HOST, World


async def test_a_body_of_unknown_length_ends_with_the_connection_for_http10(world: World) -> None:
    line = await world.connect()
    line.writer.write(b"GET /chunked HTTP/1.0\r\nHost: " + HOST + b"\r\n\r\n")
    head, _, body = (await line.rest()).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Connection: close" in head
    assert body == b"hello" * 3


async def test_trailers_of_a_request_pass_in_their_place(world: World) -> None:
    line = await world.connect()
    body = b"3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n"
    line.send("/", method="POST", extra="Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n", body=body)
    status, _, said = await line.answer()
    assert (status, said) == (200, b"abc")
    assert b"Trailer: X-Sum\r\n" in world.backend.heads[0]


async def test_an_error_to_head_has_no_body(world: World) -> None:
    line = await world.connect()
    line.send("/die", method="HEAD")
    head = await line.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"Content-Length: 4\r\n" in head  # of "EOF\n"
    line.send("/")
    assert (await line.answer())[0] == 200
