"""One container kept running, as the kubelet does: waits, starts, crash back-off, renewals, ends (virtual time)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emulator.control.reconciler import Note
from emulator.lib.clock import SystemClock
from emulator.lib.ringlog import RingLog
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.objects.podspec import Container
from emulator.runtime.base import ContainerSpec, ExecResult, ImageInfo
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.containers import ContainerKeeper, Running, Terminated, Waiting
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.environment import ConfigFault
from emulator.workloads.imagekeeper import ImageKeeper, Pull
from emulator.workloads.images import IMAGE
from emulator.workloads.surroundings import Surroundings
from tests.runtime.memory import MemoryRuntime

pytestmark = pytest.mark.looptime(start=0)


class World:
    """An engine in memory, and keepers on it. `fault` is what keeps containers from being configured, `message` what
    they write as their last.
    """

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.runtime = MemoryRuntime("here:1")
        self.link = EngineLink(self.runtime, 1.0, 4.0)
        self.fault = ""
        self.message = ""
        self.states: list[str] = []
        self.told: list[Note] = []
        self.said: list[str] = []
        self.probed: list[bool] = []
        self._images = ImageKeeper(Store(Registry([IMAGE, CONFIG_MAP]), SystemClock(), CONFIG_MAP), self.link)

    def keep(self, policy: str = "Always", image: str = "here:1", name: str = "c", **fields: Any) -> ContainerKeeper:
        """A keeper at work."""
        around = Surroundings(
            link=self.link,
            images=self._images,
            clock=SystemClock(),
            log=RingLog(),
            about="hello-00001",
            full_name="hello-00001_default(1)",
            restart_policy=policy,
            takes_requests=True,
            grace_s=10.0,
            access=lambda ref: Pull(),
            spec=self._spec,
            changed=lambda: self.states.append(shown(keeper)),
            tell=self.told.append,
            is_told=lambda fault: fault in self.said,
            written=self._written,
            probed=lambda is_well, seconds: self.probed.append(is_well),
        )
        keeper = ContainerKeeper(Container.model_validate({"name": name, "image": image, **fields}), around)
        self.tasks.spawn(keeper.keep(), "keeper")
        return keeper

    async def _spec(self, container: Container, image: ImageInfo, attempt: int) -> ContainerSpec:
        if self.fault:
            raise ConfigFault(self.fault)
        ports = tuple(port.container_port for port in container.ports)
        return ContainerSpec(name=f"{container.name}-{attempt}", image=image.ref, ports=ports)

    async def _written(self, container: Container) -> str:
        return self.message

    def end(self, keeper: ContainerKeeper, code: int, *, oom_killed: bool = False) -> None:
        """The running container's process ends."""
        assert keeper.id is not None
        self.runtime.finish(keeper.id, code, oom_killed=oom_killed)

    async def left(self) -> list[str]:
        """The names of the containers that the engine has."""
        return [state.name for state in await self.runtime.containers()]


def shown(keeper: ContainerKeeper) -> str:
    state = keeper.state
    if isinstance(state, Waiting):
        return state.reason
    if isinstance(state, Terminated):
        return f"ended {state.exit_code}"
    return "ready" if keeper.is_ready else "running"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with Tasks() as tasks:
        world = World(tasks)
        tasks.spawn(world.link.run(), "engine")
        yield world


async def test_each_readiness_probe_in_its_rhythm_is_told(world: World) -> None:
    world.keep(readinessProbe={"exec": {"command": ["ready"]}, "periodSeconds": 10})
    await asyncio.sleep(15)
    world.runtime.exec_result = lambda argv: ExecResult(1, "")
    await asyncio.sleep(10)
    assert world.probed == [True, False]


async def test_a_container_without_probes_is_ready_once_it_runs(world: World) -> None:
    keeper = world.keep()
    await asyncio.sleep(1)
    assert isinstance(keeper.state, Running)
    assert (keeper.is_ready, keeper.is_started, keeper.restarts) == (True, True, 0)
    assert (keeper.image_id, world.states) == ("sha256:here:1", ["running", "ready"])


async def test_one_that_keeps_crashing_is_started_at_once_and_then_ever_later(world: World) -> None:
    keeper = world.keep()
    for pause_s, restarts in ((0, 1), (10, 2), (20, 3), (40, 4)):
        await asyncio.sleep(1)
        world.end(keeper, 3)
        await asyncio.sleep(pause_s - 1 if pause_s else 0.5)
        if pause_s:
            assert shown(keeper) == "CrashLoopBackOff"
            await asyncio.sleep(1.5)
        assert (shown(keeper), keeper.restarts) == ("ready", restarts)
    assert keeper.last is not None
    assert (keeper.last.exit_code, keeper.last.reason) == (3, "Error")
    assert await world.left() == ["c-5"]


async def test_one_that_ran_long_enough_is_started_at_once_again(world: World) -> None:
    keeper = world.keep()
    for _ in range(3):
        await asyncio.sleep(700)
        world.end(keeper, 1)
        await asyncio.sleep(0.5)
        assert shown(keeper) == "ready"


@pytest.mark.parametrize(
    ("policy", "code", "rests"),
    [("Always", 0, False), ("OnFailure", 0, True), ("OnFailure", 1, False), ("Never", 0, True), ("Never", 1, True)],
)
async def test_its_restart_policy_says_whether_it_may_rest(world: World, policy: str, code: int, rests: bool) -> None:
    keeper = world.keep(policy)
    await asyncio.sleep(1)
    world.end(keeper, code)
    await asyncio.sleep(1)
    assert (keeper.is_resting, shown(keeper)) == (rests, f"ended {code}" if rests else "ready")


