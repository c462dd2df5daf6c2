"""The entries of `metadata.managedFields`: one for each manager, operation and part of the object.

Pure. `managedfields.py` decides what they say; here they are read, written, ordered and kept few. Followed:
apimachinery pkg/util/managedfields/internal managedfields.go and capmanagers.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from emulator.objects.kind import Json
from emulator.store.fieldsets import FieldSet

_MOST_UPDATERS = 10  # fieldmanager.go, DefaultMaxUpdateManagers
_ANCIENT = "ancient-changes"


class Key(NamedTuple):
    """What tells entries apart: an applier has one for all versions."""

    manager: str
    operation: Literal["Apply", "Update"]
    api_version: str
    subresource: str


@dataclass(frozen=True)
class Entry:
    """One manager's fields. `time` "" is none: it has not changed anything yet."""

    api_version: str
    fields: FieldSet
    time: str = ""


Entries = dict[Key, Entry]


def encoded(entries: Entries) -> list[Json]:
    """Appliers first, then by time."""
    ordered = sorted(entries, key=lambda k: (k.operation, entries[k].time, k.manager, entries[k].api_version, k))
    return [_encoded_entry(key, entries[key]) for key in ordered]


def _encoded_entry(key: Key, entry: Entry) -> Json:
    found: Json = {"manager": key.manager, "operation": key.operation, "apiVersion": entry.api_version}
    if entry.time:
        found["time"] = entry.time
    found |= {"fieldsType": "FieldsV1", "fieldsV1": entry.fields.to_json()}
    return found | {"subresource": key.subresource} if key.subresource else found


def decoded_or_none(encoded: Any) -> Entries:
    """The entries that managedFields state; none when they cannot be read (emptyManagedFieldsOnErr)."""
    try:
        return dict(_decoded(entry) for entry in encoded or ())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _decoded(entry: Json) -> tuple[Key, Entry]:
    """ValueError when it is none."""
    operation, version = entry.get("operation"), entry.get("apiVersion")
    if operation not in ("Apply", "Update"):
        raise ValueError("operation must be `Apply` or `Update`")
    if not isinstance(version, str) or not version:
        raise ValueError("apiVersion must not be empty")
    if entry.get("fieldsType") != "FieldsV1":
        raise ValueError(f"invalid fieldsType {entry.get('fieldsType')!r}")
    key = Key(
        str(entry.get("manager") or ""),
        operation,
        version if operation == "Update" else "",
        str(entry.get("subresource") or ""),
    )
    return key, Entry(version, FieldSet.from_json(entry.get("fieldsV1") or {}), str(entry.get("time") or ""))


def capped(entries: Entries) -> Entries:
    """With the oldest of too many updaters put together, by version (capmanagers.go)."""
    updaters = sorted((k for k in entries if k.operation == "Update"), key=lambda k: (entries[k].time, k))
    found, count = dict(entries), len(updaters)
    first: dict[str, Key] = {}
    for key in updaters:
        if count <= _MOST_UPDATERS:
            break
        version = entries[key].api_version
        bucket = Key(_ANCIENT, "Update", version, "")
        if version not in first:
            first[version] = key
            continue
        if bucket not in found:
            found[bucket] = found.pop(first[version])
        merged_fields = found[bucket].fields.union(found[key].fields)
        if key != bucket:
            del found[key]
        found[bucket] = Entry(version, merged_fields, entries[key].time)
        count -= 1
    return found
