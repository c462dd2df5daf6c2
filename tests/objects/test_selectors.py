"""Label selectors."""

from __future__ import annotations

import pytest

from emulator.objects.selectors import Selector


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("a=1", True),
        ("a==1,b=2", True),
        ("a!=1", False),
        ("c!=1", True),
        ("a", True),
        ("!a", False),
        ("!c", True),
        ("a in (1, 3)", True),
        ("a notin (1)", False),
        ("c in (1)", False),
    ],
)
def test_a_selector_matches(text: str, matches: bool) -> None:
    assert Selector.parse(text).matches({"a": "1", "b": "2"}) is matches
