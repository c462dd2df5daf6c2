"""The probes of one running container: when they are asked, and what follows from their answers.

Startup first, then readiness and liveness side by side; a container that fails startup or liveness is stopped, and its
keeper starts it again. What each probe asks is `probing.py`'s. Run by `ContainerKeeper` as long as its container runs.
Followed: kubernetes pkg/kubelet/prober; knative/serving pkg/queue/readiness for the port beside a command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from emulator.control.reconciler import Note
from emulator.lib.report import trouble
from emulator.lib.tasks import Tasks
from emulator.objects.podspec import Container, Probe
from emulator.runtime.base import RunningContainer
from emulator.workloads.hooks import before_stop
from emulator.workloads.probing import Check, asked_by, checker, first_success, heard, port_checker, steadily
from emulator.workloads.surroundings import Surroundings

logger = logging.getLogger(__name__)

_SILENT_S = 10.0  # a function that is not ready after this long gets a word of advice


class Sleep:
    """Whether the container's Pod is frozen: no probe is asked then."""

    def __init__(self) -> None:
        self._awake = asyncio.Event()
        self._awake.set()
        self._naps = 0

    @property
    def is_asleep(self) -> bool:
        return not self._awake.is_set()

    def begin(self) -> None:
        self._naps += 1
        self._awake.clear()

    def end(self) -> None:
        self._awake.set()

    async def is_over(self) -> None:
        """Returns at once where the container is awake."""
        await self._awake.wait()

    def when_over(self, check: Check) -> Check:
        """`check` while the container is awake; what it says of one that has slept meanwhile does not count."""

        async def asked() -> bool:
            while True:
                await self._awake.wait()
                naps = self._naps
                if await check():
                    return True
                if naps == self._naps:
                    return False

        return asked


@dataclass(frozen=True)
class Verdicts:
    """Who is told: `started` once, `ready` whenever it changes. `took` gets the steps `port` and `probe`, in ms."""

    started: Callable[[], None]
    ready: Callable[[bool], None]
    took: dict[str, float]


class ContainerProbes:
    """See the module's text."""

    def __init__(
        self, container: Container, running: RunningContainer, around: Surroundings, sleep: Sleep, verdicts: Verdicts
    ) -> None:
        self._container = container
        self._running = running
        self._around = around
        self._sleep = sleep
        self._verdicts = verdicts
        self._begun = perf_counter()

    async def run(self) -> None:
        """Ask until cancelled, or until a probe has ended the container."""
        container = self._container
        if container.startup_probe is not None and not await self._starts_up(container.startup_probe):
            await self._kill("startup", container.startup_probe)
            return
        self._verdicts.started()
        async with Tasks() as tasks:
            if container.liveness_probe is not None:
                tasks.spawn(self._keep_alive(container.liveness_probe), f"liveness {self._running.name}")
            await self._become_ready(container.readiness_probe)
            await asyncio.Event().wait()

    async def _become_ready(self, probe: Probe | None) -> None:
        if probe is None:
            self._note_ready()
            self._verdicts.ready(True)
            return
        await asyncio.sleep(probe.initial_delay_seconds or 0)
        advice = asyncio.get_running_loop().call_later(_SILENT_S, self._advise, probe)
        check = self._readiness(probe)
        try:
            async with Tasks() as tasks:
                tasks.spawn(self._note_port(probe), f"port {self._running.name}")
                await first_success(check, probe.success_threshold or 1)
        finally:
            advice.cancel()
        self._note_ready()
        self._verdicts.ready(True)
        await steadily(probe, self._sleep.when_over(heard(check, self._around.probed)), self._verdicts.ready)

    async def _starts_up(self, probe: Probe) -> bool:
        await asyncio.sleep(probe.initial_delay_seconds or 0)
        patience_s = (probe.failure_threshold or 3) * (probe.period_seconds or 10)
        try:
            async with asyncio.timeout(patience_s):
                await first_success(self._checker(probe), probe.success_threshold or 1)
        except TimeoutError:
            return False
        return True

    async def _keep_alive(self, probe: Probe) -> None:
        await asyncio.sleep(probe.initial_delay_seconds or 0)
        dead = asyncio.Event()
        async with Tasks() as tasks:
            check = self._sleep.when_over(self._checker(probe))
            tasks.spawn(steadily(probe, check, lambda well: None if well else dead.set()), "liveness")
            await dead.wait()
        await self._kill("liveness", probe)

    async def _kill(self, which: str, probe: Probe) -> None:
        around, name = self._around, self._container.name
        trouble(logger, around.about, "%s probe failed: container %s is restarted", which, name)
        self._tell_unhealthy(which)
        around.tell(Note("Killing", f"Container {name} failed {which} probe, will be restarted"))
        own_s = probe.termination_grace_period_seconds
        grace_s = around.grace_s if own_s is None else min(own_s, around.grace_s)
        left_s = await before_stop(self._container, self._running, around, grace_s)
        await around.link.call(lambda: around.link.runtime.stop(self._running.id, left_s))

    def _readiness(self, probe: Probe) -> Check:
        """What `probe` asks; where it runs a command, Knative's queue-proxy looks for the port besides."""
        check = self._checker(probe)
        if probe.exec is None or not self._around.takes_requests or not self._running.addresses:
            return check
        listens = self._checker(Probe.model_validate({"tcpSocket": {}}))

        async def both() -> bool:
            return await listens() and await check()

        return both

    def _checker(self, probe: Probe) -> Check:
        running = self._running
        return checker(probe, self._container, self._around.link.runtime, running.id, running.addresses)

    # -- telling

    async def _note_port(self, probe: Probe) -> None:
        """When the port opens that the probe asks; a probe that asks nothing else needs no second look."""
        running = self._running
        check = port_checker(probe, self._container, self._around.link.runtime, running.id, running.addresses)
        if check is not None:
            await first_success(check)
            self._verdicts.took["port"] = (perf_counter() - self._begun) * 1000

    def _note_ready(self) -> None:
        took, probe = self._verdicts.took, self._container.readiness_probe
        whole_ms = (perf_counter() - self._begun) * 1000
        port_ms = 0.0 if probe is None or probe.exec is not None else min(took.get("port", whole_ms), whole_ms)
        took |= {"port": port_ms, "probe": whole_ms - port_ms}

    def _tell_unhealthy(self, which: str) -> None:
        self._around.tell(Note("Unhealthy", f"{which.capitalize()} probe failed", "Warning"))

    def _advise(self, probe: Probe) -> None:
        self._tell_unhealthy("readiness")
        about = self._around.about
        if probe.exec is None and self._running.address is not None and "port" not in self._verdicts.took:
            said = "not ready after %.0f s: nothing answers on port %d; the function must listen on 0.0.0.0:$PORT"
            trouble(logger, about, said, _SILENT_S, next(iter(self._running.addresses)))
        else:
            said = "not ready after %.0f s: its readiness probe fails (%s)"
            trouble(logger, about, said, _SILENT_S, asked_by(probe))
