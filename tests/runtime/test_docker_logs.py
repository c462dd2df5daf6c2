"""Frames of the engine's, taken apart into lines."""

from __future__ import annotations

import io
import struct

import pytest

from emulator.runtime.docker_logs import LINE_BOUND, read_lines, read_plain_lines

T1, T2 = "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:06Z"


def frame(text: str, stream: int = 1, stamp: str = T1) -> bytes:
    data = f"{stamp} {text}".encode()
    return struct.pack(">BxxxL", stream, len(data)) + data


def texts(*frames: bytes) -> list[tuple[str, str]]:
    return [(line.stream, line.text) for line in read_lines(io.BytesIO(b"".join(frames)))]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([frame("a\n"), frame("b\n", 2)], [("stdout", "a"), ("stderr", "b")], id="two streams"),
        pytest.param([frame("\n")], [("stdout", "")], id="an empty line"),
        pytest.param([frame("a\r\n")], [("stdout", "a")], id="a line of Windows"),
        pytest.param([frame("a b  c\n")], [("stdout", "a b  c")], id="spaces stay"),
        pytest.param([frame("a"), frame("b"), frame("c\n")], [("stdout", "abc")], id="a long line in parts"),
        pytest.param(
            [frame("a"), frame("x\n", 2), frame("b\n")], [("stderr", "x"), ("stdout", "ab")], id="parts that are mixed"
        ),
        pytest.param([frame("a\n"), frame("end")], [("stdout", "a"), ("stdout", "end")], id="no newline at the end"),
    ],
)
def test_frames_become_lines(frames: list[bytes], expected: list[tuple[str, str]]) -> None:
    assert texts(*frames) == expected


def test_a_line_has_the_time_of_its_first_part() -> None:
    (line,) = read_lines(io.BytesIO(frame("a", stamp=T1) + frame("b\n", stamp=T2)))
    assert line.time.isoformat() == "2026-01-02T03:04:05.123456+00:00"


def test_bytes_that_are_no_text_are_replaced() -> None:
    data = f"{T1} ".encode() + b"\xff\n"
    assert texts(struct.pack(">BxxxL", 1, len(data)) + data) == [("stdout", "\ufffd")]


def test_a_line_without_an_end_is_given_out_in_pieces() -> None:
    part = "x" * (LINE_BOUND // 2)
    assert [len(text) for _, text in texts(*[frame(part)] * 5)] == [LINE_BOUND, LINE_BOUND, LINE_BOUND // 2]


@pytest.mark.parametrize("length", range(len(frame("one\n")) + len(frame("two\n"))))
def test_a_stream_that_breaks_off_anywhere_gives_what_came(length: int) -> None:
    got = texts((frame("one\n") + frame("two\n"))[:length])
    assert got == [("stdout", "one")][: length // len(frame("one\n"))]


class Pieces:
    """Gives what it has, piece by piece."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read1(self, amount: int, /) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def test_with_a_terminal_lines_have_no_frames() -> None:
    stamp = b"2026-01-02T03:04:05.678Z"
    source = Pieces(stamp + b" one\r\n" + stamp[:10], stamp[10:] + b" two", b" three\r\n", stamp + b" no end")
    lines = list(read_plain_lines(source))
    assert [(line.stream, line.text) for line in lines] == [("stdout", "one"), ("stdout", "two three")]
    assert lines[0].time == lines[1].time
