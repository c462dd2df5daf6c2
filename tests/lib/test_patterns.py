"""Regular expressions as Go reads them."""

from __future__ import annotations

import pytest

from emulator.lib.patterns import matcher


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        (r"^\d+$", "12", True),
        (r"^\d+$", "12\n", False),
        (r"^\d+$", "١٢", False),
        ("b", "abc", True),
        (r"^[\w-]+$", "a-b", True),
        (r"^[[:alpha:]]+\z", "ab", True),
        (r"^\pL+$", "äö", True),
        ("^[[]$", "[", True),
        ("^[[]$", "[\n", False),
        (r"^(a+)+$", "a" * 60 + "b", False),
    ],
    ids=[
        "digits",
        "the end is the very end",
        "digits are ASCII",
        "anywhere",
        "a class",
        "a POSIX class",
        "a Unicode class",
        "a bracket in a class",
        "the end with Python's engine, too",
        "in linear time",
    ],
)
def test_a_pattern_matches_as_in_go(pattern: str, text: str, is_match: bool) -> None:
    assert matcher(pattern)(text) is is_match


@pytest.mark.parametrize("pattern", ["(", "a(?!b)", r"(a)\1"], ids=["unbalanced", "look-ahead", "back reference"])
def test_what_go_does_not_take_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="error parsing regexp: "):
        matcher(pattern)
