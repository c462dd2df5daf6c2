"""Tasks that have an owner.

A `Tasks` is a TaskGroup for work that is started from plain callbacks (a protocol that must connect, a reconciler's
pod that must start). It is entered by the part's `run()`; leaving cancels what still runs. A task that fails ends the
group, and with it the process: an error nobody handled is a bug, not weather.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class Tasks:
    """An async context manager; `spawn` may be called any time between enter and exit.

    Leaving without an error cancels the tasks that are still running and waits for them.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Tasks:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` as a task of this group, under `name` in debug output."""
        task = self._group.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task
