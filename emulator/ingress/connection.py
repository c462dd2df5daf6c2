"""`Connection`: a client's connection. Requests for known hosts are served inside uvicorn's protocol, without ASGI.

A host found in the listener's `HostTable` gets a `Cycle` from its Handler; every other request, on the same
connection if it likes, goes the usual way to the ASGI app. This is a subclass of uvicorn's HttpToolsProtocol and leans
on its internals; each is named in tests/ingress/test_connection.py, and uvicorn's minor version is pinned.

Differences from uvicorn for proxied requests: header names keep the client's spelling, no keep-alive timer runs (a
client that pools connections must not find them closed), bytes behind an upgrade request are kept, and the body of a
request that offers an upgrade (Java's HTTP client sends `Upgrade: h2c` with every POST) is read as a body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from emulator.ingress.cycle import Cycle, Headers
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.forwarding import ForwardedHead, Hops
from emulator.ingress.hosts import HostTable
from emulator.ingress.repeats import RepeatedRequest, head_length
from emulator.ingress.responses import CONTINUE, connection_line, response_bytes
from emulator.ingress.tunnel import TUNNEL, Tunnel

LINGER_S = 0.25
"""How long a connection on which nothing is under way is kept at the end: closing it would reset a client whose next
request has just been sent.
"""
Stranger = Callable[[bytes], tuple[Headers, bytes]]
"""From a Host header to the headers and the body of a 404."""

_SLASH = 0x2F
_FRAMING = (b"content-length", b"transfer-encoding")


class ListenerConfig(Config):
    """uvicorn's Config with what a Connection needs besides."""

    hosts: HostTable
    deadlines: Deadlines
    ingress_address: bytes
    stranger: Stranger | None = None
    """What clients that speak HTTP/2 are answered for hosts that are in no table; None leaves all of them to ASGI."""


