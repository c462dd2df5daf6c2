"""Read-only tables kept current by the Store's changes: what the data plane looks at.

A Projection maps each object of one kind to a row; it is told of every change before anyone else reads the table, so
the data plane never waits for the control plane and never asks the Store. `follow_config` is the same for the one
ConfigMap of some settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from emulator.objects.kind import Kind
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.store.watch import Change

S = TypeVar("S")
Put = Callable[[Resource[S]], None]
Drop = Callable[[Resource[S]], None]


class Projection(Generic[S]):
    """Calls `put` for every object of `kind` that is there or changes, and `drop` when one goes."""

    def __init__(self, store: Store, kind: Kind[S], put: Put[S], drop: Drop[S]) -> None:
        self._kind = kind
        self._put = put
        self._drop = drop
        for resource in store.list(kind):
            put(resource)
        store.observe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.resource.kind is not self._kind:
            return
        if change.type == "DELETED":
            self._drop(change.resource)
        else:
            self._put(change.resource)


def follow_config(store: Store, name: str, namespace: str, changed: Callable[[], None]) -> None:
    """Call `changed` after each change of this ConfigMap, its coming and going included."""

    def told(change: Change) -> None:
        resource = change.resource
        if resource.kind is store.config_maps and (resource.name, resource.namespace) == (name, namespace):
            changed()

    store.observe(told)
