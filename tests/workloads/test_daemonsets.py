"""DaemonSets over the real Store and Controller."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.app import KINDS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.daemonsets import DAEMON_SET, DAEMON_SET_RECONCILER
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.pods import POD
from tests.world import StandingClock


class Sets:
    """The DaemonSet `agent`."""

    def __init__(self) -> None:
        self.store = Store(Registry(KINDS), StandingClock(), CONFIG_MAP)
        recorder = Recorder(self.store, KUBE_EVENT)
        self.controller = Controller(self.store, {DAEMON_SET: DAEMON_SET_RECONCILER}, recorder, Addresses())

    def put(self, image: str, **spec: Any) -> None:
        template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
        whole = {"selector": {"matchLabels": {"app": "x"}}, "template": template, **spec}
        obj = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": whole}
        there = self.store.find(DAEMON_SET, "agent", "default")
        self.store.create(obj) if there is None else self.store.update(obj)
        self.controller.settle()

    def images(self) -> list[str]:
        return [pod.spec.containers[0].image for pod in self.store.list(POD)]

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.store.get(DAEMON_SET, "agent", "default").status)


@pytest.fixture
def sets() -> Sets:
    return Sets()


def test_the_one_node_has_one_pod(sets: Sets) -> None:
    sets.put("a")
    assert sets.images() == ["a"]
    assert (sets.status["desiredNumberScheduled"], sets.status["numberUnavailable"]) == (1, 1)
    (pod,) = sets.store.list(POD)
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": sets.store.now()}
    sets.store.update_status(pod.key, {"phase": "Running", "conditions": [condition]})
    sets.controller.settle()
    assert (sets.status["numberReady"], sets.status["numberAvailable"], sets.status["updatedNumberScheduled"]) == (
        1,
        1,
        1,
    )
    sets.store.delete(POD, pod.name, "default")
    sets.controller.settle()
    assert [other.name != pod.name for other in sets.store.list(POD)] == [True]


@pytest.mark.parametrize(("strategy", "images"), [("RollingUpdate", ["b"]), ("OnDelete", ["a"])])
def test_a_new_template_replaces_it_where_the_strategy_says_so(sets: Sets, strategy: str, images: list[str]) -> None:
    sets.put("a", updateStrategy={"type": strategy})
    sets.put("b", updateStrategy={"type": strategy})
    assert sets.images() == images
    assert sets.status["updatedNumberScheduled"] == len(images) * (strategy == "RollingUpdate")
