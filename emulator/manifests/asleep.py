"""The mark of what `up` found at its start: rolled out already, and at zero.

Fifty Services must not start fifty containers. The loader marks what the first load makes; what an earlier run left is
marked when it is restored. The mark goes when the document changes, or the template by another writer
(`serving/kinds.py`). With `kemu up --rollout` nothing is marked but what no Route leads to: the rest is rolled out, as
on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.objects.kind import Json

START, ASLEEP = "kemu.dev/start", "asleep"
_GROUP = "serving.knative.dev"
_MADE = ("Service", "Configuration")
_FOUND = (*_MADE, "Revision")
_ROUTING_STATE = f"{_GROUP}/routingState"


def as_made(obj: Json) -> Json:
    """An object of the first load, with the mark where its kind has one. It may say otherwise itself."""
    return _marked(obj) if _is_one_of(obj, _MADE) else obj


def as_found(obj: Json) -> Json:
    """An object of an earlier run. Its Revisions are asleep, too: what was running then is not any more."""
    return _marked(obj) if _is_one_of(obj, _FOUND) else obj


def as_rolled_out(obj: Json) -> Json:
    """As `as_found`, but what requests can reach is awake: rolled out once more, whatever an earlier run marked."""
    if not _is_one_of(obj, _FOUND):
        return obj
    metadata = obj["metadata"]
    if obj["kind"] == "Revision" and (metadata.get("labels") or {}).get(_ROUTING_STATE) != "active":
        return _marked(obj)
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if (k, v) != (START, ASLEEP)}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


@dataclass(frozen=True)
class Starts:
    """How a start takes what it makes of files, and what an earlier run left."""

    made: Callable[[Json], Json]
    found: Callable[[Json], Json]

    @classmethod
    def of(cls, *, is_rollout: bool) -> Starts:
        return cls(lambda obj: obj, as_rolled_out) if is_rollout else cls(as_made, as_found)


def _is_one_of(obj: Json, kinds: tuple[str, ...]) -> bool:
    return obj.get("kind") in kinds and str(obj.get("apiVersion", "")).partition("/")[0] == _GROUP


def _marked(obj: Json) -> Json:
    metadata = obj["metadata"]
    annotations = {START: ASLEEP, **(metadata.get("annotations") or {})}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
