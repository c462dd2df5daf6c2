"""Responses of kemu's own, byte for byte."""

from __future__ import annotations

import pytest

from emulator.ingress.responses import STATUS_LINE, connection_line, error_body, error_response, response_bytes


@pytest.mark.parametrize(
    ("status", "line"),
    [(200, b"HTTP/1.1 200 OK\r\n"), (404, b"HTTP/1.1 404 Not Found\r\n"), (799, b"HTTP/1.1 799 \r\n")],
)
def test_every_status_has_a_line_also_one_without_a_name(status: int, line: bytes) -> None:
    assert STATUS_LINE[status] == line


@pytest.mark.parametrize(
    ("status", "text", "body"),
    [
        (502, "EOF", b"EOF\n"),
        (503, "pending request queue full", b"pending request queue full\n"),
        (504, "activator request timeout", b"activator request timeout"),
        (500, "", b""),
    ],
)
def test_an_errors_body_ends_as_gos_does(status: int, text: str, body: bytes) -> None:
    assert error_body(status, text) == body


def test_an_error_says_what_it_is_and_may_lack_its_body() -> None:
    head = (
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
        b"Content-Length: 4\r\nConnection: close\r\n\r\n"
    )
    assert error_response(502, b"EOF\n", b"Connection: close\r\n") == head + b"EOF\n"
    assert error_response(502, b"EOF\n", b"Connection: close\r\n", bodiless=True) == head


def test_a_response_counts_its_body() -> None:
    made = response_bytes(202, [(b"A", b"1"), (b"B", b"2")], b"xyz", b"")
    assert made == b"HTTP/1.1 202 Accepted\r\nA: 1\r\nB: 2\r\nContent-Length: 3\r\n\r\nxyz"


@pytest.mark.parametrize(
    ("keep_alive", "http10", "line"),
    [
        (True, False, b""),
        (True, True, b"Connection: keep-alive\r\n"),
        (False, False, b"Connection: close\r\n"),
        (False, True, b"Connection: close\r\n"),
    ],
)
def test_connection_is_named_where_https_default_does_not_say_it(keep_alive: bool, http10: bool, line: bytes) -> None:
    assert connection_line(keep_alive, http10) == line
