"""Keeps the Store on disk: what is written is there again after `kill -9`.

Follows every change of the Store and the ledger, and brings them to the database in one transaction for all of a turn
of the loop; whoever answers a write awaits `flush` first. The writing is done in a thread, so the loop never waits for
the file. Not kept is what speaks of running things and is made anew: ephemeral kinds, and what their like control
(`Kind.ephemeral`, `keeps_bare`). An object that cannot be written lives on in memory; it is told, and tried again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emulator.lib.report import report, trouble
from emulator.objects.errors import ApiError
from emulator.objects.kind import Json
from emulator.objects.resource import Key, Resource
from emulator.store.database import Batch, Database, Found, Row
from emulator.store.ledger import Ledger, Stated
from emulator.store.store import Store
from emulator.store.watch import Change

logger = logging.getLogger(__name__)

_DEFINITION = "CustomResourceDefinition"
_RETRY_S = 2.0


class Disk:
    """One Store's copy in one Database."""

    def __init__(self, database: Database, store: Store, ledger: Ledger) -> None:
        self._database = database
        self._store = store
        self._ledger = ledger
        self._pending = Batch()
        self._kept_version = 0
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._is_failing = False

    def restore(
        self,
        found: Found,
        as_found: Callable[[Json], Json] = lambda obj: obj,
        define: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Fill the Store and the ledger with what an earlier run left; what the user should know of it.

        `as_found` gives each object as it is to be at the start. `define` is called when the definitions of kinds are
        there, before the objects of those kinds: it adds them to the Registry. What does not fit stays in the file and
        out of the Store. Follows all changes from here on.
        """
        definitions = [obj for row, obj in found.objects.items() if row.kind == _DEFINITION]
        objects = [
            as_found(obj)
            for row, obj in found.objects.items()
            if row.kind != _DEFINITION and not (row in found.stated and self._is_made_of_files(row))
        ]
        unfit = [*self._store.restore(definitions, found.version)]
        define()
        unfit += self._store.restore(objects, found.version)
        for row, stated in found.stated.items():
            kind = self._store.registry.of_group(row.group, row.kind)
            if kind is not None:
                self._ledger.restore(Key(kind, row.namespace, row.name), stated)
        self._kept_version = self._store.version
        self._store.observe(self._changed)
        self._ledger.observe(self._stated)
        return [*found.notes, *_told(unfit, self._database.path)]

    def _is_made_of_files(self, row: Row) -> bool:
        """Whether the files that state such an object make it anew."""
        kind = self._store.registry.of_group(row.group, row.kind)
        return kind is not None and kind.keeps_bare

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except ApiError as failed:
                self._tell(failed)
                await asyncio.sleep(_RETRY_S)
                self._wake.set()
                continue
            if self._is_failing:
                self._is_failing = False
                report(logger, "kemu", "%s is written again", self._database.path)

    async def flush(self) -> None:
        """Return when all that has been written to the Store is on disk; ApiError (500) if it cannot be."""
        async with self._writing:
            if not self._pending:
                return
            batch, self._pending = self._pending, Batch()
            batch.version = self._store.version
            try:
                await asyncio.to_thread(self._database.write, batch)
            except BaseException as error:
                self._pending.objects = {**batch.objects, **self._pending.objects}
                self._pending.stated = {**batch.stated, **self._pending.stated}
                if isinstance(error, sqlite3.Error):
                    said = f"the change is in force, but could not be written to {self._database.path}: {error}"
                    raise ApiError(f"{said}; it is tried again, and lost if kemu ends before") from None
                raise

    async def close(self) -> None:
        """The last write."""
        try:
            await self.flush()
        except ApiError as failed:
            self._tell(failed)
        await asyncio.to_thread(self._database.close)

    # -- inside

    def _changed(self, change: Change) -> None:
        resource = change.resource
        is_fleeting = resource.kind.ephemeral and not resource.kind.keeps_bare
        if change.version <= self._kept_version or is_fleeting:
            return
        if change.type == "DELETED":
            self._pending.objects[_row(resource.key)] = None
        elif _is_kept(resource, self._store):
            self._pending.objects[_row(resource.key)] = resource.obj
        else:
            return
        self._wake.set()

    def _stated(self, key: Key, stated: Stated | None) -> None:
        self._pending.stated[_row(key)] = stated
        self._wake.set()

    def _tell(self, failed: ApiError) -> None:
        if not self._is_failing:
            self._is_failing = True
            trouble(logger, "kemu", "%s", failed.message)


def _told(unfit: Sequence[tuple[Json, str]], path: Path) -> list[str]:
    """One line for each reason, with the objects that it left out."""
    objects: dict[str, list[str]] = {}
    for obj, why in unfit:
        metadata = obj.get("metadata")
        names = metadata if isinstance(metadata, dict) else {}
        name = "/".join(str(names[part]) for part in ("namespace", "name") if part in names)
        objects.setdefault(why.splitlines()[0] if why else "", []).append(f"{obj.get('kind')} {name}")
    return [f"left out, and kept in {path}: {_listed(some)}: {why}" for why, some in objects.items()]


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _row(key: Key) -> Row:
    return Row(key.kind.group, key.kind.name, key.namespace, key.name)


def _is_kept(resource: Resource[Any], store: Store) -> bool:
    """Whether nobody makes the object anew: neither it nor what controls it is made from what runs."""
    if resource.kind.keeps_bare:
        return resource.controller is None
    seen: set[str] = set()
    present: Resource[Any] | None = resource
    while present is not None and present.uid not in seen:
        if present.kind.ephemeral:
            return False
        seen.add(present.uid)
        present = _controller_of(present, store)
        if present is not None and present.kind.ephemeral_children:
            return False
    return True


def _controller_of(resource: Resource[Any], store: Store) -> Resource[Any] | None:
    reference = resource.controller
    kind = store.registry.of(reference["apiVersion"], reference["kind"]) if reference is not None else None
    if reference is None or kind is None:
        return None
    found = store.find(kind, reference["name"], resource.namespace if kind.namespaced else "")
    return found if found is not None and found.uid == reference["uid"] else None
