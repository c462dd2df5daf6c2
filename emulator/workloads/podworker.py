"""The life of one Pod: init containers one by one, then all containers, until it is deleted; then drained and removed.

One worker per Pod, run as a task by `PodRunner`. It reads the Pod (whose spec never changes), starts what the spec says
through its ContainerKeepers, and writes the Pod's status whenever a keeper's state changes. The containers of a Pod
share one network, that of the first with a port: when that one is restarted, the others are, too.

Two annotations tell the data plane what Kubernetes has no field for: `kemu.dev/address` (host:port of the first port as
kemu reaches it) and `kemu.dev/cold-start` (where the start went, in ms).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulator.control.recorder import Recorder
from emulator.lib.ringlog import RingLog
from emulator.lib.tasks import Tasks
from emulator.objects.podmarks import ADDRESS, COLD_START, LACKS, REVISION_LABEL
from emulator.objects.podspec import Container, PodSpec
from emulator.objects.resource import Resource
from emulator.runtime.base import Address, Capacity, ContainerSpec, ImageInfo
from emulator.store.store import Store
from emulator.workloads import lastwords
from emulator.workloads.claims import CLAIM, claim_volume
from emulator.workloads.configs import CONFIG_MAP, SECRET
from emulator.workloads.containers import STEPS, ContainerKeeper, Running, Terminated
from emulator.workloads.containerspecs import container_spec
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.environment import environment_of, secret_text
from emulator.workloads.freezer import Freezer
from emulator.workloads.hostpaths import HostPaths
from emulator.workloads.imagekeeper import ImageKeeper, Pull
from emulator.workloads.podevents import PodEvents
from emulator.workloads.pods import has_ended, virtual_containers
from emulator.workloads.podstatus import pod_status
from emulator.workloads.podvolumes import PodVolumes
from emulator.workloads.pullsecrets import lacking_secrets, pull_credentials
from emulator.workloads.resourcefields import asks_node
from emulator.workloads.restoredpods import restart_counts
from emulator.workloads.surroundings import Surroundings
from emulator.workloads.users import user_of

FINALIZER = "kemu.dev/container"
_NOT_STARTED = "kemu's own data path does this container's work; nothing is started for it"
_DRAIN_S = 1.0
STOP_GRACE_S = 10.0
"""No container gets longer than this between SIGTERM and SIGKILL once its requests have ended. Knative waits for
the Revision's timeoutSeconds, 300 s by default, which on a laptop only keeps processes around that ignore SIGTERM
as PID 1.
"""

_UNKNOWN = Capacity(0, 0)

Drain = Callable[[Address, float], Awaitable[bool]]
"""True once no request is under way to this address any more; False after so many seconds."""


@dataclass(frozen=True)
class Tools:
    """What every worker uses."""

    store: Store
    link: EngineLink
    images: ImageKeeper
    folder: Path
    drain: Drain
    recorder: Recorder
    host_paths: HostPaths
    probed: Callable[[Resource[PodSpec], bool, float], None]
    """Hears of each readiness probe of the container with the port: whether it succeeded, and in how many seconds."""


class PodWorker:
    """Runs one Pod. `log_of` gives the RingLog of a container."""

    def __init__(self, pod: Resource[PodSpec], tools: Tools, log_of: Callable[[str], RingLog]) -> None:
        self._pod = pod
        self._tools = tools
        self._link = tools.link
        self._log_of = log_of
        self._folder = tools.folder / pod.uid
        self._events = PodEvents(pod, tools.recorder)
        virtual = virtual_containers(pod)
        self._grace_s = min(_grace_s(pod), STOP_GRACE_S)
        policy = pod.spec.restart_policy or "Always"
        first = "OnFailure" if policy == "Always" else policy
        self._shown = [c for c in pod.spec.containers if c.name in virtual]
        self._init = [self._keeper(c, first, "initContainers") for c in pod.spec.init_containers]
        self._main = [self._keeper(c, policy) for c in pod.spec.containers if c.name not in virtual]
        counts = restart_counts(pod)
        for keeper in self._main:
            keeper.restarts = counts.get(keeper.container.name, 0)
        self._owner = next((k for k in self._main if k.container.ports), self._main[0])
        self._has_network = asyncio.Event()
        self._ending = asyncio.Event()
        about = pod.labels.get(REVISION_LABEL) or pod.name
        self._freezer = Freezer(about, tools.link, self._main, lambda: self._drained(_DRAIN_S), self._changed)
        self._volumes = PodVolumes(self._present, self, self._folder, tools.host_paths)
        self.node = _UNKNOWN
        """Implements `environment.Lookup`; the engine is asked only where it matters."""

    async def run(self) -> None:
        """Keep the Pod until `end`, then take everything away and let the Store forget it."""
        async with Tasks() as tasks:
            living = tasks.spawn(self._live(tasks), f"pod {self._pod.name}")
            tasks.spawn(self._freezer.run(), f"freezer {self._pod.name}")
            tasks.spawn(self._volumes.follow(), f"volumes {self._pod.name}")
            await self._ending.wait()
            await self._stop(living)
        await self._take_away()

    def end(self) -> None:
        """The Pod is to go; may be called more than once."""
        self._ending.set()

    def freeze(self, is_frozen: bool) -> None:
        """Whether the Pod is to be frozen from now on; an ending one is not any more."""
        self._freezer.wish(is_frozen and not self._ending.is_set())

    def renew(self, changed: Resource[Any]) -> None:
        """Something that its volumes may be made of has changed: a ConfigMap, a Secret, or the Pod itself."""
        if changed.namespace == self._pod.namespace:
            self._volumes.renew()

    def _present(self) -> Resource[PodSpec]:
        """The Pod as it is now; as it was last, once it has gone."""
        found = self._tools.store.find(self._pod.kind, self._pod.name, self._pod.namespace)
        return self._pod if found is None or found.uid != self._pod.uid else found

    # -- living

    async def _live(self, tasks: Tasks) -> None:
        self._events.scheduled()
        for shown in self._shown:
            self._log_of(shown.name).append(_NOT_STARTED, self._tools.store.clock.now())
        if has_ended(self._pod):  # in an earlier run of kemu
            return
        for keeper in self._init:
            await keeper.keep()
            if not isinstance(keeper.state, Terminated) or keeper.state.exit_code != 0:
                return
        for keeper in self._main:
            tasks.spawn(keeper.keep(), f"container {self._pod.name}/{keeper.container.name}")
        if len(self._main) > 1:
            tasks.spawn(self._share_network(), f"network {self._pod.name}")

    async def _share_network(self) -> None:
        """Renew the other containers whenever the one that owns the network was started anew."""
        owner = await self._network()
        while True:
            await self._link.ended(owner)
            owner = await self._network()
            await asyncio.gather(*(k.renew() for k in self._main if k is not self._owner))

    def _keeper(self, container: Container, policy: str, which: str = "containers") -> ContainerKeeper:
        tools, pod = self._tools, self._pod
        about = self._pod.labels.get(REVISION_LABEL) or self._pod.name
        around = Surroundings(
            link=tools.link,
            images=tools.images,
            clock=tools.store.clock,
            log=self._log_of(container.name),
            about=about,
            full_name=f"{pod.name}_{pod.namespace}({pod.uid})",
            restart_policy=policy,
            takes_requests=bool(container.ports and self._shown),
            grace_s=self._grace_s,
            access=self._access,
            spec=self._spec,
            changed=self._changed,
            tell=lambda note: self._events.tell(note, container.name, which),
            is_told=self._is_told,
            written=self._written,
            probed=lambda is_well, seconds: self._probed(container, is_well, seconds),
        )
        return ContainerKeeper(container, around)

    def _probed(self, container: Container, is_well: bool, seconds: float) -> None:
        if container is self._owner.container:
            self._tools.probed(self._pod, is_well, seconds)

    def _access(self, ref: str) -> Pull:
        store, namespace, spec = self._tools.store, self._pod.namespace, self._pod.spec
        names = [secret.name for secret in spec.image_pull_secrets]
        credentials = pull_credentials(store, namespace, names, spec.service_account_name, ref)
        return Pull(credentials, lacks=lacking_secrets(store, namespace, names))

    def _is_told(self, fault: str) -> bool:
        """Whether the Pod's Revision has told already what its containers cannot be configured with."""
        store, name = self._tools.store, self._pod.labels.get(REVISION_LABEL)
        kind = store.registry.of_group("serving.knative.dev", "Revision")
        revision = store.find(kind, name, self._pod.namespace) if kind is not None and name else None
        return revision is not None and revision.annotations.get(LACKS) == fault

    async def _written(self, container: Container) -> str:
        return await asyncio.to_thread(lastwords.read, container, self._folder)

    async def _spec(self, container: Container, image: ImageInfo, attempt: int) -> ContainerSpec:
        pod = self._pod
        user = user_of(pod, container, image)
        if self.node == _UNKNOWN and asks_node(pod.spec):
            self.node = await self._link.call(self._link.runtime.capacity)
        env = environment_of(container, pod, self)
        mounts = await self._volumes.mounts(container, env)
        await asyncio.to_thread(lastwords.make, container, self._folder)
        mounts += lastwords.mount_of(container, self._folder)
        spec = replace(container_spec(pod, container, env, mounts, attempt), user=user)
        is_sidecar = container not in pod.spec.init_containers and container is not self._owner.container
        return replace(spec, share_network_of=await self._network()) if is_sidecar else spec

    async def _network(self) -> str:
        """The id of the running container whose network the others share."""
        while (id := self._owner.id) is None:
            self._has_network.clear()
            await self._has_network.wait()
        return id

    def config_map(self, name: str) -> Mapping[str, str] | None:
        """Implements `environment.Lookup`."""
        found = self._tools.store.find(CONFIG_MAP, name, self._pod.namespace)
        return None if found is None else found.obj.get("data") or {}

    def config_files(self, name: str) -> Mapping[str, str] | None:
        """Implements `environment.Lookup`."""
        found = self._tools.store.find(CONFIG_MAP, name, self._pod.namespace)
        if found is None:
            return None
        binary = found.obj.get("binaryData") or {}
        return {**(found.obj.get("data") or {}), **{key: secret_text(value) for key, value in binary.items()}}

    def secret(self, name: str) -> Mapping[str, str] | None:
        """Implements `environment.Lookup`."""
        found = self._tools.store.find(SECRET, name, self._pod.namespace)
        return None if found is None else {k: secret_text(v) for k, v in (found.obj.get("data") or {}).items()}

    def claim(self, name: str) -> str | None:
        """Implements `environment.Lookup`."""
        found = self._tools.store.find(CLAIM, name, self._pod.namespace)
        return None if found is None else claim_volume(self._link.runtime.instance, found)

    # -- status

    def _changed(self) -> None:
        store = self._tools.store
        pod = store.find(self._pod.kind, self._pod.name, self._pod.namespace)
        if pod is None or pod.uid != self._pod.uid:
            return
        if self._owner.id is not None:
            self._has_network.set()
        # Before the status: whoever sees the Pod ready must find its address.
        store.patch_metadata(pod.key, annotations=self._annotations())
        store.update_status(pod.key, pod_status(pod, self._init, self._main, self._shown, store.now()))

    def _annotations(self) -> dict[str, str | None]:
        state = self._owner.state
        if not isinstance(state, Running):
            return {ADDRESS: None, COLD_START: None}
        address = state.container.address
        found: dict[str, str | None] = {ADDRESS: f"{address[0]}:{address[1]}" if address else None}
        if (thawed_ms := self._freezer.took_ms(state.container.id)) is not None:
            found[COLD_START] = f"thaw={thawed_ms:.1f}"
        elif "probe" in self._owner.took:
            found[COLD_START] = " ".join(f"{name}={self._owner.took[name]:.1f}" for name in STEPS)
        return found

    # -- ending

    async def _stop(self, living: asyncio.Task[None]) -> None:
        """Drain, then SIGTERM and patience, once thawed; what is only about to start is given up."""
        living.cancel()
        await self._freezer.thaw()
        await self._drained(_grace_s(self._pod))
        await asyncio.gather(*(k.stop(self._grace_s) for k in (*self._init, *self._main)))

    async def _drained(self, timeout_s: float) -> bool:
        state = self._owner.state
        if not isinstance(state, Running) or state.container.address is None:
            return True
        return await self._tools.drain(state.container.address, timeout_s)

    async def _take_away(self) -> None:
        self._events.flush()
        for keeper in (*self._init, *self._main):
            await keeper.remove()
            self._log_of(keeper.container.name).close()
        for shown in self._shown:
            self._log_of(shown.name).close()
        for name in await self._volumes.remove():
            await self._tools.link.call(lambda name=name: self._tools.link.runtime.remove_volume(name))  # type: ignore[misc]
        store, pod = self._tools.store, self._pod
        if store.find(pod.kind, pod.name, pod.namespace) is not None:
            store.patch_metadata(pod.key, finalizers=())


def _grace_s(pod: Resource[PodSpec]) -> float:
    given = pod.spec.termination_grace_period_seconds
    return 30.0 if given is None else float(given)
