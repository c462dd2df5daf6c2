"""The composition root: the only place that makes parts and connects them.

`run` is a whole life of kemu: claim the data directory, judge the manifests, find the engine, bind the ports, fill
the Store, start every part in one TaskGroup, and take everything down again in the opposite order. Each step's
failure is an exception that says what to do; nothing has been started by then that would have to be undone by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.eventing.eventing import Eventing
from emulator.eventing.reconcilers import KINDS as EVENTING_KINDS
from emulator.eventing.reconcilers import RECONCILERS as EVENTING_RECONCILERS
from emulator.ingress.cluster import ClusterClient
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.server import Listener, PortForbidden, PortInUse, Server, bind, unknown_host
from emulator.ingress.upstream import Dialer
from emulator.kubeapi.api import Actions, api
from emulator.lib.clock import SystemClock, rfc3339
from emulator.lib.instance import Instance, State
from emulator.lib.report import report, trouble
from emulator.lib.tasks import Tasks
from emulator.manifests.loader import Applied, Loader
from emulator.manifests.watching import watch
from emulator.objects.kind import Registry
from emulator.runtime.docker import DockerRuntime
from emulator.runtime.names import HostsFile
from emulator.serving.backends import Backends
from emulator.serving.reconcilers import KINDS as SERVING_KINDS
from emulator.serving.reconcilers import RECONCILERS as SERVING_RECONCILERS
from emulator.serving.scaler import Scaler
from emulator.settings import Settings
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.imagekeeper import ImageKeeper
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.operators import config_maps
from emulator.workloads.podrunner import PodLogs, PodRunner
from emulator.workloads.podworker import Tools
from emulator.workloads.reconcilers import KINDS as WORKLOAD_KINDS
from emulator.workloads.reconcilers import RECONCILERS as WORKLOAD_RECONCILERS

logger = logging.getLogger(__name__)

REGISTRY = Registry((*SERVING_KINDS, *EVENTING_KINDS, *WORKLOAD_KINDS))
INTERNAL_PORT = 80
_NAMES_EVERY_S = 0.05
_OPERATORS = {"KnativeServing": config_maps, "KnativeEventing": config_maps}


@dataclass(frozen=True)
class Started:
    """What the terminal shows once everything stands."""

    url: str
    api_url: str
    store: Store
    applied: Applied


async def run(settings: Settings, instance: Instance, started: Callable[[Started], None]) -> None:
    """Live until told to stop: by SIGINT, SIGTERM or `kemu down`.

    ManifestFaults, PortInUse, EngineUnavailable and OSError when kemu cannot start.
    """
    app = App(settings, instance)
    await app.run(started)


class App:
    """All parts of one running kemu."""

    def __init__(self, settings: Settings, instance: Instance) -> None:
        self._settings = settings
        self._instance = instance
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._signals = 0
        clock = SystemClock()
        self.store = Store(REGISTRY, clock, CONFIG_MAP)
        self._loader = Loader(self.store, settings.paths, _OPERATORS)
        self._recorder = Recorder(self.store, KUBE_EVENT)
        self._hosts_file = HostsFile(settings.data_dir / "hosts")
        self._runtime = DockerRuntime(instance.id, self._hosts_file)
        self._link = EngineLink(self._runtime, settings.engine_retry_s, settings.engine_retry_max_s)
        self._virtual_hosts = VirtualHosts()
        self._deadlines = Deadlines()
        self._logs = PodLogs()
        self._servers: list[Server] = []

    async def run(self, started: Callable[[Started], None]) -> None:
        """See the module's `run`."""
        sources = await asyncio.to_thread(self._loader.read)
        wanted = self._loader.check(sources)
        public = await self._bind(self._settings.host, self._settings.port)
        inside = None
        try:
            self._settings = replace(self._settings, port=public.getsockname()[1])
            await self._runtime.connect()
            await self._sweep()
            inside = await self._bind_inside()
            async with self._parts(public, inside) as start:
                applied = self._loader.apply(wanted)
                start(applied, started)
                await self._stop.wait()
        finally:
            public.close()
            if inside is not None:
                inside.close()
            await self._runtime.close()

    async def _bind(self, host: str, port: int) -> Any:
        return await asyncio.to_thread(bind, host, port)

    async def _bind_inside(self) -> Any:
        """The socket for containers: on the bridge's gateway, port 80 where that may be bound."""
        network = await self._runtime.ensure_network()
        if network.gateway is None:
            return await self._bind("127.0.0.1", 0)
        try:
            return await self._bind(network.gateway, INTERNAL_PORT)
        except (PortInUse, PortForbidden) as refused:
            inside = await self._bind(network.gateway, 0)
            port = inside.getsockname()[1]
            trouble(logger, "kemu", "cluster-local URLs carry port %d here: %s", port, refused)
            return inside

    async def _sweep(self) -> None:
        """Remove what a killed kemu of this data directory left; the lock says that it is gone."""
        names = await self._runtime.sweep()
        if names:
            report(logger, "kemu", "removed %d container(s) that a killed kemu left: %s", len(names), ", ".join(names))

    # -- the parts

    @contextlib.asynccontextmanager
    async def _parts(
        self, public: Any, inside: Any
    ) -> AsyncIterator[Callable[[Applied, Callable[[Started], None]], None]]:
        settings, store = self._settings, self.store
        async with Tasks() as dials, Tasks() as tasks:
            dialer = Dialer(dials)
            addresses = Addresses(settings.domain, settings.port, inside.getsockname()[1])
            client = ClusterClient(self._virtual_hosts.internal, dialer, self._deadlines)
            scaler = Scaler(store, lambda namespace, name: backends.throttler(namespace, name), "knative-serving")
            backends = Backends(store, self._virtual_hosts, dialer, addresses, scaler.poke)
            eventing = Eventing(store, self._virtual_hosts, client)
            reconcilers = {**SERVING_RECONCILERS, **EVENTING_RECONCILERS, **WORKLOAD_RECONCILERS}
            controller = Controller(store, reconcilers, self._recorder, addresses)
            images = ImageKeeper(store, self._link)
            tools = Tools(store, self._link, images, settings.data_dir / "pods", backends.drain)
            pods = PodRunner(tools, self._logs)
            backends.start()
            eventing.start()

            def start(applied: Applied, started: Callable[[Started], None]) -> None:
                controller.settle()
                for work, name in (
                    (controller.run(), "controller"),
                    (scaler.run(), "scaler"),
                    (self._link.run(), "engine"),
                    (images.run(), "images"),
                    (pods.run(), "pods"),
                    (eventing.run(), "eventing"),
                ):
                    tasks.spawn(work, name)
                tasks.spawn(self._serve(tasks, public, backends, eventing, applied, started), "listeners")
                self._listen(tasks, inside, unknown_host(self._virtual_hosts.internal), self._virtual_hosts.internal)
                tasks.spawn(self._keep_names(inside.getsockname()[0]), "names")
                if settings.watch:
                    tasks.spawn(watch(self._loader, settings.reload_quiet_s, self._show_notes), "manifests")

            self._handle_signals()
            try:
                yield start
            finally:
                await self._wind_down(eventing, pods)
                client.close()

    async def _serve(
        self,
        tasks: Tasks,
        public: Any,
        backends: Backends,
        eventing: Eventing,
        applied: Applied,
        started: Callable[[Started], None],
    ) -> None:
        """Open the listeners and tell where they are."""
        settings, hosts = self._settings, self._virtual_hosts
        self._listen(tasks, public, unknown_host(hosts.public), hosts.public)
        prefix = secrets.token_urlsafe(18)
        api_socket = await self._bind("127.0.0.1", settings.api_port)
        api_port = api_socket.getsockname()[1]
        actions = Actions(
            fire=eventing.fire,
            stop=self._stop.set,
            logs=self._logs,
            last_cold=backends.last_cold,
            requests=backends.requests,
        )
        self._listen(tasks, api_socket, api(self.store, prefix, actions), VirtualHosts().public)
        state = State(
            pid=os.getpid(),
            instance=self._instance.id,
            host=settings.host,
            port=settings.port,
            api_port=api_port,
            prefix=prefix,
            started_at=rfc3339(self.store.clock.now()),
        )
        await asyncio.to_thread(self._instance.publish, state)
        started(Started(state.url, f"http://127.0.0.1:{api_port}/{prefix}", self.store, applied))
        self._show_notes(applied)

    def _listen(self, tasks: Tasks, socket: Any, app: Any, hosts: Any) -> None:
        server = Server(Listener(socket, hosts, self._deadlines, app))
        self._servers.append(server)
        tasks.spawn(server.run(), f"listener {socket.getsockname()}")

    async def _keep_names(self, address: str) -> None:
        """The hosts file follows the internal table."""
        written: list[str] = []
        while True:
            names = [name for name in self._virtual_hosts.internal.names() if not name.startswith("*")]
            if names != written:
                await asyncio.to_thread(self._hosts_file.write, address, names)
                written = names
            await self._virtual_hosts.internal.changed()
            await asyncio.sleep(_NAMES_EVERY_S)

    def _show_notes(self, applied: Applied) -> None:
        for note in applied.notes:
            logger.warning("%s", note, extra={"about": "manifests", "fields": {}})

    # -- the end

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        """The first asks kindly, the second does not wait."""
        self._signals += 1
        if self._signals == 1:
            report(logger, "kemu", "stopping: requests in flight may end, then containers go (again: at once)")
            self._stop.set()
        else:
            self._hurry.set()

    async def _wind_down(self, eventing: Eventing, pods: PodRunner) -> None:
        """Requests end, then containers; with a second signal everything is cut at once."""
        async with Tasks() as tasks:
            drained = tasks.spawn(self._drain(eventing, pods), "drain")
            hurry = tasks.spawn(self._hurried(), "hurry")
            await asyncio.wait((drained, hurry), return_when=asyncio.FIRST_COMPLETED)
        if self._link.is_here:
            await self._runtime.sweep()

    async def _drain(self, eventing: Eventing, pods: PodRunner) -> None:
        drain_s = self._settings.drain_s
        await asyncio.gather(eventing.wind_down(drain_s), *(server.stop(drain_s) for server in self._servers))
        if self._link.is_here:
            await pods.end(drain_s)

    async def _hurried(self) -> None:
        await self._hurry.wait()
