"""Deployments and ReplicaSets over the real Store and Controller; the test says when a Pod is ready."""

from __future__ import annotations

from typing import Any

from emulator.app import KINDS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.reconciler import Reconciler
from emulator.control.recorder import Recorder
from emulator.objects.kind import Kind, Registry
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT, DEPLOYMENT_RECONCILER
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.pods import POD
from emulator.workloads.replicasets import REPLICA_SET, REPLICA_SET_RECONCILER
from tests.world import StandingClock


class Rolling:
    """The Deployment `d`, its ReplicaSets and Pods."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.store = Store(Registry(KINDS), self.clock, CONFIG_MAP)
        reconcilers: dict[Kind[Any], Reconciler] = {
            DEPLOYMENT: DEPLOYMENT_RECONCILER,
            REPLICA_SET: REPLICA_SET_RECONCILER,
        }
        self.controller = Controller(self.store, reconcilers, Recorder(self.store, KUBE_EVENT), Addresses())

    def deploy(self, image: str = "a", replicas: int = 2, **spec: Any) -> None:
        """Create or change `d`; every creation is a second later than the one before."""
        self.clock.advance(1)
        template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
        whole = {"replicas": replicas, "selector": {"matchLabels": {"app": "d"}}, "template": template, **spec}
        obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": whole}
        there = self.store.find(DEPLOYMENT, "d", "default")
        if there is None:
            self.store.create(obj)
        else:
            metadata = {"name": "d", "annotations": dict(there.annotations)}
            self.store.update({**obj, "metadata": metadata})
        self.controller.settle()

    def become(self, pod: Resource[Any], ready: bool = True) -> None:
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": self.store.now()}
        self.store.update_status(pod.key, {"phase": "Running", "conditions": [condition]})
        self.controller.settle()

    def pods(self, image: str = "") -> list[Resource[Any]]:
        found = [p for p in self.store.list(POD) if not p.is_deleting]
        return [p for p in found if image in ("", p.spec.containers[0].image)]

    def ready(self, image: str = "") -> None:
        """All Pods that are there become ready."""
        for pod in self.pods(image):
            if self.store.find(POD, pod.name, pod.namespace) is not None and not pod.is_ready:
                self.become(pod)

    def roll(self) -> None:
        """Let Pods become ready until nothing changes."""
        version = -1
        while version != self.store.version:
            version = self.store.version
            self.ready()

    def images(self) -> list[str]:
        return sorted(pod.spec.containers[0].image for pod in self.pods())

    def sizes(self) -> dict[str, int]:
        """The size of each ReplicaSet by its image."""
        sets = self.store.list(REPLICA_SET)
        return {s.spec.template.spec.containers[0].image: s.obj["spec"]["replicas"] for s in sets}

    @property
    def deployment(self) -> Resource[Any]:
        return self.store.get(DEPLOYMENT, "d", "default")

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.deployment.status)

    def condition(self, type_: str) -> tuple[str, str]:
        found = self.deployment.condition(type_)
        return found["status"], found.get("reason", "")

    def events(self) -> list[str]:
        return [f"{e.obj['involvedObject']['kind']} {e.obj['message']}" for e in self.store.list(KUBE_EVENT)]
