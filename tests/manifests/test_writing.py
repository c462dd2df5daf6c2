"""What is printed as YAML reads back as the same."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.manifests.documents import read_documents
from emulator.manifests.writing import text_of

TEXTS = [
    "", "~", "null", "y", "n", "yes", "On", "true", "1", "-1", "1e3", "0o17", "017", "1_000", "0x1f", ".5", ".inf",
    "22:22", "2001-01-01", "=", "<<", "- a", "a: b", "a #b", "#", " a ", "a\nb", "a\nb\n", "\n", "\ttab", "ä€😀",
    "'", '"', "{", "[a]", "%", "@", "`", "&a", "*a", "!tag", "|", ">", "?", "\x00", "\x7f", "\u2028",
    "x " * 800, "1e3\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_a_text_reads_back_as_itself(text: str) -> None:
    value = {"kind": "K", "value": text, "list": [text, {"deeper": text}], "key": {text: 1}}
    [document] = read_documents(text_of(value))
    assert document.value == value


def test_other_values_read_back_as_themselves() -> None:
    value: dict[str, Any] = {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": [],
        "f": {},
        "g": [1, [2, [3]]],
        "h": 2**62,
        "i": -0.25,
    }
    [document] = read_documents(text_of(value))
    assert document.value == value
