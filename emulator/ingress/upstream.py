"""Connections to replicas that speak HTTP/1.1: `Endpoint` (an address and its idle connections), `Upstream` (one of
them). What they carry is `Carried`.

An Upstream parses responses and tells its work; a counted body of more than `COUNTED_MIN` bytes passes unparsed.
Connections are reused last in, first out, bounded in number and in idle time (both from Go's transport as Knative sets
it up: pkg/network/transports.go, net/http/transport.go).

This module never decides where work goes (serving's Throttler does) and knows nothing of clients.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import Transport
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, cast

import httptools

from emulator.ingress.carried import Carried
from emulator.ingress.dialerrors import dial_error
from emulator.ingress.forwarding import RelayedHead
from emulator.ingress.repeats import HeaderList, RepeatedResponse, head_length
from emulator.lib.tasks import Tasks

IDLE_LIMIT = 100
IDLE_TIMEOUT_S = 90.0
CONNECT_TIMEOUT_S = 30.0
COUNTED_MIN = 65536


class Dialer:
    """Opens connections in tasks that `tasks` owns. One for the process; endpoints are made with it."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def endpoint(self, host: str, port: int, *, speaks_http2: bool = False, response_lines: bytes = b"") -> Endpoint:
        """An endpoint of the kind that speaks what the replica speaks."""
        if not speaks_http2:
            return Endpoint(host, port, self, response_lines=response_lines)
        from emulator.ingress.upstreamsession import StreamEndpoint  # loaded by the first that is needed

        return StreamEndpoint(host, port, self, response_lines=response_lines)

    def spawn(self, dialling: Coroutine[Any, Any, None], endpoint: Endpoint) -> None:
        """Let `dialling` run."""
        self._tasks.spawn(dialling, f"connect {endpoint.address}")


class Endpoint:
    """Where one replica (or a foreign server) listens that speaks HTTP/1.1 (`StreamEndpoint`: HTTP/2).

    `response_lines` (complete header lines, each ended by CRLF) are added to every response that comes from here.
    """

    speaks_http2 = False

    def __init__(
        self, host: str, port: int, dialer: Dialer, *, response_lines: bytes = b"", tls: ssl.SSLContext | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.response_lines = response_lines
        self.idle: list[Upstream] = []
        self.head_memo: RelayedHead | None = None
        """The last response's head as it was relayed."""
        self.block_memo: tuple[RelayedHead, bytes] | None = None
        """The same as a block of HTTP/2."""
        self.repeated: RepeatedResponse | None = None
        """The last response, when it came in one piece and its connection went on."""
        self.size = 0
        """Of the last piece of a response that was parsed."""
        self._dialer = dialer
        self._tls = tls
        self._is_closed = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def carry(self, work: Carried) -> None:
        """Find a connection for `work`."""
        idle = self.idle
        while idle:
            upstream = idle.pop()
            if not upstream.transport.is_closing():
                upstream.is_stale = False
                work.attach(upstream)
                return
        self.dial(work)

    def dial(self, work: Carried) -> None:
        """Open a further connection for `work`; if it leaves meanwhile, for the pool."""
        self._dialer.spawn(self._dialled(work), self)

    async def _dialled(self, work: Carried) -> None:
        try:
            upstream = await self.connect()
        except OSError as error:
            work.undialled(dial_error(error, self))
            return
        if work.finished:
            self.release(upstream)
        else:
            work.attach(upstream)

    def warm(self) -> None:
        """Have a connection ready for the next work: even a paused process's kernel makes it."""
        self._dialer.spawn(self._warmed(), self)

    async def _warmed(self) -> None:
        with suppress(OSError):  # whoever needs one will dial
            self.release(await self.connect())

    def release(self, upstream: Upstream) -> None:
        """Keep a connection whose response is complete for the next work."""
        if self._is_closed or len(self.idle) >= IDLE_LIMIT:
            upstream.transport.close()
            return
        upstream.reused = True
        self.idle.append(upstream)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_TIMEOUT_S / 2, self._drop_stale)

    def close(self) -> None:
        """Close what is idle now, and what is in use as soon as it is released."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for upstream in self.idle:
            upstream.transport.close()
        self.idle.clear()

    async def connect(self) -> Upstream:
        """Raises OSError, also when it takes longer than `CONNECT_TIMEOUT_S`."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, upstream = await asyncio.get_running_loop().create_connection(
                lambda: Upstream(self), self.host, self.port, ssl=self._tls
            )
        return upstream

    def _drop_stale(self) -> None:
        """Two visits without use in between make a connection stale: no clock is read for each request."""
        for upstream in [upstream for upstream in self.idle if upstream.is_stale]:
            self.idle.remove(upstream)
            upstream.transport.close()
        for upstream in self.idle:
            upstream.is_stale = True
        self._timer = None
        if self.idle:
            self._timer = asyncio.get_running_loop().call_later(IDLE_TIMEOUT_S / 2, self._drop_stale)


