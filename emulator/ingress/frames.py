"""Frames of HTTP/2 (RFC 9113 §4, §6), as bytes; what may go wrong on a connection and in a stream.

No state: `session.py` says what follows from a frame.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = Struct(">HBBBL")
"""A frame's first nine bytes: length in two parts, type, flags, stream."""
HEAD_SIZE = 9

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x01
END_HEADERS = 0x04
PADDED = 0x08
HAS_PRIORITY = 0x20

FRAME_SIZE = 16_384
"""The largest frame that kemu takes, and sends: HTTP/2's default."""
WINDOW = 65_535
"""What may be sent in a stream, or on a connection, before the peer has said anything."""
LARGEST_WINDOW = 2**31 - 1


class Setting(IntEnum):
    """Identifiers of settings (RFC 9113 §6.5.2)."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class ErrorCode(IntEnum):
    """Why a stream or a connection ends (RFC 9113 §7); the names are Go's, too."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


def error_name(code: int) -> str:
    """As Go's http2.ErrCode prints itself."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"unknown error code 0x{code:x}"


class ConnectionFault(Exception):
    """The peer broke a rule that nothing on the connection survives."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A whole frame."""
    size = len(payload)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def header_frames(stream: int, block: bytes, *, ends: bool) -> bytes:
    """HEADERS, continued where the block is larger than a frame."""
    flags = END_STREAM if ends else 0
    if len(block) <= FRAME_SIZE:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    frames = [frame(HEADERS, flags, stream, block[:FRAME_SIZE])]
    for start in range(FRAME_SIZE, len(block), FRAME_SIZE):
        is_last = start + FRAME_SIZE >= len(block)
        piece = block[start : start + FRAME_SIZE]
        frames.append(frame(CONTINUATION, END_HEADERS if is_last else 0, stream, piece))
    return b"".join(frames)


def settings(values: dict[Setting, int]) -> bytes:
    """A SETTINGS frame."""
    payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values.items())
    return frame(SETTINGS, 0, 0, payload)


def window_update(stream: int, increment: int) -> bytes:
    """A WINDOW_UPDATE; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def reset(stream: int, code: int) -> bytes:
    """An RST_STREAM."""
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def goaway(last_stream: int, code: int, text: bytes = b"") -> bytes:
    """A GOAWAY: streams after `last_stream` were not touched."""
    return frame(GOAWAY, 0, 0, last_stream.to_bytes(4, "big") + code.to_bytes(4, "big") + text)
