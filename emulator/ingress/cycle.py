"""`Cycle`: one request and its response on a `Connection`, in the place of uvicorn's RequestResponseCycle.

uvicorn's protocol touches four attributes of the cycle it holds (`response_complete`, `disconnected`, `keep_alive`,
`message_event`); the rest of this base are the calls that `connection.py` makes. Subclasses: `Exchange` (proxies) and
`Receipt` (collects a body and hands it to a function). The base has no slots of its own, so that a subclass may have
another base that does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emulator.ingress.deadlines import Deadlines
    from emulator.ingress.forwarding import ForwardedHead, Hops

Headers = Sequence[tuple[bytes, bytes]]


class Memory(Protocol):
    """What is kept of a client's connection for its next requests."""

    hops: Hops
    head_memo: ForwardedHead | None
    """The last request's head as it was forwarded."""
    block_memo: tuple[ForwardedHead, bytes] | None
    """The same as a block of HTTP/2."""


class Client(Protocol):
    """What a cycle stands on: a `Connection`, or a `ClientStream` of one that speaks HTTP/2. The first five are the
    current request's head.
    """

    method: bytes
    url: bytes
    host: bytes
    headers: list[tuple[bytes, bytes]]
    speaks_http2: bool

    @property
    def is_http10(self) -> bool: ...

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    @property
    def deadlines(self) -> Deadlines: ...

    @property
    def memory(self) -> Memory: ...

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header `name` (lower case), or None."""
        ...

    def keeps_alive(self) -> bool:
        """Whether there may be another request."""
        ...

    def pause_reading(self) -> None:
        """Let no more of the request come."""
        ...

    def resume_reading(self) -> None: ...

    def respond(self, status: int, headers: Headers, body: bytes, *, keep_alive: bool = True) -> None:
        """A whole response."""
        ...

    def send_continue(self) -> None:
        """Let the client send its body."""
        ...

    def hang_up(self) -> None:
        """No more of the response will come."""
        ...

    def finished(self, cycle: Cycle) -> None:
        """`cycle` has answered."""
        ...


class _Unheard:
    """uvicorn sets its cycle's event when a connection is lost; nobody here waits for it."""

    def set(self) -> None:
        pass


class Cycle:
    """Base of what may stand on a connection; every method is called by `Connection` only."""

    __slots__ = ()
    message_event = _Unheard()

    may_repeat = False
    """Whether a connection's next request may well be the same, byte for byte (events differ at least in their ids)."""
    response_complete: bool
    disconnected: bool
    keep_alive: bool
    framing: list[tuple[bytes, bytes]]
    """The request's Content-Length and Transfer-Encoding."""

    def start(self) -> None:
        """The request's turn has come: every earlier response on the connection is complete."""

    def request_body(self, data: bytes) -> None:
        """A piece of the request's body, without its framing."""

    def request_trailers(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Trailers of a chunked request, just before `request_end`."""

    def request_end(self) -> None:
        """The request is complete."""

    def request_flush(self) -> None:
        """All that came with one read has been told: a good moment to write."""

    def client_lost(self) -> None:
        """The client went away; nothing can be written any more."""

    def pause_writing(self) -> None:
        """The client reads slower than we write."""

    def resume_writing(self) -> None:
        """The client has caught up."""
