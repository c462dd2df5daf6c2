"""The volumes of one running Pod: laid out before its containers start, and kept as their sources say.

Reads ConfigMaps, Secrets and the Pod itself through the worker; writes files below the Pod's folder. A ConfigMap that
changes is in the containers a moment later (on a cluster: within a minute), what was mounted by `subPath` stays as it
was, and so does everything of a source that has gone. Followed: kubernetes pkg/kubelet/volumemanager.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from emulator.objects.podspec import Container, PodSpec
from emulator.objects.resource import Resource
from emulator.runtime.base import Mount
from emulator.workloads import volumes
from emulator.workloads.environment import ConfigFault, Lookup
from emulator.workloads.hostpaths import HostPaths
from emulator.workloads.volumefiles import File

logger = logging.getLogger(__name__)


class PodVolumes:
    """`present` gives the Pod as it is now; its files lie in `folder`, and `host_paths` says what else it may have."""

    def __init__(
        self, present: Callable[[], Resource[PodSpec]], lookup: Lookup, folder: Path, host_paths: HostPaths
    ) -> None:
        self._present = present
        self._lookup = lookup
        self._folder = folder
        self._host_paths = host_paths
        self._plans: list[volumes.VolumePlan] = []
        self._written: dict[str, tuple[File, ...]] = {}
        self._writing = asyncio.Lock()
        self._stale = asyncio.Event()

    async def mounts(self, container: Container, env: Mapping[str, str]) -> tuple[Mount, ...]:
        """What to mount into `container`, laid out by now; ConfigFault."""
        pod = self._present()
        if not pod.spec.volumes:
            return ()
        self._plans = volumes.plan(pod, self._lookup)
        mounts = volumes.mounts_of(container, pod, self._plans, self._folder, env)
        for plan in self._plans:
            if plan.host_path:
                await self._host_paths.check(pod, plan.host_path, plan.host_type)
        await self._write()
        await asyncio.to_thread(volumes.make_sources, mounts)
        return mounts

    def renew(self) -> None:
        """Something that the volumes may be made of has changed."""
        if self._written:
            self._stale.set()

    async def follow(self) -> None:
        """Write what has changed, whenever it has; never ends."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                self._plans = volumes.plan(self._present(), self._lookup)
            except ConfigFault as fault:
                logger.debug("%s: the files of %s stay as they are", fault, self._folder)
            else:
                await self._write()

    async def remove(self) -> list[str]:
        """Remove the files; the names of the engine's volumes that go with the Pod."""
        await asyncio.to_thread(volumes.remove, self._folder)
        return volumes.engine_volumes(self._present(), self._plans)

    async def _write(self) -> None:
        """The files of each volume that differ from those that it shows."""
        security = self._present().spec.security_context
        group = security.fs_group if security is not None else None
        async with self._writing:
            changed = {
                plan.name: plan.files
                for plan in self._plans
                if plan.files is not None and plan.files != self._written.get(plan.name)
            }
            if changed:
                await asyncio.to_thread(volumes.write, self._folder, changed, group)
                self._written |= changed
