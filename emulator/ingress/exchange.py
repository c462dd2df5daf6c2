"""`Exchange`: one request from the network, forwarded to a replica, and its response.

It stands on a client's Connection as a Cycle, goes through a Backend (which may park it), and is carried by an
Upstream. Bodies are streamed both ways, with back-pressure: what one side cannot take stops the reading of the other.
It knows HTTP's framing and Knative's timeouts (spec serving.md §3.4, §4.5, §4.6) and nothing of why a replica was
chosen.
"""

from __future__ import annotations

from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from emulator.ingress.cycle import Cycle
from emulator.ingress.forwarding import forwarded_head, relayed_head, trace_line
from emulator.ingress.probing import probe_answer
from emulator.ingress.repeats import HeaderList
from emulator.ingress.responses import STATUS_LINE, connection_line, error_body, error_response
from emulator.ingress.upstream import COUNTED_MIN, Carried

if TYPE_CHECKING:
    from emulator.ingress.connection import Connection
    from emulator.ingress.handler import Backend

PARKED_LIMIT = 262_144
"""Bytes of body that are kept for a request without a replica; then its client is not read further."""
_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))


class Exchange(Carried, Cycle):
    """See the module's text."""

    __slots__ = (
        "_begun_at",
        "_ending",
        "_head",
        "_is_chunked_down",
        "_is_counted",
        "_is_sent",
        "_is_tunnel",
        "_is_whole",
        "_left",
        "_out",
        "_pending",
        "_said",
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
    may_repeat = True

    def __init__(self, connection: Connection, backend: Backend) -> None:
        super().__init__()
        self.connection = connection
        self.backend = backend
        self.method = connection.method
        self.target = connection.url
        self.keep_alive: bool = connection.parser.should_keep_alive()
        self.replica: object | None = None
        self.admitted = self.arrived = self.dispatched = self.first_byte = 0.0
        self.waited = self.response_complete = self.disconnected = False
        self.status = self.size = 0
        self.deadline = inf
        self._pending: list[bytes] = []
        self._out: list[bytes] = []
        self._is_sent = self._is_whole = self._is_chunked_down = self._is_tunnel = self._is_counted = False
        self._left = 0
        self._ending: bool | None = None
        self._begun_at = self._written_at = 0.0
        in_path = backend.in_path
        head = connection.head_memo
        # Clients that keep a connection mostly repeat themselves: comparing heads is cheaper than making them.
        if head is None or head.in_path is not in_path or head.headers != connection.headers:
            connection.head_memo = head = forwarded_head(connection.headers, connection.hops, in_path)
        self._said = head.said
        self.framing = head.framing
        # Without a Connection header only HTTP/1.1 keeps a connection.
        self.is_http10 = connection.is_http10 if head.has_connection or not self.keep_alive else False
        trace = b"" if head.is_traced else trace_line()
        self._head = b"%b %b HTTP/1.1\r\n%b%b\r\n" % (self.method, self.target, head.lines, trace)

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

    def request_body(self, data: bytes) -> None:
        self._pending.append(b"%x\r\n%b\r\n" % (len(data), data) if self._said.is_chunked else data)

    def request_trailers(self, trailers: HeaderList) -> None:
        if self._said.is_chunked:
            lines = b"".join(b"%b: %b\r\n" % line for line in trailers)
            self._pending.append(b"0\r\n%b\r\n" % lines)
            self._is_whole = True

    def request_end(self) -> None:
        if self._said.is_chunked and not self._is_whole:
            self._pending.append(b"0\r\n\r\n")
        self._is_whole = True

    def request_flush(self) -> None:
        if self.response_complete:
            return
        upstream = self.upstream
        if upstream is None:
            if sum(map(len, self._pending)) > PARKED_LIMIT:
                self.connection.pause_reading()
        elif self._is_sent and self._pending:
            upstream.transport.write(b"".join(self._pending))
            self._pending.clear()
        if self._ending is not None and self._is_whole:
            self._close(self._ending)

    def tunnelled(self, data: bytes) -> None:
        if self.upstream is not None:
            self.upstream.transport.write(data)

    def client_lost(self) -> None:
        self.disconnected = True
        if not self.response_complete:
            self.detach(False)
            self.response_complete = self.finished = True
            self.connection.deadlines.active.discard(self)
            self.backend.leave(self)

    def pause_writing(self) -> None:
        if self.upstream is not None:
            self.upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.resume_reading()

    # -- the upstream's calls

    def send(self) -> None:
        self._is_sent = True
        assert self.upstream is not None
        transport = self.upstream.transport
        if self._pending:
            transport.write(b"".join((self._head, *self._pending)))
            if not self.is_replayable():
                self._pending.clear()
        else:
            transport.write(self._head)
        if not self._is_whole:
            self.connection.resume_reading()

    def unsend(self) -> None:
        self._is_sent = False

    def is_replayable(self) -> bool:
        return self._is_whole and self.method in _IDEMPOTENT

    def response_head(self, status: int, headers: HeaderList) -> bool:
        out = self._out
        if status < 200 and status != 101:
            out.append(STATUS_LINE[status])
            out += [b"%b: %b\r\n" % line for line in headers]
            out.append(b"\r\n")
            return False
        self.is_started = True
        self.status = status
        endpoint = self.endpoint
        head = endpoint.head_memo
        if head is None or head.status != status or head.headers != headers:
            endpoint.head_memo = head = relayed_head(status, headers, endpoint.response_lines)
        out.append(head.lines)
        if self.waited:
            self.first_byte = perf_counter()
            out.append(self.backend.timing(self))
        if status == 101:
            upgrade = next((value for name, value in headers if name.lower() == b"upgrade"), self._said.upgrade or b"")
            out.append(b"Connection: Upgrade\r\nUpgrade: %b\r\n\r\n" % upgrade)
            return False
        length = head.length
        is_bodiless = self.method == b"HEAD" or status in (204, 304)
        if length is None and not is_bodiless:
            if self.is_http10:
                self.keep_alive = False
            else:
                self._is_chunked_down = True
                out.append(b"Transfer-Encoding: chunked\r\n")
        if self.is_http10 or not self.keep_alive:
            out.append(connection_line(self.keep_alive, self.is_http10))
        out.append(b"\r\n")
        self._left = 0 if is_bodiless or length is None else length
        self._is_counted = self._left > COUNTED_MIN
        return is_bodiless

    def response_body(self, data: bytes) -> None:
        self.size += len(data)
        if self._is_chunked_down:
            self._out += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._out.append(data)
            self._left -= len(data)

    def response_flush(self) -> None:
        if self._out:
            self._write(b"".join(self._out))
            self._out.clear()
        if self._is_counted and self._left > 0 and self.upstream is not None:
            self._is_counted = False
            self.upstream.count(self._left)

    def response_counted(self, data: bytes) -> None:
        self.size += len(data)
        self._left -= len(data)
        self._write(data)

    def response_end(self, trailers: HeaderList, is_reusable: bool) -> None:
        if self._is_chunked_down:
            lines = b"".join(b"%b: %b\r\n" % line for line in trailers)
            self._out.append(b"0\r\n%b\r\n" % lines)
        if self._out:
            self._write(b"".join(self._out))
            self._out.clear()
        if self._is_whole:
            self.detach(is_reusable)
            self._finish(self.keep_alive)
        elif is_reusable and self.keep_alive and not self._said.expects_continue:
            self._ending = True  # the rest of the request is still owed to the replica
        else:
            self._close(False)

    def response_lost(self, error: Exception | None) -> None:
        if self._is_tunnel or self._left > 0 or error is not None:
            self._finish(False)  # truncated: the client must see that
            return
        # A body that ends with its connection.
        if self._is_chunked_down:
            self._out.append(b"0\r\n\r\n")
        self.response_flush()
        self._finish(self.keep_alive and self._is_whole)

    def tunnel(self, rest: bytes) -> None:
        self._is_tunnel = self._is_whole = self.connection.is_tunnel = True
        self.connection.current = self
        self.response_flush()
        if rest:
            self._write(rest)
        if (early := self.connection.take_early()) and self.upstream is not None:
            self.upstream.transport.write(early)

    def pause_sending(self) -> None:
        self.connection.pause_reading()

    def resume_sending(self) -> None:
        self.connection.resume_reading()

    # -- for a request log

    def seen_headers(self) -> HeaderList:
        lines = self._head.split(b"\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    # -- endings

    def fail(self, status: int, text: str) -> None:
        """Answer with an error of kemu's own, unless the response has begun."""
        if self.response_complete:
            return
        self.detach(False)
        if not self.is_started:
            self.status = status
            body = error_body(status, text)
            keep = self.keep_alive and self._is_whole
            line = connection_line(keep, self.is_http10)
            self._write(error_response(status, body, line, bodiless=self.method == b"HEAD"))
            self._finish(keep)
        else:
            self._finish(False)

    def expire(self, now: float) -> None:
        """One of the three clocks has run out, or the next one is due later."""
        self.deadline = self._due()
        if self.deadline > now:
            return
        text = "activator request timeout" if self.backend.in_path else "request timeout"
        if not self.is_started:
            self.fail(504, text)
            return
        # As on a cluster the text is glued to a body that has begun, as far as the framing allows.
        if not self._is_tunnel and (self._is_chunked_down or self._left >= len(text)):
            self.response_body(text.encode())
            if self._is_chunked_down:
                self._out.append(b"0\r\n\r\n")
            self.response_flush()
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
        if not keep_alive and not connection.transport.is_closing():
            connection.transport.close()
        connection.finished(self)

    def _write(self, data: bytes) -> None:
        if self.backend.timeouts.idle_s:
            self._written_at = self.connection.loop.time()
        transport = self.connection.transport
        if not transport.is_closing():
            transport.write(data)

    def _answer_probe(self) -> None:
        """Probes of a cluster's own parts, which never reach the function."""
        self._is_whole = True
        status, body, extra = probe_answer(self._said, self.backend)
        line = extra + connection_line(self.keep_alive, self.is_http10)
        self._write(error_response(status, body, line))
        self._finish(self.keep_alive)
