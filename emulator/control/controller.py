"""Runs the reconcilers: one queue of keys, one worker, on the event loop.

An object is queued when it changes, when something that its reconciler read changes, or when its requeue time has
come; being queued twice means being run once. A reconciler that raises is run again with growing delays, and the
others go on. Children are applied three ways: what this owner wrote before and no longer wants is removed, what others
wrote (labels, annotations) stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from time import perf_counter
from typing import Any

from emulator.control.addresses import Addresses
from emulator.control.reconciler import Note, Outcome, Read, Reconciler, View
from emulator.control.recorder import Recorder
from emulator.control.relations import Index
from emulator.control.standing import Standing
from emulator.objects.conditions import summarize
from emulator.objects.kind import Json, Kind, Registry
from emulator.objects.resource import Key, Resource
from emulator.store.merge import merged
from emulator.store.store import Store
from emulator.store.watch import Change

logger = logging.getLogger(__name__)

# How long the worker holds the loop before others get a turn: a request that was waiting for what it writes waits for
# the rest of its work, too.
_SLICE_S = 0.001
_REST_S = 0.03
_RETRY_FIRST_S, _RETRY_MAX_S = 0.1, 30.0


class Controller:
    """Keeps what the Store holds in line with what the reconcilers want of it."""

    def __init__(
        self, store: Store, reconcilers: Mapping[Kind[Any], Reconciler], recorder: Recorder, addresses: Addresses
    ) -> None:
        self._store = store
        self._reconcilers = reconcilers
        self._recorder = recorder
        self._addresses = addresses
        self._index = Index(store, {kind: r.references for kind, r in reconcilers.items() if r.references})
        self._prunes = {kind: _kinds(r.prunes, store.registry) for kind, r in reconcilers.items()}
        self._queue: OrderedDict[Key, None] = OrderedDict()
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._readers: dict[Read, set[Key]] = {}
        self._reads: dict[Key, set[Read]] = {}
        self._applied: dict[Key, tuple[Json, int]] = {}
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._rests_until = 0.0
        self._standing = Standing(store)
        self._notes: list[tuple[Resource[Any], Note, str]] = []
        store.observe(self._changed)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            if (left_s := self._rests_until - perf_counter()) > 0:
                await asyncio.sleep(left_s)
            end = perf_counter() + _SLICE_S
            while (queue := self._queue or self._waiting) and perf_counter() < end:
                self._step(queue)
            if not queue:
                self._record()
                self._wake.clear()
            await asyncio.sleep(0)

    def rest(self) -> None:
        """Leave the loop to a request that is about to be answered, for some 30 ms."""
        self._rests_until = perf_counter() + _REST_S

    def settle(self, *, wholly: bool = True) -> None:
        """Run until nothing is queued; for start-up and tests. Timers are not waited for.

        What can wait does, unless this is to be done `wholly`.
        """
        while queue := self._queue or (self._waiting if wholly else None):
            self._step(queue)
        self._record()

    # -- what makes a key dirty

    def _changed(self, change: Change) -> None:
        resource = change.resource
        stale = self._index.note(change)
        if change.type == "DELETED":
            self._forget(resource.key)
        elif resource.kind in self._reconcilers and not _is_status_only(change):
            self._enqueue(resource.key)
        for read in stale:
            for reader in self._readers.get(read, ()):
                self._enqueue(reader)

    def _enqueue(self, key: Key) -> None:
        queue = self._waiting if self._reconcilers[key.kind].can_wait else self._queue
        queue[key] = None
        self._wake.set()

    def _forget(self, key: Key) -> None:
        self._queue.pop(key, None)
        self._waiting.pop(key, None)
        self._failures.pop(key, None)
        self._applied.pop(key, None)
        self._standing.forget(key)
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._note_reads(key, set())

    def _note_reads(self, key: Key, reads: set[Read]) -> None:
        before = self._reads.pop(key, set())
        for read in before - reads:
            readers = self._readers[read]
            readers.discard(key)
            if not readers:
                del self._readers[read]
        for read in reads - before:
            self._readers.setdefault(read, set()).add(key)
        if reads:
            self._reads[key] = reads

    def _later(self, key: Key, delay_s: float) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(delay_s, self._enqueue, key)

    # -- one run

    def _step(self, queue: OrderedDict[Key, None]) -> None:
        key, _ = queue.popitem(last=False)
        resource = self._store.find(key.kind, key.name, key.namespace)
        if resource is None or resource.is_deleting:
            return
        view = View(self._store, self._index, self._addresses)
        reconciler = self._reconcilers[key.kind]
        try:
            outcome = reconciler.reconcile(resource, view)
            self._note_reads(key, view.reads)
            self._write(resource, outcome, reconciler)
            if logger.isEnabledFor(logging.DEBUG):
                self._tell(resource)
        except Exception:
            self._failed(key)
            return
        self._failures.pop(key, None)
        if outcome.requeue_s is not None:
            self._later(key, outcome.requeue_s)

    def _tell(self, before: Resource[Any]) -> None:
        """What a run has changed of how the object stands, for `-v`."""
        now = self._store.find(before.kind, before.name, before.namespace)
        old, new = (r.condition("Ready") if r is not None else {} for r in (before, now))
        if old.get("status") != new.get("status") or old.get("reason") != new.get("reason"):
            why = " ".join(str(new[field]) for field in ("reason", "message") if new.get(field))
            said = "%s: Ready %s%s"
            status = new.get("status", "gone")
            logger.debug(said, before.kind.name, status, f" ({why})" if why else "", extra={"about": before.name})

    def _failed(self, key: Key) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay_s = min(_RETRY_FIRST_S * 2 ** (failures - 1), _RETRY_MAX_S)
        logger.exception("[%s] reconciling failed; again in %.1f s", key, delay_s, extra={"about": key.name})
        self._later(key, delay_s)

    def _write(self, resource: Resource[Any], outcome: Outcome, reconciler: Reconciler) -> None:
        if outcome.is_over:
            self._store.delete(resource.kind, resource.name, resource.namespace)
            return
        wanted: set[Key] = set(outcome.keeps)
        for child in outcome.children:
            wanted.add(self._apply(resource, child, reconciler.adopts))
        for kind in self._prunes[resource.kind]:
            for orphan in self._index.owned(kind, resource.uid):
                if orphan.key not in wanted and not orphan.is_deleting:
                    self._store.delete(kind, orphan.name, orphan.namespace)
        if outcome.annotations or outcome.labels:
            self._store.patch_metadata(resource.key, labels=outcome.labels, annotations=outcome.annotations)
        self._write_status(resource, outcome)
        self._notes += [(resource, note, reconciler.component) for note in outcome.notes]

    def _record(self) -> None:
        """Post what there is to tell, once there is nothing to do: a cold start must not wait for it."""
        notes, self._notes = self._notes, []
        for about, note, component in notes:
            self._recorder.record(about, note, component)
        self._standing.tell({about.key for about, note, _ in notes if note.is_told and note.type == "Warning"})

    def _write_status(self, resource: Resource[Any], outcome: Outcome) -> None:
        status: Json = dict(outcome.status)
        if outcome.conditions is not None:
            before = resource.status.get("conditions", ())
            conditions = summarize(outcome.conditions, before, self._store.now(), outcome.happy)
            status["conditions"] = conditions
            self._standing.note(resource, next((c["status"] for c in conditions if c["type"] == "Ready"), None))
        if status:
            if resource.kind.has_observed:
                status["observedGeneration"] = resource.generation
            self._store.update_status(resource.key, status)

    def _apply(self, owner: Resource[Any], child: Json, adopts: Collection[Kind[Any]]) -> Key:
        kind = self._store.registry.of(child["apiVersion"], child["kind"])
        assert kind is not None, f"{owner.key} wants a child of an unknown kind {child['kind']}"
        metadata = {**child["metadata"], "ownerReferences": [owner.owner_reference()]}
        if kind.namespaced:
            metadata.setdefault("namespace", owner.namespace)
        wanted = {**child, "metadata": metadata}
        key = Key(kind, metadata.get("namespace", ""), metadata["name"])
        present = self._store.find(kind, key.name, key.namespace)
        if present is None:
            logger.debug("%s makes %s", owner.kind.name, key, extra={"about": owner.name})
            stored = self._store.create(wanted)
            self._applied[key] = (_shared(wanted, stored.obj), stored.generation)
        elif _is_its(present, owner, adopts) and not present.is_deleting:
            self._update(key, wanted, present)
        return key

    def _update(self, key: Key, wanted: Json, present: Resource[Any]) -> None:
        before, generation = self._applied.get(key, ({}, -1))
        if before == wanted and generation == present.generation:
            return
        stored = self._store.update(merged(present.obj, before, wanted))
        self._applied[key] = (_shared(wanted, stored.obj), stored.generation)


def _is_its(present: Resource[Any], owner: Resource[Any], adopts: Collection[Kind[Any]]) -> bool:
    return present.is_controlled_by(owner) or (present.controller is None and present.kind in adopts)


def _kinds(named: Iterable[Kind[Any] | tuple[str, str]], registry: Registry) -> list[Kind[Any]]:
    found = (kind if isinstance(kind, Kind) else registry.of_group(*kind) for kind in named)
    return [kind for kind in found if kind is not None]


def _is_status_only(change: Change) -> bool:
    """Whether only status differs, which only the object's own reconciler writes: no news to it."""
    before, after = change.before, change.resource
    if before is None or before.spec is not after.spec:
        return False
    old, new = before.metadata, after.metadata
    return {**old, "resourceVersion": ""} == {**new, "resourceVersion": ""}


def _shared(wanted: Any, stored: Any) -> Any:
    """What was wanted, made of the parts of what is stored wherever these are equal: one copy of each is enough."""
    if wanted == stored:
        return stored
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return {key: _shared(value, stored.get(key)) for key, value in wanted.items()}
    return wanted
