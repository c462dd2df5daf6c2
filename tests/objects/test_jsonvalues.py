"""Copies share nothing that can change."""

from __future__ import annotations

from typing import Any

from emulator.objects.jsonvalues import copied


def test_a_copy_is_equal_and_changes_alone() -> None:
    value: dict[str, Any] = {"a": [1, {"b": None}], "c": {"d": "text"}, "e": 1.5, "f": True}
    other = copied(value)
    assert other == value
    other["a"][1]["b"] = 2
    other["c"]["d"] = "changed"
    assert value == {"a": [1, {"b": None}], "c": {"d": "text"}, "e": 1.5, "f": True}
