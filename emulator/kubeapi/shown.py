"""How objects look from outside: whole, or their metadata alone, as JSON that is encoded once however many watch.

Pure but for the memory of what was encoded last.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from emulator.kubeapi.aliases import shown_as
from emulator.objects.kind import Json
from emulator.objects.resource import Resource

_REMEMBERED = 512


def served(resource: Resource[Any], api_version: str = "") -> Json:
    """The object as a client gets it, in its own version of the API unless it asks for another."""
    obj = {
        **shown_as(resource.obj, api_version),
        "apiVersion": api_version or resource.kind.api_version,
        "kind": resource.kind.name,
    }
    if not resource.kind.has_generation and "generation" in resource.metadata:
        obj["metadata"] = {k: v for k, v in resource.metadata.items() if k != "generation"}
    return obj


def partial(resource: Resource[Any], meta: str = "v1") -> Json:
    """The object's PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{meta}",
        "metadata": dict(resource.metadata),
    }


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


class Encoder:
    """`served` as bytes; the last few are kept, since every watcher of a kind is sent the same."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def __call__(self, resource: Resource[Any], api_version: str) -> bytes:
        key = (resource.uid, resource.metadata["resourceVersion"], api_version)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = encoded(served(resource, api_version))
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found
