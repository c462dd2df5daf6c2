"""Three-way application of an object by one of several writers.

A writer that owns a spec (a manifest file, an owning reconciler) states the whole object again and again. What it
wrote before and no longer states is removed; labels, annotations and finalizers that others added stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.objects.kind import Json

_SHARED = ("labels", "annotations")


def merged(live: Json, before: Mapping[str, Any], wanted: Json) -> Json:
    """`live` as it should be stored when its writer, who last stated `before`, now states `wanted`."""
    metadata: Json = {**live["metadata"]}
    last = before.get("metadata", {})
    stated = wanted["metadata"]
    for field in _SHARED:
        kept = {k: v for k, v in (metadata.get(field) or {}).items() if k not in (last.get(field) or {})}
        both = {**kept, **(stated.get(field) or {})}
        metadata.pop(field, None)
        if both:
            metadata[field] = both
    if "ownerReferences" in stated:
        metadata["ownerReferences"] = stated["ownerReferences"]
    metadata.pop("resourceVersion", None)
    body = {k: v for k, v in wanted.items() if k not in ("metadata", "status")}
    return {**body, "metadata": metadata}
