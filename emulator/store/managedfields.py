"""Who manages which fields of an object: `metadata.managedFields`, and server-side apply.

Pure. `managed` is for creates, replacements and patches: what a writer changes is its own from then on. `applied` is
for applied configurations: what one states is its manager's, a change of what others own is an ApplyConflict, and what
it stated before and no longer states goes unless others own it. Called for writes of the API only; objects that were
made otherwise carry no managedFields until somebody applies to them. Followed: apimachinery pkg/util/managedfields
(fieldmanager.go and the managers that it stacks up), structured-merge-diff/v6 merge/update.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from emulator.objects.errors import ApplyConflict, BadRequest, NotTyped
from emulator.objects.kind import Json, Kind
from emulator.objects.mergerules import MergeRule, rule_of
from emulator.store.fieldsets import FieldPath, FieldSet, text_of
from emulator.store.fieldwise import Untyped, compared, fields_of, merged, removed
from emulator.store.managers import Entries, Entry, Key, capped, decoded_or_none, encoded

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_BEFORE_FIRST_APPLY = "before-first-apply"
_SYSTEM = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation")
_NOBODYS = FieldSet.of(
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(("f:metadata", f"f:{name}") for name in (*_SYSTEM, "managedFields", "resourceVersion")),
)


@dataclass(frozen=True)
class Manager:
    """Who writes: a name, the apiVersion that it speaks, RFC 3339's present, and the part of the object."""

    name: str
    api_version: str
    now: str
    subresource: str = ""


def managed(old: Json | None, new: Json, kind: Kind[Any], by: Manager) -> list[Json]:
    """The managedFields of `new`, which `by` has made of `old` (None: it is created).

    Those that the client sends count; none at all are the old ones', and an empty list forgets them.
    """
    entries = _entries_to_update(old or {}, new, by)
    if old is not None and not entries:
        return []
    try:
        return encoded(capped(_updated(entries, old, new, kind, by)))
    except Untyped:
        return list((old or {}).get("metadata", {}).get("managedFields") or ())


def applied(live: Json | None, config: Json, kind: Kind[Any], by: Manager, *, force: bool = False) -> Json:
    """The object that `live` (None: there is none yet) becomes by the configuration; ApplyConflict, BadRequest,
    NotTyped.
    """
    if (config.get("metadata") or {}).get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    rule = rule_of(kind)
    try:
        stated = fields_of(config, rule)
    except Untyped as untyped:
        raise NotTyped(config, str(untyped)) from None
    entries = decoded_or_none((live or {}).get("metadata", {}).get("managedFields"))
    if live is not None and not entries:
        entries = _updated({}, None, live, kind, replace(by, name=_BEFORE_FIRST_APPLY))
    before = _bare(live) if live is not None else {"apiVersion": kind.api_version, "kind": kind.name}
    application = _Application(before, config, stated.without(_reset(kind, by)), rule, by, _reset(kind, by))
    new, entries = application.run(entries, force)
    if by.name == "kubectl" and new.get("metadata", {}).get("annotations", {}).get(LAST_APPLIED):
        new = _with_annotation(new, _last_applied(config))
    return _with_entries(new, entries)


def settled(new: Json, old: Json) -> Json:
    """`new`, or `old` when only the times of managedFields are others: such a write changes nothing.

    Followed: apiserver pkg/endpoints/handlers/fieldmanager/equality.go.
    """
    mine, theirs = (obj["metadata"].get("managedFields") for obj in (new, old))
    if not mine or not theirs or len(mine) != len(theirs) or mine == theirs:
        return new
    timeless = [[{k: v for k, v in entry.items() if k != "time"} for entry in entries] for entries in (mine, theirs)]
    if timeless[0] != timeless[1]:
        return new
    return old if {**new, "metadata": {**new["metadata"], "managedFields": theirs}} == old else new


# -- updating


def _entries_to_update(old: Json, new: Json, by: Manager) -> Entries:
    theirs = old.get("metadata", {}).get("managedFields")
    if by.subresource:
        return decoded_or_none(theirs)
    given = (new.get("metadata") or {}).get("managedFields")
    if given in ([], [{}]):
        return {}
    return decoded_or_none(given) or decoded_or_none(theirs)


def _updated(entries: Entries, old: Json | None, new: Json, kind: Kind[Any], by: Manager) -> Entries:
    """The entries once `by` has made `new` of `old`."""
    before = _bare(old) if old is not None else _nothing(kind)
    if kind.is_builtin and kind.has_status:
        before, new = {"status": {}, **before}, {"status": {}, **new}
    changes = compared(before, _bare(new), rule_of(kind)).without(_reset(kind, by))
    touched = changes.modified.union(changes.added)
    found = _left(entries, dict.fromkeys(entries, touched.union(changes.removed)))
    own = touched.difference(_NOBODYS)
    if own:
        key = Key(by.name or "unknown", "Update", by.api_version, by.subresource)
        if (present := found.get(key)) is not None:
            own = own.union(present.fields)
        found[key] = Entry(by.api_version, own, by.now)
    return found


def _left(entries: Entries, lost: Mapping[Key, FieldSet]) -> Entries:
    """The entries without what they have lost, if anything is left of them."""
    found = {
        key: replace(entry, fields=entry.fields.difference(lost[key])) if key in lost else entry
        for key, entry in entries.items()
    }
    return {key: entry for key, entry in found.items() if entry.fields}


# -- applying


