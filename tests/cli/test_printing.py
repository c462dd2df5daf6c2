"""Tables, YAML and ages as kubectl prints them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.cli.printing import age, as_yaml, columns, table_rows

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_columns_are_aligned_and_end_without_blanks() -> None:
    rows = [["NAME", "URL", "READY"], ["hello", "", "True"], ["a", "http://a.test", ""]]
    assert columns(rows) == "NAME    URL             READY\nhello                   True\na       http://a.test"


def test_no_rows_are_no_text() -> None:
    assert columns([]) == ""


def table() -> dict[str, Any]:
    definitions = [{"name": "Name"}, {"name": "Ready", "priority": 0}, {"name": "Node", "priority": 1}]
    rows = [
        {"cells": ["a", 1, "kemu"], "object": {"metadata": {"namespace": "shop"}}},
        {"cells": ["b", None, ""], "object": {"metadata": {}}},
    ]
    return {"columnDefinitions": definitions, "rows": rows}


@pytest.mark.parametrize(
    ("is_wide", "with_namespace", "rows"),
    [
        (False, False, [["NAME", "READY"], ["a", "1"], ["b", ""]]),
        (True, False, [["NAME", "READY", "NODE"], ["a", "1", "kemu"], ["b", "", ""]]),
        (False, True, [["NAMESPACE", "NAME", "READY"], ["shop", "a", "1"], ["", "b", ""]]),
    ],
    ids=["plain", "wide", "of all namespaces"],
)
def test_a_table_shows_what_was_asked_for(is_wide: bool, with_namespace: bool, rows: list[list[str]]) -> None:
    assert table_rows(table(), is_wide=is_wide, with_namespace=with_namespace) == rows


def test_yaml_keeps_its_order_long_lines_and_letters() -> None:
    text = "ü" * 200
    assert as_yaml({"b": [text], "a": {"c": ""}}) == f"b:\n- {text}\na:\n  c: ''\n"
    assert as_yaml({"b": 1, "a": 2}, sort_keys=True) == "a: 2\nb: 1\n"


@pytest.mark.parametrize(
    ("then", "shown"),
    [
        ("2026-01-02T03:04:05Z", "0s"),
        ("2026-01-02T03:03:00Z", "65s"),
        ("2026-01-02T02:54:00Z", "10m"),
        ("2025-12-31T03:04:05Z", "2d"),
        ("2026-01-02T03:04:06Z", "0s"),
    ],
)
def test_an_age_is_how_long_ago_it_was(then: str, shown: str) -> None:
    assert age(then, NOW) == shown
