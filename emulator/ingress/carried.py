"""`Carried`: base of the requests that go to replicas; `Carrier`, what a connection is to them.

A pooled connection that the replica closed before any response byte is replaced once, when the work says that it may be
sent again; so is one whose replica says that it did not touch the request. Where work goes is decided elsewhere
(serving's Throttler), and what is done with a response by subclasses: `Exchange` and `Call`.
"""

from __future__ import annotations

from asyncio import Transport
from typing import TYPE_CHECKING, Protocol

from emulator.ingress.dialerrors import lost_error
from emulator.ingress.repeats import HeaderList

if TYPE_CHECKING:
    from emulator.ingress.upstream import Endpoint


class Carrier(Protocol):
    """What carries one work at a time: an `Upstream`, or an `UpstreamStream`."""

    work: Carried | None

    @property
    def transport(self) -> Transport: ...

    @property
    def endpoint(self) -> Endpoint: ...

    @property
    def reused(self) -> bool:
        """The connection was used before, and may have been closed meanwhile."""
        ...

    def let_go(self, is_reusable: bool) -> None:
        """The work is over, or has lost interest."""
        ...

    def count(self, length: int) -> None:
        """The next `length` bytes are body and need no parsing; the response ends with them."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Carried:
    """Base of what an Upstream carries: finds a connection, and a new one when a pooled one turns out dead.

    Subclasses own the request's bytes (`send`), may say that they can be sent again (`is_replayable`), and take the
    response.
    """

    __slots__ = ("endpoint", "finished", "is_retried", "is_started", "upstream")

    def __init__(self) -> None:
        self.upstream: Carrier | None = None
        self.endpoint: Endpoint
        self.finished = self.is_retried = self.is_started = False

    # -- towards the replica

    def dispatch(self, endpoint: Endpoint) -> None:
        """There is room at `endpoint`: go."""
        self.endpoint = endpoint
        endpoint.carry(self)

    def attach(self, upstream: Carrier) -> None:
        self.upstream = upstream
        upstream.work = self
        self.send()

    def undialled(self, text: str) -> None:
        """No connection could be made; `text` says why in Go's words."""
        self.fail(502, text)

    def detach(self, is_reusable: bool) -> None:
        """Give the connection back, or close it."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.let_go(is_reusable)

    def lost(self, error: Exception | None) -> None:
        """The connection ended; `error` is None after an orderly end."""
        upstream = self.upstream
        assert upstream is not None
        self.upstream = upstream.work = None
        if self.is_started:
            self.response_lost(error)
        elif upstream.reused and not self.is_retried and self.is_replayable():
            self.is_retried = True
            self.unsend()
            self.endpoint.dial(self)
        else:
            self.fail(502, lost_error(error, upstream))

    def again(self, text: str) -> None:
        """The replica has not touched the request, and `text` says so: once more, where all of it is still there."""
        if self.is_retried or not self.is_kept():
            self.fail(502, text)
        else:
            self.is_retried = True
            self.unsend()
            self.endpoint.carry(self)

    # -- what a subclass does

    def send(self) -> None:
        """Write the request, as far as it is known, to `upstream`."""
        raise NotImplementedError

    def unsend(self) -> None:
        """Nothing counts as written: `send` will be called again with another connection."""
        raise NotImplementedError

    def is_replayable(self) -> bool:
        """Whether the request may be sent again, though the replica may have got it."""
        raise NotImplementedError

    def is_kept(self) -> bool:
        """Whether it can be sent again, when the replica has not touched it."""
        return self.is_replayable()

    def fail(self, status: int, text: str) -> None:
        """End with an answer of kemu's own."""
        raise NotImplementedError

    def response_head(self, status: int, headers: HeaderList) -> bool:
        """A response head, interim or final; True if no body follows whatever the headers say."""
        raise NotImplementedError

    def response_body(self, data: bytes) -> None:
        raise NotImplementedError

    def response_flush(self) -> None:
        """All that came with one read has been told."""

    def response_counted(self, data: bytes) -> None:
        """Body bytes that passed unparsed; flush at once."""
        raise NotImplementedError

    def response_end(self, trailers: HeaderList, is_reusable: bool) -> None:
        raise NotImplementedError

    def response_lost(self, error: Exception | None) -> None:
        """The connection ended within a response."""
        raise NotImplementedError

    def tunnel(self, rest: bytes) -> None:
        """After 101: `rest` came behind the head; what follows is not the Upstream's any more, or thrown away."""
        raise NotImplementedError

    def pause_sending(self) -> None:
        """The replica reads slower than we write."""

    def resume_sending(self) -> None:
        """It has caught up."""
