"""The halves of an Exchange that speak HTTP/2: `AskHttp2` writes the request to a replica, `AnswerHttp2` the response
to a client.

Heads are blocks, made of the same lines as for HTTP/1.1 and kept as long as they repeat. A response that is nothing but
a head stays one (gRPC tells its errors so), and trailers follow whatever body there is.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from emulator.ingress.cycle import Headers
from emulator.ingress.exchange import PARKED_LIMIT, Exchange
from emulator.ingress.fieldblocks import encode, field, request_fields, status_field
from emulator.ingress.forwarding import ForwardedHead, lines_of, new_trace, relayed_head
from emulator.ingress.repeats import HeaderList
from emulator.ingress.responses import ERROR_HEADERS
from emulator.ingress.upstream import Endpoint
from emulator.ingress.upstreamsession import UpstreamStream

if TYPE_CHECKING:
    from emulator.ingress.clientsession import ClientStream

_KEPT_LIMIT = 65_536
"""Bytes of body that are kept until the response, in case that the replica says it did not touch the request."""
_NOT_IN_HTTP2 = frozenset((b"host", b"connection", b"transfer-encoding", b"upgrade"))


def request_block(head: ForwardedHead) -> bytes:
    """The fields of a forwarded head that stand behind the first line's."""
    return encode(line for line in lines_of(head.lines) if line[0] not in _NOT_IN_HTTP2)


class AskHttp2(Exchange):
    """The request, as a replica gets it that speaks HTTP/2."""

    __slots__ = ()
    upstream: UpstreamStream | None

    def request_head(self, head: ForwardedHead) -> bytes:
        memory = self.connection.memory
        memo = memory.block_memo
        if memo is None or memo[0] is not head:
            memory.block_memo = memo = (head, request_block(head))
        # What has no body must say so at once: it would be one of unknown length.
        self._has_body = any(name != b"content-length" or value.strip(b" 0") for name, value in head.framing)
        self._forwarded = head
        self._trailers = b""
        self._kept: list[bytes] | None = []
        host = self._said.original_host or self.connection.host
        trace = b"" if head.is_traced else field(b"traceparent", new_trace())
        return b"%b%b%b" % (request_fields(self.method, self.target, host), memo[1], trace)

    def seen_headers(self) -> HeaderList:
        host = self._said.original_host or self.connection.host
        return [(b"host", host), *(line for line in lines_of(self._forwarded.lines) if line[0] not in _NOT_IN_HTTP2)]

    def dispatch(self, endpoint: Endpoint) -> None:
        if self._said.upgrade:
            self.endpoint = endpoint
            self.fail(502, f'http2: invalid Upgrade request header: ["{self._said.upgrade.decode("latin-1")}"]')
        else:
            super().dispatch(endpoint)

    # -- the connection's calls

    def request_body(self, data: bytes) -> None:
        self._pending.append(data)

    def request_trailers(self, trailers: HeaderList) -> None:
        self._trailers = encode((name.lower(), value) for name, value in trailers)

    def request_end(self) -> None:
        self._is_whole = True

    def request_flush(self) -> None:
        if self.response_complete:
            return
        if self.upstream is None:
            if sum(map(len, self._pending)) > PARKED_LIMIT:
                self.connection.pause_reading()
        elif self._is_sent:
            self._send_body(self.upstream)
        if self._ending is not None and self._is_whole:
            self._close(self._ending)

    # -- the upstream's calls

    def send(self) -> None:
        self._is_sent = True
        upstream = self.upstream
        assert upstream is not None
        upstream.send_head(self._head, ends=not self._has_body)
        self._send_body(upstream)
        if not self._is_whole:
            self.connection.resume_reading()

    def unsend(self) -> None:
        self._is_sent = False
        if self._kept is not None:
            self._pending, self._kept = self._kept + self._pending, []

    def is_replayable(self) -> bool:
        return self._kept is not None and super().is_replayable()

    def is_kept(self) -> bool:
        return self._kept is not None

    def _send_body(self, upstream: UpstreamStream) -> None:
        pending, self._pending = self._pending, []
        if not self._has_body:
            return
        data = b"".join(pending) if len(pending) != 1 else pending[0]
        if self._kept is not None:
            self._kept.append(data)
            if sum(map(len, self._kept)) > _KEPT_LIMIT:
                self._kept = None
        ends = self._is_whole and not self._trailers
        if data or ends:
            upstream.send_body(data, ends=ends)
        if self._is_whole and self._trailers:
            upstream.send_trailers(self._trailers)


class AnswerHttp2(Exchange):
    """The response, as a client gets it that speaks HTTP/2."""

    __slots__ = ()
    sends_rest = False
    connection: ClientStream

    def respond(self, status: int, body: bytes, more: Headers = (), *, keep_alive: bool) -> None:
        self.connection.respond(status, [*ERROR_HEADERS, *more], body)

    def break_off(self, text: bytes) -> None:
        if self._left <= 0:  # of unknown length
            self.response_body(text)
            self.finish_response([])
        else:
            self.response_flush()

    # -- the upstream's calls

    def response_head(self, status: int, headers: HeaderList) -> bool:
        if status < 200:
            if status != 101:
                self.connection.send_head(status_field(status) + encode((n.lower(), v) for n, v in headers))
            return False
        self.is_started = True
        self.status = status
        endpoint = self.endpoint
        head = endpoint.head_memo
        if head is None or head.status != status or head.headers != headers:
            endpoint.head_memo = head = relayed_head(status, headers, endpoint.response_lines)
        memo = endpoint.block_memo
        if memo is None or memo[0] is not head:
            fields = lines_of(head.lines.partition(b"\r\n")[2])
            endpoint.block_memo = memo = (head, status_field(status) + encode(fields))
        self._opening = memo[1]
        if self.waited:
            self.first_byte = perf_counter()
            self._opening += encode(lines_of(self.backend.timing(self)))
        is_bodiless = self.method == b"HEAD" or status in (204, 304)
        self._left = 0 if is_bodiless or head.length is None else head.length
        return is_bodiless

    def response_body(self, data: bytes) -> None:
        self.size += len(data)
        self._left -= len(data)
        self._out.append(data)

    def response_flush(self) -> None:
        if self._opening:
            self.connection.send_head(self._opening)
            self._opening = b""
        if self._out:
            self._send_out(ends=False)

    def response_counted(self, data: bytes) -> None:
        self.response_body(data)
        self.response_flush()

    def finish_response(self, trailers: HeaderList) -> None:
        connection = self.connection
        if self._opening:
            is_all = not self._out and not trailers
            connection.send_head(self._opening, ends=is_all)
            self._opening = b""
            if is_all:
                return
        if self._out or not trailers:
            self._send_out(ends=not trailers)
        if trailers:
            connection.send_trailers(encode((name.lower(), value) for name, value in trailers))

    def tunnel(self, rest: bytes) -> None:
        self.fail(502, "unexpected upgrade")

    def _send_out(self, *, ends: bool) -> None:
        if self.backend.timeouts.idle_s:
            self._written_at = self.connection.loop.time()
        self.connection.send_body(b"".join(self._out), ends=ends)
        self._out.clear()