class Connection(HttpToolsProtocol):
    """One client connection; see the module's text. `method`, `url`, `headers` and `host` are the current head."""

    speaks_http2 = False

    def __init__(
        self,
        config: ListenerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.hosts = config.hosts
        self.deadlines = config.deadlines
        self.ingress_address = config.ingress_address
        self.receiving: Cycle | None = None
        """The cycle whose request is being read, when it is one of ours."""
        self.current: Cycle | None = None
        """The cycle whose turn it is to answer, when it is one of ours."""
        self.is_tunnel = False
        self._taken_over: Tunnel | None = None
        """What an ASGI handler has made of the connection."""
        self.head_memo: ForwardedHead | None = None
        """The last request's head as it was forwarded."""
        self.block_memo: tuple[ForwardedHead, bytes] | None = None
        """The same as a block of HTTP/2."""
        self.method = b""
        self.host = b""
        self.repeated: RepeatedRequest | None = None
        """The last request, which the parser stands behind, when it came in one piece."""
        self._parsed: list[tuple[bytes, bytes]] = []
        """The current head's headers, once they are no longer in `headers`."""
        self._size = 0
        """Of what came last and was parsed."""
        self._is_between = True
        """No request is being read: the parser stands where one begins."""
        self._is_continued = False
        """The parser reads the body of a head that another parser has read."""
        self._asgi_framing: list[tuple[bytes, bytes]] = []
        """Of a request that offers an upgrade and is left to ASGI."""
        self._early = b""
        self._unsent = b""
        self.is_last = False
        """The listener is closed: whatever is still asked is answered, and nothing after it."""

    # -- asyncio's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        client = self.client[0].encode() if self.client else b"unknown"
        self.hops = Hops(client, self.ingress_address, (self.scheme or "http").encode())

    def connection_lost(self, exc: Exception | None) -> None:
        current, self.current, self.receiving = self.current, None, None
        if self._taken_over is not None:
            self._taken_over.lost()
        if current is not None:
            current.client_lost()
        for cycle, _ in self.pipeline:
            if isinstance(cycle, Cycle):
                cycle.client_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if self.is_tunnel:
            if self._taken_over is not None:
                self._taken_over.received(data)
            return
        repeated = self.repeated
        if (
            repeated is None
            or len(data) != repeated.size
            or not data.startswith(repeated.head)
            or not self._repeat(repeated, data)
        ):
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        is_begin, self.repeated = self._is_between, None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._upgrade_requested(data[stop.args[0] :])
        except httptools.HttpParserCallbackError:
            self._refuse()
            raise  # an error of ours: the loop reports it
        except httptools.HttpParserError:
            self._refuse()
            return
        current = self.current
        if current is not None:
            current.request_flush()
        # Only what has the size of its predecessor is worth a closer look.
        if len(data) == self._size and is_begin and self._is_between:
            self._remember(data)
        self._size = len(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.current is not None:
            self.current.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.current is not None:
            self.current.resume_writing()

    # -- httptools' calls

    def on_message_begin(self) -> None:
        self._is_between = False
        if not self._is_continued:
            self.url = b""
            self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_continued:
            self.headers = []
            return
        if self._unsent:
            self.send_now()
        host = b""
        for name, value in self.headers:
            if len(name) == 4 and name.lower() == b"host":
                host = value
                break
        if self.url[0] != _SLASH:
            host = self._take_authority(host)
        handler = self.hosts.ready.get(host) or self.hosts.find(host)
        if handler is None:
            self._leave_to_asgi()
            return
        self.host = host
        self.method = self.parser.get_method()
        previous = self.cycle
        cycle = handler.open(self)
        self.receiving = self.cycle = cycle  # type: ignore[assignment]
        if self.is_last:
            self.cycle.keep_alive = False
        self._parsed, self.headers = self.headers, []  # from here on: trailers
        if previous is None or previous.response_complete:
            self.current = cycle
            cycle.start()
        else:
            self.pause_reading()
            self.pipeline.appendleft((cycle, None))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        cycle = self.receiving
        if cycle is None:
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.request_body(body)

    def on_message_complete(self) -> None:
        cycle = self.receiving
        if cycle is None:
            if not self.parser.should_upgrade() or self._should_upgrade() or not self._has_body():
                self._is_continued = False
                super().on_message_complete()
            return
        if not self.parser.should_upgrade():
            self._is_between = True
        elif self._has_body():
            return  # the parser takes the body for another protocol; see _upgrade_requested
        self._is_continued = False
        self.receiving = None
        if not cycle.response_complete:
            if self.headers:
                cycle.request_trailers(self.headers)
            cycle.request_end()

    # -- repeated requests

    def _remember(self, data: bytes) -> None:
        """What came was parsed, from the beginning of a request to the end of one: know it again, if it was one."""
        cycle: object = self.cycle
        if not isinstance(cycle, Cycle) or not cycle.may_repeat:
            return
        head = head_length(data, self._parsed)
        # The parser has forgotten by now what a Connection header said; 1.1 without `close` needs none.
        if head and cycle.keep_alive and not self.is_http10:
            self.repeated = RepeatedRequest(data[:head], len(data), self.method, self.url, self.host, self._parsed)

    def _repeat(self, last: RepeatedRequest, data: bytes) -> bool:
        """Take `data` as the same request once more; False where it needs a closer look."""
        handler = self.hosts.ready.get(last.host)
        if handler is None or not self.cycle.response_complete or self.is_last:
            return False
        if self._unsent:
            self.send_now()
        self.method, self.url, self.host, self.headers = last.method, last.url, last.host, last.headers
        cycle = handler.open(self)
        self.current = self.cycle = cycle  # type: ignore[assignment]
        self.headers = []
        if len(last.head) < last.size:
            cycle.request_body(data[len(last.head) :])
        cycle.request_end()
        cycle.start()
        cycle.request_flush()
        return True

    # -- for cycles

    @property
    def memory(self) -> Connection:
        """Who keeps what is the same for all requests of the client."""
        return self

    def keeps_alive(self) -> bool:
        """Whether the current head leaves the connection open."""
        return bool(self.parser.should_keep_alive())

    def respond(self, status: int, headers: Headers, body: bytes, *, keep_alive: bool = True) -> None:
        """A whole response, at the end of this turn; without `keep_alive` at once, and the connection's end."""
        line = connection_line(keep_alive, self.is_http10)
        self.send_later(response_bytes(status, headers, body, line))
        if not keep_alive:
            self.send_now()
            self.transport.close()

    def send_continue(self) -> None:
        """Let the client send its body."""
        self.transport.write(CONTINUE)

    def hang_up(self) -> None:
        """The response is over, and with it the connection."""
        if not self.transport.is_closing():
            self.transport.close()

    @property
    def is_http10(self) -> bool:
        return bool(self.parser.get_http_version() == "1.0")

    def header(self, name: bytes) -> bytes | None:
        """The first value of the current head's header `name` (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def pause_reading(self) -> None:
        if not self.transport.is_closing():
            self.flow.pause_reading()

    def resume_reading(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def finished(self, cycle: Cycle) -> None:
        """`cycle` has answered: the next request's turn, if it has come already."""
        if self.current is cycle:
            self.current = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            # Not from here: a cycle that answers at once would be finished, and start the next, ever deeper.
            self.loop.call_soon(self._start_next)

    def send_later(self, data: bytes) -> None:
        """Write at the end of this turn of the loop, with what others have to write (see `Call.send`)."""
        if not self._unsent:
            self.loop.call_soon(self.send_now)
        self._unsent += data

    def send_now(self) -> None:
        """Write what waits, before anything else is written."""
        unsent, self._unsent = self._unsent, b""
        if unsent and not self.transport.is_closing():
            self.transport.write(unsent)

    def shutdown(self) -> None:
        """The last request is answered with `Connection: close`, also one that is on its way here by now."""
        self.send_now()
        self.is_last = True
        if self._is_idle:
            self.loop.call_later(LINGER_S, self._close_idle)
        else:
            super().shutdown()

    @property
    def _is_idle(self) -> bool:
        return not self.is_tunnel and (self.cycle is None or bool(self.cycle.response_complete))

    def _close_idle(self) -> None:
        if self._is_idle and not self.transport.is_closing():
            super().shutdown()

    def take_early(self) -> bytes:
        """Bytes that came behind an upgrade request, for the other side of the tunnel."""
        early, self._early = self._early, b""
        return early

    # -- uvicorn's own, redirected

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, Cycle):
            self.current = cycle
            cycle.start()
            cycle.request_flush()
        else:
            super()._start_asgi_task(cycle, app)

    def _start_next(self) -> None:
        if self.pipeline and not self.transport.is_closing():
            self._start_asgi_task(*self.pipeline.pop())

    def _leave_to_asgi(self) -> None:
        """Let uvicorn see the head as if it had read it itself."""
        url, headers = self.url, [(name.lower(), value) for name, value in self.headers]
        self.receiving = None
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = (b"expect", b"100-continue") in headers
        super().on_headers_complete()
        if self.is_last:
            self.cycle.keep_alive = False
        self._asgi_framing = []
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._asgi_framing = [line for line in headers if line[0] in _FRAMING]
            self.scope["extensions"] = {TUNNEL: partial(self._take_over, self.cycle)}  # type: ignore[dict-item]

    def _take_over(self, cycle: Any, head: bytes) -> Tunnel:
        """See `tunnel.py`."""
        tunnel = Tunnel(self.transport, self.flow.drain, self.pause_reading, self.resume_reading)
        self._taken_over, self.is_tunnel = tunnel, True
        # To uvicorn this request is answered: nothing of it is waited for, and a shutdown closes the connection.
        cycle.response_started = cycle.response_complete = True
        self.transport.write(head)
        early, self._early = self._early, b""
        if early:
            tunnel.received(early)
        if self.transport.is_closing():
            tunnel.lost()
        return tunnel

    # -- oddities

    def _take_authority(self, host: bytes) -> bytes:
        """`GET http://host/path` (a client that takes us for its proxy): the target names the host."""
        if self.url.startswith((b"http://", b"https://")):
            rest = self.url.partition(b"://")[2]
            authority, slash, path = rest.partition(b"/")
            self.url = slash + path or b"/"
            self.headers = [(n, authority if n.lower() == b"host" else v) for n, v in self.headers]
            return authority
        return host

    def _refuse(self) -> None:
        """A request that cannot be read; what was read before it is answered first, or not at all."""
        if self.current is None and not self.pipeline and not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")
        else:
            self.transport.close()

    def _has_body(self) -> bool:
        return any(n in _FRAMING and v != b"0" for n, v in self._framing())

    def _framing(self) -> list[tuple[bytes, bytes]]:
        cycle = self.receiving
        return self._asgi_framing if cycle is None else cycle.framing

    def _upgrade_requested(self, rest: bytes) -> None:
        cycle = self.receiving
        if cycle is None and isinstance(self.cycle, Cycle):
            self._early += rest
        elif cycle is None:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            elif self._has_body():
                self._continue_body(rest)
            else:
                self._early += rest
        else:
            self._continue_body(rest)

    def _continue_body(self, rest: bytes) -> None:
        """Read the body behind an upgrade offer with a new parser, told of nothing but its framing."""
        lines = b"".join(b"%b: %b\r\n" % line for line in self._framing())
        self._is_continued = True
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % lines)
        if rest:
            self.parser.feed_data(rest)
