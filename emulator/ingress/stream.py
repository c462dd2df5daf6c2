"""`Stream`: one request and its response on a `Session` of HTTP/2; base of `ClientStream` and `UpstreamStream`.

Back-pressure is a stream's own. What it receives is credited again only while nobody holds it (`pause_reading`), so a
slow reader keeps at most `STREAM_WINDOW` bytes waiting; the connection's window is credited at once, so that it holds
up nobody else. What cannot be sent waits in the stream, and beyond `QUEUE_LIMIT` its source is told to stop.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from emulator.ingress import frames
from emulator.ingress.fieldblocks import Fields
from emulator.ingress.frames import ConnectionFault, ErrorCode

if TYPE_CHECKING:
    from emulator.ingress.session import Session

STREAM_WINDOW = 262_144
QUEUE_LIMIT = 65_536
_CREDIT_AT = STREAM_WINDOW // 2
_TURN = 4 * frames.FRAME_SIZE
"""What a stream may send before the others that wait have had their turn."""


class Stream:
    """One request and its response; see the module's text. Subclasses take what comes."""

    __slots__ = (
        "_block",
        "_ends",
        "_is_full",
        "_is_held",
        "_queue",
        "_queued",
        "_unread",
        "has_received_end",
        "has_sent_end",
        "id",
        "is_gone",
        "is_touched",
        "session",
        "window",
    )

    def __init__(self, session: Session, id: int) -> None:
        self.session = session
        self.id = id
        self.window = session.initial_window
        self.has_sent_end = self.has_received_end = self.is_gone = self.is_touched = False
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._block: bytes | None = None
        """Trailers that wait behind the queue."""
        self._ends = self._is_full = self._is_held = False
        self._unread = 0

    # -- sending

    def send_head(self, block: bytes, *, ends: bool = False) -> None:
        """A header block: of a message, of an interim response, or of trailers when nothing waits before them."""
        if self.is_gone or self.has_sent_end:
            return
        self.session.write_head(self.id, block, ends=ends)
        if ends:
            self._sent_end()

    def send_body(self, data: bytes, *, ends: bool = False) -> None:
        """A piece of the body; `ends` also with an empty one."""
        if self.is_gone or self.has_sent_end:
            return
        session, size = self.session, len(data)
        if (
            not self._queue
            and size <= frames.FRAME_SIZE
            and size <= self.window
            and size <= session.window
            and not session.is_blocked
        ):
            self.window -= size
            session.window -= size
            session.write(frames.HEAD.pack(size >> 8, size & 0xFF, frames.DATA, 1 if ends else 0, self.id) + data)
            if ends:
                self._sent_end()
            return
        if size:
            self._queue.append(data)
            self._queued += size
        self._ends = ends
        session.waiting[self] = None
        session.pump()
        if self._queued > QUEUE_LIMIT and not self._is_full:
            self._is_full = True
            self.pause_sending()

    def send_trailers(self, block: bytes) -> None:
        """End with a header block, behind whatever waits."""
        if self._queue:
            self._block, self._ends = block, True
        else:
            self.send_head(block, ends=True)

    def pump(self) -> None:
        """Send of what waits what may be sent now, in turns with others."""
        session, queue = self.session, self._queue
        room, is_marked = min(self.window, session.window, _TURN), False
        while queue and room > 0 and not session.is_blocked:
            data = queue[0]
            size = min(len(data), room, frames.FRAME_SIZE)
            if size == len(data):
                queue.popleft()
            else:
                queue[0], data = data[size:], data[:size]
            room -= size
            self.window -= size
            session.window -= size
            self._queued -= size
            is_marked = self._ends and not queue and self._block is None
            session.write(frames.frame(frames.DATA, frames.END_STREAM if is_marked else 0, self.id, data))
        session.waiting.pop(self, None)
        if queue:
            session.waiting[self] = None  # at the end of the line
        elif self._ends and not self.has_sent_end:
            if self._block is not None:
                session.write_head(self.id, self._block, ends=True)
            elif not is_marked:
                session.write(frames.frame(frames.DATA, frames.END_STREAM, self.id))
            self._sent_end()
        if self._is_full and self._queued <= QUEUE_LIMIT // 2 and not self.is_gone:
            self._is_full = False
            self.resume_sending()

    def reset(self, code: ErrorCode) -> None:
        """End at once, both ways; nothing when it has ended already."""
        if not self.is_gone:
            self.session.write(frames.reset(self.id, code))
            self.session.forget(self)

    def _sent_end(self) -> None:
        self.has_sent_end = True
        if self.has_received_end:
            self.session.forget(self)
        else:
            self.all_sent()

    # -- receiving

    def pause_reading(self) -> None:
        """Nobody takes what comes: let the sender run out of window."""
        self._is_held = True

    def resume_reading(self) -> None:
        self._is_held = False
        self.credit()

    def credit(self) -> None:
        """Let the sender send again as much as was taken."""
        if self._unread >= _CREDIT_AT and not self._is_held and not self.has_received_end and not self.is_gone:
            self.session.write(frames.window_update(self.id, self._unread))
            self._unread = 0

    def received(self, size: int) -> None:
        """`size` bytes of the window are used, padding included; ConnectionFault."""
        self._unread += size
        if self._unread > STREAM_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, f"stream {self.id} exceeds its window")
        if self._unread >= _CREDIT_AT:
            self.credit()

    # -- what a subclass does

    def take_fields(self, fields: Fields) -> None:
        """A header block has come: head, interim head or trailers."""
        raise NotImplementedError

    def take_body(self, data: bytes) -> None:
        raise NotImplementedError

    def take_end(self) -> None:
        """The other side is complete."""
        raise NotImplementedError

    def take_flush(self) -> None:
        """All that came with one read has been told."""
        raise NotImplementedError

    def take_reset(self, code: int) -> None:
        """The other side has given up; the stream is gone already."""
        raise NotImplementedError

    def all_sent(self) -> None:
        """Our side is complete, and the other is not."""

    def pause_sending(self) -> None:
        """The other side takes less than we have."""

    def resume_sending(self) -> None:
        """It has caught up."""
