"""From files to the Store: read all, judge all, then apply all; remove what left the files.

A load either fits as a whole or nothing of it is applied. Judging uses the ConfigMaps and operators of the same load.
What the load itself says is merged three ways with what others wrote to an object since; what they wrote stays until
its document changes. The ledger knows what was said last, also in an earlier run: what left the files since goes.
Objects made by the first load are marked asleep (`asleep.py`); the mark goes when the document changes. An object that
stands several times in one file is applied as often, in that order, as `kubectl apply -f` does; in two files that is a
fault, unless both say the same. A namespace that is named but not defined comes to be, unlike on a cluster. Kinds that
the load itself defines can be used in it. Reading may run in a thread, the rest is for the loop.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulator.manifests.asleep import START, as_made
from emulator.manifests.diagnostics import Diagnostic, ManifestFaults, of_problems, unknown_kind
from emulator.manifests.documents import Document
from emulator.manifests.files import STDIN, Source, read_sources
from emulator.manifests.foreign import parsed, skipped
from emulator.objects.kind import Json, Kind
from emulator.objects.model import written_fidelity
from emulator.objects.modelschemas import structural
from emulator.objects.names import short_hash
from emulator.objects.platform import is_platform
from emulator.objects.problems import Problem, dotted
from emulator.objects.resource import Key, Resource
from emulator.objects.structural import pruned
from emulator.store.admission import Faulty, Request, examine
from emulator.store.ledger import Ledger, Stated
from emulator.store.merge import merged
from emulator.store.store import MANIFESTS, Store

# What others are judged by comes first.
_FIRST = ("CustomResourceDefinition", "Namespace", "ConfigMap", "Secret", "KnativeServing", "KnativeEventing")

_DEFINITION = "CustomResourceDefinition"

ConfigMapsOf = Callable[[Resource[Any]], list[Json]]
KindOf = Callable[[Resource[Any]], Kind[Any] | None]


@dataclass(frozen=True)
class Wanted:
    """One object of a load, where it stands, and as it was written. `earlier` is what the same file says before."""

    key: Key
    value: Json
    file: str
    document: Document
    resource: Resource[Any]
    earlier: tuple[Wanted, ...] = ()


@dataclass
class _Load:
    """What is known half way through judging a load."""

    faults: list[Diagnostic]
    config: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    seen: dict[Key, Wanted] = field(default_factory=dict)
    kinds: dict[tuple[str, str], Kind[Any]] = field(default_factory=dict)
    """Kinds by `apiVersion` and name, as the definitions of this load have them."""


@dataclass
class Applied:
    """What a load did, by kind of change, for the user."""

    created: list[Key] = field(default_factory=list)
    configured: list[Key] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        return not (self.created or self.configured or self.removed)

    def __str__(self) -> str:
        parts = [
            f"{', '.join(f'{key.kind.name} {key.name}' for key in keys)} {word}"
            for word, keys in (("created", self.created), ("configured", self.configured), ("removed", self.removed))
            if keys
        ]
        return "; ".join(parts) or "nothing changed"


class Loader:
    """The manifests of one `kemu up`.

    `operators` gives the ConfigMaps that an operator's object stands for, `kind_of` the kind that a definition brings.
    """

    def __init__(
        self,
        store: Store,
        paths: Sequence[Path],
        operators: Mapping[str, ConfigMapsOf],
        ledger: Ledger | None = None,
        kind_of: KindOf = lambda definition: None,
    ) -> None:
        self.paths = tuple(paths)
        self._store = store
        self._operators = operators
        self._ledger = Ledger() if ledger is None else ledger
        self._kind_of = kind_of
        self._is_first = True
        self._stdin: list[Source] | None = None
        self._foreign: list[str] = []
        self._told_foreign: list[str] = []
        self.told: list[Diagnostic] = []
        """The faults of the last load, when it was refused."""
        self.as_made: Callable[[Json], Json] = as_made
        """Gives each object of the first load as it is to be at the start."""
        self.settle: Callable[[], None] = lambda: None
        """Lets the reconcilers see an object between two documents about it."""

    def read(self) -> list[tuple[Source, list[Document | Diagnostic] | None]]:
        """Read and parse every file. Blocks. What stdin said counts for every load: it can be read only once."""
        if self._stdin is None:
            self._stdin = read_sources([path for path in self.paths if str(path) == STDIN])
        files = read_sources([path for path in self.paths if str(path) != STDIN])
        return [(source, parsed(source)) for source in (*self._stdin, *files)]

    def check(self, sources: Sequence[tuple[Source, list[Document | Diagnostic] | None]]) -> list[Wanted]:
        """Judge a whole load; ManifestFaults with every fault of it."""
        faults: list[Diagnostic] = []
        documents: list[tuple[str, Document]] = []
        self._foreign = [source.name for source, items in sources if items is None]
        for source, items in sources:
            for item in items or ():
                if isinstance(item, Diagnostic):
                    faults.append(item)
                else:
                    documents.append((source.name, item))
        wanted = self._judge(documents, faults)
        if faults:
            raise ManifestFaults(faults)
        return wanted

    def apply(self, wanted: Sequence[Wanted]) -> Applied:
        """Bring the Store in line with a checked load."""
        applied = Applied()
        if self._foreign and self._foreign != self._told_foreign:
            applied.notes.append(skipped(self._foreign))
        self._told_foreign = self._foreign
        present = set()
        for judged in wanted:
            item = self._of_served_kind(judged)
            if item is None:
                applied.notes.append(_unserved(judged))
                continue
            present.add(item.key)
            self._ensure_namespace(item.key)
            last = self._ledger.of(item.key)
            if last is None or last.value != item.value or self._is_missing(item.key):
                for step in item.earlier:
                    self._apply(step, applied)
                    self.settle()
                self._apply(item, applied)
            else:
                self._ledger.note(item.key, replace(last, file=item.file))
                applied.notes += _fidelity_notes(item) if self._is_first else []
            if item.key.kind.name in self._operators:
                self._apply_config(self._store.get(item.key.kind, item.key.name, item.key.namespace))
        spaces = {key.namespace for key in present}
        for key in [key for key in self._ledger if key not in present]:
            self._ledger.note(key, None)
            if key.kind.name == "Namespace" and key.name in spaces:
                continue  # what is still said lives in it
            if self._store.find(key.kind, key.name, key.namespace) is not None:
                self._store.delete(key.kind, key.name, key.namespace)
                applied.removed.append(key)
        self._is_first = False
        return applied

    # -- judging

    def _judge(self, documents: list[tuple[str, Document]], faults: list[Diagnostic]) -> list[Wanted]:
        load = _Load(faults)
        for file, document in sorted(documents, key=lambda pair: not _comes_first(pair[1])):
            item = self._judged(file, document, load)
            if item is None:
                continue
            first = load.seen.get(item.key)
            if first is not None and first.file != file:
                if first.value != item.value:  # Knative's releases have the same definitions in two files
                    faults.append(_twice(item, first))
                continue
            load.seen[item.key] = item if first is None else replace(item, earlier=(*first.earlier, first))
            self._take_config(item, load)
        return list(load.seen.values())

    def _judged(self, file: str, document: Document, load: _Load) -> Wanted | None:
        value: Json = _named(document.value)
        served = self._store.registry.of(str(value["apiVersion"]), str(value["kind"]))
        kind = load.kinds.get((str(value["apiVersion"]), str(value["kind"]))) or served
        if kind is None or "create" not in kind.verbs:
            load.faults.append(unknown_kind(file, document, self._store.registry))
            return None
        found = value.get("metadata")
        metadata: Json = found if isinstance(found, dict) else {}
        space = str(metadata.get("namespace") or "default") if kind.namespaced else ""
        key = Key(served or kind, space, _name(metadata))
        before = load.seen.get(key)
        old = before.resource if before is not None else self._store.find(kind, key.name, key.namespace)

        def read_config(name: str, space: str) -> Mapping[str, str]:
            return load.config.get((space, name)) or self._store.config(name, space)

        try:
            resource = examine(kind, value, Request(old, MANIFESTS, read_config, webhooks=self._store.webhooks))
            _check_fields(kind, value)
        except Faulty as faulty:
            load.faults += of_problems(file, document, faulty.problems)
            return None
        return Wanted(resource.key._replace(kind=key.kind), value, file, document, resource)

    def _take_config(self, item: Wanted, load: _Load) -> None:
        """Objects of this load that later ones are judged by."""
        kind = item.key.kind.name
        if kind == "ConfigMap":
            load.config[item.key.namespace, item.key.name] = item.value.get("data") or {}
        elif kind == _DEFINITION:
            self._take_definition(item, load)
        elif kind in self._operators:
            for config_map in self._operators[kind](item.resource):
                metadata = config_map["metadata"]
                load.config[metadata["namespace"], metadata["name"]] = config_map["data"]

    def _take_definition(self, item: Wanted, load: _Load) -> None:
        made = self._kind_of(item.resource)
        if made is None:
            return
        served = self._store.registry.of_group(made.group, made.name)
        if served is None or served.shape is not None:  # what a definition says of kemu's own kinds changes nothing
            load.kinds |= {(f"{made.group}/{version}", made.name): made for version in made.versions}

    # -- applying

    def _of_served_kind(self, item: Wanted) -> Wanted | None:
        """The object under the kind that is served by now; None where its definition was not accepted."""
        kind = item.key.kind
        served = self._store.registry.of_group(kind.group, kind.name)
        return replace(item, key=item.key._replace(kind=served)) if served is not None else None

    def _is_missing(self, key: Key) -> bool:
        """Whether the start has to make an object again that was deleted; later its deletion is an edit."""
        return self._is_first and self._store.find(key.kind, key.name, key.namespace) is None

    def _ensure_namespace(self, key: Key) -> None:
        kind = self._store.registry.of("v1", "Namespace")
        if kind is not None and key.namespace and self._store.find(kind, key.namespace) is None:
            self._store.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key.namespace}}, MANIFESTS
            )

    def _apply(self, item: Wanted, applied: Applied) -> None:
        before = self._ledger.of(item.key)
        present = self._store.find(item.key.kind, item.key.name, item.key.namespace)
        if present is None:
            stored = self._store.create(self.as_made(item.value) if self._is_first else item.value, MANIFESTS)
            applied.created.append(item.key)
        else:
            stored = self._store.update(self._merged(item, present, before.value if before else {}), MANIFESTS)
            if stored is not present and item.key not in (*applied.created, *applied.configured):
                applied.configured.append(item.key)
        if stored is not present:
            applied.notes += _fidelity_notes(item)
        self._ledger.note(item.key, Stated(item.file, item.value, stored.generation))

    def _merged(self, item: Wanted, present: Resource[Any], before: Json) -> Json:
        value = merged({**present.obj}, before, {**item.value, "metadata": _with_namespace(item)})
        if START in present.annotations and not self._is_first:
            annotations = {k: v for k, v in present.annotations.items() if k != START}
            value = {**value, "metadata": {**value["metadata"], "annotations": {**annotations, **_written(item)}}}
        return value

    def _apply_config(self, operator: Resource[Any]) -> None:
        """An operator's ConfigMaps at once: what comes after it in this load is admitted by them."""
        for config_map in self._operators[operator.kind.name](operator):
            metadata = {**config_map["metadata"], "ownerReferences": [operator.owner_reference()]}
            kind = self._store.registry.of(config_map["apiVersion"], config_map["kind"])
            present = self._store.find(kind, metadata["name"], metadata["namespace"]) if kind else None
            if present is None:
                self._store.create({**config_map, "metadata": metadata})
            elif present.is_controlled_by(operator):
                self._store.update({**present.obj, "data": config_map["data"]})
            elif present.controller is None:
                owned = {**present.metadata, "ownerReferences": metadata["ownerReferences"]}
                self._store.update({**present.obj, "metadata": owned, "data": config_map["data"]})


