"""HTTP/2 towards replicas whose port is named `h2c`: `StreamEndpoint`, its few connections (`UpstreamSession`), and
`UpstreamStream`, which a `Carried` has in the place of an `Upstream`.

Requests share a connection as far as the replica's settings allow; beyond that a further one is opened (Go's transport
does so too: x/net/http2/transport.go). What the replica says that it did not touch, after GOAWAY or with
REFUSED_STREAM, is sent once more if all of it is still there. Error texts are those of Go's http2 package.
"""

from __future__ import annotations

import asyncio
from asyncio import Transport
from collections import deque

from emulator.ingress import frames
from emulator.ingress.carried import Carried
from emulator.ingress.dialerrors import dial_error, lost_error
from emulator.ingress.fieldblocks import Fields
from emulator.ingress.frames import ConnectionFault, ErrorCode, Setting, error_name
from emulator.ingress.session import Session
from emulator.ingress.stream import STREAM_WINDOW, Stream
from emulator.ingress.upstream import CONNECT_TIMEOUT_S, IDLE_TIMEOUT_S, Dialer, Endpoint

STREAMS_MOST = 1000
"""In one connection to a replica that sets no limit (Go's defaultMaxConcurrentStreams)."""


class StreamReset(Exception):
    """The replica gave a stream up."""


