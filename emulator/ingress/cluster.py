"""`ClusterClient`: requests that kemu itself makes, above all the delivery of events.

A host of the internal table is entered in this process: the Handler that the ingress would have asked takes the `Call`,
so a sleeping Service wakes just as for a request from outside. Any other URL is dialled. Requests and responses are
whole (events are small), the response is bounded; nothing here retries beyond a dead pooled connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from emulator.ingress.carried import Carried
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.fieldblocks import encode, request_fields
from emulator.ingress.forwarding import ACTIVATOR_LINE, lines_of, new_trace, trace_line
from emulator.ingress.handler import Backend
from emulator.ingress.hosts import HostTable
from emulator.ingress.repeats import HeaderList
from emulator.ingress.upstream import Dialer, Endpoint
from emulator.settings import CLUSTER_DOMAIN

if TYPE_CHECKING:
    from emulator.ingress.upstreamsession import UpstreamStream

RESPONSE_LIMIT = 64 * 1024 * 1024
SINKS_KEPT = 20_000
EXPECTED_S, _LOOK_S = 30.0, 0.05
"""How long a name that is about to come is waited for, and how often it is looked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` 0 means that nothing did; `error` then says why, in Go's words."""

    status: int
    headers: HeaderList
    body: bytes
    error: str = ""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Sink:
    """A URL taken apart once: where its requests go and what their first lines are."""

    __slots__ = ("endpoint", "fault", "host", "is_local", "is_plain", "target", "url")

    def __init__(self, url: str) -> None:
        self.fault = ""
        """Why the URL leads nowhere: it is a user's, and may be anything."""
        try:
            self.url = urlsplit(url)
            _ = self.url.port  # only looked at when it is asked for
        except ValueError as error:
            self.url = urlsplit("")
            self.fault = f'parse "{url}": {error}'
        path = self.url.path or "/"
        self.target = (f"{path}?{self.url.query}" if self.url.query else path).encode()
        self.host = self.url.netloc.rpartition("@")[2].encode()
        self.is_plain = self.url.scheme == "http"
        # No DNS outside knows these; some answer for every name.
        self.is_local = (self.url.hostname or "").endswith(f".svc.{CLUSTER_DOMAIN}")
        self.endpoint: Endpoint | None = None


class Call(Carried):
    """One request by this process. Implements `handler.Work`; a receiver uses `method`, `target`, `headers`, `body`."""

    __slots__ = (
        "_headers",
        "_pieces",
        "_then",
        "_unsent",
        "admitted",
        "arrived",
        "backend",
        "body",
        "deadline",
        "deadlines",
        "dispatched",
        "first_byte",
        "headers",
        "host",
        "method",
        "on_gone",
        "replica",
        "size",
        "status",
        "target",
        "waited",
    )

    def __init__(
        self, method: bytes, sink: Sink, headers: HeaderList, body: bytes, then: Callable[[Answer], None]
    ) -> None:
        super().__init__()
        self.method = method
        self.target = sink.target
        self.host = sink.host
        self.headers = headers
        self.body = body
        self._then = then
        self.on_gone: Callable[[], None] | None = None
        """Set by a receiver in this process: called when nobody waits for its answer any more."""
        self.backend: Backend | None = None
        self.deadlines: Deadlines | None = None
        self.deadline = inf
        self.replica: object | None = None
        self.admitted = self.arrived = self.dispatched = self.first_byte = 0.0
        self.waited = False
        self.status = self.size = 0
        self._headers: HeaderList = []
        self._pieces: list[bytes] = []
        self._unsent = b""

    def enter(self, backend: Backend) -> None:
        """Go through the admission of a Revision."""
        self.backend = backend
        backend.admit(self)

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b"") -> None:
        """End with this response; for receivers in this process."""
        self._settle(Answer(status, list(headers), body))

    def cancel(self) -> None:
        """Give up: no answer is awaited, `then` is not called, and whoever works on it is told."""
        if not self.finished:
            self._then = _nobody
            self._give_up("context canceled")

    # -- Carried

    def seen_headers(self) -> HeaderList:
        length = (b"Content-Length", b"%d" % len(self.body))
        return [(b"Host", self.host), *self.headers, (b"X-Forwarded-For", b"127.0.0.1"), length]

    def send(self) -> None:
        assert self.upstream is not None
        if self.endpoint.speaks_http2:
            self._send_stream()
            return
        lines = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (self.method, self.target, self.host)]
        lines += [b"%b: %b\r\n" % line for line in self.headers]
        if self.backend is not None:
            lines.append(_LOCAL_HOP)
            if self.backend.in_path:
                lines.append(ACTIVATOR_LINE)
            if not any(name.lower() == b"traceparent" for name, _ in self.headers):
                lines.append(trace_line())
        lines.append(b"Content-Length: %d\r\n\r\n" % len(self.body))
        lines.append(self.body)
        if not self._unsent:
            # At the end of this turn, with the others of it: a write that wakes the process on the other side is dear,
            # and those after it find it awake (measured: 1.4 times the events).
            asyncio.get_running_loop().call_soon(self._send_now)
        self._unsent = b"".join(lines)

    def _send_stream(self) -> None:
        stream = cast("UpstreamStream", self.upstream)
        fields = [(name.lower(), value) for name, value in self.headers]
        fields.append((b"content-length", b"%d" % len(self.body)))
        if self.backend is not None:
            fields += lines_of(_LOCAL_HOP + ACTIVATOR_LINE if self.backend.in_path else _LOCAL_HOP)
            if not any(name == b"traceparent" for name, _ in fields):
                fields.append((b"traceparent", new_trace()))
        head = request_fields(self.method, self.target, self.host) + encode(fields)
        stream.send_head(head, ends=not self.body)
        if self.body:
            stream.send_body(self.body, ends=True)

    def _send_now(self) -> None:
        unsent, self._unsent = self._unsent, b""
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.write(unsent)

    def unsend(self) -> None:
        """Everything is kept until the end anyway."""

    def is_replayable(self) -> bool:
        return True  # a pooled connection that was closed before any response; events are delivered at least once

    def fail(self, status: int, text: str) -> None:
        if not self.finished:
            self.detach(False)
            self._settle(Answer(status if self.backend else 0, [], text.encode(), text))

    def response_head(self, status: int, headers: HeaderList) -> bool:
        if status < 200:
            return False
        self.is_started = True
        self.status = status
        if self.waited:
            self.first_byte = perf_counter()
        self._headers = headers
        return self.method == b"HEAD" or status in (204, 304)

    def response_body(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > RESPONSE_LIMIT:
            self.detach(False)
            self._settle(Answer(0, [], b"", f"response is larger than {RESPONSE_LIMIT} bytes"))
        else:
            self._pieces.append(data)

    def response_counted(self, data: bytes) -> None:
        self.response_body(data)

    def response_end(self, trailers: HeaderList, is_reusable: bool) -> None:
        if not self.finished:
            self.detach(is_reusable)
            self._settle(Answer(self.status, self._headers, b"".join(self._pieces)))

    def response_lost(self, error: Exception | None) -> None:
        if not self.finished:
            is_counted = any(name.lower() == b"content-length" for name, _ in self._headers)
            if error is None and not is_counted:
                self._settle(Answer(self.status, self._headers, b"".join(self._pieces)))
            else:
                self._settle(Answer(0, [], b"", "unexpected EOF"))

    def tunnel(self, rest: bytes) -> None:
        self.fail(502, "unexpected upgrade")

    def expire(self, now: float) -> None:
        """The caller's patience is over."""
        if not self.finished:
            self._give_up("context deadline exceeded")

    def _give_up(self, why: str) -> None:
        on_gone = self.on_gone
        self.detach(False)
        self._settle(Answer(0, [], b"", why))
        if on_gone is not None:
            on_gone()

    def _settle(self, answer: Answer) -> None:
        if self.finished:
            return
        self.finished = True
        if self.deadlines is not None:
            self.deadlines.active.discard(self)
        if self.backend is not None:
            self.backend.leave(self)
        then, self._then, self.on_gone = self._then, _nobody, None
        then(answer)


_LOCAL_HOP = b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nForwarded: for=127.0.0.1;proto=http\r\n"


def _nobody(_: Answer) -> None:
    """Nobody waits any more."""


class ClusterClient:
    """Makes Calls. One for the process; `hosts` is the internal table.

    A cluster-local name that is not there is waited for while `is_expected` says of it that it is about to come.
    """

    def __init__(
        self,
        hosts: HostTable,
        dialer: Dialer,
        deadlines: Deadlines,
        is_expected: Callable[[str], bool] = lambda host: False,
    ) -> None:
        self._is_expected = is_expected
        self._waiting: dict[bytes, list[Call]] = {}
        self._hosts = hosts
        self._dialer = dialer
        self._deadlines = deadlines
        self._foreign: dict[tuple[str, int, bool], Endpoint] = {}
        self._sinks: dict[str, Sink] = {}

    def start(
        self,
        url: str,
        headers: HeaderList,
        body: bytes,
        then: Callable[[Answer], None],
        *,
        method: bytes = b"POST",
        timeout_s: float | None = None,
    ) -> Call:
        """Send a request; `then` is called exactly once, perhaps before this returns."""
        sink = self._sinks.get(url) or self._sink(url)
        call = Call(method, sink, headers, body, then)
        if timeout_s:
            call.deadline = asyncio.get_running_loop().time() + timeout_s
            call.deadlines = self._deadlines
            self._deadlines.add(call)
        handler = self._hosts.find(sink.host)
        if sink.fault:
            call.fail(502, sink.fault)
        elif handler is not None and sink.is_plain:
            handler.call(call)
        elif sink.is_local:
            self._wait(call, sink.url.hostname or "")
        else:
            call.dispatch(sink.endpoint or self._endpoint(sink))
        return call

    async def post(
        self, url: str, headers: HeaderList, body: bytes, timeout_s: float | None = None, method: bytes = b"POST"
    ) -> Answer:
        """As `start`, waiting for the Answer."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def then(answer: Answer) -> None:
            if not done.done():
                done.set_result(answer)

        self.start(url, headers, body, then, method=method, timeout_s=timeout_s)
        return await done

    def close(self) -> None:
        """Close the idle connections to foreign servers."""
        for endpoint in self._foreign.values():
            endpoint.close()
        self._foreign.clear()
        self._sinks.clear()

    def _wait(self, call: Call, name: str) -> None:
        """Enter the host once somebody answers to it; fail if that is not to be expected (any more)."""
        waiting = self._waiting.setdefault(call.host, [])
        waiting.append(call)
        if len(waiting) == 1:
            self._look(call.host, name, asyncio.get_running_loop().time() + EXPECTED_S)

    def _look(self, host: bytes, name: str, until: float) -> None:
        loop, handler = asyncio.get_running_loop(), self._hosts.find(host)
        if handler is None and loop.time() < until and self._is_expected(name):
            loop.call_later(_LOOK_S, self._look, host, name, until)
            return
        for call in self._waiting.pop(host):
            if call.finished:
                continue
            if handler is not None:
                handler.call(call)
            else:
                call.fail(502, f"dial tcp: lookup {name}: no such host")

    def _sink(self, url: str) -> Sink:
        if len(self._sinks) > SINKS_KEPT:
            self._sinks.clear()
        sink = self._sinks[url] = Sink(url)
        return sink

    def _endpoint(self, sink: Sink) -> Endpoint:
        url, is_tls = sink.url, sink.url.scheme == "https"
        key = (url.hostname or "", url.port or (443 if is_tls else 80), is_tls)
        if key not in self._foreign:
            tls = ssl.create_default_context() if is_tls else None
            self._foreign[key] = Endpoint(key[0], key[1], self._dialer, tls=tls)
        sink.endpoint = self._foreign[key]
        return sink.endpoint
