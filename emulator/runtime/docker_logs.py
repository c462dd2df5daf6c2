"""Container output as the Docker engine frames it, taken apart into lines.

The engine sends frames: one byte for the stream, three of nothing, four of length (big endian), then that many bytes,
each with the time in front. A line longer than 16 KiB comes in several frames, of which only the last ends in a
newline. With a terminal there are no frames, only lines. Pure but for reading from the file it is given; called in a
stream's thread by `docker_streams.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, Protocol

from emulator.lib.clock import parse_rfc3339
from emulator.runtime.base import LogLine

LINE_BOUND = 1 << 18
"""Bytes after which a line without an end is given out in pieces."""

_PIECE = 1 << 15


class Readable(Protocol):
    """A blocking binary file; a short answer means its end."""

    def read(self, amount: int, /) -> bytes: ...


class ReadableInPieces(Protocol):
    """A blocking binary file that gives what it has; nothing means its end."""

    def read1(self, amount: int, /) -> bytes: ...


def read_lines(source: Readable) -> Iterator[LogLine]:
    """Lines of both streams in the order the engine has them, a last one without a newline too.

    A frame that is broken off (the engine went away) is left out: whoever asks again gets it whole.
    """
    parts: dict[int, _Line] = {}
    while len(header := source.read(8)) == 8:
        stream, length = struct.unpack(">BxxxL", header)
        data = source.read(length)
        if len(data) < length:
            return
        stamp, _, text = data.partition(b" ")
        line = parts.setdefault(stream, _Line(stream))
        if line.add(stamp, text):
            yield parts.pop(stream).whole()
    yield from (line.whole() for line in parts.values())


def read_plain_lines(source: ReadableInPieces) -> Iterator[LogLine]:
    """Lines of a container with a terminal, each `TIME TEXT`; all are stdout. A last one without an end is left out."""
    waiting = b""
    while data := source.read1(_PIECE):
        *whole, waiting = (waiting + data).split(b"\n")
        for text in whole:
            stamp, _, rest = text.partition(b" ")
            line = _Line(1)
            line.add(stamp, rest)
            yield line.whole()


class _Line:
    """The frames of one line so far; it has the time of the first."""

    def __init__(self, stream: int) -> None:
        self._stream: Literal["stdout", "stderr"] = "stderr" if stream == 2 else "stdout"
        self._stamp = b""
        self._text = bytearray()

    def add(self, stamp: bytes, text: bytes) -> bool:
        """Whether the line is complete."""
        self._stamp = self._stamp or stamp
        self._text += text
        return text.endswith(b"\n") or len(self._text) >= LINE_BOUND

    def whole(self) -> LogLine:
        text = self._text.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
        return LogLine(self._stream, parse_rfc3339(self._stamp.decode("ascii")), text)
