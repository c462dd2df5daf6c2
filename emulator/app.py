"""The composition root: the only place that makes parts and connects them.

`run` is a whole life of kemu: claim the data directory, take over what an earlier run left, judge the manifests, find
the engine, bind the ports, fill the Store, start every part in one TaskGroup, and take everything down again in the
opposite order. Each step's failure is an exception that says what to do; nothing has been started by then that would
have to be undone by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.eventing.eventing import Eventing
from emulator.eventing.reconcilers import KINDS as EVENTING_KINDS
from emulator.eventing.reconcilers import RECONCILERS as EVENTING_RECONCILERS
from emulator.ingress.cluster import ClusterClient
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.doors import Doors
from emulator.ingress.hosts import HostTable, VirtualHosts
from emulator.ingress.server import Listener, PortForbidden, PortInUse, Server, UnknownHost, bind
from emulator.ingress.upstream import Dialer
from emulator.kubeapi import discovery
from emulator.kubeapi.api import api
from emulator.kubeapi.own import Actions
from emulator.lib import collector
from emulator.lib.clock import SystemClock, rfc3339
from emulator.lib.instance import Instance, State
from emulator.lib.kubeconfig import last_server
from emulator.lib.report import report, trouble
from emulator.lib.tasks import Tasks
from emulator.manifests.asleep import Starts
from emulator.manifests.edits import Edit, edits
from emulator.manifests.loader import Applied, Loader, Wanted
from emulator.manifests.watching import watch
from emulator.objects.kind import Registry
from emulator.runtime.base import Runtime
from emulator.runtime.docker import DockerRuntime
from emulator.runtime.errors import EngineLost
from emulator.runtime.names import HostsFile
from emulator.serving.annotations import NAMESPACE
from emulator.serving.backends import Backends
from emulator.serving.configrules import CONFIG_WEBHOOK, config_problems, operator_problems
from emulator.serving.reconcilers import KINDS as SERVING_KINDS
from emulator.serving.reconcilers import RECONCILERS as SERVING_RECONCILERS
from emulator.serving.rehearsals import rehearsals
from emulator.serving.requestlog import RequestLogs
from emulator.serving.scaler import FrozenTier, Scaler
from emulator.serving.telemetry import Telemetry
from emulator.serving.visits import Visits
from emulator.settings import Settings
from emulator.store.admission import Webhook
from emulator.store.database import Database
from emulator.store.disk import Disk
from emulator.store.ledger import Ledger
from emulator.store.store import Store
from emulator.workloads.accounts import keep_default_accounts
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.definitions import Definitions
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.hostpaths import HostPaths
from emulator.workloads.imagekeeper import ImageKeeper
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.meter import Meter
from emulator.workloads.namespaces import Namespaces
from emulator.workloads.operators import KNATIVE_SERVING, config_maps
from emulator.workloads.owndefinitions import LATER, kind_of, own_definition
from emulator.workloads.platform import tell_of_platform
from emulator.workloads.podmetrics import refresh
from emulator.workloads.podrunner import PodLogs, PodRunner
from emulator.workloads.podscaling import PodScaling
from emulator.workloads.podworker import Tools
from emulator.workloads.reconcilers import KINDS as WORKLOAD_KINDS
from emulator.workloads.reconcilers import RECONCILERS as WORKLOAD_RECONCILERS
from emulator.workloads.servicedelivery import ServiceDelivery
from emulator.workloads.startobjects import Listening, put_start_objects
from emulator.workloads.stored import tell_of_stored

logger = logging.getLogger(__name__)

KINDS = (*SERVING_KINDS, *EVENTING_KINDS, *WORKLOAD_KINDS)
RECONCILERS = {**SERVING_RECONCILERS, **EVENTING_RECONCILERS, **WORKLOAD_RECONCILERS}
WEBHOOKS = (
    Webhook(CONFIG_WEBHOOK, CONFIG_MAP, config_problems),
    Webhook(CONFIG_WEBHOOK, KNATIVE_SERVING, operator_problems),
)
_CLUSTER_PORT = 80
_LOOPBACK = "127.0.0.1"
_API_DRAIN_S = 1.0  # what lasts longer there is a watch, and would last for ever
_NAMES_EVERY_S = 0.05
_MOST_NAMED = 3
_SWEEP_S, _HURRIED_SWEEP_S = 5.0, 1.0
_LOOK_S = 0.5  # how long the start table waits for the engine to say which images it has
_OPERATORS = {"KnativeServing": config_maps, "KnativeEventing": config_maps}


@dataclass(frozen=True)
class Started:
    """What the terminal shows once everything stands."""

    url: str
    api_url: str
    store: Store
    applied: Applied


Show = Callable[[Started], None]


async def run(settings: Settings, instance: Instance, show: Show) -> None:
    """Live until told to stop: by SIGINT, SIGTERM, SIGHUP or `kemu down`.

    ManifestFaults, PortInUse, PortForbidden, EngineUnavailable, Unusable and OSError when kemu cannot start.
    """
    await App(settings, instance).run(show)


class App:
    """One life of kemu: what has to be claimed before the parts can be made, and given back after them."""

    def __init__(self, settings: Settings, instance: Instance) -> None:
        self._settings = settings
        self._instance = instance
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self.store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP, (*WEBHOOKS, *rehearsals(self._rehearse)))
        self._ledger = Ledger()
        self._database = Database(settings.data_dir)
        self._disk = Disk(self._database, self.store, self._ledger)
        self._starts = Starts.of(is_rollout=settings.rollout)
        self._loader = Loader(self.store, settings.paths, _OPERATORS, self._ledger, kind_of)
        self._loader.as_made = self._starts.made
        self._hosts_file = HostsFile(settings.data_dir / "hosts")
        self._runtime = DockerRuntime(instance.id, self._hosts_file)

    async def run(self, show: Show) -> None:
        """See the module's `run`."""
        self.store.keep_changes(False)
        found = await asyncio.to_thread(self._database.open)
        try:
            for note in self._disk.restore(found, self._starts.found, self._define):
                trouble(logger, "kemu", "%s", note)
            await self._start(show)
        finally:
            await self._disk.close()

    def _rehearse(self, pod: dict[str, Any]) -> None:
        self.store.create(pod, dry_run=True)

    def _define(self) -> None:
        """Kinds that users have defined are served from here on."""
        Definitions(self.store, own_definition, LATER)

    async def _start(self, show: Show) -> None:
        """Judge the manifests, find the engine, bind the ports, and live."""
        settings = self._settings
        wanted = self._loader.check(await asyncio.to_thread(self._loader.read))
        with contextlib.ExitStack() as sockets:
            public = sockets.enter_context(await asyncio.to_thread(bind, settings.host, settings.port))
            try:
                await self._runtime.connect()
                await self._sweep()
                inside = sockets.enter_context(await self._bind_inside())
                control = sockets.enter_context(await asyncio.to_thread(self._bind_control))
                await self._live(Sockets(public, inside, control), wanted, show)
            finally:
                await self._runtime.close()

    async def _live(self, sockets: Sockets, wanted: Sequence[Wanted], show: Show) -> None:
        """Make the parts, start them, and wind them down when it is time."""
        self._settings = settings = replace(self._settings, port=_port(sockets.public))
        addresses = Addresses(settings.domain, settings.port, _port(sockets.inside))
        self._handle_signals()
        async with Tasks() as dials, Tasks() as tasks:
            parts = Parts(settings, self.store, self._runtime, addresses, Dialer(dials))
            try:
                self.store.announce()
                version = discovery.VERSION["gitVersion"]
                listening = Listening(settings.port, _port(sockets.control), sockets.inside.getsockname()[:2])
                put_start_objects(self.store, listening, version)
                # What an earlier run left is settled before files change it: by then owners know what they wrote.
                parts.controller.settle(wholly=False)
                self._loader.settle = partial(parts.controller.settle, wholly=False)
                applied = self._loader.apply(wanted)
                parts.controller.settle(wholly=False)
                for name, work in parts.work():
                    tasks.spawn(work, name)
                tasks.spawn(self._disk.run(), "disk")
                tasks.spawn(self._keep_names(parts, _gateway(sockets.inside)), "names")
                if settings.watch:
                    tasks.spawn(watch(self._loader, settings.reload_quiet_s, _show_notes), "manifests")
                state = self._state(sockets)
                self.store.keep_changes(True)
                for name, server in parts.listen(sockets, state.prefix, self._kept()):
                    tasks.spawn(server.run(), name)
                await parts.images.looked(_LOOK_S)
                parts.controller.settle(wholly=False)
                await asyncio.to_thread(self._instance.publish, state)
                collector.spare()
                show(Started(state.url, state.api_url, self.store, applied))
                _show_notes(applied)
                await self._stop.wait()
            finally:
                await self._wind_down(parts)

    def _kept(self) -> Kept:
        return Kept(self._stop.set, self._disk.flush, lambda: edits(self.store, self._ledger))

    # -- before the parts

    async def _sweep(self) -> None:
        """Remove what a killed kemu of this data directory left; the lock says that it is gone."""
        names = await self._runtime.sweep()
        if names:
            shown = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
            report(logger, "kemu", "removed %d container(s) that a killed kemu left: %s", len(names), shown)

    async def _bind_inside(self) -> socket.socket:
        """The socket for containers: on the bridge's gateway, port 80 where that may be bound."""
        network = await self._runtime.ensure_network()
        if network.gateway is None:
            return await asyncio.to_thread(bind, _LOOPBACK, 0)
        try:
            return await asyncio.to_thread(bind, network.gateway, _CLUSTER_PORT)
        except (PortInUse, PortForbidden) as refused:
            inside = await asyncio.to_thread(bind, network.gateway, 0)
            trouble(logger, "kemu", "cluster-local URLs carry port %d here: %s", _port(inside), refused)
            return inside

    def _bind_control(self) -> socket.socket:
        """The API's socket: on the port of the last run, where clients may still look for it, if it is free."""
        last = last_server(self._settings.data_dir)
        if last is not None and not self._settings.api_port:
            with contextlib.suppress(PortInUse, PortForbidden):
                return bind(_LOOPBACK, last.port)
        return bind(_LOOPBACK, self._settings.api_port)

    def _state(self, sockets: Sockets) -> State:
        """What other commands find this kemu by."""
        last = last_server(self._settings.data_dir)
        return State(
            pid=os.getpid(),
            instance=self._instance.id,
            host=self._settings.host,
            port=self._settings.port,
            api_port=_port(sockets.control),
            prefix=last.prefix if last is not None else secrets.token_urlsafe(18),
            started_at=rfc3339(self.store.clock.now()),
            inside=f"{sockets.inside.getsockname()[0]}:{_port(sockets.inside)}",
        )

    async def _keep_names(self, parts: Parts, gateway: str) -> None:
        """What containers see follows the table of cluster-local names: the hosts file, and ports that listen."""
        written: tuple[list[str], dict[str, str]] = ([], {})
        table = parts.hosts.internal
        async with Tasks() as tasks:
            while True:
                names = [name for name in table.names() if not name.startswith("*")]
                wanted = names, dict(table.pins)
                if wanted != written:
                    await asyncio.to_thread(self._hosts_file.write, gateway, *wanted)
                    written = wanted
                if gateway:
                    await parts.doors(gateway).keep(table.ports, tasks)
                await table.changed()
                await asyncio.sleep(_NAMES_EVERY_S)

    # -- the end

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(signal.SIGHUP, self._stop.set)

    def _signalled(self) -> None:
        """The first asks kindly, the second does not wait."""
        if self._stop.is_set():
            self._hurry.set()
        else:
            report(logger, "kemu", "stopping: requests in flight may end, then containers go (again: at once)")
            self._stop.set()

    async def _wind_down(self, parts: Parts) -> None:
        """Requests end, then containers; with a second signal everything is cut at once."""
        async with Tasks() as tasks:
            ended = tasks.spawn(parts.end(self._settings.drain_s), "end")
            hurry = tasks.spawn(_until(self._hurry), "hurry")
            await asyncio.wait((ended, hurry), return_when=asyncio.FIRST_COMPLETED)
        if parts.link.is_here:
            await self._sweep_last()
        report(logger, "kemu", "stopped")

    async def _sweep_last(self) -> None:
        """Remove what is left in the engine, if it answers in time; with a second signal it has hardly any."""
        async with Tasks() as tasks:
            swept = tasks.spawn(self._swept(), "sweep")
            hurry = tasks.spawn(_until(self._hurry), "hurry")
            await asyncio.wait((swept, hurry), timeout=_SWEEP_S, return_when=asyncio.FIRST_COMPLETED)
            if not swept.done():
                await asyncio.wait((swept,), timeout=_HURRIED_SWEEP_S)
            if not swept.done():
                said = "the container engine has not removed all in time; the next start removes what is left"
                trouble(logger, "kemu", "%s", said)

    async def _swept(self) -> None:
        try:
            await self._runtime.sweep()
        except EngineLost as lost:
            trouble(logger, "kemu", "%s; the next start removes what is left of its containers", lost)


