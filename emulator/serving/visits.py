"""Whoever is inside a Pod (exec, attach, port-forward) finds it thawed, and keeps it from being frozen again.

A paused container answers nobody: the client would hang. That its Revision goes to zero where nothing is frozen is
as on a cluster, whoever is inside.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from emulator.lib.report import report
from emulator.objects.errors import BadRequest
from emulator.objects.podmarks import FROZEN, REVISION_LABEL, is_frozen
from emulator.objects.resource import Resource
from emulator.serving.scaler import Scaler
from emulator.store.store import Store

logger = logging.getLogger(__name__)

PATIENCE_S = 10.0


class Visits:
    """Asks the Scaler for what visitors need."""

    def __init__(self, store: Store, scaler: Scaler) -> None:
        self._store = store
        self._scaler = scaler

    @asynccontextmanager
    async def awake(self, pod: Resource[Any]) -> AsyncIterator[None]:
        """While this lasts the Pod is not frozen. BadRequest when it cannot be thawed in time."""
        revision = pod.labels.get(REVISION_LABEL)
        if revision is None:
            yield
            return
        with self._scaler.visited(pod.namespace, revision):
            if FROZEN in pod.annotations or is_frozen(pod):
                report(logger, revision, "thawed, since somebody comes into %s", pod.name)
                self._scaler.poke(pod.namespace, revision)
                await self._thawed(pod)
            yield

    async def _thawed(self, pod: Resource[Any]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), self._store.watch(pod.kind, pod.namespace) as changes:
                while True:
                    found = self._store.find(pod.kind, pod.name, pod.namespace)
                    if found is None or not (FROZEN in found.annotations or is_frozen(found)):
                        return
                    await changes.batch()
        except TimeoutError:
            said = (
                f"pod {pod.name} is frozen and was not thawed within {PATIENCE_S:.0f} s: is the container engine there?"
            )
            raise BadRequest(said) from None
