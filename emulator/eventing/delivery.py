"""Delivery: one event to one subscriber, to its end: attempts, back-off, reply, dead letter.

One engine for Triggers and Subscriptions; `Leg` says how they differ. Callback-driven, without a task for each event:
`deliver` returns at once and calls `done(ok)` once; the Delivery that it returns can be cancelled. Followed:
knative/eventing pkg/kncloudevents/{event_dispatcher,retries}.go, pkg/broker/filter/filter_handler.go (eventing §2.1,
2.2, 7).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from emulator.eventing.cloudevents import STRUCTURED, TTL, Event, Malformed, binary_headers, is_event, parse, structured
from emulator.eventing.deliveryspec import Policy
from emulator.eventing.filters import Matcher, everything
from emulator.eventing.journal import Journal
from emulator.eventing.narrator import Narrator
from emulator.ingress.cluster import Answer, Call, ClusterClient
from emulator.ingress.repeats import HeaderList
from emulator.lib.backoff import retry_s

Done = Callable[[bool], None]

_RETRIED = frozenset((404, 408, 409, 429))
_ERROR_BYTES = 768
_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class Leg:
    """One subscriber of a stream. `reply` is where an answering event goes ("" drops it).

    A Trigger's leg (`is_trigger`) refuses answers that are neither empty nor events, and its replies carry the TTL on.
    """

    name: str
    namespace: str
    shown: str
    subscriber: str
    reply: str = ""
    policy: Policy = field(default_factory=Policy)
    matches: Matcher = everything
    is_trigger: bool = False


class Deliverer:
    """Starts deliveries."""

    def __init__(self, client: ClusterClient, journal: Journal, narrator: Narrator) -> None:
        self.client = client
        self.journal = journal
        self.narrator = narrator
        self.under_way: set[Delivery] = set()
        self.resting: set[Delivery] = set()
        """Deliveries that wait for their next attempt."""
        self._news = asyncio.Event()

    def deliver(self, event: Event, leg: Leg, done: Done, ttl: bytes = b"") -> Delivery:
        """Bring `event` to `leg`; `done` hears whether it (or its dead letter sink) took it."""
        delivery = Delivery(self, event, leg, done, ttl)
        self.under_way.add(delivery)
        delivery.start()
        return delivery

    async def quiet(self) -> None:
        """Returns when every delivery has ended or waits for its next attempt."""
        while self.under_way:
            self._news.clear()
            await self._news.wait()

    def rest(self, delivery: Delivery, delay_s: float, again: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `again` after the back-off."""
        self.under_way.discard(delivery)
        self._news.set()
        self.resting.add(delivery)
        return asyncio.get_running_loop().call_later(delay_s, self._resume, delivery, again)

    def leave(self, delivery: Delivery) -> None:
        """`delivery` is over."""
        self.under_way.discard(delivery)
        self.resting.discard(delivery)
        self._news.set()

    def _resume(self, delivery: Delivery, again: Callable[[], None]) -> None:
        self.resting.discard(delivery)
        self.under_way.add(delivery)
        again()