class Upstream(asyncio.Protocol):
    """One connection to an Endpoint; carries one work at a time."""

    __slots__ = (
        "_ended",
        "_excess",
        "_final",
        "_fresh",
        "_headers",
        "_is_between",
        "_keeps",
        "_left",
        "_parser",
        "_status",
        "_told",
        "endpoint",
        "is_stale",
        "reused",
        "transport",
        "work",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.work: Carried | None = None
        self.transport: Transport
        self.reused = self.is_stale = False
        self._parser = httptools.HttpResponseParser(self)
        self._headers: HeaderList = []
        self._left = 0
        """Bytes of a counted body that still may pass unparsed."""
        self._is_between = True
        """No response is being read: the parser stands where one begins."""
        self._status = 0
        self._told: HeaderList = []
        self._final = self._ended = self._excess = self._fresh = self._keeps = False

    # -- asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        work = self.work
        if work is not None:
            work.lost(exc)
        elif self in self.endpoint.idle:
            self.endpoint.idle.remove(self)

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        work = self.work
        if work is None:  # nothing was asked: the connection is out of step
            self.transport.close()
        elif self._left:
            self._pass(work, data)
        else:
            repeated = self.endpoint.repeated
            if (
                repeated is not None
                and len(data) == repeated.size
                and self._is_between
                and data.startswith(repeated.head)
            ):
                self._repeat(work, repeated, data)
            else:
                self._parse(work, data)

    def pause_writing(self) -> None:
        if self.work is not None:
            self.work.pause_sending()

    def resume_writing(self) -> None:
        if self.work is not None:
            self.work.resume_sending()

    # -- for its work

    def let_go(self, is_reusable: bool) -> None:
        self.work = None
        if is_reusable and not self.transport.is_closing():
            self.endpoint.release(self)
        else:
            self.transport.close()

    def pause_reading(self) -> None:
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # -- reading

    def count(self, length: int) -> None:
        self._left = length

    def _pass(self, work: Carried, data: bytes) -> None:
        left = self._left - len(data)
        if left > 0:
            self._left = left
            work.response_counted(data)
            return
        self._left = 0
        self._parser = httptools.HttpResponseParser(self)
        self._is_between = True
        if left:
            data = data[:left]
        work.response_body(data)
        work.response_end([], self._keeps and left == 0)

    def _repeat(self, work: Carried, last: RepeatedResponse, data: bytes) -> None:
        """Tell `data` as the same response once more."""
        is_bodiless = work.response_head(last.status, last.headers)
        if not is_bodiless and len(last.head) < last.size:
            work.response_body(data[len(last.head) :])
        if self.work is work:
            work.response_end([], True)

    def _remember(self, data: bytes) -> None:
        """What came was parsed, from the beginning of a response to the end of one: know it again, if it was one."""
        endpoint = self.endpoint
        # Only what has the size of its predecessor is worth a closer look.
        if len(data) == endpoint.size and self._keeps and not self._excess:
            head = head_length(data, self._told)
            endpoint.repeated = RepeatedResponse(data[:head], len(data), self._status, self._told) if head else None
        endpoint.size = len(data)

    def _parse(self, work: Carried, data: bytes) -> None:
        is_begin = self._is_between
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._ended = False
            work.tunnel(data[stop.args[0] :])
            return
        except httptools.HttpParserCallbackError:
            raise  # an error of ours, not the replica's
        except httptools.HttpParserError as error:
            self._broken(work, error, data)
            return
        if self._ended:
            if is_begin and not self._fresh:
                self._remember(data)
            self._end(work)
        else:
            work.response_flush()

    def _end(self, work: Carried) -> None:
        """Told only after the parser has returned: the end may lead to the next request on this very connection."""
        self._ended = self._final = False
        self._is_between = True
        if self._fresh:
            self._fresh = False
            self._parser = httptools.HttpResponseParser(self)
        trailers = self._headers
        self._headers = []
        work.response_end(trailers, self._keeps and not self._excess)

    def _broken(self, work: Carried, error: Exception, data: bytes) -> None:
        if work.is_started:
            work.detach(False)
            work.response_lost(error)
        else:
            text = data.split(b"\r\n", 1)[0][:60].decode("latin-1")
            text = text.replace("\\", "\\\\").replace('"', '\\"')
            work.fail(502, f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{text}"')

    # -- httptools' calls

    def on_message_begin(self) -> None:
        if self._ended:
            self._excess = True  # another response that nobody asked for
        else:
            self._is_between = False
            self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._excess:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        work = self.work
        if work is None or self._ended:
            return
        headers, self._headers = self._headers, []
        parser = self._parser
        status = parser.get_status_code()
        self._status, self._told = status, headers
        if status >= 200:
            self._final = True
            self._keeps = parser.should_keep_alive()
        if work.response_head(status, headers) and self._final:
            self._ended = self._fresh = True  # the parser would wait for the body it was told of

    def on_body(self, data: bytes) -> None:
        if self.work is not None and not self._ended:
            self.work.response_body(data)

    def on_message_complete(self) -> None:
        if self._final:
            self._ended = True
