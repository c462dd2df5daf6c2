"""A writer's statement of an object applied over what is stored: its own fields go with it, others' stay."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.store.merge import merged


@pytest.mark.parametrize(
    ("live", "before", "wanted", "result"),
    [
        pytest.param({"a": "1"}, {}, {"b": "2"}, {"a": "1", "b": "2"}, id="adds and leaves others"),
        pytest.param({"a": "1", "b": "2"}, {"a": "1"}, {}, {"b": "2"}, id="removes what it wrote"),
        pytest.param({"a": "1"}, {"a": "1"}, {}, None, id="and the empty field with it"),
        pytest.param({"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "3"}, id="overwrites"),
        pytest.param(None, {}, {"a": "1"}, {"a": "1"}, id="first of its kind"),
    ],
)
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_labels_and_annotations_are_merged(field: str, live: Any, before: Any, wanted: Any, result: Any) -> None:
    stored, last, stated = ({"metadata": {"name": "x", field: part}} for part in (live, before, wanted))
    assert merged(stored, last, stated)["metadata"].get(field) == result


def test_the_body_is_the_writers_as_a_whole() -> None:
    live = {"metadata": {"name": "x"}, "spec": {"a": 1, "list": [1, 2]}, "data": {"k": "v"}}
    wanted = {"metadata": {"name": "x"}, "spec": {"list": [3]}}
    assert merged(live, live, wanted) == wanted


def test_what_the_store_owns_stays() -> None:
    live = {"metadata": {"name": "x", "uid": "u", "finalizers": ["f"], "resourceVersion": "7"}, "status": {"ok": True}}
    found = merged(live, {}, {"metadata": {"name": "x", "ownerReferences": [{"uid": "o"}]}, "status": {"ok": False}})
    assert found == {"metadata": {"name": "x", "uid": "u", "finalizers": ["f"], "ownerReferences": [{"uid": "o"}]}}
