"""Kinds that are served in two groups, in two shapes: Kubernetes' events, as `v1` and as `events.k8s.io/v1`.

Pure. An object is stored once, in the older shape; names of fields are all that differs. Newer clients (controllers
with client-go's events recorder) write the other one. Followed: kubernetes pkg/apis/events/v1/conversion.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.objects.kind import Json, Kind, Registry

EVENTS = "events.k8s.io/v1"
# events.k8s.io's names of fields, and the core group's.
_FIELDS = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_SHOWN = {core: name for name, core in _FIELDS.items()}


def other_kinds(registry: Registry, group: str, version: str) -> list[Kind[Any]]:
    """The kinds of other groups that are also served in this one."""
    kind = registry.of("v1", "Event") if f"{group}/{version}" == EVENTS else None
    return [kind] if kind is not None else []


def shown_as(obj: Json, api_version: str) -> Json:
    """A stored object in the shape of a version of the API."""
    return _renamed(obj, _SHOWN) if api_version == EVENTS else obj


def read_as(obj: Json, api_version: str) -> Json:
    """An object of a version of the API in the shape in which it is stored."""
    return _renamed(obj, _FIELDS) if api_version == EVENTS else obj


def _renamed(obj: Json, names: Mapping[str, str]) -> Json:
    return {names.get(name, name): value for name, value in obj.items()}