async def test_a_missing_config_is_told_once_and_looked_for_each_second(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.fault = 'configmap "settings" not found in namespace "default"'
    keeper = world.keep()
    await asyncio.sleep(5)
    assert keeper.state == Waiting("CreateContainerConfigError", world.fault)
    assert [r.getMessage() for r in caplog.records] == [f"CreateContainerConfigError: {world.fault}"]
    world.fault = ""
    await asyncio.sleep(1)
    assert (shown(keeper), keeper.restarts) == ("ready", 0)


async def test_what_the_revision_has_told_is_not_told_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fault = 'configmap "settings" not found in namespace "default"'
    world.said.append(world.fault)
    keeper = world.keep()
    await asyncio.sleep(2)
    assert keeper.state == Waiting("CreateContainerConfigError", world.fault)
    assert caplog.records == []
    assert "Failed" in [note.reason for note in world.told]


async def test_a_missing_image_is_looked_for_ever_later(world: World) -> None:
    keeper = world.keep(image="none:1")
    await asyncio.sleep(1)
    assert shown(keeper) == "ErrImagePull"
    await asyncio.sleep(10)
    assert shown(keeper) == "ImagePullBackOff"
    world.runtime.images["none:1"] = ImageInfo(id="sha256:1", ref="none:1")
    await asyncio.sleep(15)
    assert shown(keeper) == "ImagePullBackOff"
    await asyncio.sleep(5)
    assert shown(keeper) == "ready"


async def test_an_image_that_must_not_be_pulled_keeps_its_container_waiting(world: World) -> None:
    keeper = world.keep(image="none:1", imagePullPolicy="Never")
    await asyncio.sleep(25)
    said = 'Container image "none:1" is not present with pull policy of Never'
    assert keeper.state == Waiting("ErrImageNeverPull", said)
    assert (world.runtime.pulls, {note.reason for note in world.told}) == ([], {"ErrImageNeverPull", "Failed"})
    world.runtime.images["none:1"] = ImageInfo(id="sha256:1", ref="none:1", digest="sha256:d")
    await asyncio.sleep(10)
    assert (shown(keeper), keeper.image_id) == ("ready", "none@sha256:d")


async def test_one_that_is_renewed_has_not_crashed(world: World) -> None:
    keeper = world.keep()
    await asyncio.sleep(1)
    before = keeper.id
    await keeper.renew()
    await asyncio.sleep(1)
    assert keeper.id not in (None, before)
    assert (shown(keeper), keeper.restarts, await world.left()) == ("ready", 0, ["c-2"])


async def test_one_that_is_stopped_is_not_started_again_and_leaves_nothing(world: World) -> None:
    keeper = world.keep()
    await asyncio.sleep(1)
    await keeper.stop(5.0)
    await asyncio.sleep(100)
    assert shown(keeper) == "ended 143"
    await keeper.remove()
    assert await world.left() == []


async def test_one_whose_name_is_taken_by_a_start_that_was_cut_off_takes_its_place(world: World) -> None:
    cut_off = await world.runtime.start(ContainerSpec(name="c-1", image="here:1"))
    keeper = world.keep()
    await asyncio.sleep(1)
    assert shown(keeper) == "ready"
    assert cut_off.id not in [state.id for state in await world.runtime.containers()]


async def test_an_engine_that_goes_and_comes_back_is_no_crash(world: World) -> None:
    keeper = world.keep()
    await asyncio.sleep(1)
    world.runtime.lose()
    await asyncio.sleep(10)
    assert shown(keeper) == "ready"
    world.runtime.comes_back()
    await asyncio.sleep(10)
    world.end(keeper, 1)
    await asyncio.sleep(1)
    assert (shown(keeper), keeper.restarts) == ("ready", 1)


async def test_what_it_wrote_at_its_end_is_its_message(world: World) -> None:
    keeper = world.keep("Never")
    await asyncio.sleep(1)
    world.message = "the disk is full"
    world.end(keeper, 3)
    await asyncio.sleep(1)
    assert isinstance(keeper.state, Terminated)
    assert (keeper.state.message, keeper.state.reason) == ("the disk is full", "Error")


async def test_one_that_ran_out_of_memory_is_told_as_such(world: World, caplog: pytest.LogCaptureFixture) -> None:
    keeper = world.keep(resources={"limits": {"memory": "32Mi"}})
    await asyncio.sleep(1)
    world.end(keeper, 137, oom_killed=True)
    await asyncio.sleep(1)
    assert keeper.last is not None
    assert (keeper.last.exit_code, keeper.last.reason) == (137, "OOMKilled")
    said = "OOMKilled: container used more than its memory limit of 32Mi (resources.limits.memory); starting it again"
    assert [r.getMessage() for r in caplog.records] == [said]


async def test_where_the_time_of_a_start_went_is_known_once_it_is_ready(world: World) -> None:
    keeper = world.keep(readinessProbe={"exec": {"command": ["ok"]}})
    await asyncio.sleep(1)
    assert list(keeper.took) == ["image", "create", "start", "port", "probe"]
    assert (keeper.took["create"], keeper.took["start"], keeper.took["port"]) == (1.0, 2.0, 0.0)
    assert keeper.took["probe"] > 0


async def test_a_port_that_opens_before_the_probe_succeeds_is_told_apart(world: World) -> None:
    is_well = False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (200 if is_well else 503))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        keeper = world.keep(readinessProbe={"httpGet": {"path": "/", "port": port}}, ports=[{"containerPort": port}])
        await asyncio.sleep(2)
        assert (keeper.is_ready, "port" in keeper.took) == (False, True)
        is_well = True
        await asyncio.sleep(2)
        assert keeper.is_ready
    assert keeper.took["port"] > 0
    assert keeper.took["probe"] > 0
