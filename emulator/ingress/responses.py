"""Bytes of the responses that kemu makes itself, and status lines for those it relays.

Bodies and headers are those of Go's `http.Error`, which Knative's queue-proxy and activator use (spec serving.md §4.5).
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus


def _status_line(status: int) -> bytes:
    try:
        return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    except ValueError:
        return b"HTTP/1.1 %d \r\n" % status


STATUS_LINE = {status: _status_line(status) for status in range(100, 1000)}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

ERROR_HEADERS = (
    (b"Content-Type", b"text/plain; charset=utf-8"),
    (b"X-Content-Type-Options", b"nosniff"),
)
_ERROR_HEAD = b"".join(b"%b: %b\r\n" % line for line in ERROR_HEADERS)


def error_body(status: int, text: str) -> bytes:
    """`text` as Go's `http.Error` writes it; a timeout's text has no newline, and no text is no body."""
    return text.encode() if status == 504 or not text else text.encode() + b"\n"


def error_response(status: int, body: bytes, connection: bytes, *, bodiless: bool = False) -> bytes:
    """A whole plain-text response; `connection` is b"" or a complete `Connection: …` line."""
    head = b"%b%bContent-Length: %d\r\n%b\r\n" % (STATUS_LINE[status], _ERROR_HEAD, len(body), connection)
    return head if bodiless else head + body


def response_bytes(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, connection: bytes) -> bytes:
    """A whole response with `headers` and a counted body."""
    lines = [b"%b: %b\r\n" % line for line in headers]
    return b"%b%bContent-Length: %d\r\n%b\r\n%b" % (STATUS_LINE[status], b"".join(lines), len(body), connection, body)


def connection_line(keep_alive: bool, http10: bool) -> bytes:
    """The `Connection` header that the client must be told, or nothing where HTTP's default says it."""
    if not keep_alive:
        return b"Connection: close\r\n"
    return b"Connection: keep-alive\r\n" if http10 else b""
