"""Namespaces: Active until they are deleted, then Terminating until nothing is left in them.

A deleted namespace takes all of its objects along; while something holds one of them (finalizers), the namespace stays
and says in its conditions what it waits for. Nothing new can be made in it meanwhile: `check_writable` is asked by the
API, and what kemu's own parts still write there (events about what ends) goes at once. A namespace that only a manifest
names comes to be with it. Followed: kubernetes pkg/registry/core/namespace, pkg/controller/namespace/deletion, and
apiserver pkg/admission/plugin/namespace/lifecycle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.conditions import Condition, written
from emulator.objects.errors import Forbidden, NotFound
from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import Model
from emulator.objects.names import dns1123_label_faults
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import invalid
from emulator.store.store import CONTROLLER, Store
from emulator.store.watch import Change

NAME_LABEL = "kubernetes.io/metadata.name"
_FINALIZER = "kubernetes"
_LASTING = ("default", "kube-public", "kube-system")


class NamespaceSpec(Model):
    finalizers: list[str] = Field(default_factory=list)


def _default(obj: Json, request: Request) -> None:
    obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), NAME_LABEL: obj["metadata"]["name"]}
    if request.old is None:
        obj["spec"] = {**(obj.get("spec") or {}), "finalizers": [_FINALIZER]}
        obj["status"] = {"phase": "Active"}
    elif request.user != CONTROLLER:
        obj["spec"] = {**(obj.get("spec") or {}), "finalizers": request.old.spec.finalizers}


def _validate(namespace: Resource[NamespaceSpec], request: Request) -> Iterator[Problem]:
    for fault in dns1123_label_faults(namespace.name):
        yield invalid(("metadata", "name"), namespace.name, fault)


NAMESPACE: Kind[NamespaceSpec] = Kind(
    group="",
    version="v1",
    name="Namespace",
    plural="namespaces",
    spec=NamespaceSpec,
    short_names=("ns",),
    namespaced=False,
    default=_default,
    validate=_validate,
    fields=("status.phase",),
    holds=lambda namespace: bool(namespace.spec.finalizers),
    columns=(Column("Status", lambda r: r.status.get("phase", "Active")), AGE),
)


def reconcile(namespace: Resource[NamespaceSpec], view: View) -> Outcome:
    """Reads a Namespace, writes its phase. One that is being deleted is the affair of `Namespaces`."""
    return Outcome(None, {"phase": "Active"})


NAMESPACE_RECONCILER = Reconciler(reconcile)


def check_writable(store: Store, kind: Kind[Any], name: str, namespace: str) -> None:
    """NotFound or Forbidden where an object cannot be made for want of a living namespace."""
    if not kind.namespaced or not namespace:
        return
    space = store.find(NAMESPACE, namespace)
    if space is None:
        if namespace != "default":  # it is there from the start, also where nothing has named it
            raise NotFound(NAMESPACE.resource, namespace)
    elif space.is_deleting:
        said = f"unable to create new content in namespace {namespace} because it is being terminated"
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        details = {"name": name, "group": kind.group, "kind": kind.plural, "causes": [cause]}
        raise Forbidden(f'{kind.resource} "{name}" is forbidden: {said}', {k: v for k, v in details.items() if v})


def check_deletable(kind: Kind[Any], name: str) -> None:
    """Forbidden for the namespaces that a cluster cannot be without."""
    if kind is NAMESPACE and name in _LASTING:
        details = {"name": name, "kind": kind.plural}
        raise Forbidden(f'namespaces "{name}" is forbidden: this namespace may not be deleted', details)


class Namespaces:
    """Sees to it that deleted namespaces become empty and go. Told by the Store of every change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gone: set[str] = set()
        store.observe(self._changed)

    def _changed(self, change: Change) -> None:
        resource = change.resource
        if resource.kind is NAMESPACE:
            self._of_namespace(change)
        elif resource.namespace and change.type != "MODIFIED":
            space = self._store.find(NAMESPACE, resource.namespace)
            is_ending = space is not None and space.is_deleting
            if change.type == "ADDED" and (is_ending or resource.namespace in self._gone):
                self._drop(resource)
            elif space is not None and is_ending:
                self._let_go(space)

    def _of_namespace(self, change: Change) -> None:
        namespace = change.resource
        if change.type == "DELETED":
            self._gone.add(namespace.name)
            self._empty(namespace.name)
            return
        self._gone.discard(namespace.name)
        present = self._store.find(NAMESPACE, namespace.name)
        if present is None or present.uid != namespace.uid or not present.is_deleting:
            return
        if present.status.get("phase") != "Terminating":
            self._store.update_status(present.key, {**present.status, "phase": "Terminating"})
            self._empty(namespace.name)
            self._let_go(present)

    def _contents(self, namespace: str) -> list[Resource[Any]]:
        kinds = [kind for kind in self._store.registry if kind.namespaced]
        return [resource for kind in kinds for resource in self._store.scan(kind, namespace)]

    def _empty(self, namespace: str) -> None:
        for resource in self._contents(namespace):
            self._drop(resource)

    def _drop(self, resource: Resource[Any]) -> None:
        present = self._store.find(resource.kind, resource.name, resource.namespace)
        if present is not None and present.uid == resource.uid and not present.is_deleting:
            self._store.delete(resource.kind, resource.name, resource.namespace)

    def _let_go(self, namespace: Resource[Any]) -> None:
        """Remove an empty namespace, or say what it waits for."""
        present = self._store.find(NAMESPACE, namespace.name)
        if present is None or present.uid != namespace.uid or not present.is_deleting:
            return
        left = self._contents(namespace.name)
        if left:
            conditions = written(_waits(left), present.status.get("conditions", ()), self._store.now())
            self._store.update_status(present.key, {"phase": "Terminating", "conditions": conditions})
        elif _FINALIZER in present.spec.finalizers:
            others = [name for name in present.spec.finalizers if name != _FINALIZER]
            self._store.update({**present.obj, "spec": {**present.obj["spec"], "finalizers": others}})


def _waits(left: list[Resource[Any]]) -> list[Condition]:
    kinds = Counter(resource.kind.resource for resource in left)
    holders = Counter(name for resource in left for name in resource.metadata.get("finalizers", ()))
    remaining = ", ".join(f"{kind} has {count} resource instances" for kind, count in sorted(kinds.items()))
    holding = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(holders.items()))
    content = f"Some resources are remaining: {remaining}"
    held = f"Some content in the namespace has finalizers remaining: {holding}"
    waits = [Condition.true("NamespaceContentRemaining", "SomeResourcesRemain", content)]
    return [*waits, Condition.true("NamespaceFinalizersRemaining", "SomeFinalizersRemain", held)] if holding else waits
