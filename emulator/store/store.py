"""The only truth: every object of a running kemu, with uid, resourceVersion, generation and watches.

Methods are plain functions: on one event loop that makes each write atomic without locks. A write that changes
nothing yields no new version and nobody hears of it; only a changed spec raises `generation`. Writers are the
manifests loader, the API and the Controller; readers hold `Resource`s, which never change under them.

Versions start at the wall clock's milliseconds, so that those of an earlier process are older than any of this one: a
client that watches on across a restart hears "too old" rather than nothing (spec kubernetes-api.md §1.6).

Observers are called synchronously after each write, in the order of writes; they may write in turn (their change is
announced after the present one).
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from emulator.lib.clock import Clock, rfc3339
from emulator.objects.errors import AlreadyExists, BadRequest, Conflict, Invalid, NotFound
from emulator.objects.kind import Json, Kind, Registry
from emulator.objects.problems import Problem
from emulator.objects.resource import Key, Resource
from emulator.objects.selectors import Selector
from emulator.store.admission import Request, Webhook, admit, admit_status, decode, kind_of
from emulator.store.managedfields import Manager, managed, settled
from emulator.store.watch import Change, ChangeType, History, Watch

S = TypeVar("S")
Observer = Callable[[Change], None]
MANIFESTS = "kemu:manifests"
CONTROLLER = "kemu:controller"
_NO_SPACES: Mapping[str, dict[str, Resource[Any]]] = {}
Propagation = Literal["Background", "Foreground", "Orphan"]
# What a deletion waits for (apimachinery meta/v1 FinalizerDeleteDependents, FinalizerOrphanDependents).
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_FINALIZERS = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
_DELETING = ("deletionTimestamp", "deletionGracePeriodSeconds")
_HISTORY = 20_000  # changes that a Watch can look back; a list plus its watch needs seconds of them


class Store:
    """Objects by kind, namespace and name. `config_maps` is the kind whose `data` admission may read.

    `webhooks` judge objects besides their kinds.
    """

    def __init__(
        self, registry: Registry, clock: Clock, config_maps: Kind[Any], webhooks: Sequence[Webhook] = ()
    ) -> None:
        self.registry = registry
        self.clock = clock
        self.config_maps = config_maps
        self.webhooks = webhooks
        self._tables: dict[Kind[Any], dict[str, dict[str, Resource[Any]]]] = {}
        self.version = int(clock.now().timestamp() * 1000)
        self._history = History(_HISTORY, self.version)
        self._observers: list[Observer] = []
        self._announcements: deque[Change] = deque()
        self._announcing = False

    # -- reading

    def find(self, kind: Kind[S], name: str, namespace: str = "") -> Resource[S] | None:
        return self._spaces(kind).get(namespace, {}).get(name)

    def get(self, kind: Kind[S], name: str, namespace: str = "") -> Resource[S]:
        """The object, or NotFound."""
        found = self.find(kind, name, namespace)
        if found is None:
            raise NotFound(kind.resource, name)
        return found

    def list(self, kind: Kind[S], namespace: str | None = None, selector: Selector | None = None) -> list[Resource[S]]:
        """Objects of a kind, by namespace and name; all namespaces when `namespace` is None or ""."""
        tables = self._spaces(kind)
        spaces = [namespace] if namespace else sorted(tables)
        found = [r for space in spaces for _, r in sorted(tables.get(space, {}).items())]
        return found if selector is None else [r for r in found if selector.matches(r.labels)]

    def scan(self, kind: Kind[S], namespace: str) -> Iterator[Resource[S]]:
        """Objects of one namespace ("" for cluster-scoped kinds) in no particular order, without the sorting."""
        yield from self._spaces(kind).get(namespace, {}).values()

    def config(self, name: str, namespace: str) -> Mapping[str, str]:
        """`data` of a ConfigMap; empty when there is none."""
        found = self.find(self.config_maps, name, namespace)
        data: Mapping[str, str] = found.obj.get("data") or {} if found else {}
        return data

    def watch(self, kind: Kind[Any] | None = None, namespace: str | None = None, since: int | None = None) -> Watch:
        """Changes after version `since` (default: the present), optionally of one kind or namespace; or Gone."""
        return self._history.watch(kind, namespace, self.version if since is None else since)

    def keep_changes(self, kept: bool) -> None:
        """Whether changes are kept for watches that begin before them. A Store keeps them unless told otherwise:
        before anybody can list, nobody can ask for them, and old states need memory.
        """
        self._history.keep(kept, self.version)

    def observe(self, observer: Observer) -> None:
        """Call `observer` after every write, for as long as this Store lives."""
        self._observers.append(observer)

    # -- from an earlier run

    def restore(self, objects: Iterable[Json], version: int) -> Sequence[tuple[Json, str]]:
        """Take over objects as they were stored, before anything is written; those that do not fit, each with why.

        `version` is the last that was given out for them. Nobody is told before `announce`.
        """
        unfit = []
        for obj in objects:
            try:
                kind = kind_of(obj, self.registry)
                resource = decode(kind, obj)
                version = max(version, resource.resource_version)
                self._hold(resource)
            except BadRequest as error:
                unfit.append((obj, error.message))
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                unfit.append((obj, f"{type(error).__name__}: {error}"))
        self.version = max(self.version, version + 1)
        self._history.begin(self.version)
        return unfit

    def announce(self) -> None:
        """Tell the observers of everything that is here, as if it came one by one. Watches are not told."""
        present = [r for spaces in self._tables.values() for objects in spaces.values() for r in objects.values()]
        for resource in sorted(present, key=lambda r: r.resource_version):
            self._announcements.append(Change("ADDED", resource, resource.resource_version))
        self._drain()
        self._history.begin(self.version)

    # -- writing

    def create(
        self, obj: Json, user: str = CONTROLLER, *, manager: Manager | None = None, dry_run: bool = False
    ) -> Resource[Any]:
        """Admit and store a new object; a `status` in it is dropped. A dry run stores nothing.

        What the object states is noted as the fields of `manager`, if one is given.
        """
        kind = kind_of(obj, self.registry)
        if kind.drops_status:
            obj = {k: v for k, v in obj.items() if k != "status"}
        uid = str(uuid.uuid4())
        admitted = admit(kind, obj, Request(None, user, self.config, uid, self._judges(dry_run)))
        if self.find(kind, admitted.name, admitted.namespace) is not None:
            raise AlreadyExists(kind.resource, admitted.name)
        metadata = admitted.obj["metadata"]
        for server_owned in ("resourceVersion", "deletionTimestamp", "selfLink"):
            metadata.pop(server_owned, None)
        metadata["uid"] = uid
        metadata["creationTimestamp"] = self.now()
        metadata["generation"] = 1
        if manager is not None:
            _note(admitted, managed(None, admitted.obj if kind.is_builtin else obj, kind, manager))
        return admitted if dry_run else self._put(admitted, "ADDED", None)

    def update(
        self, obj: Json, user: str = CONTROLLER, *, manager: Manager | None = None, dry_run: bool = False
    ) -> Resource[Any]:
        """Admit and store another state of an existing object, except its status. A dry run stores nothing.

        Conflict when the metadata carry a resourceVersion or uid that is not the stored one. What changes is noted as
        the fields of `manager`, if one is given.
        """
        kind = kind_of(obj, self.registry)
        metadata = obj.get("metadata") or {}
        namespace = (metadata.get("namespace") or "default") if kind.namespaced else ""
        old = self.get(kind, metadata.get("name", ""), namespace)
        _check_precondition(old, metadata)
        admitted = admit(kind, obj, Request(old, user, self.config, old.uid, self._judges(dry_run)))
        new = _with_server_fields(admitted, old)
        _check_finalizers(new, old)
        if manager is not None:
            # Kubernetes' own kinds are completed as they are decoded; Knative's webhooks come after this was noted.
            _note(new, managed(old.obj, new.obj if kind.is_builtin else obj, kind, manager))
        if _body(new) != _body(old):
            new.obj["metadata"]["generation"] = old.generation + 1
        if settled(new.obj, old.obj) == old.obj:
            return old
        return new if dry_run else self._replace(new, old)

    def _judges(self, dry_run: bool) -> Sequence[Webhook]:
        return tuple(webhook for webhook in self.webhooks if dry_run or not webhook.of_dry_runs)

    def update_status(
        self,
        key: Key,
        status: Mapping[str, Any],
        *,
        version: str = "",
        precondition: Json | None = None,
        manager: Manager | None = None,
        dry_run: bool = False,
    ) -> Resource[Any]:
        """Store another status, which is written in a version of the kind; nothing else of the object changes. A dry
        run stores nothing.

        NotFound if it is gone; Conflict when the metadata in `precondition` are not the stored ones. Their
        `managedFields`, if any, are taken along; with a `manager`, what changes is noted as its fields.
        """
        old = self.get(key.kind, key.name, key.namespace)
        _check_precondition(old, precondition or {})
        metadata = {**old.metadata}
        if precondition and "managedFields" in precondition:
            metadata["managedFields"] = precondition["managedFields"]
        admitted = admit_status(old, dict(status), version)
        if old.status == admitted and metadata == old.metadata:
            return old
        new = Resource(old.kind, {**old.obj, "metadata": metadata, "status": admitted}, old.spec)
        if manager is not None:
            _note(new, managed(old.obj, new.obj, old.kind, manager))
        return new if dry_run else self._put(new, "MODIFIED", old)

    def patch_metadata(
        self,
        key: Key,
        *,
        labels: Mapping[str, str | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
        finalizers: Sequence[str] | None = None,
    ) -> Resource[Any]:
        """Set (or with None remove) labels and annotations, replace finalizers; admission is not asked."""
        old = self.get(key.kind, key.name, key.namespace)
        metadata = dict(old.metadata)
        for field, changes in (("labels", labels), ("annotations", annotations)):
            if changes is not None:
                merged = {**metadata.get(field, {}), **changes}
                metadata[field] = {k: v for k, v in merged.items() if v is not None}
        if finalizers is not None:
            metadata["finalizers"] = [*finalizers]
        metadata = {k: v for k, v in metadata.items() if v not in ({}, []) or k in old.metadata}
        if metadata == old.metadata:
            return old
        return self._replace(Resource(old.kind, {**old.obj, "metadata": metadata}, old.spec), old)

    def delete(
        self,
        kind: Kind[Any],
        name: str,
        namespace: str = "",
        *,
        propagation: Propagation = "Background",
        preconditions: Mapping[str, str] | None = None,
        dry_run: bool = False,
    ) -> Resource[Any]:
        """Remove the object, or mark it as deleting while finalizers are left. What follows for its children is
        `control/`'s work, which the finalizers of `propagation` wait for. Conflict when its uid or resourceVersion is
        not that of `preconditions`. A dry run stores nothing.
        """
        old = self.get(kind, name, namespace)
        _check_deletion(old, preconditions or {})
        finalizers = [*old.metadata.get("finalizers", ())]
        marks = [_FINALIZERS.get(propagation, ""), "" if old.is_deleting else kind.finalizer]
        finalizers += [mark for mark in marks if mark and mark not in finalizers]
        if dry_run or (old.is_deleting and finalizers == [*old.metadata.get("finalizers", ())]):
            return old
        if not finalizers and not kind.holds(old):
            return self._remove(old)
        times = {"deletionTimestamp": self.now(), "deletionGracePeriodSeconds": 0} if not old.is_deleting else {}
        held = {"finalizers": finalizers} if finalizers else {}
        obj = {**old.obj, "metadata": {**old.metadata, **times, **held}}
        return self._put(Resource(kind, obj, old.spec), "MODIFIED", old)

    def now(self) -> str:
        """The present as metav1.Time."""
        return rfc3339(self.clock.now())

    # -- inside

    def _spaces(self, kind: Kind[Any]) -> Mapping[str, dict[str, Resource[Any]]]:
        """The objects of a kind by namespace and name. Kinds come and go, so a table lives as long as its objects."""
        return self._tables.get(kind, _NO_SPACES)

    def _replace(self, new: Resource[S], old: Resource[S]) -> Resource[S]:
        if new.is_deleting and not new.metadata.get("finalizers") and not new.kind.holds(new):
            return self._remove(new)
        return self._put(new, "MODIFIED", old)

    def _put(self, resource: Resource[S], type_: ChangeType, old: Resource[S] | None) -> Resource[S]:
        self.version += 1
        resource.obj["metadata"]["resourceVersion"] = str(self.version)
        self._hold(resource)
        self._announce(Change(type_, resource, self.version, old))
        return resource

    def _hold(self, resource: Resource[Any]) -> None:
        spaces = self._tables.setdefault(resource.kind, {})
        spaces.setdefault(resource.namespace, {})[resource.name] = resource

    def _remove(self, resource: Resource[S]) -> Resource[S]:
        self.version += 1
        spaces = self._tables[resource.kind]
        del spaces[resource.namespace][resource.name]
        if not spaces[resource.namespace]:
            del spaces[resource.namespace]
        if not spaces:
            del self._tables[resource.kind]
        obj = {**resource.obj, "metadata": {**resource.metadata, "resourceVersion": str(self.version)}}
        gone = Resource(resource.kind, obj, resource.spec)
        self._announce(Change("DELETED", gone, self.version, resource))
        return gone

    def _announce(self, change: Change) -> None:
        self._announcements.append(change)
        self._drain()

    def _drain(self) -> None:
        if self._announcing:
            return
        self._announcing = True
        try:
            while self._announcements:
                present = self._announcements.popleft()
                self._history.append(present)
                for observer in self._observers:
                    observer(present)
        finally:
            self._announcing = False


def _note(resource: Resource[Any], entries: Sequence[Json]) -> None:
    """Set managedFields of an object that is being made."""
    resource.obj["metadata"].pop("managedFields", None)
    if entries:
        resource.obj["metadata"]["managedFields"] = [*entries]


def _body(resource: Resource[Any]) -> Json:
    aside = ("metadata", "status") if resource.kind.drops_status else ("metadata",)
    return {k: v for k, v in resource.obj.items() if k not in aside}


def _check_precondition(old: Resource[Any], metadata: Mapping[str, Any]) -> None:
    stale = "the object has been modified; please apply your changes to the latest version and try again"
    version = metadata.get("resourceVersion")
    if version and version != old.metadata["resourceVersion"]:
        raise Conflict(old.kind.resource, old.name, stale)
    uid = metadata.get("uid")
    if uid and uid != old.uid:
        raise Conflict(old.kind.resource, old.name, f"the UID in the precondition ({uid}) does not match ({old.uid})")


def _check_deletion(old: Resource[Any], preconditions: Mapping[str, str]) -> None:
    """Followed: apiserver pkg/registry/generic/registry/store.go, storage.Preconditions.Check."""
    for field, named, present in (
        ("uid", "UID", old.uid),
        ("resourceVersion", "ResourceVersion", old.metadata["resourceVersion"]),
    ):
        asked = preconditions.get(field)
        if asked and asked != present:
            why = f"Precondition failed: {named} in precondition: {asked}, {named} in object meta: {present}"
            raise Conflict(old.kind.resource, old.name, why)


def _check_finalizers(new: Resource[Any], old: Resource[Any]) -> None:
    """Followed: apimachinery pkg/api/validation/objectmeta.go, ValidateObjectMetaAccessorUpdate."""
    added = [f for f in new.metadata.get("finalizers") or () if f not in (old.metadata.get("finalizers") or ())]
    if old.is_deleting and added:
        listed = ", ".join(f'"{name}"' for name in sorted(added))
        said = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string"
        problem = Problem(("metadata", "finalizers"), f"{said}{{{listed}}}", "FieldValueForbidden")
        raise Invalid(old.kind.qualified, old.name, [problem])


def _with_server_fields(admitted: Resource[S], old: Resource[S]) -> Resource[S]:
    metadata = admitted.obj["metadata"]
    for server_owned in ("uid", "creationTimestamp", "generation", "resourceVersion", *_DELETING):
        metadata.pop(server_owned, None)
        if server_owned in old.metadata:
            metadata[server_owned] = old.metadata[server_owned]
    metadata.pop("selfLink", None)
    obj = {**admitted.obj, "metadata": dict(sorted(metadata.items()))}
    if admitted.kind.drops_status:
        obj.pop("status", None)
        if "status" in old.obj:
            obj["status"] = old.obj["status"]
    return Resource(admitted.kind, obj, admitted.spec)


__all__ = ["CONTROLLER", "MANIFESTS", "Store", "decode"]
