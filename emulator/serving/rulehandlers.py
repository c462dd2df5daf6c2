"""What stands in the host tables for a rule of an Ingress: it picks a Revision for each request.

Data plane: nothing here looks at the Store. A rule is swapped as a whole, between two requests, so none sees half of a
changed split. The usual rule, one Revision and no headers, costs one comparison. Rules are made by ingresstable.py.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from emulator.ingress.cycle import Cycle
from emulator.ingress.exchanges import open_exchange
from emulator.ingress.receipt import Receipt
from emulator.serving.throttler import Throttler

if TYPE_CHECKING:
    from emulator.ingress.cluster import Call
    from emulator.ingress.cycle import Client
    from emulator.ingress.handler import Handler

Headers = Sequence[tuple[bytes, bytes]]
TAG = b"knative-serving-tag"


class Draw:
    """Chooses among Throttlers by weight; with a `seed`, each new Draw makes the same choices in the same order."""

    def __init__(self, shares: Sequence[tuple[Throttler, int]], seed: str = "") -> None:
        self._throttlers = [throttler for throttler, _ in shares]
        self._bounds = list(accumulate(weight for _, weight in shares))
        self._random = random.Random(seed).random if seed else random.random
        self.only = self._throttlers[0] if len(shares) == 1 else None

    def choose(self) -> Throttler:
        return self.only or self._throttlers[bisect(self._bounds, self._random() * self._bounds[-1])]


class Asked(Protocol):
    """A request that is answered here: a Receipt or a Call."""

    host: bytes
    target: bytes

    def answer(self, status: int, headers: Headers = (), body: bytes = b"") -> None: ...


@dataclass(frozen=True)
class Way:
    """Where one path of a rule leads, and the headers that it sets.

    A `draw` of Revisions, or what `elsewhere` finds at that moment under another name, `host`.
    """

    draw: Draw | None = None
    headers: Headers = ()
    host: bytes = b""
    elsewhere: Callable[[], Handler | None] = lambda: None


@dataclass(frozen=True)
class Rule:
    """`tagged` are the Ways for values of the tag header. With `is_redirected` https is told instead of an answer."""

    way: Way
    tagged: Mapping[bytes, Way] = field(default_factory=dict)
    is_redirected: bool = False

    @property
    def draw(self) -> Draw | None:
        """The Draw that is all there is to it; None where more is to be done."""
        is_plain = not self.tagged and not self.way.headers and not self.is_redirected
        return self.way.draw if is_plain else None


class RuleHandler:
    """Implements `Handler` for the names of one rule."""

    def __init__(self, rule: Rule) -> None:
        self.take(rule)

    @classmethod
    def to(cls, *shares: tuple[Throttler, int]) -> RuleHandler:
        """One that shares all requests among these by percents."""
        return cls(Rule(Way(Draw(shares))))

    def take(self, rule: Rule) -> None:
        """From the next request on it is this rule."""
        self._rule = rule
        self._draw = rule.draw

    def choose(self) -> Throttler | None:
        """A Revision for a request without a tag; None where the rule leads to none itself."""
        draw = self._rule.way.draw
        return draw.choose() if draw is not None else None

    def open(self, connection: Client) -> Cycle:
        if self._draw is not None:
            return open_exchange(connection, self._draw.choose())
        if self._rule.is_redirected:
            return Receipt(connection, _redirect)
        way = self._way(connection.headers)
        given = connection.headers
        # The connection knows a repeated request by the headers as they came.
        connection.headers = _with_headers(given, way.headers)
        try:
            return _opened(way, connection)
        finally:
            connection.headers = given

    def call(self, call: Call) -> None:
        if self._draw is not None:
            call.enter(self._draw.choose())
            return
        if self._rule.is_redirected:
            _redirect(call)
            return
        way = self._way(call.headers)
        call.headers = _with_headers(call.headers, way.headers)
        if way.draw is not None:
            call.enter(way.draw.choose())
        elif (handler := way.elsewhere()) is not None:
            call.host = way.host if not isinstance(handler, RuleHandler) else call.host
            handler.call(call)
        else:
            _nobody(call)

    def _way(self, headers: Headers) -> Way:
        tagged = self._rule.tagged
        if tagged:
            for name, value in headers:
                if len(name) == len(TAG) and name.lower() == TAG and value in tagged:
                    return tagged[value]
        return self._rule.way


def _opened(way: Way, connection: Client) -> Cycle:
    if way.draw is not None:
        return open_exchange(connection, way.draw.choose())
    handler = way.elsewhere()
    if handler is None:
        return Receipt(connection, _nobody)
    if isinstance(handler, RuleHandler):
        return handler.open(connection)  # functions see the name that was asked for, as behind Knative's queue-proxy
    host, connection.host = connection.host, way.host
    connection.headers = _with_headers(connection.headers, ((b"Host", way.host),))
    try:
        return handler.open(connection)
    finally:
        connection.host = host


def _with_headers(headers: Headers, added: Headers) -> list[tuple[bytes, bytes]]:
    """`headers` with the added ones in the place of those of the same names."""
    if not added:
        return [*headers]
    names = {name.lower() for name, _ in added}
    return [*(line for line in headers if line[0].lower() not in names), *added]


def _redirect(incoming: Asked) -> None:
    """To the same under https, as Kourier does; kemu itself does not speak it."""
    host = incoming.host.decode("latin-1")
    name, _, port = host.rpartition(":")
    target = host if not name or not port.isdigit() else name
    path = incoming.target.decode("latin-1")
    incoming.answer(301, ((b"Location", f"https://{target}{path}".encode("latin-1")),))


def _nobody(incoming: Asked) -> None:
    """What the rule leads to is not there: the ingress of a cluster has no endpoints then."""
    incoming.answer(503, ((b"Content-Type", b"text/plain"),), b"no healthy upstream")