class Delivery:
    """The state of one delivery."""

    __slots__ = (
        "_begun",
        "_call",
        "_deliverer",
        "_done",
        "_event",
        "_leg",
        "_redirects",
        "_timer",
        "_tries",
        "_ttl",
        "_url",
        "is_over",
    )

    def __init__(self, deliverer: Deliverer, event: Event, leg: Leg, done: Done, ttl: bytes) -> None:
        self._deliverer = deliverer
        self._event = event
        self._leg = leg
        self._done = done
        self._ttl = ttl
        self._tries = 0
        self._redirects = 0
        self._url = leg.subscriber
        self._begun = asyncio.get_running_loop().time()
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_over = False

    def cancel(self) -> None:
        """The producer left: as Knative's request context ends, no further attempt and no dead letter."""
        if self.is_over:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._call is not None:
            self._call.cancel()
        self._deliverer.narrator.abandoned(self._leg, self._event)
        self._settle(False)

    def _send(
        self, url: str, headers: HeaderList, body: bytes, then: Callable[[Answer], None], method: bytes = b"POST"
    ) -> None:
        timeout_s = self._leg.policy.timeout_s
        call = self._deliverer.client.start(url, headers, body, then, method=method, timeout_s=timeout_s)
        if not call.finished:  # else `then` has been called, and may have sent the next one
            self._call = call

    def _rest(self, delay_s: float, again: Callable[[], None]) -> None:
        self._timer = self._deliverer.rest(self, delay_s, again)

    # -- the subscriber

    def start(self) -> None:
        leg = self._leg
        headers = [(b"Prefer", b"reply"), (b"Kn-Namespace", leg.namespace.encode()), _AGENT]
        if leg.policy.is_structured:
            body = structured(self._event)
            headers += [(b"Content-Type", STRUCTURED), *self._event.passed]
        else:
            body = self._event.data
            headers += binary_headers(self._event)
        self._send(self._url, headers, body, self._answered)

    def _answered(self, answer: Answer) -> None:
        status = answer.status
        self._deliverer.journal.attempted(self._leg.name, self._event, status, answer.error)
        if 200 <= status < 300:
            self._take_reply(answer)
        elif status in (301, 302, 303, 307, 308) and (location := answer.header(b"location")):
            self._redirect(status, location.decode("latin-1"))
        else:
            self._failed(answer, self.start)

    def _redirect(self, status: int, location: str) -> None:
        """As Go's http.Client: 307 and 308 keep method and body, the others become a GET."""
        self._redirects += 1
        url = urljoin(self._url, location)
        if self._redirects > _REDIRECTS:
            self._failed(Answer(500, [], b"stopped after 10 redirects"), self.start)
        elif status in (307, 308):
            self._url = url
            self.start()
        else:
            self._send(url, [], b"", self._answered, b"GET")

    def _failed(self, answer: Answer, again: Callable[[], None], url: str = "", *, is_explained: bool = True) -> None:
        """Try again if that may help and is wished; else dead letter."""
        policy = self._leg.policy
        status = answer.status or 500
        is_transient = answer.status == 0 or status >= 500 or status in _RETRIED
        self._url, self._redirects = self._leg.subscriber, 0
        if is_transient and self._tries < policy.retry:
            delay_s = retry_s(policy.backoff, policy.delay_s, self._tries)
            self._tries += 1
            self._deliverer.narrator.retrying(self._leg, self._event, answer, delay_s, self._tries)
            self._rest(delay_s, again)
            return
        self._deliverer.narrator.failed(self._leg, self._event, answer, policy.dead_letter)
        if not policy.dead_letter:
            self._settle(False)
            return
        self._tries = 0
        self._dead_letter(answer, url or self._leg.subscriber, is_explained)

    # -- the reply

    def _take_reply(self, answer: Answer) -> None:
        leg = self._leg
        if not answer.body and not is_event(answer.headers):
            self._delivered(answer, None)
            return
        if not is_event(answer.headers):
            if leg.is_trigger:
                self._failed(Answer(502, [], answer.body), self.start, is_explained=False)
            else:
                self._delivered(answer, None)
            return
        try:
            reply = parse(answer.headers, answer.body)
        except Malformed as fault:
            self._take_malformed(answer, fault)
            return
        if self._ttl:
            reply.attributes[TTL] = self._ttl
        self._delivered(answer, reply)

    def _take_malformed(self, answer: Answer, fault: Malformed) -> None:
        """A Trigger's filter fails on a structured event that it cannot read; others are refused where replies go."""
        leg, said = self._leg, str(fault).encode()
        content_type = answer.header(b"content-type") or b""
        if leg.is_trigger and content_type.lower().startswith(STRUCTURED):
            self._failed(Answer(502, [], said), self.start, is_explained=False)
        elif leg.reply:
            self._failed(Answer(400, [], said), self.start, leg.reply)
        else:
            self._delivered(answer, None)

    def _delivered(self, answer: Answer, reply: Event | None) -> None:
        took_s = asyncio.get_running_loop().time() - self._begun
        self._deliverer.narrator.answered(self._leg, self._event, answer, reply, took_s)
        if reply is None or not self._leg.reply:
            self._settle(True)
            return
        self._tries = 0
        self._send_reply(reply)

    def _send_reply(self, reply: Event) -> None:
        leg = self._leg

        def answered(answer: Answer) -> None:
            if 200 <= answer.status < 300:
                self._settle(True)
            else:
                self._failed(answer, lambda: self._send_reply(reply), leg.reply)

        headers = [(b"Kn-Namespace", leg.namespace.encode()), _AGENT, *binary_headers(reply)]
        self._send(leg.reply, headers, reply.data, answered)

    # -- the dead letter

    def _dead_letter(self, answer: Answer, url: str, is_explained: bool) -> None:
        policy = self._leg.policy
        event = self._event
        if self._ttl:
            event = event.changed({TTL: self._ttl})
        if is_explained:
            event = event.changed(_error_extensions(answer, url))

        def answered(answer: Answer) -> None:
            if 200 <= answer.status < 300:
                self._deliverer.narrator.dead_lettered(self._leg, self._event, policy.dead_letter)
                self._settle(True)
            elif self._tries < policy.retry and (
                answer.status == 0 or answer.status >= 500 or answer.status in _RETRIED
            ):
                delay_s = retry_s(policy.backoff, policy.delay_s, self._tries)
                self._tries += 1
                self._rest(delay_s, send)
            else:
                self._deliverer.narrator.lost(self._leg, self._event, answer, policy.dead_letter)
                self._settle(False)

        def send() -> None:
            headers = [(b"Kn-Namespace", self._leg.namespace.encode()), _AGENT, *binary_headers(event)]
            self._send(policy.dead_letter, headers, event.data, answered)

        send()

    def _settle(self, is_delivered: bool) -> None:
        self._deliverer.journal.settled(self._leg.name, self._event, is_delivered)
        self._deliverer.leave(self)
        self.is_over = True
        self._done(is_delivered)


_AGENT = (b"User-Agent", b"Go-http-client/1.1")


def _error_extensions(answer: Answer, url: str) -> dict[bytes, bytes | None]:
    said = answer.body or answer.error.encode()
    return {
        b"knativeerrordest": url.encode(),
        b"knativeerrorcode": b"%d" % (answer.status or 500),
        b"knativeerrordata": base64.b64encode(said[:_ERROR_BYTES]),
    }
