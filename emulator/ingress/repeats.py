"""Messages that repeat, byte for byte: what need not be parsed again.

A client that keeps a connection, and a replica that answers many, mostly say the same head again and again (a
response's `Date` changes once a second). Parsing it costs more than all else that kemu does for a request, comparing
it next to nothing: the same bytes at the same place in a stream mean the same. A message is remembered only when it
came in one piece and alone, with a counted body or none; everything else takes the way through the parser, as does
whatever differs in one byte. Used by `connection.py` and `upstream.py`; nothing here knows what a head says.
"""

from __future__ import annotations

from dataclasses import dataclass

HeaderList = list[tuple[bytes, bytes]]


def head_length(data: bytes, headers: HeaderList) -> int:
    """How long the head is when `data` is one whole message with these `headers`; 0 when it is not, or is chunked.

    `headers` may be those of the last message in `data`: of two messages the sizes never add up.
    """
    length = 0
    for name, value in headers:
        lower = name.lower()
        if lower == b"content-length":
            length = int(value)
        elif lower == b"transfer-encoding":
            return 0
    end = data.find(b"\r\n\r\n") + 4
    return end if len(data) - end == length else 0


@dataclass(frozen=True, slots=True)
class RepeatedRequest:
    """The last request of a connection: its head as it came, the size of the whole, and what the parser made of it."""

    head: bytes
    size: int
    method: bytes
    url: bytes
    host: bytes
    headers: HeaderList


@dataclass(frozen=True, slots=True)
class RepeatedResponse:
    """The last response of an endpoint, likewise; its connection may be used again."""

    head: bytes
    size: int
    status: int
    headers: HeaderList
