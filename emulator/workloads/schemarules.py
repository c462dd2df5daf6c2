"""Rules for the schema in a CustomResourceDefinition: it must be structural, and use nothing that is not supported.

Pure, on the schema's JSON. Follows apiextensions-apiserver pkg/apiserver/schema (validation.go, complete.go) and
pkg/apis/apiextensions/validation (ValidateCustomResourceDefinitionOpenAPISchema), in their words. Not taken over: types
and costs of rules in CEL, which are not evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.lib.patterns import matcher
from emulator.objects import schemas, structural
from emulator.objects.problems import MapKey, Path, Problem, dotted
from emulator.objects.schemas import Schema, forbidden, invalid, not_supported, required

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_META = ("metadata", "kind", "apiVersion")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_INT_OR_STRING: list[Schema] = [{"type": "integer"}, {"type": "string"}]
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_EMPTY_WHERE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
# What a schema inside allOf, anyOf, oneOf or not may not say: it only judges values, it does not give them a shape.
_SHAPING = (
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
    ("x-kubernetes-validations", "must be empty to be structural"),
)


def schema_problems(schema: Schema, path: Path) -> list[Problem]:
    """All faults of a version's schema, which stands at `path`."""
    found: list[Problem] = []
    if schema.get("nullable"):
        found.append(forbidden((*path, "nullable"), "nullable cannot be true at the root"))
    shape = sorted([*_shape(schema, "root", path), *_complete(schema, schema, path, path)], key=str)
    found += shape or list(_defaults(schema, path))
    found += _constructs(schema, path, is_root=True)
    return list(dict.fromkeys(found))


def _children(schema: Schema, path: Path) -> Iterator[tuple[Schema, Path, str]]:
    """The schemas directly inside one that give shape, where they stand, and their level."""
    if isinstance(items := schema.get("items"), dict):
        yield items, (*path, "items"), "item"
    for key, inner in (schema.get("properties") or {}).items():
        yield inner, (*path, "properties", MapKey(key)), "field"
    if isinstance(others := schema.get("additionalProperties"), dict):
        yield others, (*path, "additionalProperties"), "field"


def _parts(schema: Schema, path: Path) -> Iterator[tuple[Schema, Path]]:
    """The schemas under allOf, anyOf, oneOf and not."""
    for junctor in _JUNCTORS:
        for index, part in enumerate(schema.get(junctor) or ()):
            yield part, (*path, junctor, index)
    if isinstance(negated := schema.get("not"), dict):
        yield negated, (*path, "not")


# -- shape --


def _shape(schema: Schema, level: str, path: Path) -> Iterator[Problem]:
    if schema.get("type") == "array" and "items" not in schema:
        yield required((*path, "items"), "must be specified")
    for inner, at, inner_level in _children(schema, path):
        yield from _shape(inner, inner_level, at)
    if level == "root" and "additionalProperties" in schema:
        yield forbidden((*path, "additionalProperties"), "must not be used at the root")
    if schema.get("x-kubernetes-int-or-string"):
        for other in ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"):
            if schema.get(other):
                yield invalid((*path, other), True, "must be false if x-kubernetes-int-or-string is true")
    yield from _values(schema, path)
    yield from _type(schema, level, path)
    if level == "root" or schema.get("x-kubernetes-embedded-resource"):
        yield from _identity(schema, path)
    yield from _metadata(schema, level, path)


def _type(schema: Schema, level: str, path: Path) -> Iterator[Problem]:
    type_, at = schema.get("type"), (*path, "type")
    is_embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    if is_embedded and type_ != "object":
        said = "must be object if x-kubernetes-embedded-resource is true"
        yield invalid(at, type_, said) if type_ else required(at, said)
    elif not type_ and not (
        schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    ):
        yield required(at, _EMPTY_WHERE[level])
    if level == "root" and type_ and type_ != "object":
        yield invalid(at, type_, "must be object at the root")
    if not is_embedded:
        return
    if "additionalProperties" in schema:
        said = "must not be used if x-kubernetes-embedded-resource is set"
        yield forbidden((*path, "additionalProperties"), said)
    if not schema.get("x-kubernetes-preserve-unknown-fields") and not schema.get("properties"):
        said = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        yield required((*path, "properties"), said)


def _identity(schema: Schema, path: Path) -> Iterator[Problem]:
    for name in ("kind", "apiVersion"):
        field = (schema.get("properties") or {}).get(name)
        if field is not None and field.get("type") != "string":
            yield invalid((*path, "properties", MapKey(name), "type"), field.get("type", ""), "must be string")


