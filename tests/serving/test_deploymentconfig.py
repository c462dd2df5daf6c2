"""What config-deployment says of progress deadlines and of registries that are not asked."""

from __future__ import annotations

import pytest

from emulator.serving.annotations import PROGRESS_DEADLINE
from emulator.serving.deploymentconfig import progress_deadline_s, unasked_registries


@pytest.mark.parametrize(
    ("annotation", "config", "expected"),
    [
        ("", "", 600),
        ("", "120s", 120),
        ("90s", "120s", 90),
        ("", "1m30s", 90),
        ("", "soon", 600),
        ("", "1500ms", 600),
        ("", "-3s", 600),
    ],
    ids=["neither", "config", "annotation first", "minutes", "no duration", "no whole seconds", "negative"],
)
def test_the_progress_deadline(annotation: str, config: str, expected: int) -> None:
    annotations = {PROGRESS_DEADLINE: annotation} if annotation else {}
    assert progress_deadline_s(annotations, {"progress-deadline": config} if config else {}) == expected


def test_older_names_of_the_keys_count_where_the_newer_are_not_written() -> None:
    assert progress_deadline_s({}, {"progressDeadline": "90s"}) == 90
    assert progress_deadline_s({}, {"progressDeadline": "90s", "progress-deadline": "2m"}) == 120
    assert unasked_registries({"registriesSkippingTagResolving": "a.test"}) == {"a.test"}


def test_registries_are_listed_with_commas() -> None:
    assert unasked_registries({}) == {"kind.local", "ko.local", "dev.local"}
    assert unasked_registries({"registries-skipping-tag-resolving": "a.test, b.test"}) == {"a.test", "b.test"}
