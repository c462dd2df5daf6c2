"""One container of a Pod, kept running: image, start, output, exit, restart; its probes are `containerprobes.py`'s.

A `ContainerKeeper` is a coroutine with a public state; the Pod's worker turns that state into the Pod's status. It
follows the kubelet: restarts by restartPolicy with the crash back-off (10 s doubling to 5 min, the first at once),
waiting reasons ErrImagePull, ImagePullBackOff, CreateContainerConfigError, CrashLoopBackOff. It never writes the Store.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

from emulator.control.reconciler import Note
from emulator.lib.backoff import CRASH_FIRST_S, CRASH_LIMIT_S, CrashBackoff, doubling_s
from emulator.lib.report import report, trouble
from emulator.lib.tasks import Tasks
from emulator.objects.podspec import Container
from emulator.runtime.base import ContainerState, ImageInfo, RunningContainer
from emulator.runtime.errors import ContainerFailed, ContainerGone, EngineLost, ImageForbidden, ImageMissing, NameTaken
from emulator.workloads import lastwords
from emulator.workloads.containerprobes import ContainerProbes, Sleep, Verdicts
from emulator.workloads.environment import ConfigFault
from emulator.workloads.hooks import after_start, before_stop
from emulator.workloads.imagekeeper import key_repository
from emulator.workloads.images import NEVER
from emulator.workloads.surroundings import Surroundings

logger = logging.getLogger(__name__)

_NAMELESS = "user-container"  # what Knative calls a container whose author gave it no name

# Kubernetes' exit code for a container that could not be started (kuberuntime: StartError).
NOT_STARTED = 128
STEPS = ("image", "create", "start", "port", "probe")
OOM_KILLED = "OOMKilled"
_OUTPUT_S = 1.0  # how long an ended container's last output is waited for
_CONFIG_S = 1.0  # between looks for a missing ConfigMap; the kubelet's 10 s are for a node full of Pods


@dataclass(frozen=True)
class Waiting:
    """Not running yet, or not again yet."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class Running:
    """Since when, by the wall clock."""

    container: RunningContainer
    since: datetime


@dataclass(frozen=True)
class Terminated:
    """`message` is what `lastwords` makes of its end."""

    exit_code: int
    reason: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None


