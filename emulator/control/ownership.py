"""Who controls whom: the index of ownerReferences, and what follows when an owner goes.

Deletes as Kubernetes' garbage collector does. In the background: when an object is gone, the objects whose
ownerReferences named it alone go too. In the foreground: they go first, the owner waits with a finalizer. Orphaning:
they lose the reference and stay. Called by the Controller for every change.
"""

from __future__ import annotations

from typing import Any, TypeVar

from emulator.objects.errors import NotFound
from emulator.objects.kind import Kind
from emulator.objects.resource import Key, Resource
from emulator.store.store import FOREGROUND, ORPHAN, Propagation, Store
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
            if resource.is_deleting:
                self._before_it_goes(resource)
            return
        for key in list(self._children.pop(resource.uid, ())):
            self._collect(key, resource.uid)
        for reference in resource.metadata.get("ownerReferences", ()):
            self._owner_may_go(reference, resource.namespace)

    def _before_it_goes(self, owner: Resource[Any]) -> None:
        """What the finalizers of a deletion in the foreground, or of one that orphans, wait for."""
        finalizers = owner.metadata.get("finalizers", ())
        if ORPHAN in finalizers:
            for key in list(self._children.get(owner.uid, ())):
                self._orphan(key, owner.uid)
            self._release(owner, ORPHAN)
        elif FOREGROUND in finalizers:
            for key in list(self._children.get(owner.uid, ())):
                self._collect(key, owner.uid, in_foreground=True)
            if not any(self._store.find(k.kind, k.name, k.namespace) for k in self._children.get(owner.uid, ())):
                self._release(owner, FOREGROUND)

    def _owner_may_go(self, reference: dict[str, Any], namespace: str) -> None:
        kind = self._store.registry.of(reference["apiVersion"], reference["kind"])
        owner = self._store.find(kind, reference["name"], namespace if kind.namespaced else "") if kind else None
        if owner is not None and owner.uid == reference["uid"] and owner.is_deleting:
            self._before_it_goes(owner)

    def _release(self, owner: Resource[Any], finalizer: str) -> None:
        present = self._store.find(owner.kind, owner.name, owner.namespace)
        if present is not None and finalizer in present.metadata.get("finalizers", ()):
            left = [name for name in present.metadata["finalizers"] if name != finalizer]
            self._store.patch_metadata(present.key, finalizers=left)

    def _orphan(self, key: Key, owner: str) -> None:
        child = self._store.find(key.kind, key.name, key.namespace)
        if child is not None:
            left = [r for r in child.metadata.get("ownerReferences", ()) if r["uid"] != owner]
            metadata = {k: v for k, v in child.metadata.items() if k not in ("ownerReferences", "resourceVersion")}
            kept = {"ownerReferences": left} if left else {}
            self._store.update({**child.obj, "metadata": {**metadata, **kept}})

    def _forget(self, resource: Resource[Any]) -> None:
        for reference in resource.metadata.get("ownerReferences", ()):
            children = self._children.get(reference["uid"])
            if children is not None:
                children.pop(resource.key, None)
                if not children:
                    del self._children[reference["uid"]]

    def _collect(self, key: Key, owner: str, *, in_foreground: bool = False) -> None:
        child = self._store.find(key.kind, key.name, key.namespace)
        if child is None or (in_foreground and child.is_deleting):
            return
        others = [r for r in child.metadata.get("ownerReferences", ()) if r["uid"] != owner]
        if any(self._is_there(r, child.namespace) for r in others):
            self._orphan(key, owner)
            return
        policy: Propagation = "Foreground" if in_foreground else "Background"
        try:
            self._store.delete(key.kind, key.name, key.namespace, propagation=policy)
        except NotFound:
            return

    def _is_there(self, reference: dict[str, Any], namespace: str) -> bool:
        kind = self._store.registry.of(reference["apiVersion"], reference["kind"])
        if kind is None:
            return False
        found = self._store.find(kind, reference["name"], namespace if kind.namespaced else "")
        return found is not None and found.uid == reference["uid"]
