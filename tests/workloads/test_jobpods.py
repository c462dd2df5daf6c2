"""The text form of completed indexes."""

from __future__ import annotations

import pytest

from emulator.workloads.jobpods import read_indexes, written_indexes


@pytest.mark.parametrize(
    ("indexes", "text"),
    [([], ""), ([3], "3"), ([1, 2], "1-2"), ([0, 1, 2, 5, 7, 8], "0-2,5,7-8")],
    ids=["none", "one", "two", "ranges"],
)
def test_indexes_are_written_as_ranges(indexes: list[int], text: str) -> None:
    assert written_indexes(indexes) == text
    assert list(read_indexes(text)) == indexes
