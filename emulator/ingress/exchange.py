"""`Exchange`: one request from the network, forwarded to a replica, and its response.

It stands on a client's Connection (or ClientStream) as a Cycle, goes through a Backend (which may park it), and is
carried by an Upstream (or UpstreamStream). Bodies are streamed both ways, with back-pressure: what one side cannot take
stops the reading of the other. This base knows Knative's timeouts and answers (spec serving.md §3.4, §4.5, §4.6) and
nothing of why a replica was chosen. How a request is written to the replica and how a response is written to the client
are its two halves, of each one for HTTP/1.1 (`http1.py`) and one for HTTP/2 (`http2.py`); `exchanges.py` puts them
together.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from emulator.ingress.carried import Carried
from emulator.ingress.cycle import Client, Cycle, Headers
from emulator.ingress.forwarding import ForwardedHead, forwarded_head
from emulator.ingress.probing import probe_answer
from emulator.ingress.repeats import HeaderList
from emulator.ingress.responses import error_body

if TYPE_CHECKING:
    from emulator.ingress.handler import Backend

PARKED_LIMIT = 262_144
"""Bytes of body that are kept for a request without a replica; then its client is not read further."""
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))


class Exchange(Carried, Cycle):
    """See the module's text."""

    __slots__ = (
        "_begun_at",
        "_ending",
        "_forwarded",
        "_has_body",
        "_head",
        "_is_chunked_down",
        "_is_counted",
        "_is_sent",
        "_is_tunnel",
        "_is_whole",
        "_kept",
        "_left",
        "_opening",
        "_out",
        "_pending",
        "_said",
        "_trailers",
        "_written_at",
        "admitted",
        "arrived",
        "backend",
        "connection",
        "deadline",
        "disconnected",
        "dispatched",
        "first_byte",
        "framing",
        "is_http10",
        "keep_alive",
        "method",
        "replica",
        "response_complete",
        "size",
        "status",
        "target",
        "waited",
    )

    sends_rest: bool
    """Whether a client that was answered early goes on with its request."""

    def __init__(self, connection: Client, backend: Backend) -> None:
        super().__init__()
        self.connection = connection
        self.backend = backend
        self.method = connection.method
        self.target = connection.url
        self.keep_alive = connection.keeps_alive()
        self.replica: object | None = None
        self.admitted = self.arrived = self.dispatched = self.first_byte = 0.0
        self.waited = self.response_complete = self.disconnected = False
        self.status = self.size = 0
        self.deadline = inf
        self._pending: list[bytes] = []
        self._out: list[bytes] = []
        self._is_sent = self._is_whole = self._is_chunked_down = self._is_tunnel = self._is_counted = False
        self._left = 0
        self._opening = b""
        self._ending: bool | None = None
        self._begun_at = self._written_at = 0.0
        in_path = backend.in_path
        memory = connection.memory
        head = memory.head_memo
        # Clients that keep a connection mostly repeat themselves: comparing heads is cheaper than making them.
        if head is None or head.in_path is not in_path or head.headers != connection.headers:
            memory.head_memo = head = forwarded_head(connection.headers, memory.hops, in_path)
        self._said = head.said
        self.framing = head.framing
        # Without a Connection header only HTTP/1.1 keeps a connection.
        self.is_http10 = connection.is_http10 if head.has_connection or not self.keep_alive else False
        self._head = self.request_head(head)

    # -- what the halves do

    def request_head(self, head: ForwardedHead) -> bytes:
        """What the replica gets before the body."""
        raise NotImplementedError

    def seen_headers(self) -> HeaderList:
        raise NotImplementedError

    def respond(self, status: int, body: bytes, more: Headers = (), *, keep_alive: bool) -> None:
        """Answer with a whole response of kemu's own, in plain text; `more` are further headers."""
        raise NotImplementedError

    def break_off(self, text: bytes) -> None:
        """The response has begun and may not go on: `text` is glued to it, as far as its framing allows."""
        raise NotImplementedError

    # -- the connection's calls

    def start(self) -> None:
        if self._said.probe is not None or self._said.is_kubelet:
            self._answer_probe()
            return
        timeouts = self.backend.timeouts
        now = self.connection.loop.time()
        self._begun_at = self._written_at = now
        self.deadline = now + timeouts.first_s
        if self.deadline != inf:
            self.connection.deadlines.add(self)
        self.backend.admit(self)

    def client_lost(self) -> None:
        self.disconnected = True
        if not self.response_complete:
            self.detach(False)
            self.response_complete = self.finished = True
            self.connection.deadlines.active.discard(self)
            self.backend.leave(self)

    def pause_writing(self) -> None:
        if self.upstream is not None:
            self.upstream.pause_reading()

    def resume_writing(self) -> None:
        if self.upstream is not None:
            self.upstream.resume_reading()

    # -- the upstream's calls

    def is_replayable(self) -> bool:
        return self._is_whole and self.method in IDEMPOTENT

    def response_end(self, trailers: HeaderList, is_reusable: bool) -> None:
        self.finish_response(trailers)
        if self._is_whole:
            self.detach(is_reusable)
            self._finish(self.keep_alive)
        elif is_reusable and self.keep_alive and self.sends_rest and not self._said.expects_continue:
            self._ending = True  # the rest of the request is still owed to the replica
        else:
            self._close(False)

    def finish_response(self, trailers: HeaderList) -> None:
        """Write what is left of the response, and its end."""
        raise NotImplementedError

    def response_lost(self, error: Exception | None) -> None:
        if self._is_tunnel or self._left > 0 or error is not None:
            if not self._is_tunnel:
                self.backend.troubled(self, f"ended within its response: {error or 'unexpected EOF'}")
            self.response_flush()
            self._finish(False)  # truncated: the client must see that
            return
        # A body that ends with its connection.
        self.finish_response([])
        self._finish(self.keep_alive and self._is_whole)

    def pause_sending(self) -> None:
        self.connection.pause_reading()

    def resume_sending(self) -> None:
        self.connection.resume_reading()

    # -- endings

    def fail(self, status: int, text: str) -> None:
        """Answer with an error of kemu's own, unless the response has begun."""
        if self.response_complete:
            return
        self.detach(False)
        if status == 502:
            self.backend.troubled(self, text)
        if not self.is_started:
            self.status = status
            keep = self.keep_alive and self._is_whole
            self.respond(status, error_body(status, text), keep_alive=keep)
            self._finish(keep)
        else:
            self._finish(False)

    def expire(self, now: float) -> None:
        """One of the three clocks has run out, or the next one is due later."""
        self.deadline = self._due()
        if self.deadline > now:
            return
        text = "activator request timeout" if self.backend.in_path else "request timeout"
        if self.replica is not None and not self._is_tunnel:
            done = "begun and not ended its response" if self.is_started else "not answered"
            self.backend.troubled(self, f"had {done} after {now - self._begun_at:.1f} s: {text}")
        if not self.is_started:
            self.fail(504, text)
            return
        if not self._is_tunnel:
            self.break_off(text.encode())
        self.detach(False)
        self._finish(False)

    def _due(self) -> float:
        """When the next of the three clocks runs out. None of them sees what passes through a tunnel."""
        timeouts = self.backend.timeouts
        if self._is_tunnel:
            return self._begun_at + timeouts.first_s
        due = [self._begun_at + (timeouts.total_s or inf)]
        if timeouts.response_start_s and not self.is_started:
            due.append(self._begun_at + timeouts.response_start_s)
        if timeouts.idle_s:
            due.append(self._written_at + timeouts.idle_s)
        return min(due)

    def _close(self, is_reusable: bool) -> None:
        self.detach(is_reusable)
        self._finish(self.keep_alive and self._is_whole)

    def _finish(self, keep_alive: bool) -> None:
        connection = self.connection
        self.response_complete = self.finished = True
        connection.deadlines.active.discard(self)
        self.backend.leave(self)
        if not keep_alive:
            connection.hang_up()
        connection.finished(self)

    def _answer_probe(self) -> None:
        """Probes of a cluster's own parts, which never reach the function."""
        self._is_whole = True
        status, body, more = probe_answer(self._said, self.backend)
        self.respond(status, body, more, keep_alive=self.keep_alive)
        self._finish(self.keep_alive)
