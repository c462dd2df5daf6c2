"""Deployments follow what their containers use, looked at by the Meter, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pydantic import ConfigDict

from emulator.lib.clock import LoopClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.runtime.base import Runtime, Usage
from emulator.store.store import Store
from emulator.workloads.autoscalers import AUTOSCALER
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.meter import Meter
from emulator.workloads.nodes import NODE_KIND
from emulator.workloads.podmetrics import NODE_METRICS, POD_METRICS
from emulator.workloads.pods import POD
from emulator.workloads.podscaling import PodScaling
from tests.world import obj

pytestmark = pytest.mark.looptime
LABELS = {"app": "d"}


class Anything(Model):
    model_config = ConfigDict(extra="allow")


OWN = Kind(group="own.dev", version="v1", name="Own", plural="owns", spec=Anything, scale=DEPLOYMENT.scale)
MIB = 1024 * 1024


class Engine:
    """Of a Runtime, what the Meter asks of it: containers that use so many CPUs and bytes."""

    def __init__(self) -> None:
        self.cpu, self.memory, self.asked = 0.0, 10 * MIB, 0

    async def usage(self, id: str) -> Usage | None:
        self.asked += 1
        return None if id == "gone" else Usage(self.memory, self.cpu * asyncio.get_running_loop().time())


class World:
    def __init__(self) -> None:
        kinds = (DEPLOYMENT, OWN, POD, AUTOSCALER, NODE_KIND, POD_METRICS, NODE_METRICS, CONFIG_MAP)
        self.store = Store(Registry(kinds), LoopClock(datetime(2026, 1, 1, tzinfo=UTC)), CONFIG_MAP)
        self.engine = Engine()
        self.meter = Meter(EngineLink(cast(Runtime, self.engine), 1.0, 1.0))
        self.scaling = PodScaling(self.store, self.meter)

    def deployment(self, replicas: int = 1, **requests: str) -> None:
        container = {"name": "c", "image": "app", "resources": {"requests": requests}}
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        self.store.create(
            obj(DEPLOYMENT, "d", {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template})
        )
        for number in range(replicas):
            self.pod(f"d-{number}", container)

    def pod(self, name: str, container: dict[str, Any]) -> None:
        pod = self.store.create(obj(POD, name, {"containers": [container]}, labels=LABELS))
        status = {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "c", "containerID": f"docker://{name}", "state": {"running": {}}}],
        }
        self.store.update_status(pod.key, status)

    def autoscaler(self, metric: str = "cpu", target: dict[str, Any] | None = None, **spec: Any) -> None:
        aimed = target or {"type": "Utilization", "averageUtilization": 50}
        ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
        metrics = [{"type": "Resource", "resource": {"name": metric, "target": aimed}}]
        body = {"scaleTargetRef": ref, "maxReplicas": 10, "metrics": metrics, **spec}
        self.store.create(obj(AUTOSCALER, "a", body))

    @property
    def replicas(self) -> int:
        return int(self.store.get(DEPLOYMENT, "d", "default").obj["spec"]["replicas"])

    @property
    def said(self) -> Resource[Any]:
        return self.store.get(AUTOSCALER, "a", "default")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with Tasks() as tasks:
        tasks.spawn(world.scaling.run(), "scaling")
        yield world


async def test_load_brings_pods_and_the_status_says_why(world: World) -> None:
    world.deployment(cpu="500m")
    world.autoscaler()
    world.engine.cpu = 0.75
    await asyncio.sleep(40)
    assert world.replicas == 3
    status = world.said.status
    assert (status["currentReplicas"], status["desiredReplicas"]) in ((1, 3), (3, 3))
    current = {"averageValue": "750m", "averageUtilization": 150}
    assert status["currentMetrics"] == [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
    assert {c["type"]: c["status"] for c in status["conditions"]}["ScalingActive"] == "True"


async def test_idleness_takes_them_away_after_the_stabilization_window(world: World) -> None:
    world.deployment(4, cpu="500m")
    world.autoscaler(minReplicas=2, behavior={"scaleDown": {"stabilizationWindowSeconds": 60}})
    await asyncio.sleep(50)
    assert world.replicas == 4
    await asyncio.sleep(20)
    assert world.replicas == 2


async def test_memory_counts_by_its_amount_and_without_a_request(world: World) -> None:
    world.deployment()
    world.autoscaler("memory", {"type": "AverageValue", "averageValue": "4Mi"})
    await asyncio.sleep(40)
    assert world.replicas == 3


async def test_without_a_request_the_cause_is_told_and_nothing_is_scaled(world: World) -> None:
    world.deployment()
    world.autoscaler()
    world.engine.cpu = 5.0
    await asyncio.sleep(40)
    assert world.replicas == 1
    condition = world.said.condition("ScalingActive")
    assert (condition["status"], condition["reason"]) == ("False", "FailedGetResourceMetric")
    assert "missing request for cpu in container c of Pod d-0" in condition["message"]


async def test_metrics_of_others_are_said_to_be_missing(world: World) -> None:
    world.deployment()
    pods = {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"averageValue": "1"}}}
    world.autoscaler(metrics=[pods])
    await asyncio.sleep(20)
    condition = world.said.condition("ScalingActive")
    assert condition["reason"] == "FailedGetPodsMetric"
    assert "unable to get metric queue" in condition["message"]


async def test_an_owners_autoscaler_only_says_what_it_decided(world: World) -> None:
    world.deployment(cpu="500m")
    owner = world.store.create(obj(DEPLOYMENT, "owner", {"selector": {"matchLabels": {"x": "y"}}, "template": {
        "metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "c", "image": "app"}]}}}))  # fmt: skip
    world.autoscaler()
    world.store.update(
        {**world.said.obj, "metadata": {**world.said.metadata, "ownerReferences": [owner.owner_reference()]}}
    )
    world.engine.cpu = 0.75
    await asyncio.sleep(40)
    assert (world.replicas, world.said.status["desiredReplicas"]) == (1, 3)


async def test_nothing_is_looked_at_while_there_is_nothing_to_scale(world: World) -> None:
    world.deployment(0, cpu="500m")
    world.autoscaler()
    await asyncio.sleep(600)
    assert world.engine.asked == 0
    assert "desiredReplicas" not in world.said.status


async def test_a_kind_that_selects_in_another_way_has_no_pods(world: World) -> None:
    world.store.create(obj(OWN, "d", {"replicas": 1, "selector": "app=d"}))
    world.autoscaler(scaleTargetRef={"apiVersion": "own.dev/v1", "kind": "Own", "name": "d"})
    await asyncio.sleep(40)
    conditions = world.store.get(AUTOSCALER, "a", "default").status["conditions"]
    assert ("ScalingActive", "False") in [(c["type"], c["status"]) for c in conditions]
