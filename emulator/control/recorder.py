"""Kubernetes events: short-lived objects that say what happened to another object.

The same (object, reason, message) is counted rather than repeated, as client-go's recorder does; old ones are
forgotten beyond a bound, since nothing on a laptop expires them.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any

from emulator.control.reconciler import Note
from emulator.lib.clock import rfc3339
from emulator.lib.report import report, trouble
from emulator.objects.kind import Kind
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store

logger = logging.getLogger(__name__)

_KEPT = 2_000


class Recorder:
    """Writes Notes as objects of `kind` (core/v1 Event)."""

    def __init__(self, store: Store, kind: Kind[Any]) -> None:
        self._store = store
        self._kind = kind
        self._last_ns = 0
        self._known: OrderedDict[tuple[str, Note, str], Key] = OrderedDict()

    def record(self, about: Resource[Any], note: Note, component: str = "kemu", field: str = "") -> None:
        """Post `note` about an object (or a `field` of it), or count it up when it is there already."""
        if note.is_told:
            tell = trouble if note.type == "Warning" else report
            tell(logger, about.name, "%s: %s", note.reason, note.message)
        now = rfc3339(self._store.clock.now())
        known = self._known.get((about.uid, note, field))
        found = known and self._store.find(known.kind, known.name, known.namespace)
        if found:
            obj = {**found.obj, "count": found.obj["count"] + 1, "lastTimestamp": now}
            self._store.update(obj)
            return
        created = self._store.create(self._event(about, note, (component, field), now))
        self._known[(about.uid, note, field)] = created.key
        while len(self._known) > _KEPT:
            _, oldest = self._known.popitem(last=False)
            if self._store.find(oldest.kind, oldest.name, oldest.namespace):
                self._store.delete(oldest.kind, oldest.name, oldest.namespace)

    def _stamp(self) -> int:
        """Nanoseconds, never the same twice: clients list what happened in one second in the order of names."""
        self._last_ns = max(int(self._store.clock.now().timestamp() * 1e9), self._last_ns + 1)
        return self._last_ns

    def _event(self, about: Resource[Any], note: Note, where: tuple[str, str], now: str) -> dict[str, Any]:
        component, field = where
        namespace = about.namespace or "default"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{about.name}.{self._stamp():x}",
                "namespace": namespace,
            },
            "involvedObject": {
                "apiVersion": about.kind.api_version,
                "kind": about.kind.name,
                "name": about.name,
                "namespace": about.namespace,
                "uid": about.uid,
                "resourceVersion": about.metadata["resourceVersion"],
                **({"fieldPath": field} if field else {}),
            },
            "reason": note.reason,
            "message": note.message,
            "type": note.type,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": component},
            "reportingComponent": component,
        }
