"""Which Revisions `kemu stats` shows."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.cli.client import Failure
from emulator.cli.stats import rows_of

ROWS: list[dict[str, Any]] = [
    {"service": "hello", "revision": "hello-00001"},
    {"service": "hello", "revision": "hello-00002"},
    {"service": "other", "revision": "other-00001"},
]


@pytest.mark.parametrize(
    ("name", "revisions"),
    [
        pytest.param("", ["hello-00001", "hello-00002", "other-00001"], id="all"),
        pytest.param("hello", ["hello-00001", "hello-00002"], id="a Service's"),
        pytest.param("ksvc/hello", ["hello-00001", "hello-00002"], id="with its kind"),
        pytest.param("hello-00002", ["hello-00002"], id="one"),
    ],
)
def test_a_name_is_a_services_or_a_revisions(name: str, revisions: list[str]) -> None:
    assert [row["revision"] for row in rows_of(ROWS, name, "default")] == revisions


def test_a_name_that_is_nobodys_is_told_with_what_was_meant() -> None:
    with pytest.raises(Failure) as failed:
        rows_of(ROWS, "helo", "default")
    assert failed.value.message == (
        'there is no Service or Revision "helo" in namespace default; did you mean "hello"?'
    )
    with pytest.raises(Failure, match="there are the Services: hello, other"):
        rows_of(ROWS, "x", "default")
    assert rows_of([], "", "default") == []
