"""What a patch makes of an object, by the patch's media type.

Pure; the three ways themselves are in `store/`. Strategic patches are for Kubernetes' own kinds, whose lists they know;
others answer 415, by which kubectl knows that it has to send another kind of patch.
"""

from __future__ import annotations

from typing import Any

from emulator.kubeapi.gotypes import printed
from emulator.objects.errors import BadRequest, UnsupportedMediaType
from emulator.objects.kind import Json, Kind
from emulator.store.jsonpatches import json_patch, merge_patch
from emulator.store.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def accepted(kind: Kind[Any]) -> tuple[str, ...]:
    """The media types of patches that a kind takes."""
    return (JSON_PATCH, MERGE, STRATEGIC) if kind.is_builtin else (JSON_PATCH, MERGE)


def check(media: str, kind: Kind[Any]) -> None:
    """UnsupportedMediaType for patches that the kind does not take."""
    if media not in accepted(kind):
        raise UnsupportedMediaType(accepted(kind))


def patched(media: str, live: Json, patch: Any, kind: Kind[Any]) -> Any:
    """The object as the patch, of a type that the kind takes, wants it; BadRequest, Rejected."""
    if media == JSON_PATCH:
        return json_patch(live, patch)
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a patch of this type must be an object")
    return strategic_merge(live, patch, kind) if media == STRATEGIC else merge_patch(live, patch)


def quoted(media: str, patch: Any) -> str:
    """How a refusal quotes the patch; "" where it quotes the object that came of it."""
    return printed(patch) if media == STRATEGIC else ""
