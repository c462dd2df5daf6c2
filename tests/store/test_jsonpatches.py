"""JSON patches and merge patches."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import BadRequest, Rejected, TooLarge
from emulator.store.jsonpatches import MAX_OPERATIONS, json_patch, merge_patch
from tests.store.vectors import cases

DOCUMENT: dict[str, Any] = {"a": {"b": 1}, "l": [1, 2, 3], "x/y": 0, "t": "s"}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/a/c", "value": 2}, {"a": {"b": 1, "c": 2}}),
        ({"op": "add", "path": "/l/1", "value": 9}, {"l": [1, 9, 2, 3]}),
        ({"op": "add", "path": "/l/-", "value": 9}, {"l": [1, 2, 3, 9]}),
        ({"op": "remove", "path": "/l/0"}, {"l": [2, 3]}),
        ({"op": "remove", "path": "/l/-1"}, {"l": [1, 2]}),
        ({"op": "replace", "path": "/x~1y", "value": 5}, {"x/y": 5}),
        ({"op": "move", "from": "/a/b", "path": "/t"}, {"a": {}, "t": 1}),
        ({"op": "copy", "from": "/l", "path": "/a/b"}, {"a": {"b": [1, 2, 3]}}),
        ({"op": "test", "path": "/a", "value": {"b": 1}}, {}),
    ],
)
def test_operations_do_as_the_rfc_says(operation: dict[str, Any], changed: dict[str, Any]) -> None:
    before = repr(DOCUMENT)
    assert json_patch(DOCUMENT, [operation]) == {**DOCUMENT, **changed}
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "test", "path": "/a/b", "value": True}, "testing value /a/b failed"),
        ({"op": "remove", "path": "/no"}, "Unable to remove nonexistent key: no"),
        ({"op": "remove", "path": "/l/7"}, "Unable to access invalid index: 7"),
        ({"op": "add", "path": "/no/b", "value": 1}, "doc is missing path"),
        ({"op": "move", "from": "/no/b", "path": "/t"}, "doc is missing from path"),
        ({"op": "add", "value": 1}, "operation missing path field"),
        ({"op": "dance", "path": "/a"}, "Unexpected kind: dance"),
    ],
)
def test_an_operation_that_does_not_apply_is_422_with_the_reason(operation: dict[str, Any], why: str) -> None:
    with pytest.raises(Rejected) as caught:
        json_patch(DOCUMENT, [operation])
    assert why in caught.value.details["causes"][0]["message"]


def test_what_is_no_list_of_operations_cannot_be_read() -> None:
    with pytest.raises(BadRequest):
        json_patch(DOCUMENT, {"op": "add"})


def test_a_patch_is_bounded_in_operations_and_in_what_it_copies() -> None:
    with pytest.raises(TooLarge, match="maximum operations in a JSON patch is 10000"):
        json_patch({}, [{"op": "test", "path": "/a", "value": 1}] * (MAX_OPERATIONS + 1))
    doubling = [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(40)]
    with pytest.raises(Rejected):
        json_patch({"a": "x" * 100_000}, [{"op": "copy", "from": "/a", "path": f"/{n}"} for n in range(40)] + doubling)


@pytest.mark.parametrize(
    ("live", "patch", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_a_merge_patch_removes_what_is_null_and_replaces_lists(live: Any, patch: Any, merged: Any) -> None:
    assert merge_patch(live, patch) == merged


@pytest.mark.parametrize("case", cases("jsonpatches"), ids=lambda case: case["name"])
def test_a_patch_does_what_it_does_in_kubernetes(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(Rejected):
            json_patch(case["live"], case["patch"])
    else:
        assert json_patch(case["live"], case["patch"]) == case["expected"]
