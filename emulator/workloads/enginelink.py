"""The line to the container engine: kept up, and known to be down when it is down.

Whoever runs containers goes through `EngineLink.call`, which waits while the engine is away and asks again when it is
back, and `ended`, which waits for a container's end. Both are level-based: after a reconnect what the engine says then
counts, events of the time between are not missed because nobody relies on them. Only this module retries `EngineLost`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from emulator.lib.backoff import doubling_s
from emulator.lib.report import report, trouble
from emulator.runtime.base import ContainerState, Runtime, Status
from emulator.runtime.errors import EngineLost, EngineUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")
_NOTICED_S = 0.1


class EngineLink:
    """A Runtime that comes back. `connect` must have succeeded once before `run` is started."""

    def __init__(self, runtime: Runtime, retry_s: float, retry_max_s: float) -> None:
        self.runtime = runtime
        self._retry_s = retry_s
        self._retry_max_s = retry_max_s
        self._here = asyncio.Event()
        self._here.set()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @property
    def is_here(self) -> bool:
        """Whether the engine answered last time."""
        return self._here.is_set()

    async def run(self) -> None:
        """Follow the engine's events; when it is lost, say so once and connect again until it answers."""
        while True:
            try:
                async for event in self.runtime.events():
                    for news in self._waiting.get(event.id, ()):
                        news.set()
            except EngineLost as lost:
                await self._reconnect(lost)

    async def back(self) -> None:
        """Returns when the engine is there."""
        await self._here.wait()

    async def call(self, action: Callable[[], Awaitable[T]]) -> T:
        """The result of `action()`, which is called again when the engine was lost meanwhile."""
        while True:
            await self._here.wait()
            try:
                return await action()
            except EngineLost:
                # `run` notices by itself that its stream has ended; until then this must not spin.
                await asyncio.sleep(_NOTICED_S)

    async def ended(self, container: str) -> ContainerState:
        """The state of a container once it no longer runs: EXITED, or GONE when somebody removed it."""
        news = asyncio.Event()
        self._waiting[container].add(news)
        try:
            while True:
                news.clear()
                state = await self.call(lambda: self.runtime.inspect(container))
                if state.status in (Status.EXITED, Status.GONE):
                    return state
                await news.wait()
        finally:
            self._waiting[container].remove(news)
            if not self._waiting[container]:
                del self._waiting[container]

    async def _reconnect(self, lost: EngineLost) -> None:
        self._here.clear()
        trouble(logger, "kemu", "%s Requests are held until it is back.", _sentence(lost))
        failures = 0
        while True:
            try:
                info = await self.runtime.connect()
                break
            except EngineUnavailable:
                failures += 1
                await asyncio.sleep(doubling_s(failures, self._retry_s, self._retry_max_s))
        report(logger, "kemu", "container engine is back: %s %s", info.kind, info.version)
        self._here.set()
        for waiting in self._waiting.values():
            for news in waiting:
                news.set()


def _sentence(lost: EngineLost) -> str:
    text = str(lost)
    return f"{text[0].upper()}{text[1:]}."
