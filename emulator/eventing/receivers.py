"""What receives events: the Brokers' ingress, and one receiver for each Channel. Handlers of the host tables.

They answer with the status codes of Knative's own (eventing §2.3) and hold the answer until every leg has ended, unless
the stream is asynchronous. A producer that leaves meanwhile ends what is left of its event's delivery (§5.2). Requests
come from the network (Receipt) or from this process (Call); both look the same.
Followed: knative/eventing pkg/broker/ingress/ingress_handler.go, pkg/channel/event_receiver.go, pkg/broker/ttl.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from emulator.eventing.cloudevents import ARRIVAL, TTL, Event, Malformed, now_text, parse
from emulator.eventing.streams import Stream, Streams
from emulator.ingress.cycle import Cycle
from emulator.ingress.receipt import Receipt

if TYPE_CHECKING:
    from emulator.ingress.cluster import Call
    from emulator.ingress.cycle import Client

MAX_TTL = 255
_ALLOW = ((b"Allow", b"POST, OPTIONS"),)
_WEBHOOK = (*_ALLOW, (b"Webhook-Allowed-Origin", b"*"), (b"Webhook-Allowed-Rate", b"*"))


class Incoming(Protocol):
    """A request that waits for an answer."""

    method: bytes
    target: bytes
    body: bytes
    headers: Any
    on_gone: Callable[[], None] | None
    """Called when the producer does not wait for the answer any more."""

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b"") -> None: ...


class _Receiver:
    """Base: the ways in."""

    def open(self, connection: Client) -> Cycle:
        return Receipt(connection, self.take)

    def call(self, call: Call) -> None:
        self.take(call)

    def take(self, incoming: Incoming) -> None:
        raise NotImplementedError


class BrokerReceiver(_Receiver):
    """`POST /NAMESPACE/BROKER` for all Brokers."""

    def __init__(self, streams: Streams, refused: Callable[[str, str], None]) -> None:
        self._streams = streams
        self._refused = refused

    def take(self, incoming: Incoming) -> None:
        if incoming.method != b"POST":
            incoming.answer(*((200, _WEBHOOK) if incoming.method == b"OPTIONS" else (405, _ALLOW)))
            return
        if incoming.target == b"/":
            incoming.answer(404, _ALLOW)
            return
        path = incoming.target.decode("latin-1")
        segments = path.removeprefix("/").removesuffix("/").split("/")
        if len(segments) != 2 or not all(segments):
            incoming.answer(400, _ALLOW)
            return
        try:
            event = parse(incoming.headers, incoming.body)
        except Malformed as fault:
            self._refused(segments[1], str(fault))
            incoming.answer(400, _ALLOW, f"{fault}\n".encode())
            return
        stream = self._streams.brokers.get((segments[0], segments[1]))
        if stream is None:
            incoming.answer(404, _ALLOW)
            return
        if not _lower_ttl(event):
            self._refused(
                segments[1], f"{event.type} {event.id[:8]} went round {MAX_TTL} times: is a reply its own cause?"
            )
            incoming.answer(400, _ALLOW)
            return
        event.attributes[ARRIVAL] = now_text()
        _hand_over(stream, event, incoming, _ALLOW)


class ChannelReceiver(_Receiver):
    """One Channel, found by its host name."""

    def __init__(self, stream: Stream, refused: Callable[[str, str], None]) -> None:
        self._stream = stream
        self._refused = refused

    def take(self, incoming: Incoming) -> None:
        if incoming.method != b"POST":
            incoming.answer(*((200, _WEBHOOK) if incoming.method == b"OPTIONS" else (405, _ALLOW)))
        elif incoming.target != b"/":
            incoming.answer(400)
        else:
            try:
                event = parse(incoming.headers, incoming.body)
            except Malformed as fault:
                self._refused(self._stream.name, str(fault))
                incoming.answer(400, (), f"{fault}\n".encode())
                return
            _hand_over(self._stream, event, incoming, ())


def _hand_over(stream: Stream, event: Event, incoming: Incoming, headers: Sequence[tuple[bytes, bytes]]) -> None:
    if stream.is_async:
        incoming.answer(202, headers)
        stream.accept(event, _nobody)
        return
    giving_up = stream.accept(event, lambda ok: incoming.answer(202 if ok else 500, headers))
    if not giving_up.is_over:
        incoming.on_gone = giving_up.cancel


def _nobody(_: bool) -> None:
    """The answer was given already."""


def _lower_ttl(event: Event) -> bool:
    """Set or lower the TTL; False when it is used up."""
    given = event.attributes.get(TTL)
    try:
        left = MAX_TTL if given is None else int(given) - 1
    except ValueError:
        left = MAX_TTL
    event.attributes[TTL] = b"%d" % left
    return left > 0