def _metadata(schema: Schema, level: str, path: Path) -> Iterator[Problem]:
    metadata = (schema.get("properties") or {}).get("metadata")
    if metadata is None:
        return
    at = (*path, "properties", MapKey("metadata"))
    checks_type = level == "root" or schema.get("x-kubernetes-embedded-resource")
    if checks_type and metadata.get("type") != "object":
        yield invalid((*at, "type"), metadata.get("type", ""), "must be object")
    said_more = set(metadata) - {"type", "default", "properties"}
    if level == "root" and (said_more or not set(metadata.get("properties") or ()) <= {"name", "generateName"}):
        said = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield forbidden(at, said)


def _values(schema: Schema, path: Path) -> Iterator[Problem]:
    """What only judges values: patterns, and the schemas under junctors."""
    skips_any_of = schema.get("anyOf") == _INT_OR_STRING
    first = (schema.get("allOf") or [{}])[0]
    for part, at in _parts(schema, path):
        if skips_any_of and at[len(path)] == "anyOf":
            continue
        is_pair = part is first and first.get("anyOf") == _INT_OR_STRING
        yield from _nested({k: v for k, v in part.items() if k != "anyOf"} if is_pair else part, at)
    if pattern := schema.get("pattern"):
        try:
            matcher(str(pattern))
        except ValueError as error:
            said = f"must be a valid regular expression, but isn't: {error}"
            yield invalid((*path, "pattern"), pattern, said)


def _nested(part: Schema, path: Path) -> Iterator[Problem]:
    yield from _values(part, path)
    if isinstance(items := part.get("items"), dict):
        yield from _nested(items, (*path, "items"))
    properties: Mapping[str, Schema] = part.get("properties") or {}
    for key, inner in properties.items():
        yield from _nested(inner, (*path, "properties", MapKey(key)))
    for keyword, said in _SHAPING:
        if part.get(keyword) not in (None, "", False, []):
            yield forbidden((*path, keyword), said)
    if "metadata" in properties:
        at = (*path, "properties", MapKey("metadata"))
        yield forbidden(at, "must not be specified in a nested context")


def _complete(part: Schema, shape: Schema | None, at: Path, path: Path) -> Iterator[Problem]:
    """Every field that a junctor judges must have a shape. `at` is where the shape stands, `path` the part."""
    for inner, inner_path in _parts(part, path):
        yield from _complete_nested(inner, shape, at, inner_path)


def _complete_nested(part: Schema, shape: Schema | None, at: Path, path: Path) -> Iterator[Problem]:
    if shape is None:
        yield required(at, f"because it is defined in {dotted(path)}")
        return
    yield from _complete(part, shape, at, path)
    if isinstance(items := part.get("items"), dict):
        inner = shape.get("items")
        yield from _complete_nested(items, inner, (*at, "items"), (*path, "items"))
    for key, field in (part.get("properties") or {}).items():
        step = ("properties", MapKey(key))
        yield from _complete_nested(field, (shape.get("properties") or {}).get(key), (*at, *step), (*path, *step))


# -- defaults --


def _defaults(schema: Schema, path: Path) -> Iterator[Problem]:
    """Defaults must fit their own schema and say nothing that would be pruned."""
    if (default := schema.get("default")) is not None:
        at = (*path, "default")
        if structural.pruned(schema, default)[1]:
            yield invalid(at, default, "must not have unknown fields")
        yield from schemas.problems(schema, default, at)
    for inner, inner_path, _ in _children(schema, path):
        if inner_path[-1] != "additionalProperties":
            yield from _defaults(inner, inner_path)


# -- constructs --


def _constructs(schema: Schema, path: Path, *, is_root: bool = False, no_default: str = "") -> Iterator[Problem]:
    if no_default and schema.get("default") is not None:
        yield forbidden((*path, "default"), f"must not be set {no_default}")
    yield from _keywords(schema, path)
    yield from _list_rules(schema, path)
    yield from _rules_in_cel(schema, path)
    for inner, at, _ in _children(schema, path):
        key = at[-1]
        is_meta = is_root and len(at) == len(path) + 2 and key in _META
        yield from _constructs(inner, at, no_default=f"in top-level {key}" if is_meta else no_default)
    for part, at in _parts(schema, path):
        yield from _constructs(part, at)


def _keywords(schema: Schema, path: Path) -> Iterator[Problem]:
    type_ = schema.get("type")
    if type_ == "null":
        yield forbidden((*path, "type"), "type cannot be set to null, use nullable as an alternative")
    elif type_ and type_ not in _TYPES:
        yield not_supported((*path, "type"), type_, _TYPES)
    for keyword in _UNSUPPORTED:
        if schema.get(keyword) is not None:
            yield forbidden((*path, keyword), f"{keyword} is not supported")
    if isinstance(schema.get("items"), list):
        yield forbidden((*path, "items"), "items must be a schema object and not an array")
    if schema.get("uniqueItems"):
        said = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden((*path, "uniqueItems"), said)
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        said = "additionalProperties and properties are mutual exclusive"
        yield forbidden((*path, "additionalProperties"), said)
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid((*path, "x-kubernetes-preserve-unknown-fields"), False, "must be true or undefined")


