"""`Session`: one connection of HTTP/2, whichever side; a `Stream` is one request in it.

What is common to `clientsession.py` (clients of kemu) and `upstreamsession.py` (replicas): settings, windows, the order
of frames, ends and resets. Frames are written once a turn of the loop, for all streams together. Nothing here knows
what a request is.
"""

from __future__ import annotations

import asyncio
from asyncio import Transport
from typing import cast

from emulator.ingress import frames
from emulator.ingress.fieldblocks import Fields
from emulator.ingress.fieldreader import TABLE_SIZE, BadBlock, BadFields, FieldReader
from emulator.ingress.frames import ConnectionFault, ErrorCode, Setting
from emulator.ingress.stream import Stream

CONNECTION_WINDOW = 1 << 30
BLOCK_LIMIT = 131_072
"""Bytes of a header block, as it comes."""
_ANSWERS_LIMIT = 1000
"""Acknowledgements that are kept for a peer that sends and does not read."""
_EMPTY_TABLE = b"\x20"
_HTTP1_HINT = ", note that the frame header looked like an HTTP/1.1 header"


class Session(asyncio.Protocol):
    """See the module's text. `streams` are those that are open, by id."""

    settings: dict[Setting, int]
    greeting: bytes = b""
    """What is sent before the settings."""

    def __init__(self) -> None:
        self.transport: Transport
        self.loop = asyncio.get_running_loop()
        self.streams: dict[int, Stream] = {}
        self.waiting: dict[Stream, None] = {}
        """Streams that have something to send and may not, longest first."""
        self.window = frames.WINDOW
        self.initial_window = frames.WINDOW
        self.is_blocked = False
        """The peer does not read."""
        self.is_leaving = False
        """A GOAWAY was sent or received: no new streams."""
        self.last_id = 0
        """The highest id that either side has used."""
        self._reader = FieldReader()
        self._rest = b""
        self._out: list[bytes] = []
        self._unread = self._answers = 0
        self._continued: tuple[int, int, bytearray] | None = None
        """Stream, flags and block so far of headers that go on in the next frame."""
        self._touched: list[Stream] = []
        self._shrink = b""

    # -- asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(Transport, transport)
        update = frames.window_update(0, CONNECTION_WINDOW - frames.WINDOW)
        self.write(self.greeting + frames.settings(self.settings) + update)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_leaving = self.is_blocked = True
        for stream in list(self.streams.values()):
            self.forget(stream)
            self.lost(stream, exc)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        try:
            pos = self._read_frames(data)
        except ConnectionFault as fault:
            self._break(fault)
            return
        except BadBlock as error:
            self._break(ConnectionFault(ErrorCode.COMPRESSION_ERROR, str(error)))
            return
        self._rest = data[pos:]
        self._flush_touched()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self.is_blocked = True

    def resume_writing(self) -> None:
        self.is_blocked = False
        self._answers = 0
        self.pump()

    # -- writing

    def write(self, data: bytes) -> None:
        """Frames, at the end of this turn."""
        if not self._out:
            self.loop.call_soon(self.flush)
        self._out.append(data)

    def write_head(self, id: int, block: bytes, *, ends: bool) -> None:
        if self._shrink:
            block, self._shrink = self._shrink + block, b""
        self.write(frames.header_frames(id, block, ends=ends))

    def flush(self) -> None:
        out, self._out = self._out, []
        if out and not self.transport.is_closing():
            self.transport.write(b"".join(out))

    def pump(self) -> None:
        """Let what waits go on, in turns, as far as the windows allow."""
        is_moving = True
        while self.waiting and is_moving and not self.is_blocked:
            before, count = self.window, len(self.waiting)
            for stream in list(self.waiting):
                stream.pump()
            is_moving = self.window != before or len(self.waiting) != count

    def leave(self, code: ErrorCode = ErrorCode.NO_ERROR, text: str = "") -> None:
        """Say that no stream is taken any more; those there are may end."""
        if not self.is_leaving:
            self.is_leaving = True
            self.write(frames.goaway(self.last_taken(), code, text.encode()))

    def close(self) -> None:
        """Write what there is and hang up."""
        self.flush()
        self.transport.close()

    def forget(self, stream: Stream) -> None:
        """The stream is over."""
        stream.is_gone = True
        self.streams.pop(stream.id, None)
        self.waiting.pop(stream, None)
        self.ended(stream)

    # -- reading

    def _read_frames(self, data: bytes) -> int:
        """Take all whole frames; how many bytes they were."""
        pos, size = 0, len(data)
        unpack = frames.HEAD.unpack_from
        while size - pos >= frames.HEAD_SIZE:
            high, low, kind, flags, id = unpack(data, pos)
            length = high << 8 | low
            if length > frames.FRAME_SIZE:
                hint = _HTTP1_HINT if data.startswith(b"HTTP/", pos) else ""
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, f"frame too large{hint}")
            start = pos + frames.HEAD_SIZE
            end = start + length
            if end > size:
                break
            pos = end
            id &= 0x7FFFFFFF
            if self._continued is not None and kind != frames.CONTINUATION:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "headers are not continued")
            if kind == frames.DATA:
                self._take_data(id, flags, data[start:end])
            elif kind == frames.HEADERS:
                self._take_headers(id, flags, data[start:end])
            elif kind <= frames.CONTINUATION:
                self._take_other(kind, flags, id, data[start:end])
        return pos

    def _take_data(self, id: int, flags: int, payload: bytes) -> None:
        size = len(payload)
        if size:
            self._unread += size
            if self._unread >= CONNECTION_WINDOW // 2:
                self.write(frames.window_update(0, self._unread))
                self._unread = 0
        if flags & frames.PADDED:
            payload = _unpadded(payload, 0)
        stream = self.streams.get(id)
        if stream is None or stream.has_received_end:
            self._expect_known(id)
            return
        self._touch(stream)
        stream.received(size)
        if payload:
            stream.take_body(payload)
        if flags & frames.END_STREAM:
            self._take_end(stream)

    def _take_headers(self, id: int, flags: int, payload: bytes) -> None:
        if flags & (frames.PADDED | frames.HAS_PRIORITY):
            payload = _unpadded(payload, 5 if flags & frames.HAS_PRIORITY else 0, is_padded=bool(flags & frames.PADDED))
        if flags & frames.END_HEADERS:
            self._take_block(id, flags, payload)
        else:
            self._continued = (id, flags, bytearray(payload))

    def _take_block(self, id: int, flags: int, block: bytes) -> None:
        try:
            fields = self._reader.read(block)
        except BadFields:
            self._refuse(id)
            return
        ends = flags & frames.END_STREAM != 0
        stream = self.streams.get(id)
        if stream is None:
            stream = self.opened(id, fields, ends=ends)
            if stream is None:
                return
        elif stream.has_received_end:
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, f"headers in stream {id} after its end")
        else:
            stream.take_fields(fields)
        self._touch(stream)
        if ends:
            self._take_end(stream)

    def _refuse(self, id: int) -> None:
        """Fields that may not be: the stream is over, the connection goes on."""
        stream = self.streams.get(id)
        self.last_id = max(self.last_id, id)
        self.write(frames.reset(id, ErrorCode.PROTOCOL_ERROR))
        if stream is not None:
            self.forget(stream)
            stream.take_reset(ErrorCode.PROTOCOL_ERROR)

    def _take_end(self, stream: Stream) -> None:
        if not stream.is_gone:
            stream.has_received_end = True
            stream.take_end()
            if stream.has_sent_end and not stream.is_gone:
                self.forget(stream)

    def _take_other(self, kind: int, flags: int, id: int, payload: bytes) -> None:
        if kind == frames.WINDOW_UPDATE:
            self._take_window(id, payload)
        elif kind == frames.RST_STREAM:
            self._take_reset(id, payload)
        elif kind == frames.SETTINGS:
            self._take_settings(flags, payload)
        elif kind == frames.PING:
            if not flags & frames.ACK:
                self._answer(frames.frame(frames.PING, frames.ACK, 0, _sized(payload, 8)))
        elif kind == frames.GOAWAY:
            self.left(_number(payload[:4]), _number(payload[4:8]))
        elif kind == frames.CONTINUATION:
            self._continue(flags, id, payload)
        elif kind == frames.PUSH_PROMISE:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "pushes are not enabled")

    def _take_window(self, id: int, payload: bytes) -> None:
        increment = _number(_sized(payload, 4)) & 0x7FFFFFFF
        if id == 0:
            self.window += increment
            if not increment or self.window > frames.LARGEST_WINDOW:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is out of range")
            self.pump()
            return
        stream = self.streams.get(id)
        if stream is None:
            self._expect_known(id)
            return
        stream.window += increment
        if not increment or stream.window > frames.LARGEST_WINDOW:
            stream.reset(ErrorCode.FLOW_CONTROL_ERROR)
            stream.take_reset(ErrorCode.FLOW_CONTROL_ERROR)
        elif stream in self.waiting:
            self.pump()

    def _take_reset(self, id: int, payload: bytes) -> None:
        stream = self.streams.get(id)
        if stream is None:
            self._expect_known(id)
            return
        self.forget(stream)
        stream.take_flush()
        stream.take_reset(_number(_sized(payload, 4)))

    def _take_settings(self, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        if len(payload) % 6:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "settings are cut off")
        for pos in range(0, len(payload), 6):
            self.setting(_number(payload[pos : pos + 2]), _number(payload[pos + 2 : pos + 6]))
        self._answer(frames.frame(frames.SETTINGS, frames.ACK, 0))
        self.pump()
        self.settled()

    def setting(self, key: int, value: int) -> None:
        """One of the peer's settings."""
        if key == Setting.INITIAL_WINDOW_SIZE:
            if value > frames.LARGEST_WINDOW:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "the initial window is out of range")
            change, self.initial_window = value - self.initial_window, value
            for stream in self.streams.values():
                stream.window += change
        elif key == Setting.HEADER_TABLE_SIZE and value < TABLE_SIZE:
            self._shrink = _EMPTY_TABLE  # our blocks use no table, but must say that they know

    def _continue(self, flags: int, id: int, payload: bytes) -> None:
        if self._continued is None or self._continued[0] != id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "nothing is to be continued")
        block = self._continued[2]
        block += payload
        if len(block) > BLOCK_LIMIT:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, f"header block is larger than {BLOCK_LIMIT} bytes")
        if flags & frames.END_HEADERS:
            begun, self._continued = self._continued[1], None
            self._take_block(id, begun, bytes(block))

    def _answer(self, data: bytes) -> None:
        self._answers += self.is_blocked
        if self._answers > _ANSWERS_LIMIT:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "pings are sent and their answers not read")
        self.write(data)

    def _touch(self, stream: Stream) -> None:
        if not stream.is_touched:
            stream.is_touched = True
            self._touched.append(stream)

    def _flush_touched(self) -> None:
        touched, self._touched = self._touched, []
        for stream in touched:
            stream.is_touched = False
            if not stream.is_gone:
                stream.take_flush()

    def _expect_known(self, id: int) -> None:
        """A stream that has ended may still be spoken of; one that never began may not."""
        if id == 0 or id > self.last_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"stream {id} was never opened")

    def _break(self, fault: ConnectionFault) -> None:
        self.broken(fault)
        self.leave(fault.code, str(fault))
        self.close()

    # -- what a subclass does

    def settled(self) -> None:
        """The peer's settings, or some that changed, have come."""

    def opened(self, id: int, fields: Fields, *, ends: bool) -> Stream | None:
        """Headers came for a stream that is not open: a new one, or None when they are for nobody."""
        raise NotImplementedError

    def ended(self, stream: Stream) -> None:
        """A stream is over, or its connection."""
        raise NotImplementedError

    def lost(self, stream: Stream, error: Exception | None) -> None:
        """The connection of an open stream has ended."""
        raise NotImplementedError

    def left(self, last_id: int, code: int) -> None:
        """The peer takes no further streams; those after `last_id` it has not touched."""
        raise NotImplementedError

    def broken(self, fault: ConnectionFault) -> None:
        """The peer broke the protocol; the connection is closed after this."""

    def last_taken(self) -> int:
        """The highest of the peer's streams that was looked at."""
        return 0


def _number(payload: bytes) -> int:
    return int.from_bytes(payload, "big")


def _sized(payload: bytes, size: int) -> bytes:
    if len(payload) != size:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "frame has the wrong size")
    return payload


def _unpadded(payload: bytes, skip: int, *, is_padded: bool = True) -> bytes:
    """Without padding, and without `skip` bytes of priority."""
    if not is_padded:
        return payload[skip:]
    padding = payload[0] if payload else 0
    if padding + skip >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "padding is larger than its frame")
    return payload[1 + skip : len(payload) - padding]
