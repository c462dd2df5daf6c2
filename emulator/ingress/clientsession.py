"""HTTP/2 from clients that know beforehand that kemu speaks it: `ClientSession`, and `ClientStream`, one request in it.

A ClientStream stands where a `Connection` stands for HTTP/1.1: a Handler opens a Cycle on it, and the Cycle reads
`method`, `url`, `headers` and `host` and answers through it. A request for a host that is in no table is answered here.
What RFC 9113 §8 calls malformed (a body of another length than was said, headers that are about a connection) ends its
stream and reaches nobody.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from emulator.ingress.connection import LINGER_S
from emulator.ingress.cycle import Cycle, Headers
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.fieldblocks import Fields, encode, status_field
from emulator.ingress.forwarding import ForwardedHead, Hops
from emulator.ingress.frames import ConnectionFault, ErrorCode, Setting
from emulator.ingress.frames import reset as reset_frame
from emulator.ingress.session import Session
from emulator.ingress.stream import STREAM_WINDOW, Stream

if TYPE_CHECKING:
    from emulator.ingress.connection import ListenerConfig

STREAMS_MOST = 1024
_PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
_FOREIGN = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
_CHUNKED = (b"transfer-encoding", b"chunked")
_NO_TARGET = re.compile(rb"[\0-\x20\x7f]")
"""In a method or a path it would be another request once written as HTTP/1.1."""


class ClientSession(Session):
    """One client's connection."""

    settings = {  # noqa: RUF012
        Setting.MAX_CONCURRENT_STREAMS: STREAMS_MOST,
        Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
    }

    def __init__(
        self,
        config: ListenerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__()
        self.hosts = config.hosts
        self.deadlines = config.deadlines
        self.server_state = server_state
        self._stranger = config.stranger or _nobody
        self._ingress = config.ingress_address
        self.head_memo: ForwardedHead | None = None
        """The last request's head as it was forwarded."""
        self.block_memo: tuple[ForwardedHead, bytes] | None = None
        """The same as a block."""

    # -- asyncio's and uvicorn's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server_state.connections.add(self)  # type: ignore[arg-type]
        client = get_remote_addr(self.transport)
        self.hops = Hops(client[0].encode() if client else b"unknown", self._ingress, b"http")

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.connections.discard(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Take no more requests; close when those there are have ended."""
        self.leave()
        self.loop.call_later(LINGER_S, self._close_idle)

    def _close_idle(self) -> None:
        if not self.streams:
            self.close()

    # -- Session

    def opened(self, id: int, fields: Fields, *, ends: bool) -> Stream | None:
        if id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"a client may not open stream {id}")
        if id <= self.last_id:
            return None  # the rest of one that is over
        self.last_id = id
        if self.is_leaving or len(self.streams) >= STREAMS_MOST:
            self.write(reset_frame(id, ErrorCode.REFUSED_STREAM))
            return None
        stream = ClientStream(self, id)
        if not stream.take_request(fields, ends=ends):
            self.write(reset_frame(id, ErrorCode.PROTOCOL_ERROR))
            return None
        self.streams[id] = stream
        stream.has_received_end = ends
        handler = self.hosts.ready.get(stream.host) or self.hosts.find(stream.host)
        if handler is None:
            stream.respond(404, *self._stranger(stream.host))
        else:
            stream.cycle = handler.open(stream)
            stream.cycle.start()
        return None if stream.is_gone else stream

    def ended(self, stream: Stream) -> None:
        if self.is_leaving and not self.streams:
            self.close()

    def lost(self, stream: Stream, error: Exception | None) -> None:
        assert isinstance(stream, ClientStream)
        stream.leave()

    def left(self, last_id: int, code: int) -> None:
        self.is_leaving = True
        if not self.streams:
            self.close()

    def broken(self, fault: ConnectionFault) -> None:
        for stream in list(self.streams.values()):
            self.forget(stream)
            self.lost(stream, None)

    def last_taken(self) -> int:
        return self.last_id


class ClientStream(Stream):
    """One request; see the module's text. The names of `headers` are lower case, and Host is among them."""

    __slots__ = ("_left", "_trailers", "cycle", "headers", "host", "method", "url")
    speaks_http2 = True
    is_http10 = False
    is_tunnel = False

    def __init__(self, session: ClientSession, id: int) -> None:
        super().__init__(session, id)
        self.cycle: Cycle | None = None
        self.method = self.url = self.host = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self._left: int | None = None
        """Of a body whose length was said."""
        self._trailers: Fields = []

    def take_request(self, fields: Fields, *, ends: bool) -> bool:
        """Read the head; False if it is malformed."""
        pseudo: dict[bytes, bytes] = {}
        for name, value in fields:
            if not name.startswith(b":"):
                break
            if name not in _PSEUDO or name in pseudo:
                return False
            pseudo[name] = value
        rest = fields[len(pseudo) :]
        if any(name in _FOREIGN or name.startswith(b":") for name, _ in rest):
            return False
        self.method, self.url = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
        if not self.method or not self.url or b":scheme" not in pseudo or _NO_TARGET.search(self.url + self.method):
            return False
        self.headers = _as_http1(rest, pseudo.get(b":authority"))
        self.host = next((value for name, value in self.headers if name == b"host"), b"")
        length = next((value for name, value in rest if name == b"content-length"), None)
        if length is None:
            if not ends:
                self.headers.append(_CHUNKED)
            return True
        self._left = int(length) if length.isdigit() else -1
        return self._left == 0 if ends else self._left >= 0

    # -- for cycles, as a Connection

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self.session.loop

    @property
    def deadlines(self) -> Deadlines:
        return self.memory.deadlines

    @property
    def memory(self) -> ClientSession:
        """Who keeps what is the same for all requests of the client."""
        assert isinstance(self.session, ClientSession)
        return self.session

    def keeps_alive(self) -> bool:
        return True

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header `name` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)

    def respond(self, status: int, headers: Headers, body: bytes, *, keep_alive: bool = True) -> None:
        """A whole response."""
        length = (b"content-length", b"%d" % len(body))
        fields = [*((name.lower(), value) for name, value in headers), length]
        shown = b"" if self.method == b"HEAD" else body
        self.send_head(status_field(status) + encode(fields), ends=not shown)
        if shown:
            self.send_body(shown, ends=True)

    def send_continue(self) -> None:
        self.send_head(status_field(100))

    def finished(self, cycle: Cycle) -> None:
        """`cycle` has answered."""
        self.memory.server_state.total_requests += 1

    def hang_up(self) -> None:
        """The response will not be complete."""
        if not (self.has_sent_end or self._ends):
            self.reset(ErrorCode.INTERNAL_ERROR)

    def leave(self) -> None:
        """The client is not there any more."""
        cycle, self.cycle = self.cycle, None
        if cycle is not None and not cycle.response_complete:
            cycle.client_lost()

    # -- Stream

    def take_fields(self, fields: Fields) -> None:
        if any(name.startswith(b":") for name, _ in fields):
            self._refuse()
        else:
            self._trailers = fields

    def take_body(self, data: bytes) -> None:
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self._refuse()
                return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.request_body(data)

    def take_end(self) -> None:
        if self._left:
            self._refuse()
        elif self.cycle is not None and not self.cycle.response_complete:
            if self._trailers:
                self.cycle.request_trailers(self._trailers)
            self.cycle.request_end()

    def take_flush(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.request_flush()

    def take_reset(self, code: int) -> None:
        self.leave()

    def all_sent(self) -> None:
        self.reset(ErrorCode.NO_ERROR)  # the rest of the request is of no use to anybody

    def pause_sending(self) -> None:
        if self.cycle is not None:
            self.cycle.pause_writing()

    def resume_sending(self) -> None:
        if self.cycle is not None:
            self.cycle.resume_writing()

    def _refuse(self) -> None:
        self.reset(ErrorCode.PROTOCOL_ERROR)
        self.leave()


def _nobody(_: bytes) -> tuple[Headers, bytes]:
    return (), b""


def _as_http1(fields: Fields, authority: bytes | None) -> list[tuple[bytes, bytes]]:
    """Headers as HTTP/1.1 has them: the authority as Host (RFC 9113 §8.3.1), crumbs of a Cookie as one (§8.2.3)."""
    headers = fields[:] if authority is None else [(b"host", authority), *(f for f in fields if f[0] != b"host")]
    crumbs = [value for name, value in fields if name == b"cookie"]
    if len(crumbs) > 1:
        headers = [header for header in headers if header[0] != b"cookie"]
        headers.append((b"cookie", b"; ".join(crumbs)))
    return headers