def _list_rules(schema: Schema, path: Path) -> Iterator[Problem]:
    list_type, map_type = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-map-type")
    yield from _needs_type(schema, path, "x-kubernetes-map-type", "object")
    yield from _needs_type(schema, path, "x-kubernetes-list-type", "array")
    if map_type not in (None, "atomic", "granular"):
        yield not_supported((*path, "x-kubernetes-map-type"), map_type, ("atomic", "granular"))
    if list_type not in (None, "atomic", "set", "map"):
        yield not_supported((*path, "x-kubernetes-list-type"), list_type, ("atomic", "set", "map"))
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if keys and list_type != "map":
        said = "must be map if x-kubernetes-list-map-keys is non-empty"
        at = (*path, "x-kubernetes-list-type")
        yield invalid(at, list_type, said) if list_type else required(at, said)
    items = schema.get("items")
    if isinstance(items, dict):
        if list_type in ("set", "map") and items.get("nullable"):
            said = f"cannot be nullable when x-kubernetes-list-type is {list_type}"
            yield forbidden((*path, "items", "nullable"), said)
        if list_type == "set" and schema.get("type") == "array":
            yield from _set_rules(items, (*path, "items"))
    if list_type == "map":
        yield from _map_list_rules(items, keys, path)


def _needs_type(schema: Schema, path: Path, keyword: str, type_: str) -> Iterator[Problem]:
    if schema.get(keyword) is not None and schema.get("type") != type_:
        said = f"must be {type_} if {keyword} is specified"
        at = (*path, "type")
        yield invalid(at, schema["type"], said) if schema.get("type") else required(at, said)


def _set_rules(items: Schema, path: Path) -> Iterator[Problem]:
    for type_, keyword, fine in (
        ("array", "x-kubernetes-list-type", (None, "atomic")),
        ("object", "x-kubernetes-map-type", ("atomic",)),
    ):
        if items.get("type") == type_ and items.get(keyword) not in fine:
            said = "must be atomic as item of a list with x-kubernetes-list-type=set"
            yield invalid((*path, keyword), items.get(keyword), said)


def _map_list_rules(items: Any, keys: Sequence[str], path: Path) -> Iterator[Problem]:
    at = (*path, "x-kubernetes-list-map-keys")
    if not keys:
        yield required(at, "must not be empty if x-kubernetes-list-type is map")
    if not isinstance(items, dict):
        yield required((*path, "items"), "must have a schema if x-kubernetes-list-type is map")
        return
    if items.get("type") != "object":
        said = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid((*path, "items", "type"), items.get("type", ""), said)
        return
    if len(set(keys)) != len(keys):
        yield invalid(at, list(keys), "must not contain duplicate entries")
    properties: Mapping[str, Schema] = items.get("properties") or {}
    for key in keys:
        here = (*path, "items", "properties", MapKey(key))
        if key not in properties:
            yield invalid(at, list(keys), "entries must all be names of item properties")
        else:
            yield from _key_rules(properties[key], key in (items.get("required") or ()), here)


def _key_rules(field: Schema, is_required: bool, path: Path) -> Iterator[Problem]:
    if field.get("type") in ("array", "object"):
        said = "must be a scalar type if parent array's x-kubernetes-list-type is map"
        yield invalid((*path, "type"), field["type"], said)
    about = "this property is in x-kubernetes-list-map-keys, so it"
    if not is_required and "default" not in field:
        yield required((*path, "default"), f"{about} must have a default or be a required property")
    if field.get("nullable"):
        yield forbidden((*path, "nullable"), f"{about} cannot be nullable")


def _rules_in_cel(schema: Schema, path: Path) -> Iterator[Problem]:
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        at = (*path, "x-kubernetes-validations", index)
        text, message = str(rule.get("rule") or ""), str(rule.get("message") or "")
        if not text.strip():
            yield required((*at, "rule"), "rule is not specified")
        elif message and not message.strip():
            yield invalid((*at, "message"), message, "must be non-empty if specified")
        elif "\n" in message.strip():
            yield invalid((*at, "message"), message, "must not contain line breaks")
        elif "\n" in text.strip() and not message.strip():
            yield required((*at, "message"), "message must be specified if rule contains line breaks")
