"""The Meter: how much CPU and memory Pods use, by what the engine says of their containers.

The engine counts CPU time; a rate is the difference of two looks at it. So the Meter looks only when it is asked, keeps
what it saw last of each container, and tells nothing of a container that it sees for the first time. It costs nothing
while nobody asks: the autoscaler asks every 15 seconds while there is something to scale by such figures, and clients
ask by `kubectl top`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.objects.resource import Key, Resource
from emulator.runtime.base import Usage
from emulator.runtime.errors import RuntimeFault
from emulator.workloads.enginelink import EngineLink

_FRESH_S = 1.0  # a rate over less than this is noise
_OLD_S = 120.0  # and one over more is no news


@dataclass(frozen=True)
class ContainerUse:
    """CPUs in use on the average since the last look, and bytes held now."""

    cpu: float
    memory_bytes: int


@dataclass(frozen=True)
class _Look:
    at: float
    usage: Usage
    use: ContainerUse | None


class Meter:
    """One for the process."""

    def __init__(self, link: EngineLink) -> None:
        self._link = link
        self._looks: dict[str, _Look] = {}
        self._looking = asyncio.Lock()

    async def measure(self, pods: Iterable[Resource[Any]], wait_s: float = 0.0) -> dict[Key, dict[str, ContainerUse]]:
        """What the running containers of these Pods use, by Pod and container.

        A Pod of which a container is seen for the first time is left out, unless `wait_s` allows for a second look.
        """
        running = {pod.key: containers_of(pod) for pod in pods}
        ids = {id for names in running.values() for id in names.values()}
        async with self._looking:
            await self._look(ids)
            if wait_s and any(self._looks[id].use is None for id in ids if id in self._looks):
                await asyncio.sleep(wait_s)
                await self._look(ids)
        found = {}
        for key, names in running.items():
            uses = {name: look.use for name, id in names.items() if (look := self._looks.get(id)) and look.use}
            if uses and len(uses) == len(names):
                found[key] = uses
        return found

    async def _look(self, ids: set[str]) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = [id for id in ids if id not in self._looks or now - self._looks[id].at >= _FRESH_S]
        usages = await asyncio.gather(*(self._usage(id) for id in due))
        for id, usage in zip(due, usages, strict=True):
            before = self._looks.pop(id, None)
            if usage is not None:
                self._looks[id] = _Look(now, usage, _use(before, usage, now))
        for id in [id for id, look in self._looks.items() if now - look.at > _OLD_S]:
            del self._looks[id]

    async def _usage(self, id: str) -> Usage | None:
        try:
            return await self._link.runtime.usage(id)
        except RuntimeFault:
            return None


def _use(before: _Look | None, usage: Usage, now: float) -> ContainerUse | None:
    if before is None or now - before.at > _OLD_S:
        return None
    return ContainerUse(max(0.0, (usage.cpu_s - before.usage.cpu_s) / (now - before.at)), usage.memory_bytes)


def containers_of(pod: Resource[Any]) -> Mapping[str, str]:
    """The engine's ids of a Pod's running containers, by name; a container that is only shown has none."""
    return {
        status["name"]: str(status["containerID"]).partition("://")[2]
        for status in pod.status.get("containerStatuses", ())
        if status.get("containerID") and "running" in status.get("state", {})
    }
