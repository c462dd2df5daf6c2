"""Read-only view of one stored object.

`obj` is the JSON as the API serves it and must never be mutated: a write makes a new Resource. `spec` is decoded at
admission and rides along. Everything that looks at an object (reconcilers, projections, tables) does so through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from emulator.lib.clock import parse_rfc3339

if TYPE_CHECKING:
    from emulator.objects.kind import Kind

S = TypeVar("S", covariant=True)
_NOTHING: Mapping[str, Any] = {}


class Key(NamedTuple):
    """Where an object lives in the Store. `namespace` is "" for cluster-scoped kinds."""

    kind: Kind[Any]
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.name} {self.name}"


class Resource(Generic[S]):
    """One version of one object."""

    __slots__ = ("__dict__", "kind", "obj", "spec")

    def __init__(self, kind: Kind[S], obj: dict[str, Any], spec: S) -> None:
        self.kind = kind
        self.obj = obj
        self.spec = spec

    def __repr__(self) -> str:
        return f"<{self.key} rv={self.resource_version}>"

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.obj["metadata"]
        return found

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", ""))

    @cached_property
    def key(self) -> Key:
        return Key(self.kind, self.namespace, self.name)

    @property
    def uid(self) -> str:
        return str(self.metadata["uid"])

    @property
    def resource_version(self) -> int:
        return int(self.metadata["resourceVersion"])

    @property
    def generation(self) -> int:
        return int(self.metadata.get("generation", 0))

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.get("labels") or _NOTHING

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.get("annotations") or _NOTHING

    @property
    def created(self) -> datetime:
        return parse_rfc3339(self.metadata["creationTimestamp"])

    @property
    def is_deleting(self) -> bool:
        return "deletionTimestamp" in self.metadata

    @property
    def status(self) -> Mapping[str, Any]:
        return self.obj.get("status") or _NOTHING

    def condition(self, type_: str) -> Mapping[str, Any]:
        """The condition of that type, or an Unknown one without reason when the object has none yet."""
        for condition in self.status.get("conditions", ()):
            if condition["type"] == type_:
                found: Mapping[str, Any] = condition
                return found
        return {"type": type_, "status": "Unknown"}

    @property
    def is_observed(self) -> bool:
        """Whether status speaks of this generation."""
        return bool(self.status.get("observedGeneration", self.generation) == self.generation)

    @property
    def is_ready(self) -> bool:
        """Ready is True and speaks of the current generation."""
        return self.is_observed and self.condition("Ready")["status"] == "True"

    @property
    def has_failed(self) -> bool:
        """Ready is False and speaks of the current generation."""
        return self.is_observed and self.condition("Ready")["status"] == "False"

    @property
    def controller(self) -> Mapping[str, Any] | None:
        """The ownerReference with `controller: true`, if any."""
        for reference in self.metadata.get("ownerReferences", ()):
            if reference.get("controller"):
                found: Mapping[str, Any] = reference
                return found
        return None

    def is_controlled_by(self, owner: Resource[Any]) -> bool:
        reference = self.controller
        return reference is not None and reference["uid"] == owner.uid

    def owner_reference(self) -> dict[str, Any]:
        """What a child of this object carries in metadata.ownerReferences."""
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.name,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
