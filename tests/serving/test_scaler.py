"""The Scaler in virtual time: from zero by a poke, up with load, and back after the window."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.lib.clock import LoopClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.objects.podmarks import FROZEN, REVISION_LABEL, takes_requests
from emulator.objects.resource import Resource
from emulator.serving.annotations import IDLE, NAMESPACE
from emulator.serving.kinds import REVISION
from emulator.serving.metrics import Sample
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.serving.reconcilers import KINDS
from emulator.serving.scaler import START, FrozenTier, Scaler
from emulator.serving.serverlessservices import SERVERLESS_SERVICE
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.pods import POD
from tests.contract.contract import must
from tests.world import obj

pytestmark = pytest.mark.looptime
A = "autoscaling.knative.dev/"


class Load:
    """Implements `LoadSource`: so many requests at once."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.is_proxied = True

    def set_mode(self, *, is_proxied: bool) -> None:
        self.is_proxied = is_proxied

    def take(self, now: float) -> Sample:
        return Sample(float(self.in_flight), float(self.in_flight))


class World:
    """A Scaler with one Revision, whose Deployment does what is wanted at once unless it `is_stuck`."""

    def __init__(self, tier: FrozenTier | None = None) -> None:
        self.store = Store(
            Registry([*KINDS, DEPLOYMENT, POD, CONFIG_MAP]), LoopClock(datetime(2026, 1, 1, tzinfo=UTC)), CONFIG_MAP
        )
        self.load = Load()
        self.is_stuck = False
        self.scaler = Scaler(self.store, lambda namespace, name: self.load, NAMESPACE, tier or FrozenTier())

    def revision(self, **annotations: str) -> None:
        notes = {START if key == "start" else A + key.replace("_", "-"): value for key, value in annotations.items()}
        owner = self.store.create(obj(REVISION, "r", {"containers": [{"image": "app"}]})).owner_reference()
        labels = {"app": "r"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "app"}]}}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        self.store.create(obj(DEPLOYMENT, "r-deployment", spec, ownerReferences=[owner]))
        target = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r-deployment"}}
        self.store.create(obj(POD_AUTOSCALER, "r", target, annotations=notes, ownerReferences=[owner]))

    @property
    def deployment(self) -> Resource[Any]:
        return self.store.get(DEPLOYMENT, "r-deployment", "default")

    @property
    def replicas(self) -> int:
        return int(self.deployment.obj["spec"]["replicas"])

    def said(self, type_: str = "Active") -> tuple[str, str]:
        found = self.store.get(POD_AUTOSCALER, "r", "default").condition(type_)
        return found["status"], found.get("reason", "")

    async def after(self, seconds: float) -> int:
        """The replicas once so much time has passed, Pods becoming ready as fast as they are wanted."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            if not self.is_stuck:
                self.store.update_status(self.deployment.key, {"readyReplicas": self.replicas})
            await asyncio.sleep(min(0.5, left))
        return self.replicas


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with Tasks() as tasks:
        tasks.spawn(world.scaler.run(), "scaler")
        yield world


async def test_a_new_revision_gets_its_initial_scale_and_goes_to_zero_unused(world: World) -> None:
    world.revision()
    assert world.replicas == 1
    assert world.said() == ("Unknown", "Queued")
    assert await world.after(5) == 1
    assert world.said("ScaleTargetInitialized")[0] == "True"
    assert world.said()[0] == "True"
    assert await world.after(50) == 1
    assert await world.after(60) == 0
    assert world.said() == ("False", "NoTraffic")


async def test_what_up_found_at_its_start_is_asleep(world: World) -> None:
    world.revision(start="asleep")
    assert await world.after(5) == 0
    assert world.said("ScaleTargetInitialized")[0] == "True"


async def test_a_poke_has_a_replica_wanted_before_it_returns(world: World) -> None:
    world.revision(start="asleep")
    await world.after(30)
    world.scaler.poke("default", "r")
    assert world.replicas == 1
    world.scaler.poke("default", "r")
    assert world.replicas == 1


async def test_a_request_that_was_there_first_has_a_replica_wanted_too(world: World) -> None:
    world.load.in_flight = 1
    world.scaler.poke("default", "r")
    world.revision(start="asleep")
    assert world.replicas == 1


async def test_a_poke_for_nobody_is_nothing(world: World) -> None:
    world.scaler.poke("default", "r")
    assert world.store.list(POD_AUTOSCALER) == []


async def test_load_brings_as_many_replicas_as_it_calls_for_and_idleness_takes_them_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.revision(target="10", target_utilization_percentage="100")
    await world.after(3)
    world.load.in_flight = 45
    assert await world.after(70) == 5
    world.load.in_flight = 0
    assert await world.after(200) == 0
    said = [record.getMessage() for record in caplog.records]
    assert "scaled 4 → 5" in said
    assert said[-2:] == ["scaled 2 → 1", "idle: scaled 1 → 0"]


async def test_a_minimum_holds_without_load_and_an_annotation_changes_it_at_once(world: World) -> None:
    world.revision(min_scale="2")
    assert await world.after(300) == 2
    found = world.store.get(POD_AUTOSCALER, "r", "default")
    world.store.patch_metadata(found.key, annotations={f"{A}min-scale": "3"})
    assert world.replicas == 3


async def test_config_autoscaler_is_read_when_it_changes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.revision()
    await world.after(3)
    config = obj(CONFIG_MAP, "config-autoscaler", {}, namespace=NAMESPACE)
    del config["spec"]
    world.store.create({**config, "data": {"min-scale": "2"}})
    assert world.replicas == 2
    world.store.update({**config, "data": {"min-scale": "two"}})
    assert "the defaults hold" in caplog.text


async def test_a_revision_that_never_gets_ready_is_given_up(world: World) -> None:
    world.revision()
    world.is_stuck = True
    assert await world.after(620) == 1
    assert await world.after(60) == 0
    assert world.said() == ("False", "TimedOut")


@pytest.mark.parametrize(
    ("burst", "scale", "expected"),
    [
        ("211", "2", True),
        ("211", "3", False),
        ("0", "0", True),
        ("0", "1", False),
        ("-1", "3", True),
    ],
    ids=["200 of 211", "300 of 211", "0 asleep", "0 awake", "always"],
)
async def test_the_capacity_beyond_a_burst_decides_on_the_activator(
    world: World, burst: str, scale: str, expected: bool
) -> None:
    world.revision(target_burst_capacity=burst, min_scale=scale, **({} if scale != "0" else {"start": "asleep"}))
    await world.after(10)
    assert world.load.is_proxied is expected


async def test_load_that_eats_the_capacity_brings_the_activator_back(world: World) -> None:
    world.revision(target_burst_capacity="211", min_scale="3", max_scale="3")
    await world.after(10)
    assert world.load.is_proxied is False
    world.load.in_flight = 100
    await world.after(10)
    assert world.load.is_proxied is True


async def test_a_revision_of_another_class_never_has_the_activator(world: World) -> None:
    world.revision(**{"class": "hpa.autoscaling.knative.dev"})
    await world.after(10)
    assert world.load.is_proxied is False


async def test_a_revision_of_another_class_always_runs(world: World) -> None:
    world.revision(**{"class": "hpa.autoscaling.knative.dev"})
    assert await world.after(300) == 1
    assert world.said()[0] == "True"


async def test_a_deleted_revision_is_forgotten(world: World) -> None:
    world.revision()
    world.store.delete(POD_AUTOSCALER, "r", "default")
    world.store.update_status(world.deployment.key, {"readyReplicas": 1})
    assert await world.after(10) == 1


# -- as Knative's own tests have it, with the times that they take there (serving §9)

SIX = {"target": "6", "target_utilization_percentage": "70"}
TEN_RPS = {"metric": "rps", "target": "10", "target_utilization_percentage": "70"}


@pytest.mark.parametrize(
    ("spec", "loads"),
    [
        pytest.param(SIX, (8, 12, 16), marks=pytest.mark.contract("MUST", "e2e/TestAutoscaleUpCountPods")),
        pytest.param(TEN_RPS, (14, 21, 28), marks=pytest.mark.contract("MUST", "e2e/TestRPSBasedAutoscaleUpCountPods")),
    ],
    ids=["concurrency", "rps"],
)
async def test_the_replicas_are_counted_up_with_the_load(
    world: World, spec: dict[str, str], loads: tuple[int, ...]
) -> None:
    world.revision(**spec)
    assert await world.after(5) == 1
    for wanted, load in enumerate(loads, start=2):
        world.load.in_flight = load
        seen = {await world.after(2) for _ in range(45)}
        assert seen <= {wanted - 1, wanted, wanted + 1}
        assert world.replicas == wanted


@must("e2e/TestAutoscaleSustaining")
@pytest.mark.parametrize("algorithm", ["linear", "weightedExponential"])
async def test_the_replicas_stay_as_long_as_the_load_does(world: World, algorithm: str) -> None:
    world.revision(**SIX, metric_aggregation_algorithm=algorithm)
    await world.after(5)
    world.load.in_flight = 33
    await world.after(30)
    assert {await world.after(2) for _ in range(60)} <= {8, 9}


@must("e2e/TestTargetBurstCapacity")
async def test_the_activator_leaves_when_two_replicas_cover_a_burst(world: World) -> None:
    world.revision(
        target="10", target_utilization_percentage="70", target_burst_capacity="7", panic_threshold_percentage="200"
    )
    await world.after(5)
    world.load.in_flight = 7
    assert (await world.after(20), world.load.is_proxied) == (1, True)
    world.load.in_flight = 12
    assert (await world.after(120), world.load.is_proxied) == (2, False)


@must("e2e/TestTargetBurstCapacityZero")
async def test_without_a_burst_capacity_an_idle_revision_goes_within_a_minute(world: World) -> None:
    world.revision(target="10", target_burst_capacity="0", window="10s")
    assert await world.after(5) == 1
    assert world.load.is_proxied is False
    assert await world.after(55) == 0


# -- freezing


class Freezing(World):
    """With one Pod for each replica of `r`, which is ready but while it is frozen."""

    def pods(self) -> None:
        present = self.store.list(POD)
        for pod in present[self.replicas :]:
            self.store.delete(POD, pod.name, "default")
        for number in range(len(present), self.replicas):
            spec = {"containers": [{"name": "c", "image": "app"}]}
            self.store.create(obj(POD, f"r-{number}", spec, labels={REVISION_LABEL: "r"}))
        for pod in self.store.list(POD):
            value = "False" if FROZEN in pod.annotations else "True"
            self.store.update_status(pod.key, {"conditions": [{"type": "Ready", "status": value}]})
        ready = sum(takes_requests(pod) for pod in self.store.list(POD))
        self.store.update_status(self.deployment.key, {"readyReplicas": ready} if ready else {})

    async def after(self, seconds: float) -> int:
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            self.pods()
            await asyncio.sleep(min(0.5, left))
        return self.replicas

    @property
    def frozen(self) -> list[str]:
        return [pod.name for pod in self.store.list(POD) if FROZEN in pod.annotations]


@pytest.fixture
async def freezing() -> AsyncIterator[Freezing]:
    world = Freezing(FrozenTier("freeze"))
    async with Tasks() as tasks:
        tasks.spawn(world.scaler.run(), "scaler")
        yield world


async def test_the_last_replica_is_frozen_at_the_windows_end_and_stopped_later(freezing: Freezing) -> None:
    freezing.revision(scale_to_zero_pod_retention_period="2m")
    assert await freezing.after(70) == 1
    assert freezing.frozen == ["r-0"]
    assert freezing.said() == ("False", "NoTraffic")
    assert await freezing.after(110) == 1
    assert await freezing.after(20) == 0


async def test_a_poke_thaws_before_it_returns_and_begins_another_window(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(70)
    freezing.load.in_flight = 1
    freezing.scaler.poke("default", "r")
    assert freezing.frozen == []
    assert await freezing.after(1) == 1
    assert freezing.said()[0] == "True"
    freezing.load.in_flight = 0
    await freezing.after(30)
    assert freezing.frozen == []
    await freezing.after(100)
    assert freezing.frozen == ["r-0"]


async def test_a_thaw_is_told_to_whoever_should_step_aside_and_decided_before_it_is_written(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(70)
    freezing.scaler.poke("default", "r")
    assert freezing.said() == ("False", "NoTraffic")
    await asyncio.sleep(0.1)
    assert freezing.said()[0] == "Unknown"
    assert freezing.replicas == 1


async def test_of_several_replicas_one_is_frozen_and_the_others_go(freezing: Freezing) -> None:
    freezing.revision(target="10", target_utilization_percentage="100")
    await freezing.after(3)
    freezing.load.in_flight = 45
    assert await freezing.after(70) == 5
    freezing.load.in_flight = 0
    assert await freezing.after(300) == 1
    assert freezing.frozen == ["r-0"]


async def test_a_request_that_lasts_keeps_its_replica_from_being_frozen(freezing: Freezing) -> None:
    freezing.revision(metric="rps", target="10")
    freezing.load.take = lambda now: Sample(0.0, 0.0)  # type: ignore[method-assign]
    await freezing.after(3)
    freezing.load.in_flight = 1
    assert await freezing.after(200) == 1
    assert freezing.frozen == []
    freezing.load.in_flight = 0
    await freezing.after(3)
    assert freezing.frozen == ["r-0"]


async def test_what_is_not_to_be_frozen_any_more_is_stopped(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(70)
    autoscaler = freezing.store.get(POD_AUTOSCALER, "r", "default")
    freezing.store.patch_metadata(autoscaler.key, annotations={IDLE: "stop"})
    assert freezing.replicas == 0


async def test_a_minimum_that_comes_thaws(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(70)
    autoscaler = freezing.store.get(POD_AUTOSCALER, "r", "default")
    freezing.store.patch_metadata(autoscaler.key, annotations={f"{A}min-scale": "1"})
    assert (freezing.frozen, freezing.replicas) == ([], 1)


async def test_where_none_may_be_kept_it_is_stopped() -> None:
    world = Freezing(FrozenTier("freeze", 0))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.scaler.run())
        world.revision()
        assert await world.after(70) == 0
        running.cancel()


async def test_a_pod_frozen_by_hand_is_thawed_by_a_poke(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(3)
    pod = freezing.store.get(POD, "r-0", "default")
    freezing.store.patch_metadata(pod.key, annotations={FROZEN: "2026-01-01T00:00:00Z"})
    await freezing.after(1)
    freezing.scaler.poke("default", "r")
    assert freezing.frozen == []


async def test_a_serverless_service_shows_the_mode_that_the_data_plane_was_told(world: World) -> None:
    world.revision(target_burst_capacity="0")

    def mode() -> str:
        return str(world.store.get(SERVERLESS_SERVICE, "r", "default").spec.mode)

    await world.after(5)
    assert world.load.is_proxied is False
    target = {"mode": "Proxy", "objectRef": {"name": "r-deployment"}, "protocolType": "http1"}
    world.store.create(obj(SERVERLESS_SERVICE, "r", target))
    assert mode() == "Serve"
    assert await world.after(200) == 0
    assert (world.load.is_proxied, mode()) == (True, "Proxy")
