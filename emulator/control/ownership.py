"""Who controls whom: the index of ownerReferences, and what follows when an owner goes.

Deletes in the background as Kubernetes' garbage collector does: when an object is gone, the objects whose
ownerReferences named it alone go too. Called by the Controller for every change.
"""

from __future__ import annotations

from typing import Any, TypeVar

from emulator.objects.errors import NotFound
from emulator.objects.kind import Kind
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store
from emulator.store.watch import Change

S = TypeVar("S")


class Ownership:
    """Children by the uid of each owner."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._children: dict[str, dict[Key, bool]] = {}

    def owned(self, kind: Kind[S], uid: str) -> list[Resource[S]]:
        """The objects of a kind that the object with `uid` controls, by name."""
        keys = [key for key, controls in self._children.get(uid, {}).items() if controls and key.kind is kind]
        found = [self._store.find(kind, key.name, key.namespace) for key in sorted(keys, key=lambda k: k.name)]
        return [resource for resource in found if resource is not None]

    def note(self, change: Change) -> None:
        """Keep the index; collect the children of what is gone."""
        resource = change.resource
        if change.before is not None:
            self._forget(change.before)
        if change.type != "DELETED":
            for reference in resource.metadata.get("ownerReferences", ()):
                children = self._children.setdefault(reference["uid"], {})
                children[resource.key] = bool(reference.get("controller"))
            return
        for key in list(self._children.pop(resource.uid, ())):
            self._collect(key, resource.uid)

    def _forget(self, resource: Resource[Any]) -> None:
        for reference in resource.metadata.get("ownerReferences", ()):
            children = self._children.get(reference["uid"])
            if children is not None:
                children.pop(resource.key, None)
                if not children:
                    del self._children[reference["uid"]]

    def _collect(self, key: Key, owner: str) -> None:
        child = self._store.find(key.kind, key.name, key.namespace)
        if child is None:
            return
        others = [r for r in child.metadata.get("ownerReferences", ()) if r["uid"] != owner]
        if any(self._is_there(r, child.namespace) for r in others):
            return
        try:
            self._store.delete(key.kind, key.name, key.namespace)
        except NotFound:
            return

    def _is_there(self, reference: dict[str, Any], namespace: str) -> bool:
        kind = self._store.registry.of(reference["apiVersion"], reference["kind"])
        if kind is None:
            return False
        found = self._store.find(kind, reference["name"], namespace if kind.namespaced else "")
        return found is not None and found.uid == reference["uid"]
