"""Serves what CustomResourceDefinitions define, for as long as they are there.

Told by the Store of every change, it adds, redefines and removes Kinds in the Registry at once, so that a kind can be
used as soon as the answer about its definition is out. It writes the definitions' status. Deleting a definition deletes
its objects first (finalizer `customresourcecleanup.apiextensions.k8s.io`); while that goes on, none can be made. kemu's
own kinds have definitions, too: readable as any, but what they say changes nothing, and a deleted one comes back.

Follows apiextensions-apiserver pkg/controller/{finalizer,establish,status}.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from emulator.lib.report import report, trouble
from emulator.objects.conditions import Condition, written
from emulator.objects.kind import Json, Kind
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.crds import CLEANUP, CUSTOM_RESOURCE_DEFINITION, DefinitionSpec, is_established
from emulator.workloads.customkinds import custom_kind, standing, unserved_versions

logger = logging.getLogger(__name__)

_READING = ("delete", "deletecollection", "get", "list", "watch")
Definition = Resource[DefinitionSpec]
DefinitionOf = Callable[[Kind[Any]], Json | None]


class Definitions:
    """The definitions of a running kemu. `own` describes a kind of kemu's as a definition, or says that it has none.

    `later` are kinds that kemu will run itself one day: their definitions are accepted, and clients may list what there
    is of them (nothing), but no object can be made, since one that nothing acts on would look as if it worked.
    """

    def __init__(self, store: Store, own: DefinitionOf, later: Iterable[str] = ()) -> None:
        self._store = store
        self._own: dict[str, Json] = {}
        self._later = frozenset(later)
        self._kinds: dict[str, Kind[Any]] = {}
        self._told: set[tuple[str, str]] = set()
        for kind in store.registry:
            if (described := own(kind)) is not None:
                self._own[kind.resource] = described
        store.observe(self._changed)
        for definition in store.list(CUSTOM_RESOURCE_DEFINITION):
            self._begin(definition)
        for name in self._own:
            self._restore(name)

    def _begin(self, definition: Definition) -> None:
        """Take up a definition of an earlier run. Its objects come after it, so one that is going waits for those."""
        if not definition.is_deleting:
            self._settle(definition)
        elif definition.name not in self._own:
            self._serve(definition)

    def _restore(self, name: str) -> None:
        if self._store.find(CUSTOM_RESOURCE_DEFINITION, name) is None:
            self._store.create(self._own[name])

    def _changed(self, change: Change) -> None:
        resource = change.resource
        if resource.kind is CUSTOM_RESOURCE_DEFINITION:
            if change.type == "DELETED":
                self._gone(resource)
            else:
                self._settle(resource)
        elif change.type == "DELETED" and resource.kind.resource in (*self._kinds, *self._own):
            definition = self._store.find(CUSTOM_RESOURCE_DEFINITION, resource.kind.resource)
            if definition is not None and definition.is_deleting:
                self._empty(definition)

    # -- coming and changing

    def _settle(self, told: Definition) -> None:
        definition = self._store.find(CUSTOM_RESOURCE_DEFINITION, told.name)
        if definition is None or definition.uid != told.uid:
            return  # gone by the time that its change is told
        if definition.is_deleting:
            self._empty(definition)
            return
        others = [d for d in self._same_group(definition) if d.name != definition.name]
        status = standing(definition, others, self._store.now())
        definition = self._store.update_status(definition.key, status)
        if is_established(definition) and definition.name not in self._own:
            self._serve(definition)

    def _same_group(self, definition: Definition) -> list[Definition]:
        listed = self._store.list(CUSTOM_RESOURCE_DEFINITION)
        return [d for d in listed if d.spec.group == definition.spec.group]

    def _serve(self, definition: Definition) -> None:
        """Have the Registry in line with a definition."""
        kind, present = custom_kind(definition), self._kinds.get(definition.name)
        is_later = definition.name in self._later
        if kind is not None and is_later:
            kind = replace(kind, verbs=_READING)
        if kind is not None and present is not None:
            self._store.registry.redefine(present, kind)
        elif kind is not None:
            self._kinds[definition.name] = kind
            self._store.registry.add(kind)
        elif present is not None:
            self._store.registry.remove(present)
            del self._kinds[definition.name]
        if is_later:
            said = "definitions of kinds that kemu does not run yet are kept, but no object can be made of them: %s"
            self._tell_once("", "later", said, ", ".join(sorted(name.partition(".")[0] for name in self._later)))
        else:
            self._tell(definition)

    def _tell(self, definition: Definition) -> None:
        if unserved := unserved_versions(definition):
            said = "%s is served in its stored version only, not in %s: kemu calls no conversion webhooks"
            self._tell_once(definition.name, "conversion", said, definition.name, ", ".join(unserved))
        if any(_has_rules(v.schema_.open_api_v3_schema) for v in definition.spec.versions if v.schema_):
            said = "rules in x-kubernetes-validations of %s are kept, but not evaluated"
            self._tell_once(definition.name, "rules", said, definition.name)

    def _tell_once(self, name: str, what: str, message: str, *args: object) -> None:
        if (name, what) not in self._told:
            self._told.add((name, what))
            trouble(logger, "CustomResourceDefinition", message, *args)

    # -- going

    def _empty(self, definition: Definition) -> None:
        """Delete the objects of a definition that is being deleted; when none is left, let it go."""
        if CLEANUP not in definition.metadata.get("finalizers", ()):
            return
        kind = self._kinds.get(definition.name) or self._own_kind(definition)
        if kind is not None:
            if "create" in kind.verbs and definition.name in self._kinds:
                verbs = tuple(verb for verb in kind.verbs if verb != "create")
                self._store.registry.redefine(kind, replace(kind, verbs=verbs))
            for resource in self._store.list(kind):
                if not resource.is_deleting:
                    self._store.delete(kind, resource.name, resource.namespace)
            if self._store.list(kind):
                self._write_terminating(definition)
                return
        present = self._store.find(CUSTOM_RESOURCE_DEFINITION, definition.name)
        if present is not None and present.uid == definition.uid:
            left = [name for name in present.metadata.get("finalizers", ()) if name != CLEANUP]
            self._store.patch_metadata(present.key, finalizers=left)

    def _own_kind(self, definition: Definition) -> Kind[Any] | None:
        spec = definition.spec
        return self._store.registry.of_group(spec.group, spec.names.kind) if definition.name in self._own else None

    def _write_terminating(self, definition: Definition) -> None:
        said = "CustomResource deletion is in progress"
        before = definition.status.get("conditions", ())
        kept = [Condition.read(c) for c in before if c["type"] != "Terminating"]
        terminating = Condition.true("Terminating", "InstanceDeletionInProgress", said)
        conditions = written([*kept, terminating], before, self._store.now())
        self._store.update_status(definition.key, {**definition.status, "conditions": conditions})

    def _gone(self, definition: Definition) -> None:
        kind = self._kinds.pop(definition.name, None)
        if kind is not None:
            self._store.registry.remove(kind)
        if definition.name in self._own:
            said = "%s is kemu's own: its objects are gone, the kind stays"
            report(logger, "CustomResourceDefinition", said, definition.name)
            self._restore(definition.name)
            return
        for other in self._same_group(definition):
            self._settle(other)


def _has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "x-kubernetes-validations" in schema or any(_has_rules(inner) for inner in schema.values())
    return isinstance(schema, list) and any(map(_has_rules, schema))
