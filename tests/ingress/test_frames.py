"""Frames that kemu makes, read by another implementation."""

from __future__ import annotations

import pytest
from hyperframe.frame import ContinuationFrame, Frame, GoAwayFrame, HeadersFrame, SettingsFrame, WindowUpdateFrame

from emulator.ingress import frames
from emulator.ingress.frames import FRAME_SIZE, ErrorCode, Setting, error_name


def parsed(data: bytes) -> list[Frame]:
    found = []
    while data:
        frame, length = Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        found.append(frame)
        data = data[9 + length :]
    return found


def test_settings_windows_and_goodbyes() -> None:
    settings, window, goaway = parsed(
        frames.settings({Setting.ENABLE_PUSH: 0, Setting.INITIAL_WINDOW_SIZE: 70_000})
        + frames.window_update(3, 5)
        + frames.goaway(7, ErrorCode.ENHANCE_YOUR_CALM, b"why")
    )
    assert isinstance(settings, SettingsFrame) and settings.settings == {2: 0, 4: 70_000}
    assert isinstance(window, WindowUpdateFrame) and (window.stream_id, window.window_increment) == (3, 5)
    assert isinstance(goaway, GoAwayFrame)
    assert (goaway.last_stream_id, goaway.error_code, goaway.additional_data) == (7, 11, b"why")


@pytest.mark.parametrize("size", [0, 1, FRAME_SIZE, FRAME_SIZE + 1, 2 * FRAME_SIZE, 2 * FRAME_SIZE + 1])
def test_a_block_is_continued_where_it_is_larger_than_a_frame(size: int) -> None:
    first, *rest = parsed(frames.header_frames(5, b"x" * size, ends=True))
    assert isinstance(first, HeadersFrame)
    assert "END_STREAM" in first.flags
    assert all(isinstance(frame, ContinuationFrame) for frame in rest)
    assert ["END_HEADERS" in frame.flags for frame in (first, *rest)] == [False] * len(rest) + [True]
    sizes = [len(frame.data) for frame in (first, *rest)]  # type: ignore[attr-defined]
    assert sum(sizes) == size


def test_codes_have_gos_names() -> None:
    assert (error_name(8), error_name(99)) == ("CANCEL", "unknown error code 0x63")