@dataclass(frozen=True)
class Sockets:
    """Where kemu listens: for users, for containers, and for kemu's own commands."""

    public: socket.socket
    inside: socket.socket
    control: socket.socket


@dataclass(frozen=True)
class Kept:
    """What the API is given of the App: how to end it, its disk, and what differs from the files."""

    stop: Callable[[], None]
    written: Callable[[], Awaitable[None]]
    edits: Callable[[], Iterable[Edit]]


class Parts:
    """The parts of a running kemu, connected. Making them starts nothing; `work` has what must run."""

    def __init__(
        self, settings: Settings, store: Store, runtime: Runtime, addresses: Addresses, dialer: Dialer
    ) -> None:
        self._store = store
        self._deadlines = Deadlines()
        self._servers: dict[str, Server] = {}
        self._doors: Doors | None = None
        self.hosts = VirtualHosts()
        self.link = EngineLink(runtime, settings.engine_retry_s, settings.engine_retry_max_s)
        recorder = Recorder(store, KUBE_EVENT)
        self.controller = Controller(store, RECONCILERS, recorder, addresses)
        self.images = ImageKeeper(store, self.link)
        self._client = ClusterClient(
            self.hosts.internal, dialer, self._deadlines, lambda host: self._backends.is_expected(host)
        )
        self._eventing = Eventing(store, self.hosts, self._client)
        tier = FrozenTier(settings.idle, settings.frozen_max)
        self._scaler = Scaler(
            store, lambda *revision: self._backends.throttler(*revision), NAMESPACE, tier, self.controller.rest
        )
        self._backends = Backends(
            store, self.hosts, dialer, addresses, self._scaler.poke, debug_headers=settings.debug_headers
        )
        self._logs = PodLogs()
        self._request_logs = RequestLogs(store, self._backends.throttler, self._log_request)
        self._telemetry = Telemetry(store, self._backends.throttler, self._scaler.figures)
        host_paths = HostPaths(settings.allow_host_path, settings.ask)
        folder = settings.data_dir / "pods"
        tools = Tools(
            store, self.link, self.images, folder, self._backends.drain, recorder, host_paths, self._request_logs.probed
        )
        self._pods = PodRunner(tools, self._logs)
        self._meter = Meter(self.link)
        self._pod_scaling = PodScaling(store, self._meter)
        keep_default_accounts(store)
        tell_of_stored(store)
        tell_of_platform(store)
        Namespaces(store)
        self._backends.start()
        self._request_logs.start()
        self._telemetry.start()
        ServiceDelivery(store, self.hosts.internal, dialer).start()
        self._eventing.start()

    def _log_request(self, namespace: str, pod: str, text: str) -> None:
        self._logs.of(namespace, pod, "queue-proxy").append(text, self._store.clock.now())

    def work(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until it is cancelled, by name."""
        yield "controller", self.controller.run()
        yield "scaler", self._scaler.run()
        yield "pod scaling", self._pod_scaling.run()
        yield "engine", self.link.run()
        yield "images", self.images.run()
        yield "pods", self._pods.run()
        yield "eventing", self._eventing.run()

    def listen(self, sockets: Sockets, prefix: str, kept: Kept) -> Iterator[tuple[str, Server]]:
        """The servers, by name. The API lies under `prefix`; `kept.stop` is what `kemu down` asks of it."""
        public, why = self.hosts.public, self._backends.why_absent
        actions = Actions(
            fire=self._eventing.fire,
            stop=kept.stop,
            logs=self._logs,
            containers=self.link.runtime,
            stats=self._backends.stats,
            metrics=self._telemetry.text,
            awake=Visits(self._store, self._scaler).awake,
            edits=kept.edits,
            written=kept.written,
            measure=lambda: refresh(self._store, self._meter),
        )
        app = api(self._store, prefix, actions)
        for name, listener in (
            ("public", Listener(sockets.public, public, self._deadlines, UnknownHost(public, why))),
            ("inside", self._inside(sockets.inside)),
            ("control", Listener(sockets.control, HostTable(), self._deadlines, app)),
        ):
            server = Server(listener)
            self._servers[name] = server
            yield f"listener {name}", server

    def doors(self, gateway: str) -> Doors:
        """Where containers find kemu on other ports than the usual one."""
        if self._doors is None:
            self._doors = Doors(gateway, lambda bound: Server(self._inside(bound)))
        return self._doors

    def _inside(self, bound: socket.socket) -> Listener:
        internal = self.hosts.internal
        return Listener(bound, internal, self._deadlines, UnknownHost(internal, self._backends.why_absent))

    async def end(self, drain_s: float) -> None:
        """Take nothing more; let requests and events end for `drain_s`, then remove the containers."""
        self._logs.release()
        drains = {"control": min(drain_s, _API_DRAIN_S)}
        servers = [server.stop(drains.get(name, drain_s)) for name, server in self._servers.items()]
        if self._doors is not None:
            servers.append(self._doors.stop(drain_s))
        await asyncio.gather(self._eventing.wind_down(drain_s), *servers)
        if self.link.is_here:
            await self._pods.end(drain_s)
        self._client.close()


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def _gateway(inside: socket.socket) -> str:
    """Where containers find kemu; "" where the engine has a machine of its own and kemu listens on loopback only."""
    address = str(inside.getsockname()[0])
    return "" if address == _LOOPBACK else address


def _show_notes(applied: Applied) -> None:
    for note in applied.notes:
        logger.warning("%s", note, extra={"about": "manifests", "fields": {}})


async def _until(event: asyncio.Event) -> None:
    await event.wait()
