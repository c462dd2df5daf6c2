"""The halves of an Exchange that speak HTTP/1.1: `AskHttp1` writes the request to a replica, `AnswerHttp1` the response
to a client.

Both deal with framing: chunks and lengths, interim responses, trailers, what HTTP/1.0 does not know, and connections
that become tunnels after an upgrade.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from emulator.ingress.cycle import Headers
from emulator.ingress.exchange import PARKED_LIMIT, Exchange
from emulator.ingress.forwarding import ForwardedHead, relayed_head, trace_line
from emulator.ingress.pipe import pipe
from emulator.ingress.repeats import HeaderList
from emulator.ingress.responses import STATUS_LINE, connection_line, error_response
from emulator.ingress.upstream import COUNTED_MIN, Upstream

if TYPE_CHECKING:
    from emulator.ingress.connection import Connection


class AskHttp1(Exchange):
    """The request, as a replica gets it that speaks HTTP/1.1."""

    __slots__ = ()
    upstream: Upstream | None

    def request_head(self, head: ForwardedHead) -> bytes:
        trace = b"" if head.is_traced else trace_line()
        return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (self.method, self.target, head.lines, trace)

    def seen_headers(self) -> HeaderList:
        lines = self._head.split(b"\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    # -- the connection's calls

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


class AnswerHttp1(Exchange):
    """The response, as a client gets it that speaks HTTP/1.1."""

    __slots__ = ()
    may_repeat = sends_rest = True
    connection: Connection

    def respond(self, status: int, body: bytes, more: Headers = (), *, keep_alive: bool) -> None:
        lines = [b"%b: %b\r\n" % line for line in more]
        lines.append(connection_line(keep_alive, self.is_http10))
        self._write(error_response(status, body, b"".join(lines), bodiless=self.method == b"HEAD"))

    def break_off(self, text: bytes) -> None:
        if self._is_chunked_down or self._left >= len(text):
            self.response_body(text)
            if self._is_chunked_down:
                self._out.append(b"0\r\n\r\n")
            self.response_flush()

    # -- the upstream's calls

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

    def finish_response(self, trailers: HeaderList) -> None:
        if self._is_chunked_down:
            lines = b"".join(b"%b: %b\r\n" % line for line in trailers)
            self._out.append(b"0\r\n%b\r\n" % lines)
        if self._out:
            self._write(b"".join(self._out))
            self._out.clear()

    def tunnel(self, rest: bytes) -> None:
        connection, upstream = self.connection, self.upstream
        self._is_tunnel = self._is_whole = connection.is_tunnel = True
        self.backend.tunnelled(self)
        connection.current = self
        self.response_flush()
        if rest:
            self._write(rest)
        # To an upgrade only an Upstream can have agreed.
        if not isinstance(upstream, Upstream) or connection.transport.is_closing():
            return
        if early := connection.take_early():
            upstream.transport.write(early)
        connection.resume_reading()
        pipe(connection, connection.transport, upstream, upstream.transport)

    def _write(self, data: bytes) -> None:
        if self.backend.timeouts.idle_s:
            self._written_at = self.connection.loop.time()
        transport = self.connection.transport
        if not transport.is_closing():
            transport.write(data)
