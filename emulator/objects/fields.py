"""Fields that are written but unknown, and fields that are written twice.

Pure. What is known is the kind's schema (`modelschemas.py`), for `metadata` the same for all kinds. Manifest files are
told of each unknown field at admission, with a suggestion; the API asks here first and treats it as the client wishes
(`kubeapi/decoding.py`). Followed: apiextensions-apiserver pkg/apiserver/schema/pruning, sigs.k8s.io/json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from emulator.objects import structural
from emulator.objects.kind import Json, Kind
from emulator.objects.modelschemas import metadata_schema
from emulator.objects.modelschemas import structural as schema_of
from emulator.objects.problems import Path, dotted


def unknown_fields(kind: Kind[Any], obj: Json) -> list[str]:
    """The paths of all fields that the kind does not have, as Kubernetes writes them; metadata's first."""
    return known_fields(kind, obj)[1]


def pruned(kind: Kind[Any], obj: Json) -> Json:
    """A copy of the object without the fields that the kind does not have."""
    return known_fields(kind, obj)[0]


def known_fields(kind: Kind[Any], obj: Json) -> tuple[Json, list[str]]:
    """Both: the object without its unknown fields, and their paths."""
    metadata, strange = structural.pruned(metadata_schema(), obj.get("metadata"), ("metadata",))
    version = str(obj.get("apiVersion", "")).rpartition("/")[2]
    body, stray = structural.pruned(schema_of(kind, version), {k: v for k, v in obj.items() if k != "metadata"})
    unknown = [dotted(path) for path in (*strange, *(stray if kind.shape is None else sorted(stray, key=str)))]
    return ({**body, "metadata": metadata} if "metadata" in obj else body), unknown


# -- written twice


class Doubled(dict[str, Any]):
    """A JSON object in which some names stand more than once; the last of each counts."""

    names: tuple[str, ...] = ()


def read_json(text: bytes | str) -> tuple[Any, list[str]]:
    """A JSON value, and the paths of fields in it that are written more than once. ValueError, RecursionError."""
    is_doubled = False

    def made(pairs: list[tuple[str, Any]]) -> Json:
        nonlocal is_doubled
        obj = dict(pairs)
        if len(obj) == len(pairs):
            return obj
        is_doubled = True
        doubled = Doubled(obj)
        names = [name for name, _ in pairs]
        doubled.names = tuple(name for name in obj if names.count(name) > 1)
        return doubled

    value = json.loads(text, object_pairs_hook=made)
    return value, ([dotted(path) for path in _doubled(value, ())] if is_doubled else [])


def _doubled(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _doubled(item, (*path, index))
    elif isinstance(value, dict):
        if isinstance(value, Doubled):
            yield from ((*path, name) for name in value.names)
        for key, inner in value.items():
            yield from _doubled(inner, (*path, key))
