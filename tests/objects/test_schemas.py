"""Values judged by a schema: the words are an API server's."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import Invalid
from emulator.objects.schemas import problems


def said(schema: dict[str, Any], value: Any) -> list[str]:
    """The faults of a field `spec.x` as a client reads them."""
    whole = {"properties": {"spec": {"properties": {"x": schema}}}}
    causes = Invalid("Foo", "a", problems(whole, {"spec": {"x": value}})).details["causes"]
    return [f"{cause['field']}: {cause['message']}" for cause in causes]


FITS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, "a"),
    ({"type": "integer"}, 1),
    ({"type": "integer"}, 1.0),
    ({"type": "number"}, 1),
    ({"type": "string", "nullable": True}, None),
    ({"x-kubernetes-int-or-string": True}, "80%"),
    ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a"]),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}),
    ({"type": "string", "enum": ["a", "b"]}, "b"),
    ({"type": "string", "format": "date"}, "2026-01-01"),
    ({"type": "string", "format": "of-my-own"}, "x"),
    ({"type": "number", "multipleOf": 0.5}, 1.5),
    ({"anyOf": [{"minimum": 5}, {"maximum": 1}]}, 7),
    ({"not": {"enum": [1]}}, 2),
    ({}, {"any": "thing"}),
]


@pytest.mark.parametrize(("schema", "value"), FITS, ids=[str(schema) for schema, _ in FITS])
def test_what_fits_has_no_faults(schema: dict[str, Any], value: Any) -> None:
    assert said(schema, value) == []


IN = "spec.x in body"
FAULTS: list[tuple[dict[str, Any], Any, list[str]]] = [
    ({"type": "string"}, 5, [f'spec.x: Invalid value: "integer": {IN} must be of type string: "integer"']),
    ({"type": "integer"}, 1.5, [f'spec.x: Invalid value: "number": {IN} must be of type integer: "number"']),
    ({"type": "integer"}, True, [f'spec.x: Invalid value: "boolean": {IN} must be of type integer: "boolean"']),
    ({"type": "object"}, None, [f'spec.x: Invalid value: "null": {IN} must be of type object: "null"']),
    (
        {"x-kubernetes-int-or-string": True},
        [],
        [f'spec.x: Invalid value: "array": {IN} must be of type integer,string: "array"'],
    ),
    ({"required": ["a", "b"]}, {"a": 1}, ["spec.x.b: Required value"]),
    ({"enum": ["a", 1]}, "c", ['spec.x: Unsupported value: "c": supported values: "a", "1"']),
    ({"pattern": "^a+$"}, "b", [f"spec.x: Invalid value: \"b\": {IN} should match '^a+$'"]),
    ({"minLength": 1}, "", [f'spec.x: Invalid value: "": {IN} should be at least 1 chars long']),
    ({"maxLength": 2}, "abc", ["spec.x: Too long: may not be more than 2 bytes"]),
    ({"maximum": 10}, 11, [f"spec.x: Invalid value: 11: {IN} should be less than or equal to 10"]),
    ({"minimum": 1, "exclusiveMinimum": True}, 1, [f"spec.x: Invalid value: 1: {IN} should be greater than 1"]),
    ({"multipleOf": 5}, 7, [f"spec.x: Invalid value: 7: {IN} should be a multiple of 5"]),
    ({"minItems": 1}, [], [f"spec.x: Invalid value: 0: {IN} should have at least 1 items"]),
    ({"maxItems": 1}, [1, 2], ["spec.x: Too many: 2: must have at most 1 item"]),
    ({"minProperties": 1}, {}, [f"spec.x: Invalid value: 0: {IN} should have at least 1 properties"]),
    ({"maxProperties": 0}, {"a": 1}, ["spec.x: Too many: 1: must have at most 0 items"]),
    (
        {"items": {"type": "string"}},
        ["a", 2],
        ['spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer"'],
    ),
    (
        {"additionalProperties": {"type": "string"}},
        {"k": 1},
        ['spec.x.k: Invalid value: "integer": spec.x.k in body must be of type string: "integer"'],
    ),
    (
        {"additionalProperties": False},
        {"k": 1},
        ['spec.x: Invalid value: "k": spec.x.k in body is a forbidden property'],
    ),
    (
        {"type": "string", "format": "date"},
        "soon",
        [f'spec.x: Invalid value: "soon": {IN} must be of type date: "soon"'],
    ),
    (
        {"type": "integer", "format": "int32"},
        2**40,
        ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.x'],
    ),
    (
        {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {},
        ['<nil>: Invalid value: "": "spec.x" must validate at least one schema (anyOf)', "spec.x.a: Required value"],
    ),
    (
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"a": 1, "b": 2},
        [
            '<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). '
            "Found 2 valid alternatives"
        ],
    ),
    (
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {},
        [
            '<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid',
            "spec.x.a: Required value",
        ],
    ),
    (
        {"allOf": [{"minimum": 1}, {"maximum": 2}]},
        3,
        [
            f"spec.x: Invalid value: 3: {IN} should be less than or equal to 2",
            '<nil>: Invalid value: "": "spec.x" must validate all the schemas (allOf)',
        ],
    ),
    ({"not": {"required": ["a"]}}, {"a": 1}, ['<nil>: Invalid value: "": "spec.x" must not validate the schema (not)']),
]


@pytest.mark.parametrize(("schema", "value", "faults"), FAULTS, ids=[str(schema) for schema, _, _ in FAULTS])
def test_a_fault_is_told_as_an_api_server_does(schema: dict[str, Any], value: Any, faults: list[str]) -> None:
    assert said(schema, value) == faults


def test_all_faults_are_told_with_their_reasons() -> None:
    schema = {"required": ["a"], "properties": {"b": {"type": "string"}, "c": {"enum": ["x"]}}}
    found = problems(schema, {"b": 1, "c": "y"})
    assert [(p.path, p.reason) for p in found] == [
        (("b",), "FieldValueTypeInvalid"),
        (("c",), "FieldValueNotSupported"),
        (("a",), "FieldValueRequired"),
    ]