def _check_fields(kind: Kind[Any], value: Json) -> None:
    """Faulty with all fields that a kind of a definition does not have: its schema would drop them without a word."""
    if kind.shape is None:
        return
    body = {key: inner for key, inner in value.items() if key != "metadata"}
    _, unknown = pruned(structural(kind, str(value["apiVersion"]).rpartition("/")[2]), body)
    if unknown:
        raise Faulty([Problem(path, "unknown field") for path in unknown], by_rule=False)


def _unserved(item: Wanted) -> str:
    at = item.document.position(("kind",))
    said = f"{item.key.kind.qualified} is not served: its definition was not accepted, see its conditions"
    return f"{item.file}:{at.line}:{at.column} {said}"


def _twice(item: Wanted, first: Wanted) -> Diagnostic:
    at = first.document.position(("metadata", "name"))
    said = f"metadata.name: {item.key} is there twice, first at {first.file}:{at.line}; rename or remove one"
    return Diagnostic(item.file, item.document.position(("metadata", "name")), said)


def _named(value: Json) -> Json:
    """The object with a name: for one that only has the beginning of it, the same at each load."""
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or "name" in metadata or not isinstance(metadata.get("generateName"), str):
        return value
    name = metadata["generateName"] + short_hash(json.dumps(value, sort_keys=True))[:5]
    return {**value, "metadata": {**metadata, "name": name}}


def _name(metadata: Json) -> str:
    return str(metadata.get("name", ""))


def _comes_first(document: Document) -> bool:
    return isinstance(document.value, dict) and document.value.get("kind") in _FIRST


def _with_namespace(item: Wanted) -> Json:
    metadata = dict(item.value["metadata"])
    return {**metadata, "namespace": item.key.namespace} if item.key.namespace else metadata


def _written(item: Wanted) -> Json:
    return dict(item.value["metadata"].get("annotations") or {})


def _fidelity_notes(item: Wanted) -> list[str]:
    """A line for each field the user wrote that kemu does not carry out as a cluster would."""
    resource = item.resource
    if is_platform(resource):
        return []  # it is not started at all, which is said once
    prefix: tuple[str | int, ...] = () if resource.kind.root else ("spec",)
    ignored = sorted(
        (item.document.position(path), dotted(path), why)
        for path, fidelity, why in written_fidelity(resource.spec, prefix)
        if fidelity == "ignored" and path in item.document.positions
    )
    return [f"{item.file}:{at.line}:{at.column} {field} has no effect here: {why}" for at, field, why in ignored]