class StreamEndpoint(Endpoint):
    """Where one replica listens that speaks HTTP/2."""

    speaks_http2 = True

    def __init__(self, host: str, port: int, dialer: Dialer, *, response_lines: bytes = b"") -> None:
        super().__init__(host, port, dialer, response_lines=response_lines)
        self.sessions: list[UpstreamSession] = []
        """Those that take streams."""
        self._waiting: deque[Carried] = deque()
        self._dialling = 0

    def carry(self, work: Carried) -> None:
        for session in self.sessions:
            if session.has_room:
                session.open(work)
                return
        self._waiting.append(work)
        if len(self._waiting) > self._dialling * STREAMS_MOST:
            self._connect()

    def dial(self, work: Carried) -> None:
        self.carry(work)

    def warm(self) -> None:
        if not self.sessions and not self._dialling:
            self._connect()

    def close(self) -> None:
        super().close()
        for session in list(self.sessions):
            self.drop(session)
            session.leave()
            session.close_if_idle()

    # -- for sessions

    def drop(self, session: UpstreamSession) -> None:
        """Open no more streams there."""
        if session in self.sessions:
            self.sessions.remove(session)

    def lost(self, session: UpstreamSession, error: Exception | None) -> None:
        """A connection has ended; whatever waits for one needs another, unless the replica hangs up on everybody."""
        self.drop(session)
        if self._waiting and not self.sessions and not self._dialling:
            if session.is_known:
                self._connect()
            else:
                self._give_up(lost_error(error, session))

    def has_room(self, session: UpstreamSession) -> None:
        """A stream has ended, or the replica's settings have come."""
        waiting = self._waiting
        while waiting and session.has_room:
            work = waiting.popleft()
            if not work.finished:
                session.open(work)
        if not session.streams:
            self._rest(session)

    def _rest(self, session: UpstreamSession) -> None:
        if self._is_closed or session.is_leaving:
            session.leave()
            session.close_if_idle()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_TIMEOUT_S / 2, self._drop_stale)

    def _drop_stale(self) -> None:
        self._timer = None
        for session in [session for session in self.sessions if not session.streams]:
            if session.is_stale:
                self.drop(session)
                session.leave()
                session.close_if_idle()
            else:
                session.is_stale = True
                self._rest(session)

    def _connect(self) -> None:
        self._dialling += 1
        self._dialer.spawn(self._dialling_one(), self)

    async def _dialling_one(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, session = await asyncio.get_running_loop().create_connection(
                    lambda: UpstreamSession(self), self.host, self.port
                )
        except OSError as error:
            self._dialling -= 1
            self._give_up(dial_error(error, self))
            return
        self._dialling -= 1
        if not session.transport.is_closing():
            self.sessions.append(session)
            self.has_room(session)

    def _give_up(self, text: str) -> None:
        waiting, self._waiting = self._waiting, deque()
        for work in waiting:
            if not work.finished:
                work.undialled(text)


class UpstreamSession(Session):
    """One connection to a replica."""

    greeting = frames.PREFACE
    settings = {Setting.ENABLE_PUSH: 0, Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW}  # noqa: RUF012

    def __init__(self, endpoint: StreamEndpoint) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.is_stale = False
        self._next_id = 1
        # Nothing is refused by a replica that was asked for no more than it allows: one until its settings are known.
        self._most = 1
        self.is_known = False

    @property
    def has_room(self) -> bool:
        return len(self.streams) < self._most and not self.is_leaving and not self.transport.is_closing()

    def open(self, work: Carried) -> None:
        """Carry `work` in a new stream."""
        id = self._next_id
        self._next_id += 2
        self.last_id = id
        self.is_stale = False
        stream = UpstreamStream(self, id)
        self.streams[id] = stream
        if self._next_id > frames.LARGEST_WINDOW:
            self.is_leaving = True  # there are no more numbers
            self.endpoint.drop(self)
        work.attach(stream)

    def close_if_idle(self) -> None:
        if not self.streams:
            self.close()

    # -- Session

    def connection_lost(self, exc: Exception | None) -> None:
        self.endpoint.drop(self)
        super().connection_lost(exc)
        self.endpoint.lost(self, exc)

    def setting(self, key: int, value: int) -> None:
        if key == Setting.MAX_CONCURRENT_STREAMS:
            self._most, self.is_known = min(value, STREAMS_MOST), True
        else:
            super().setting(key, value)

    def settled(self) -> None:
        if not self.is_known:
            self._most, self.is_known = STREAMS_MOST, True
        self.endpoint.has_room(self)

    def opened(self, id: int, fields: Fields, *, ends: bool) -> Stream | None:
        self._expect_known(id)
        return None

    def ended(self, stream: Stream) -> None:
        self.endpoint.has_room(self)

    def lost(self, stream: Stream, error: Exception | None) -> None:
        assert isinstance(stream, UpstreamStream)
        work, stream.work = stream.work, None
        if work is not None:
            work.lost(error)

    def left(self, last_id: int, code: int) -> None:
        self.is_leaving = True
        self.endpoint.drop(self)
        for id in [id for id in self.streams if id > last_id]:
            stream = self.streams[id]
            assert isinstance(stream, UpstreamStream)
            self.forget(stream)
            stream.untouched(f"http2: server sent GOAWAY and closed the connection; ErrCode={error_name(code)}")
        self.close_if_idle()

    def broken(self, fault: ConnectionFault) -> None:
        self.is_leaving = True
        self.endpoint.drop(self)
        for stream in list(self.streams.values()):
            assert isinstance(stream, UpstreamStream)
            self.forget(stream)
            stream.fail(f"http2: connection error: {fault.code.name}: {fault}")


class UpstreamStream(Stream):
    """A request to a replica, and its response."""

    __slots__ = ("_has_head", "_left", "_trailers", "work")

    def __init__(self, session: UpstreamSession, id: int) -> None:
        super().__init__(session, id)
        self.work: Carried | None = None
        self._has_head = False
        self._left: int | None = None
        """Of a body whose length was said."""
        self._trailers: Fields = []

    # -- for `Carried`

    @property
    def transport(self) -> Transport:
        return self.session.transport

    @property
    def endpoint(self) -> StreamEndpoint:
        assert isinstance(self.session, UpstreamSession)
        return self.session.endpoint

    @property
    def reused(self) -> bool:
        """Whether the connection may have been idle."""
        return self.id > 1

    def let_go(self, is_reusable: bool) -> None:
        """The work is over, or has lost interest."""
        self.work = None
        if not (self.has_received_end and self.has_sent_end):
            self.reset(ErrorCode.NO_ERROR if self.has_received_end else ErrorCode.CANCEL)

    def count(self, length: int) -> None:
        """A body in frames is not parsed anyway."""

    # -- Stream

    def take_fields(self, fields: Fields) -> None:
        if self._has_head:
            self._trailers = fields
            return
        name, value = fields[0] if fields else (b"", b"")
        work = self.work
        if work is None:
            return
        if name != b":status" or not (value.isdigit() and len(value) == 3) or value == b"101":
            self._refuse("malformed response from server: malformed non-numeric status pseudo header")
            return
        status, headers = int(value), fields[1:]
        if status >= 200:
            self._has_head = True
            length = next((value for name, value in headers if name == b"content-length"), b"")
            if length and not length.isdigit():
                self._refuse("malformed response from server: bad Content-Length")
                return
            is_bodiless = work.response_head(status, headers)
            self._left = int(length) if length and not is_bodiless else None
        else:
            work.response_head(status, headers)

    def take_body(self, data: bytes) -> None:
        work = self.work
        if work is None:
            return
        if not self._has_head:
            self._refuse("protocol error: received DATA before a HEADERS frame")
            return
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self._refuse("body is longer than its Content-Length")
                return
        work.response_body(data)

    def take_end(self) -> None:
        work = self.work
        if work is None:
            return
        if not self._has_head:
            self._refuse("malformed response from server: missing status pseudo header")
        elif self._left:
            self._refuse("unexpected EOF")
        else:
            # A replica that has answered before it was told everything wants no more of it.
            work.response_end(self._trailers, self.has_sent_end)

    def take_flush(self) -> None:
        if self.work is not None:
            self.work.response_flush()

    def take_reset(self, code: int) -> None:
        text = f"stream error: stream ID {self.id}; {error_name(code)}; received from peer"
        if code == ErrorCode.REFUSED_STREAM:
            self.untouched(text)
        else:
            self.fail(text)

    def pause_sending(self) -> None:
        if self.work is not None:
            self.work.pause_sending()

    def resume_sending(self) -> None:
        if self.work is not None:
            self.work.resume_sending()

    # -- endings

    def fail(self, text: str) -> None:
        """No response, or no more of it, will come; the stream is gone."""
        work, self.work = self.work, None
        if work is None:
            return
        work.upstream = None
        if work.is_started:
            work.response_lost(StreamReset(text))
        else:
            work.fail(502, text)

    def untouched(self, text: str) -> None:
        """The replica did nothing with this request."""
        work, self.work = self.work, None
        if work is not None:
            work.upstream = None
            work.again(text)

    def _refuse(self, text: str) -> None:
        self.reset(ErrorCode.PROTOCOL_ERROR)
        self.fail(f"stream error: stream ID {self.id}; PROTOCOL_ERROR; {text}")
