"""Schemas that are not structural, or use what is not supported."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.schemarules import schema_problems

TEXT = {"type": "string"}


def faults(schema: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in schema_problems(schema, ("s",))]


def field(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}}


FINE: list[dict[str, Any]] = [
    {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    field({"type": "integer", "default": 1}),
    field({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}], "pattern": "^a$"}),
    field({"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"}),
    field({"x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-embedded-resource": True, "type": "object"}),
    {**field(TEXT), "oneOf": [{"required": ["x"]}, {"properties": {"x": {"minLength": 1}}}]},
    {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": TEXT}}}},
]


@pytest.mark.parametrize("schema", FINE, ids=map(str, FINE))
def test_a_structural_schema_has_no_faults(schema: dict[str, Any]) -> None:
    assert faults(schema) == []


X = "s.properties[x]"
FAULTS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["s.type: Required value: must not be empty at the root"]),
    ({"type": "string"}, ['s.type: Invalid value: "string": must be object at the root']),
    (field({}), [f"{X}.type: Required value: must not be empty for specified object fields"]),
    (
        field({"type": "array", "items": {}}),
        [f"{X}.items.type: Required value: must not be empty for specified array items"],
    ),
    (field({"type": "array"}), [f"{X}.items: Required value: must be specified"]),
    (
        {"type": "object", "additionalProperties": TEXT},
        ["s.additionalProperties: Forbidden: must not be used at the root"],
    ),
    (
        field({"type": "object", "properties": {"y": TEXT}, "additionalProperties": TEXT}),
        [f"{X}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
    ),
    (
        {**field(TEXT), "anyOf": [{"properties": {"x": {"type": "string"}}}]},
        ["s.anyOf[0].properties[x].type: Forbidden: must be empty to be structural"],
    ),
    (
        {**field(TEXT), "allOf": [{"properties": {"y": {"minLength": 1}}}]},
        ["s.properties[y]: Required value: because it is defined in s.allOf[0].properties[y]"],
    ),
    (
        {**field(TEXT), "not": {"description": "no"}},
        ["s.not.description: Forbidden: must be empty to be structural"],
    ),
    (
        {
            "type": "object",
            "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}},
        },
        [
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, "
            "but metadata is implicitly specified"
        ],
    ),
    (
        {"type": "object", "properties": {"kind": {"type": "integer"}}},
        ['s.properties[kind].type: Invalid value: "integer": must be string'],
    ),
    (
        field({**TEXT, "default": 5}),
        [f'{X}.default: Invalid value: "integer": {X}.default in body must be of type string: "integer"'],
    ),
    (
        field({"type": "object", "properties": {"y": TEXT}, "default": {"z": 1}}),
        [f'{X}.default: Invalid value: {{"z":1}}: must not have unknown fields'],
    ),
    (
        field({"type": "object", "uniqueItems": True}),
        [
            f"{X}.uniqueItems: Forbidden: uniqueItems cannot "
            "be set to true since "
            "the runtime complexity becomes quadratic"
        ],
    ),
    (
        field({"type": "text"}),
        [
            f'{X}.type: Unsupported value: "text": supported values: "array", '
            '"boolean", "integer", "number", "object", "string"'
        ],
    ),
    (field({**TEXT, "$ref": "#/x"}), [f"{X}.$ref: Forbidden: $ref is not supported"]),
    (
        field({**TEXT, "patternProperties": {"a": TEXT}}),
        [f"{X}.patternProperties: Forbidden: patternProperties is not supported"],
    ),
    (
        field({**TEXT, "x-kubernetes-list-type": "set"}),
        [f'{X}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'],
    ),
    (
        field(
            {
                "type": "array",
                "items": {"type": "object", "properties": {"k": TEXT}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
            }
        ),
        [
            f"{X}.items.properties[k].default: Required value: this property is in "
            "x-kubernetes-list-map-keys, so it must have a default or be a required property"
        ],
    ),
    (
        field({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}),
        [f"{X}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
    ),
    ({"type": "object", "nullable": True}, ["s.nullable: Forbidden: nullable cannot be true at the root"]),
    (
        field({**TEXT, "pattern": "("}),
        [
            f'{X}.pattern: Invalid value: "(": must be a valid regular '
            "expression, but isn't: error "
            "parsing regexp: missing ), unterminated subpattern at position 0"
        ],
    ),
    (
        field({**TEXT, "x-kubernetes-validations": [{"rule": " "}]}),
        [f"{X}.x-kubernetes-validations[0].rule: Required value: rule is not specified"],
    ),
    (
        field({"type": "string", "x-kubernetes-embedded-resource": True}),
        [
            f'{X}.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
            f"{X}.properties: Required value: must not be empty if "
            "x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ],
    ),
]


@pytest.mark.parametrize(("schema", "told"), FAULTS, ids=[str(schema) for schema, _ in FAULTS])
def test_a_fault_of_a_schema(schema: dict[str, Any], told: list[str]) -> None:
    assert sorted(faults(schema)) == sorted(told)