class _Conflicts(Exception):
    def __init__(self, fields: Mapping[Key, FieldSet]) -> None:
        self.fields = fields


@dataclass(frozen=True)
class _Application:
    """One configuration on its way into an object. `live` is without managedFields."""

    live: Json
    config: Json
    stated: FieldSet
    rule: MergeRule
    by: Manager
    reset: FieldSet

    def run(self, entries: Entries, force: bool) -> tuple[Json, Entries]:
        """The new object and who manages it; ApplyConflict."""
        try:
            return self._merged(entries, force)
        except _Conflicts as conflicts:
            left = conflicts.fields
            if self.by.name == "kubectl":
                allowed = self._from_client_side_apply()
                left = {key: fields.difference(allowed) for key, fields in left.items()}
                if not any(left.values()):
                    return self._merged(entries, True)
            raise ApplyConflict([*_told(left)]) from None

    def _merged(self, entries: Entries, force: bool) -> tuple[Json, Entries]:
        key = Key(self.by.name, "Apply", "", self.by.subresource)
        last = entries.get(key)
        entries = {**entries, key: Entry(self.by.api_version, self.stated, last.time if last else "")}
        new = merged(self.live, self.config, self.rule)
        if last is not None:
            new = self._pruned(new, entries, last.fields)
        changes = compared(self.live, new, self.rule).without(self.reset)
        touched = changes.modified.union(changes.added)
        taken = {other: entry.fields.intersection(touched) for other, entry in entries.items() if other != key}
        taken = {other: fields for other, fields in taken.items() if fields}
        if taken and not force:
            raise _Conflicts(taken)
        lost = {other: taken.get(other, FieldSet()).union(changes.removed) for other in entries if other != key}
        entries = _left(entries, lost)
        own = self.stated.difference(_NOBODYS)
        entries.pop(key, None)
        if own:
            time = self.by.now if new != self.live else last.time if last else ""
            entries[key] = Entry(self.by.api_version, own, time)
        return new, entries

    def _pruned(self, merged_object: Json, entries: Entries, last: FieldSet) -> Json:
        """Without what was stated last time, is no more, and is nobody else's."""
        if not last.difference(self.stated):
            return merged_object
        rule = self.rule
        last = last.with_named(rule)
        owned = FieldSet()
        for entry in entries.values():
            owned = owned.union(entry.fields)
        present = fields_of(merged_object, rule, unique=False).with_named(rule)
        pruned = removed(merged_object, last, rule) or {}
        kept = fields_of(pruned, rule, unique=False).with_named(rule).union(owned.with_named(rule))
        pruned = removed(merged_object, present.difference(kept), rule) or {}
        kept = fields_of(pruned, rule, unique=False).with_named(rule)
        left: Json = removed(merged_object, present.difference(kept).intersection(last), rule) or {}
        return left

    def _from_client_side_apply(self) -> FieldSet:
        """What kubectl's client-side apply stated last and is so still: its server-side apply may change that."""
        text = ((self.live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
        try:
            last = json.loads(text or "null")
            if not isinstance(last, dict) or last.get("apiVersion") != self.by.api_version:
                return FieldSet()
            changes = compared(last, self.live, self.rule)
            fields = fields_of(last, self.rule)
        except ValueError:
            return FieldSet()
        return fields.difference(changes.modified).difference(changes.added).difference(changes.removed)


def _told(conflicts: Mapping[Key, FieldSet]) -> Iterable[tuple[str, str]]:
    for key in sorted(conflicts):
        owner = json.dumps(key.manager, ensure_ascii=False)
        if key.subresource:
            owner += f" with subresource {json.dumps(key.subresource)}"
        if key.operation == "Update":
            owner += f" using {key.api_version}"
        for path in conflicts[key]:
            yield owner, text_of(path)


def _last_applied(config: Json) -> str:
    """The configuration as kubectl's client-side apply notes it."""
    metadata = {**config["metadata"]}
    if "annotations" in metadata:
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
        if not metadata["annotations"]:
            del metadata["annotations"]
    text = json.dumps({**config, "metadata": metadata}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n"


def _with_annotation(obj: Json, text: str) -> Json:
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "annotations": {**metadata["annotations"], LAST_APPLIED: text}}}


# -- inside


def _bare(obj: Json) -> Json:
    """Without managedFields, which nobody manages."""
    metadata = obj.get("metadata") or {}
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def _nothing(kind: Kind[Any]) -> Json:
    """What a new object is compared with: of Kubernetes' own kinds, a Go value that has its parts already."""
    nothing: Json = {"apiVersion": kind.api_version, "kind": kind.name}
    if kind.is_builtin:
        nothing["metadata"] = {}
        if not kind.root:
            nothing["spec"] = {}
            if "template" in kind.model.model_fields:
                nothing["spec"] = {"template": {"metadata": {}, "spec": {}}, "strategy": {}}
    return nothing


def _reset(kind: Kind[Any], by: Manager) -> FieldSet:
    """What a write to this part of the object cannot change (GetResetFields of the registries)."""
    paths: tuple[FieldPath, ...] = ()
    if by.subresource == "status":
        paths = (("f:metadata",), ("f:spec",))
    elif not by.subresource and kind.has_status:
        paths = (("f:status",),)
    return FieldSet.of(*paths)


def _with_entries(obj: Json, entries: Entries) -> Json:
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name != "managedFields"}
    if found := encoded(entries):
        metadata["managedFields"] = found
    return {**obj, "metadata": metadata}
