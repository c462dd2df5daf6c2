"""What a structural schema does to an object: pruning, nulls, defaults, lists that are sets or maps."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.structural import drop_nulls, embedded_faults, fill, pruned, repeated

PRESERVE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
SPEC = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "default": 3},
        "inner": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}},
        "free": {**PRESERVE, "properties": {"known": {"type": "object", "properties": {"b": {"type": "string"}}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"c": {"type": "integer", "default": 1}}}},
        "other": {"type": "string", "nullable": True},
        "object": {**PRESERVE, "x-kubernetes-embedded-resource": True},
    },
}
SCHEMA = {"type": "object", "properties": {"spec": SPEC}}


def test_unknown_fields_go_and_are_named() -> None:
    obj = {
        "apiVersion": "a/v1",
        "kind": "A",
        "metadata": {"name": "a", "whatever": 1},
        "extra": 1,
        "spec": {
            "bogus": 1,
            "inner": {"a": "1", "z": 2},
            "free": {"any": {"thing": 1}, "known": {"b": "1", "y": 2}},
            "labels": {"k": "v"},
            "list": [{"c": 1, "d": 2}],
            "object": {"apiVersion": "v1", "kind": "B", "metadata": {"name": "b"}, "more": 1},
        },
    }
    kept, gone = pruned({**SCHEMA, "x-kubernetes-embedded-resource": True}, obj)
    assert {".".join(map(str, path)) for path in gone} == {
        "extra",
        "spec.bogus",
        "spec.inner.z",
        "spec.free.known.y",
        "spec.list.0.d",
    }
    assert kept["metadata"] == obj["metadata"]
    assert kept["spec"] == {
        "inner": {"a": "1"},
        "free": {"any": {"thing": 1}, "known": {"b": "1"}},
        "labels": {"k": "v"},
        "list": [{"c": 1}],
        "object": {"apiVersion": "v1", "kind": "B", "metadata": {"name": "b"}, "more": 1},
    }


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ({}, {"size": 3}),
        ({"size": 5}, {"size": 5}),
        ({"size": None}, {"size": 3}),
        ({"inner": {}}, {"size": 3, "inner": {"a": "x"}}),
        ({"list": [{}, {"c": 2}]}, {"size": 3, "list": [{"c": 1}, {"c": 2}]}),
        ({"other": None}, {"size": 3, "other": None}),
        ({"inner": None}, {"size": 3}),
    ],
    ids=["nothing", "written stays", "null", "inside", "in a list", "a null that is allowed", "a null that is not"],
)
def test_nulls_and_defaults(written: dict[str, Any], filled: dict[str, Any]) -> None:
    drop_nulls(SPEC, written)
    fill(SPEC, written)
    assert written == filled


def test_a_default_is_not_shared_between_objects() -> None:
    schema = {"properties": {"a": {"default": {"b": 1}}}}
    first: dict[str, Any] = {}
    fill(schema, first)
    first["a"]["b"] = 2
    second: dict[str, Any] = {}
    fill(schema, second)
    assert second == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("list_schema", "items", "told"),
    [
        ({"x-kubernetes-list-type": "set"}, ["a", "b", "a", "a"], ['l[2]: Duplicate value: "a"']),
        (
            {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
            [{"k": 1, "v": 1}, {"k": 1, "v": 2}],
            ['l[1]: Duplicate value: {"k":1}'],
        ),
        (
            {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
            ["a"],
            ['l[0]: Invalid value: "a": must be an object for an array of list-type map'],
        ),
        ({"x-kubernetes-list-type": "atomic"}, ["a", "a"], []),
    ],
    ids=["a set", "a map", "a map of no objects", "neither"],
)
def test_items_that_are_there_twice(list_schema: dict[str, Any], items: list[Any], told: list[str]) -> None:
    schema = {"properties": {"l": {"type": "array", **list_schema}}}
    assert [str(problem) for problem in repeated(schema, {"l": items})] == told


def test_an_embedded_object_says_what_it_is() -> None:
    value = {"object": {"kind": "B", "metadata": {}}}
    assert [str(p) for p in embedded_faults(SPEC, value)] == ["object.apiVersion: Required value: must not be empty"]
    assert list(embedded_faults(SPEC, {"object": {"apiVersion": "v1", "kind": "B"}})) == []
