"""The stream of changes to the Store.

The Store appends every change to one bounded `History`; a Watch replays from a resourceVersion and then follows. A
reader that starts before what the History still holds gets `Gone` (410 Expired), as from a Kubernetes API server, and
has to list again. Changes reach a Watch in the order in which they were written.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from emulator.objects.errors import Gone
from emulator.objects.kind import Kind
from emulator.objects.resource import Resource

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one object. For DELETED, `resource` is its last state and `version` that of the deletion."""

    type: ChangeType
    resource: Resource[Any]
    version: int
    before: Resource[Any] | None = None


Filter = Callable[[Change], bool]


class Watch:
    """Async iterator over changes; close it (or leave `async with`) when done."""

    def __init__(self, history: History, wanted: Filter) -> None:
        self._history = history
        self._wanted = wanted
        self._ready: deque[Change] = deque()
        self._wake = asyncio.Event()

    def offer(self, change: Change) -> None:
        if self._wanted(change):
            self._ready.append(change)
            self._wake.set()

    def __aiter__(self) -> AsyncIterator[Change]:
        return self

    async def __anext__(self) -> Change:
        await self._some()
        return self._ready.popleft()

    async def batch(self) -> list[Change]:
        """All changes that are there, at least one."""
        await self._some()
        ready = [*self._ready]
        self._ready.clear()
        return ready

    async def _some(self) -> None:
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()

    def close(self) -> None:
        self._history.watches.discard(self)

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class History:
    """The last `limit` changes, and who follows them. What happened up to version `begun` is not known."""

    def __init__(self, limit: int, begun: int) -> None:
        self._changes: deque[Change] = deque(maxlen=limit)
        self._forgotten = begun
        self._keeps = True
        self.watches: set[Watch] = set()

    def begin(self, version: int) -> None:
        """Know nothing of what happened up to `version`."""
        self._changes.clear()
        self._forgotten = version

    def keep(self, kept: bool, version: int) -> None:
        """From `version` on remember what happens, or nothing of it."""
        self._keeps = kept
        self.begin(version)

    def append(self, change: Change) -> None:
        if not self._keeps:
            self._forgotten = change.version
        else:
            if len(self._changes) == self._changes.maxlen:
                self._forgotten = self._changes[0].version
            self._changes.append(change)
        for watch in self.watches:
            watch.offer(change)

    def watch(self, kind: Kind[Any] | None, namespace: str | None, since: int) -> Watch:
        """A Watch of changes after version `since`; Gone if some of those are forgotten."""
        if since < self._forgotten:
            raise Gone(f"too old resource version: {since} ({self._forgotten})")

        def wanted(change: Change) -> bool:
            resource = change.resource
            return (
                change.version > since
                and (kind is None or resource.kind is kind)
                and (not namespace or resource.namespace == namespace)
            )

        watch = Watch(self, wanted)
        for change in self._after(since):
            watch.offer(change)
        self.watches.add(watch)
        return watch

    def _after(self, version: int) -> list[Change]:
        """The changes after a version, found from the end: most who ask are up to date, and there may be many."""
        return [*takewhile(lambda change: change.version > version, reversed(self._changes))][::-1]
