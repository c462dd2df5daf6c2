"""Another implementation of HTTP/2 (`h2`) on both ends: a backend that misbehaves by path, and a client."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.settings import SettingCodes, Settings

Headers = list[tuple[str, str]]
BIG = 4 << 20


class Peer:
    """A connection that the library drives; `write` sends what it has to send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, client_side: bool) -> None:
        self.reader = reader
        self.writer = writer
        config = H2Configuration(client_side=client_side, header_encoding="utf-8", validate_outbound_headers=False)
        self.h2 = H2Connection(config)
        self.waiting: dict[int, bytes] = {}
        """Bodies that did not fit into the window yet."""
        self.end: dict[int, Callable[[], None]] = {}

    def write(self) -> None:
        if (data := self.h2.data_to_send()) and not self.writer.is_closing():
            self.writer.write(data)

    async def events(self) -> list[Event]:
        """What has come; an empty list when the other side has closed."""
        data = await self.reader.read(65536)
        return self.h2.receive_data(data) if data else []

    def send_body(self, stream: int, body: bytes, end: Callable[[], None]) -> None:
        """As much as the window allows, the rest when it opens; then `end`."""
        self.waiting[stream] = body
        self.end[stream] = end
        self.pump(stream)

    def pump(self, stream: int) -> None:
        body = self.waiting.get(stream)
        if body is None:
            return
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
            if room <= 0:
                self.waiting[stream] = body
                return
            self.h2.send_data(stream, body[:room])
            body = body[room:]
        del self.waiting[stream]
        self.end.pop(stream)()


@dataclass
class Asked:
    """One request as the backend saw it."""

    headers: Headers
    body: bytes = b""
    trailers: Headers = field(default_factory=list)
    reset: int | None = None
    is_whole: bool = False

    def get(self, name: str) -> str:
        return dict(self.headers).get(name, "")


class StreamBackend:
    """Listens on a free port; `asked` are the requests that came."""

    def __init__(self, *, streams_most: int = 100, takes_data: bool = True, goes_after: int = 0) -> None:
        self.asked: list[Asked] = []
        self.connections = self.open = self.most_at_once = 0
        self.streams_most = streams_most
        self.takes_data = takes_data
        self.goes_after = goes_after
        """Requests after which a connection ends with GOAWAY, untouched what comes later."""
        self.changed = asyncio.Event()
        self.peers: list[Peer] = []
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> StreamBackend:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for peer in self.peers:
            peer.writer.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when something that a client did has made `condition` true."""
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, client_side=False)
        self.peers.append(peer)
        self.connections += 1
        most = {SettingCodes.MAX_CONCURRENT_STREAMS: self.streams_most}
        peer.h2.local_settings = Settings(client=False, initial_values=most)
        peer.h2.initiate_connection()
        peer.write()
        streams: dict[int, Asked] = {}
        try:
            while events := await peer.events():
                for event in events:
                    self._take(peer, streams, event)
                peer.write()
                self.changed.set()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.changed.set()

    def _take(self, peer: Peer, streams: dict[int, Asked], event: Event) -> None:
        if isinstance(event, RequestReceived):
            if self.goes_after and len(streams) >= self.goes_after:
                peer.h2.close_connection(last_stream_id=max(streams))
                peer.write()
                peer.writer.close()
                return
            streams[event.stream_id] = asked = Asked([(str(n), str(v)) for n, v in event.headers])
            self.asked.append(asked)
            self.open += 1
            self.most_at_once = max(self.most_at_once, self.open)
            self._begin(peer, event.stream_id, asked)
        elif isinstance(event, DataReceived):
            streams[event.stream_id].body += event.data
            if self.takes_data:
                peer.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, TrailersReceived):
            streams[event.stream_id].trailers = [(str(n), str(v)) for n, v in event.headers]
        elif isinstance(event, StreamEnded):
            streams[event.stream_id].is_whole = True
            self._finish(peer, event.stream_id, streams[event.stream_id])
        elif isinstance(event, StreamReset) and event.stream_id in streams:
            streams[event.stream_id].reset = int(event.error_code)
            self.open -= 1
        elif isinstance(event, WindowUpdated):
            for stream in list(peer.waiting) if event.stream_id == 0 else [event.stream_id]:
                peer.pump(stream)

    def _begin(self, peer: Peer, stream: int, asked: Asked) -> None:
        """What is answered before the request has ended."""
        h2, path = peer.h2, asked.get(":path")
        if path == "/early":
            h2.send_headers(stream, [(":status", "413")], end_stream=True)
            h2.reset_stream(stream, ErrorCodes.NO_ERROR)
            self.open -= 1
        elif path == "/duplex":
            h2.send_headers(stream, [(":status", "200")])
            h2.send_data(stream, b"first")
        elif path == "/reset":
            h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        elif path == "/refused" and len(self.asked) == 1:
            h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        elif path == "/hang-up":
            peer.writer.transport.abort()
        elif path == "/garbage":
            peer.write()
            peer.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif path == "/100":
            h2.send_headers(stream, [(":status", "100")])

    def _finish(self, peer: Peer, stream: int, asked: Asked) -> None:
        h2, path = peer.h2, asked.get(":path")
        if path in ("/early", "/reset", "/hang-up", "/garbage", "/never") or (
            path == "/refused" and len(self.asked) == 1
        ):
            return
        self.open -= 1
        if path == "/refused-late":
            h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        elif path == "/trailers-only":
            h2.send_headers(stream, [(":status", "200"), ("grpc-status", "5")], end_stream=True)
        elif path == "/trailers":
            h2.send_headers(stream, [(":status", "200")])
            h2.send_data(stream, asked.body or b"hi")
            h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        elif path == "/duplex":
            h2.send_data(stream, asked.body, end_stream=True)
        elif path == "/cut":
            h2.send_headers(stream, [(":status", "200")])
            h2.send_data(stream, b"half")
            h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        elif path == "/short":
            h2.send_headers(stream, [(":status", "200"), ("content-length", "10")])
            h2.send_data(stream, b"half", end_stream=True)
        elif path in ("/204", "/304"):
            h2.send_headers(stream, [(":status", path[1:])], end_stream=True)
        elif path == "/stuck":
            h2.send_headers(stream, [(":status", "200")])
            h2.send_data(stream, b"begun")
        else:
            self._answer(peer, stream, asked)

    def _answer(self, peer: Peer, stream: int, asked: Asked) -> None:
        h2 = peer.h2
        body = b"0" * BIG if asked.get(":path") == "/big" else asked.body or b"ok"
        h2.send_headers(stream, [(":status", "200"), ("content-length", str(len(body)))])
        if asked.get(":method") == "HEAD":
            h2.end_stream(stream)
        else:
            peer.send_body(stream, body, lambda: h2.end_stream(stream))


@dataclass
class Response:
    """One response as the client saw it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    interim: list[int] = field(default_factory=list)
    reset: int | None = None
    is_whole: bool = False
    ended_by_headers: bool = False


