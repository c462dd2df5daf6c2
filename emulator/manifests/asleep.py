"""The mark of what `up` found at its start: rolled out already, and at zero.

Fifty Services must not start fifty containers. The loader marks what the first load makes; what an earlier run left is
marked when it is restored. The mark goes when the document changes, or the template by another writer
(`serving/kinds.py`).
"""

from __future__ import annotations

from emulator.objects.kind import Json

START, ASLEEP = "kemu.dev/start", "asleep"
_GROUP = "serving.knative.dev"
_MADE = ("Service", "Configuration")
_FOUND = (*_MADE, "Revision")


def as_made(obj: Json) -> Json:
    """An object of the first load, with the mark where its kind has one. It may say otherwise itself."""
    return _marked(obj) if _is_one_of(obj, _MADE) else obj


def as_found(obj: Json) -> Json:
    """An object of an earlier run. Its Revisions are asleep, too: what was running then is not any more."""
    return _marked(obj) if _is_one_of(obj, _FOUND) else obj


def _is_one_of(obj: Json, kinds: tuple[str, ...]) -> bool:
    return obj.get("kind") in kinds and str(obj.get("apiVersion", "")).partition("/")[0] == _GROUP


def _marked(obj: Json) -> Json:
    metadata = obj["metadata"]
    annotations = {START: ASLEEP, **(metadata.get("annotations") or {})}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