class ContainerKeeper:
    """State and life of one container."""

    def __init__(self, container: Container, around: Surroundings) -> None:
        self.container = container
        self.state: Waiting | Running | Terminated = Waiting("ContainerCreating")
        self.last: Terminated | None = None
        self.restarts = 0
        self.is_ready = False
        self.is_started = False
        self.is_stopping = False
        self.image_id = ""
        self._around = around
        self._link = around.link
        self._attempt = 0
        self._is_renewing = False
        self.took: dict[str, float] = {}
        """Where the time of the present start goes, in ms: image, create, start, port, and probe once it is ready."""
        self._sleep = Sleep()
        self.is_resting = False
        """Ended, and not to be started again."""
        self._left: list[str] = []

    @property
    def id(self) -> str | None:
        """The running container's id."""
        return self.state.container.id if isinstance(self.state, Running) else None

    @property
    def is_frozen(self) -> bool:
        """Its Pod is frozen: no probe is asked, and one that ends is started again only when that is over."""
        return self._sleep.is_asleep

    def rest(self) -> None:
        """The container is about to be paused."""
        self._sleep.begin()

    def wake(self) -> None:
        """The container runs on, as it was before."""
        self._sleep.end()

    def doubt(self, id: str) -> None:
        """A container that could not be thawed: not ready until another one is."""
        if id == self.id:
            self.is_ready = False

    async def keep(self) -> None:
        """Run the container until it is stopped, or has ended and its restart policy lets it rest."""
        backoff = CrashBackoff()
        loop = asyncio.get_running_loop()
        while not self.is_stopping:
            await self._sleep.is_over()
            self.last = await self._once() or self.last
            ended, exited_at = self.state, loop.time()
            if self._is_renewing and not self.is_stopping:
                self._is_renewing = False
                await self._remove_left()
                continue
            if self.is_stopping or not isinstance(ended, Terminated):
                return
            if self._may_rest(ended):
                self.is_resting = True
                self._around.changed()
                return
            delay_s = backoff.delay_s(exited_at)
            self._report_exit(ended, delay_s)
            await self._remove_left()
            if delay_s:
                name, pod = self.container.name, self._around.full_name
                said = f"back-off {delay_s:.0f}s restarting failed container={name} pod={pod}"
                self._around.tell(
                    Note("BackOff", f"Back-off restarting failed container {name} in pod {pod}", "Warning")
                )
                self._become(Waiting("CrashLoopBackOff", said))
                await asyncio.sleep(delay_s)
            backoff = backoff.restarted(exited_at, loop.time())
            self.restarts += 1

    async def stop(self, grace_s: float) -> None:
        """Ask the container to end, and kill it after `grace_s`; `keep` then returns."""
        self.is_stopping = True
        if isinstance(self.state, Running):
            running = self.state.container
            self._around.tell(Note("Killing", f"Stopping container {self.container.name}"))
            left_s = await before_stop(self.container, running, self._around, grace_s)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await self._link.call(lambda: self._link.runtime.stop(running.id, left_s))
            if 0 < left_s <= loop.time() - begun:
                said = "container %s did not end within %.0f s of SIGTERM and was killed: handle SIGTERM, as PID 1 must"
                trouble(logger, self._around.about, said, self.container.name, left_s)

    async def renew(self) -> None:
        """Replace the running container by another one, which is no crash: the network that it shares is gone."""
        if (id := self.id) is not None:
            self._is_renewing = True
            await self._link.call(lambda: self._link.runtime.stop(id, 1.0))

    async def remove(self) -> None:
        """Remove what is left of all its containers."""
        if (id := self.id) is not None:
            self._left.append(id)
        await self._remove_left()

    # -- one start to one exit

    async def _once(self) -> Terminated | None:
        try:
            running = await self._start()
        except ContainerFailed as failed:
            self._around.log.begin()
            self._around.log.rest()
            now = self._around.clock.now()
            self._around.tell(Note("Failed", f"Error: {failed.why}", "Warning"))
            return self._exited(Terminated(NOT_STARTED, "StartError", failed.why, now, now))
        self._left.append(running.id)
        self._around.log.begin()
        self._become(Running(running, self._around.clock.now()))
        try:
            state = await self._watch(running)
        finally:
            self._around.log.rest()
        return self._exited(_terminated(state, await self._message(state)))

    async def _start(self) -> RunningContainer:
        failures, name = 0, self.container.name
        while True:
            try:
                image = await self._image()
                self.image_id = f"{key_repository(image.ref)}@{image.digest}" if image.digest else image.id
                self._attempt += 1
                spec = await self._around.spec(self.container, image, self._attempt)
                running = await self._link.call(lambda spec=spec: self._link.runtime.start(spec))  # type: ignore[misc]
                self.took |= {"create": running.timings.create_ms, "start": running.timings.start_ms}
                for note in (
                    Note("Created", f"Created container: {name}"),
                    Note("Started", f"Started container {name}"),
                ):
                    self._around.tell(note)
                return running
            except NameTaken as taken:
                # A start that was cut off by a lost engine did happen after all.
                await self._link.call(lambda holder=taken.holder: self._link.runtime.remove(holder, force=True))  # type: ignore[misc]
                continue
            except ImageForbidden as missing:
                waiting, delay_s = Waiting("ErrImageNeverPull", missing.why), CRASH_FIRST_S
                for said in (missing.why, "Error: ErrImageNeverPull"):
                    self._around.tell(Note("ErrImageNeverPull" if said == missing.why else "Failed", said, "Warning"))
            except ImageMissing as missing:
                self._around.images.forget(self.container.image)
                waiting = Waiting("ImagePullBackOff" if failures else "ErrImagePull", str(missing))
                delay_s = doubling_s(failures + 1, CRASH_FIRST_S, CRASH_LIMIT_S)
                self._tell_missing(missing, failures)
            except ConfigFault as fault:
                waiting, delay_s = Waiting("CreateContainerConfigError", str(fault)), _CONFIG_S
                self._around.tell(Note("Failed", f"Error: {fault}", "Warning"))
            failures += 1
            if waiting != self.state and not self._around.is_told(waiting.message):
                trouble(logger, self._around.about, "%s: %s", waiting.reason, waiting.message)
            self._become(waiting)
            await asyncio.sleep(delay_s)

    async def _image(self) -> ImageInfo:
        """The image, pulled if need be."""
        ref, tell = self.container.image, self._around.tell
        begun = perf_counter()
        is_pulled = False

        def pulling() -> None:
            nonlocal is_pulled
            is_pulled = True
            tell(Note("Pulling", f'Pulling image "{ref}"'))

        pull = replace(self._around.access(ref), is_forbidden=self.container.image_pull_policy == NEVER)
        image = await self._around.images.have(ref, pull, pulling)
        taken_s = perf_counter() - begun
        self.took = {"image": taken_s * 1000}
        there = f'Container image "{ref}" already present on machine'
        tell(Note("Pulled", f'Successfully pulled image "{ref}" in {taken_s:.3f}s' if is_pulled else there))
        return image

    def _tell_missing(self, missing: ImageMissing, failures: int) -> None:
        ref = self.container.image
        notes = [Note("Failed", f'Failed to pull image "{ref}": {missing.why}', "Warning")]
        notes.append(Note("Failed", "Error: ErrImagePull", "Warning"))
        if failures:
            notes = [
                Note("BackOff", f'Back-off pulling image "{ref}"'),
                Note("Failed", "Error: ImagePullBackOff", "Warning"),
            ]
        for note in notes:
            self._around.tell(note)

    async def _watch(self, running: RunningContainer) -> ContainerState:
        async with Tasks() as tasks:
            output = tasks.spawn(self._follow(running.id), f"output {running.name}")
            verdicts = Verdicts(self._set_started, self._set_ready, self.took)
            probes = ContainerProbes(self.container, running, self._around, self._sleep, verdicts)
            tasks.spawn(self._begin(running, probes), f"probes {running.name}")
            state = await self._link.ended(running.id)
            await asyncio.wait([output], timeout=_OUTPUT_S)
        return state

    async def _begin(self, running: RunningContainer, probes: ContainerProbes) -> None:
        if await after_start(self.container, running, self._around):
            await probes.run()
        else:
            trouble(
                logger, self._around.about, "postStart of container %s failed: it is restarted", self.container.name
            )
            await self._link.call(lambda: self._link.runtime.stop(running.id, self._around.grace_s))

    async def _follow(self, id: str) -> None:
        """The container's output into the log, across a lost engine."""
        since: datetime | None = None
        while True:
            seen = since  # what is read again after a lost engine
            try:
                async with aclosing(self._link.runtime.logs(id, follow=True, since=since)) as lines:
                    async for line in lines:
                        if seen is not None and line.time <= seen:
                            continue
                        since = line.time
                        self._around.log.append(line.text, line.time, line.stream)
                        report(logger, self._around.about, "%s", line.text, stream=line.stream)
                return
            except ContainerGone:
                return
            except EngineLost:
                await self._link.back()

    # -- state

    def _set_started(self) -> None:
        self.is_started = True
        if self.container.startup_probe is not None:
            self._around.changed()

    def _set_ready(self, is_ready: bool) -> None:
        if self.is_ready == is_ready or not isinstance(self.state, Running):
            return
        self.is_ready = is_ready
        if not is_ready:
            trouble(logger, self._around.about, "readiness probe fails: no requests until it succeeds again")
            self._around.tell(Note("Unhealthy", "Readiness probe failed", "Warning"))
        self._around.changed()

    def _become(self, state: Waiting | Running | Terminated) -> None:
        self.state = state
        self._around.changed()

    def _exited(self, ended: Terminated) -> Terminated:
        self.is_ready = self.is_started = False
        self._become(ended)
        return ended

    def _may_rest(self, ended: Terminated) -> bool:
        policy = self._around.restart_policy
        return policy == "Never" or (policy == "OnFailure" and ended.exit_code == 0)

    async def _message(self, state: ContainerState) -> str:
        written = await self._around.written(self.container)
        return lastwords.message(self.container, written, _code(state), self._output(lastwords.FALLBACK_LINES))

    def _output(self, lines: int) -> str:
        """The last lines of this run."""
        run = self._around.log.run()
        found = self._around.log.read(start=run.start if run is not None else 0, tail=lines)
        return "\n".join(line.text for line in found)

    def _report_exit(self, ended: Terminated, delay_s: float) -> None:
        if self.is_frozen:
            trouble(logger, self._around.about, "container exited with code %d while frozen", ended.exit_code)
            return
        again = f"; next start in {delay_s:.0f} s (CrashLoopBackOff)" if delay_s else "; starting it again"
        if ended.reason == OOM_KILLED:
            limits = self.container.resources.limits if self.container.resources else {}
            said = "OOMKilled: container used more than its memory limit of %s (resources.limits.memory)%s"
            trouble(logger, self._around.about, said, limits.get("memory", "the engine's computer"), again)
            return
        words = (ended.message or (self._output(1) if ended.exit_code else "")).splitlines()
        last = f": {words[-1]}" if words else ", without a word" if ended.exit_code else ""
        name = self.container.name
        which = "container" if name == _NAMELESS else f"container {name}"
        trouble(logger, self._around.about, "%s exited with code %d%s%s", which, ended.exit_code, last, again)

    async def _remove_left(self) -> None:
        while self._left:
            id = self._left[-1]
            await self._link.call(lambda id=id: self._link.runtime.remove(id, force=True))  # type: ignore[misc]
            self._left.remove(id)


def _code(state: ContainerState) -> int:
    return state.exit_code if state.exit_code is not None else 137  # removed by somebody: as if killed


def _terminated(state: ContainerState, message: str) -> Terminated:
    code = _code(state)
    reason = OOM_KILLED if state.oom_killed and code else "Completed" if code == 0 else "Error"
    return Terminated(code, reason, message, state.started_at, state.finished_at)