class StreamClient:
    """A client on one connection."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.responses: dict[int, Response] = defaultdict(Response)
        self.takes_data = True
        self.gone: int | None = None
        """The code of a GOAWAY."""
        self.is_closed = False

    def ask(
        self, path: str = "/", *, method: str = "GET", host: str = "hello.example.com", more: Headers | None = None,
        body: bytes | None = None, ends: bool = True,
    ) -> int:  # fmt: skip
        """Send a request, with `ends` the whole of it; its stream."""
        stream = self.peer.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":path", path), (":authority", host), *(more or [])]
        self.peer.h2.send_headers(stream, head, end_stream=ends and body is None)
        if body is not None:
            h2 = self.peer.h2
            self.peer.send_body(stream, body, lambda: h2.end_stream(stream) if ends else None)
        self.peer.write()
        return stream

    def send(self, stream: int, body: bytes, *, ends: bool = False) -> None:
        self.peer.h2.send_data(stream, body, end_stream=ends)
        self.peer.write()

    def reset(self, stream: int) -> None:
        self.peer.h2.reset_stream(stream, ErrorCodes.CANCEL)
        self.peer.write()

    async def answer(self, stream: int) -> Response:
        """The whole response, or how it ended."""
        await self.until(lambda: self.responses[stream].is_whole or self.responses[stream].reset is not None)
        return self.responses[stream]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition() and not self.is_closed:
                events = await self.peer.events()
                self.is_closed = not events
                for event in events:
                    self._take(event)
                self.peer.write()

    def _take(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.gone = int(event.error_code or 0)
        elif isinstance(event, WindowUpdated):
            for waiting in list(self.peer.waiting) if event.stream_id == 0 else [event.stream_id]:
                self.peer.pump(waiting)
        elif isinstance(stream := getattr(event, "stream_id", None), int):
            self._note(self.responses[stream], event)

    def _note(self, response: Response, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            response.headers = {str(n): str(v) for n, v in event.headers}
            response.status = int(response.headers[":status"])
            response.ended_by_headers = event.stream_ended is not None
        elif isinstance(event, InformationalResponseReceived):
            response.interim.append(int({str(n): str(v) for n, v in event.headers}[":status"]))
        elif isinstance(event, DataReceived):
            response.body += event.data
            if self.takes_data:
                self.peer.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, TrailersReceived):
            response.trailers = {str(n): str(v) for n, v in event.headers}
        elif isinstance(event, StreamEnded):
            response.is_whole = True
        elif isinstance(event, StreamReset):
            response.reset = int(event.error_code)


@asynccontextmanager
async def stream_client(port: int) -> AsyncIterator[StreamClient]:
    """A connected client."""
    peer = Peer(*await asyncio.open_connection("127.0.0.1", port), client_side=True)
    peer.h2.initiate_connection()
    peer.write()
    try:
        yield StreamClient(peer)
    finally:
        peer.writer.close()
