"""The indexes behind a View: who controls whom, who names whom, and since when each object's spec is as it is.

Kept by the Controller for every change, so that a reconciler with ten thousand neighbours is run for its own only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from emulator.control.ownership import Ownership
from emulator.control.reconciler import Listed, Owned, Read, References, Referring
from emulator.objects.kind import Kind
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store
from emulator.store.watch import Change

S = TypeVar("S")


class Index:
    """Implements `reconciler.Relations`."""

    def __init__(self, store: Store, references: Mapping[Kind[Any], References]) -> None:
        self._store = store
        self._ownership = Ownership(store)
        self._references = references
        self._referring: dict[tuple[Kind[Any], Key], set[Key]] = {}
        self._named: dict[Key, frozenset[Key]] = {}
        self._since: dict[Key, datetime] = {}

    def owned(self, kind: Kind[S], uid: str) -> list[Resource[S]]:
        return self._ownership.owned(kind, uid)

    def referring(self, kind: Kind[S], target: Key) -> list[Resource[S]]:
        keys = sorted(self._referring.get((kind, target), ()), key=lambda k: k.name)
        found = [self._store.find(kind, key.name, key.namespace) for key in keys]
        return [resource for resource in found if resource is not None]

    def age_s(self, resource: Resource[Any]) -> float:
        now = self._store.clock.now()
        return (now - self._since.get(resource.key, now)).total_seconds()

    def note(self, change: Change) -> list[Read]:
        """Take a change in; the reads that it makes stale."""
        self._ownership.note(change)
        resource = change.resource
        if change.type == "DELETED":
            self._since.pop(resource.key, None)
        elif change.before is None or change.before.generation != resource.generation:
            self._since[resource.key] = self._store.clock.now()
        stale: list[Read] = [resource.key, Listed(resource.kind, resource.namespace)]
        if resource.namespace:
            stale.append(Listed(resource.kind, ""))
        stale += [Owned(resource.kind, r["uid"]) for r in resource.metadata.get("ownerReferences", ())]
        if references := self._references.get(resource.kind):
            named = frozenset(references(resource)) if change.type != "DELETED" else frozenset()
            stale += [Referring(resource.kind, target) for target in self._rename(resource.key, named)]
        return stale

    def _rename(self, key: Key, named: frozenset[Key]) -> frozenset[Key]:
        """Index the targets that `key` now names; all that it named before or names now."""
        before = self._named.pop(key, frozenset())
        if named:
            self._named[key] = named
        for target in before - named:
            self._referring[key.kind, target].discard(key)
        for target in named - before:
            self._referring.setdefault((key.kind, target), set()).add(key)
        return before | named
