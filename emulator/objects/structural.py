"""What a structural schema does to an object besides judging it: unknown fields go, defaults come.

Pure functions on JSON; `drop_nulls` and `fill` change the object in place. Follows apiextensions-apiserver
pkg/apiserver/schema: pruning, defaulting, listtype. The caller goes in the order of an API server: `pruned`,
`drop_nulls`, `fill`, then `schemas.problems` and `repeated`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.objects.jsonvalues import copied
from emulator.objects.problems import Path, Problem
from emulator.objects.schemas import Schema, duplicate, invalid, required

PRESERVE = "x-kubernetes-preserve-unknown-fields"
_META = ("apiVersion", "kind", "metadata")


def pruned(schema: Schema, value: Any, path: Path = ()) -> tuple[Any, list[Path]]:
    """A copy of the value, which stands at `path`, without fields that the schema does not know; the paths of those."""
    gone: list[Path] = []
    return _pruned(schema, value, path, gone), gone


def _pruned(schema: Schema, value: Any, path: Path, gone: list[Path]) -> Any:
    if isinstance(value, list):
        items = schema.get("items", {PRESERVE: True} if schema.get(PRESERVE) else {})
        return [_pruned(items, item, (*path, index), gone) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        field = _field(schema, key)
        if schema.get("x-kubernetes-embedded-resource") and key in _META:
            kept[key] = inner
        elif field is not None:
            kept[key] = _pruned(field, inner, (*path, key), gone)
        elif schema.get(PRESERVE):
            kept[key] = inner
        else:
            gone.append((*path, key))
    return kept


def _field(schema: Schema | None, key: str) -> Schema | None:
    """The schema of a field; None where the schema has none for it."""
    if not schema:
        return None
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    if key in properties:
        return properties[key]
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        return others
    return {} if others is True else None


def drop_nulls(schema: Schema | None, value: Any) -> None:
    """A null that the schema neither allows nor fills with a default counts as not written."""
    if isinstance(value, list):
        items = (schema or {}).get("items")
        for item in value:
            drop_nulls(items, item)
    elif isinstance(value, dict):
        for key in list(value):
            inner = _field(schema, key)
            if value[key] is None and inner is not None and not inner.get("nullable") and "default" not in inner:
                del value[key]
            else:
                drop_nulls(inner, value[key])


def fill(schema: Schema | None, value: Any) -> None:
    """Put defaults where nothing is written, or a null that is not allowed."""
    if not schema:
        return
    if isinstance(value, list):
        items = schema.get("items")
        for index, item in enumerate(value):
            if item is None and items and not items.get("nullable") and "default" in items:
                value[index] = copied(items["default"])
            fill(items, value[index])
    elif isinstance(value, dict):
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        for key, inner in properties.items():
            if "default" in inner and (key not in value or (value[key] is None and not inner.get("nullable"))):
                value[key] = copied(inner["default"])
        for key in list(value):
            inner_schema = _field(schema, key)
            if value[key] is None and inner_schema and not inner_schema.get("nullable") and "default" in inner_schema:
                value[key] = copied(inner_schema["default"])
            fill(inner_schema, value[key])


def repeated(schema: Schema | None, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Items that stand twice in lists that are sets, or maps by some of their items' fields."""
    if not schema:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from repeated(_field(schema, key), item, (*path, key))
    elif isinstance(value, list):
        if schema.get("x-kubernetes-list-type") == "set":
            yield from (duplicate((*path, at), value[at]) for at in _second(value))
        elif schema.get("x-kubernetes-list-type") == "map":
            yield from _repeated_keys(schema, value, path)
        for index, item in enumerate(value):
            yield from repeated(schema.get("items"), item, (*path, index))


def _repeated_keys(schema: Schema, value: list[Any], path: Path) -> Iterator[Problem]:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            yield invalid((*path, index), item, "must be an object for an array of list-type map")
            return
    names = schema.get("x-kubernetes-list-map-keys") or ()
    keys = [{name: item[name] for name in names if name in item} for item in (one or {} for one in value)]
    yield from (duplicate((*path, at), keys[at]) for at in _second(keys))


def _second(values: list[Any]) -> Iterator[int]:
    """Where each value that is there more than once stands for the second time."""
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        text = json.dumps(value, sort_keys=True)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:
            yield index


def embedded_faults(schema: Schema | None, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Objects inside the object (`x-kubernetes-embedded-resource`) must say what they are."""
    if not schema:
        return
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            yield from _identity_faults(value, path)
        for key, item in value.items():
            yield from embedded_faults(_field(schema, key), item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from embedded_faults(schema.get("items"), item, (*path, index))


def _identity_faults(value: dict[str, Any], path: Path) -> Iterator[Problem]:
    for name in ("apiVersion", "kind"):
        written = value.get(name)
        if written is not None and not isinstance(written, str):
            yield invalid((*path, name), written, "must be a string")
        elif not written:
            yield required((*path, name), "must not be empty")
