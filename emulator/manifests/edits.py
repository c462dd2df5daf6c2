"""Which objects are no longer as their files say, because somebody edited them through the API.

An edit stands until the document changes. `kemu ps` asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from emulator.objects.kind import Json
from emulator.objects.resource import Key
from emulator.store.admission import Faulty, Request, examine
from emulator.store.ledger import Ledger, Stated
from emulator.store.merge import merged
from emulator.store.store import MANIFESTS, Store


class Edit(NamedTuple):
    """`is_gone` when the object was deleted, though its file still has it."""

    key: Key
    file: str
    is_gone: bool = False


def edits(store: Store, ledger: Ledger) -> Iterator[Edit]:
    """By kind, namespace and name."""
    for key in sorted(ledger, key=lambda key: (key.kind.name, key.namespace, key.name)):
        stated = ledger.of(key)
        present = store.find(key.kind, key.name, key.namespace)
        if stated is None:
            continue
        if present is None:
            yield Edit(key, stated.file, is_gone=True)
        elif not present.is_deleting and _differs(store, key, stated):
            yield Edit(key, stated.file)


def _differs(store: Store, key: Key, stated: Stated) -> bool:
    """Whether applying the document again would change more than metadata and status."""
    present = store.get(key.kind, key.name, key.namespace)
    if present.generation == stated.generation:
        return False
    wanted = merged(present.obj, stated.value, {**stated.value, "metadata": dict(present.metadata)})
    try:
        admitted = examine(key.kind, wanted, Request(present, MANIFESTS, store.config, webhooks=store.webhooks))
    except Faulty:
        return True
    return _body(admitted.obj) != _body(present.obj)


def _body(obj: Json) -> Json:
    return {k: v for k, v in obj.items() if k not in ("metadata", "status")}
