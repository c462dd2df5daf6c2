"""Pauses all containers of one Pod and thaws them, as the annotation `kemu.dev/frozen` on the Pod says.

What is wished may change at any time; it is carried out one step after the other by `run`, so that a thaw never
overtakes a pause. Before anything is paused the Pod is not ready any more, no request is under way to it, and all
tables had time to follow: a paused container accepts connections and answers none. A Pod that was thawed is ready
before its probes are asked again: it is as it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

from emulator.lib.report import trouble
from emulator.runtime.errors import ContainerFailed, ContainerGone
from emulator.workloads.containers import ContainerKeeper
from emulator.workloads.enginelink import EngineLink

logger = logging.getLogger(__name__)

_SETTLE_S = 0.2  # Endpoints of core Services follow a Pod's readiness a turn or two later


class Freezer:
    """`drained` says whether no request is under way, after a while at the latest; `changed` is called when the Pod's
    status is another one.
    """

    def __init__(
        self,
        about: str,
        link: EngineLink,
        keepers: Sequence[ContainerKeeper],
        drained: Callable[[], Awaitable[bool]],
        changed: Callable[[], None],
    ) -> None:
        self._about = about
        self._link = link
        self._keepers = keepers
        self._drained = drained
        self._changed = changed
        self._wish = False
        self._news = asyncio.Event()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._paused: list[tuple[ContainerKeeper, str]] = []
        self._took: dict[str, float] = {}

    @property
    def is_frozen(self) -> bool:
        """From when the Pod takes no more requests until it may again."""
        return not self._thawed.is_set()

    def took_ms(self, id: str) -> float | None:
        """How long the last thaw lasted, if it was this container's."""
        return self._took.get(id)

    def wish(self, is_frozen: bool) -> None:
        """What is to be from now on."""
        self._wish = is_frozen
        self._news.set()

    async def thaw(self) -> None:
        """For the Pod's end: returns when nothing is paused."""
        self.wish(False)
        await self._thawed.wait()

    async def run(self) -> None:
        """Carry out what is wished, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._wish != self.is_frozen:
                await (self._freeze() if self._wish else self._thaw())

    async def _freeze(self) -> None:
        self._thawed.clear()
        for keeper in self._keepers:
            keeper.rest()
        self._changed()
        while self._wish and not await self._drained():
            continue
        if not await self._settled():
            return
        for keeper in self._keepers:
            if (id := keeper.id) is not None and await self._pause(id):
                self._paused.append((keeper, id))

    async def _settled(self) -> bool:
        """Whether it is still wished, after a while."""
        if self._wish:
            try:
                await asyncio.wait_for(self._news.wait(), _SETTLE_S)
            except TimeoutError:
                return True
        return self._wish

    async def _pause(self, id: str) -> bool:
        try:
            await self._link.call(lambda: self._link.runtime.pause(id))
        except ContainerGone:
            return False  # ended by itself: it is started again when the Pod is thawed
        except ContainerFailed as failed:
            trouble(logger, self._about, "not paused, it runs on without requests: %s", failed.why)
            return False
        return True

    async def _thaw(self) -> None:
        begun = perf_counter()
        paused, self._paused = self._paused, []
        await asyncio.gather(*(self._unpause(keeper, id) for keeper, id in paused))
        took_ms = (perf_counter() - begun) * 1000
        self._took = {id: took_ms for _, id in paused}
        self._thawed.set()
        for keeper in self._keepers:
            keeper.wake()
        self._changed()

    async def _unpause(self, keeper: ContainerKeeper, id: str) -> None:
        runtime = self._link.runtime
        try:
            await self._link.call(lambda: runtime.unpause(id))
        except ContainerGone:
            keeper.doubt(id)
        except ContainerFailed as failed:
            trouble(logger, self._about, "cannot be thawed, so it is started anew: %s", failed.why)
            keeper.doubt(id)
            await self._link.call(lambda: runtime.remove(id, force=True))
