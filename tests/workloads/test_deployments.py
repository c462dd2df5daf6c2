"""Deployments over the real Store and Controller: so many Pods, rolled one template after the other."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.app import KINDS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.lib.clock import SystemClock
from emulator.objects.kind import Registry
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT, DEPLOYMENT_RECONCILER
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.pods import POD


class World:
    def __init__(self) -> None:
        self.store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP)
        reconcilers = {DEPLOYMENT: DEPLOYMENT_RECONCILER}
        self.controller = Controller(self.store, reconcilers, Recorder(self.store, KUBE_EVENT), Addresses())

    def deploy(self, image: str = "a", replicas: int = 2) -> None:
        template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "d"}}, "template": template}
        obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
        there = self.store.find(DEPLOYMENT, "d", "default")
        self.store.create(obj) if there is None else self.store.update(obj)
        self.controller.settle()

    def become(self, pod: Resource[Any], ready: bool = True) -> None:
        status = "True" if ready else "False"
        self.store.update_status(pod.key, {"conditions": [{"type": "Ready", "status": status}]})
        self.controller.settle()

    def images(self) -> list[str]:
        return sorted(pod.spec.containers[0].image for pod in self.store.list(POD))

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.store.get(DEPLOYMENT, "d", "default").status)


@pytest.fixture
async def world() -> World:
    return World()


async def test_as_many_pods_are_made_as_are_wanted(world: World) -> None:
    world.deploy(replicas=3)
    assert world.images() == ["a", "a", "a"]
    assert all(pod.labels["app"] == "d" for pod in world.store.list(POD))
    version = world.store.version
    world.controller.settle()
    assert world.store.version == version


async def test_status_counts_what_is_ready(world: World) -> None:
    world.deploy()
    assert (world.status["replicas"], world.status["unavailableReplicas"]) == (2, 2)
    for pod in world.store.list(POD):
        world.become(pod)
    assert (world.status["readyReplicas"], "unavailableReplicas" in world.status) == (2, False)
    conditions = {c["type"]: (c["status"], c["reason"]) for c in world.status["conditions"]}
    assert conditions == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }


async def test_pods_that_are_not_ready_go_first(world: World) -> None:
    world.deploy()
    first, second = world.store.list(POD)
    world.become(second)
    world.deploy(replicas=1)
    assert [pod.name for pod in world.store.list(POD)] == [second.name]
    assert first.name != second.name


async def test_none_are_left_at_zero(world: World) -> None:
    world.deploy()
    world.deploy(replicas=0)
    assert world.images() == []


async def test_old_pods_stay_until_as_many_new_ones_are_ready(world: World) -> None:
    world.deploy("a", 1)
    world.become(world.store.list(POD)[0])
    world.deploy("b", 1)
    assert world.images() == ["a", "b"]
    world.become(next(p for p in world.store.list(POD) if p.spec.containers[0].image == "b"))
    assert world.images() == ["b"]


async def test_a_pod_that_somebody_deletes_is_replaced(world: World) -> None:
    world.deploy(replicas=1)
    (pod,) = world.store.list(POD)
    world.store.delete(POD, pod.name, "default")
    world.controller.settle()
    assert len(world.store.list(POD)) == 1
