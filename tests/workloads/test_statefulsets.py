"""StatefulSets over the real Store and Controller; the test says when a Pod is ready, and when it has gone."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.app import KINDS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.objects.kind import Registry
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.claims import CLAIM
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.pods import POD
from emulator.workloads.statefulsets import STATEFUL_SET, STATEFUL_SET_RECONCILER
from tests.world import StandingClock

CLAIMS = [
    {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
]


class Sets:
    """The StatefulSet `web` and its Pods."""

    def __init__(self) -> None:
        self.store = Store(Registry(KINDS), StandingClock(), CONFIG_MAP)
        recorder = Recorder(self.store, KUBE_EVENT)
        self.controller = Controller(self.store, {STATEFUL_SET: STATEFUL_SET_RECONCILER}, recorder, Addresses())

    def put(self, image: str = "a", replicas: int = 2, **spec: Any) -> None:
        """Create or change it."""
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
        whole = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
        obj = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": whole}
        there = self.store.find(STATEFUL_SET, "web", "default")
        self.store.create(obj) if there is None else self.store.update(obj)
        self.controller.settle()

    def ready(self, *names: str) -> None:
        for name in names:
            condition = {"type": "Ready", "status": "True", "lastTransitionTime": self.store.now()}
            self.store.update_status(self.pod(name).key, {"phase": "Running", "conditions": [condition]})
        self.controller.settle()

    def pod(self, name: str) -> Resource[Any]:
        return self.store.get(POD, name, "default")

    def pods(self) -> dict[str, str]:
        """The image of each Pod by its name."""
        return {pod.name: pod.spec.containers[0].image for pod in self.store.list(POD)}

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.store.get(STATEFUL_SET, "web", "default").status)


@pytest.fixture
def sets() -> Sets:
    return Sets()


def test_pods_come_one_after_the_other_and_go_from_the_highest_down(sets: Sets) -> None:
    sets.put(replicas=3)
    for count in (1, 2, 3):
        assert list(sets.pods()) == [f"web-{number}" for number in range(count)]
        sets.ready(f"web-{count - 1}")
    assert (sets.status["replicas"], sets.status["readyReplicas"], sets.status["availableReplicas"]) == (3, 3, 3)
    sets.put(replicas=1)
    assert list(sets.pods()) == ["web-0"]


def test_one_that_goes_comes_back_with_its_name_before_later_ones_change(sets: Sets) -> None:
    sets.put(replicas=2)
    sets.ready("web-0")
    sets.ready("web-1")
    before = sets.pod("web-0").uid
    sets.store.delete(POD, "web-0", "default")
    sets.controller.settle()
    assert sets.pod("web-0").uid != before
    sets.put(replicas=1)
    assert list(sets.pods()) == ["web-0", "web-1"], "the first is not ready yet"
    sets.ready("web-0")
    assert list(sets.pods()) == ["web-0"]


def test_parallel_ones_come_and_go_at_once(sets: Sets) -> None:
    sets.put(replicas=3, podManagementPolicy="Parallel", ordinals={"start": 5})
    assert list(sets.pods()) == ["web-5", "web-6", "web-7"]
    sets.put(replicas=1, podManagementPolicy="Parallel", ordinals={"start": 5})
    assert list(sets.pods()) == ["web-5"]


def test_each_has_its_name_its_number_and_its_own_claims(sets: Sets) -> None:
    sets.put(replicas=1, serviceName="peers", volumeClaimTemplates=CLAIMS)
    pod = sets.pod("web-0")
    assert (pod.spec.hostname, pod.spec.subdomain) == ("web-0", "peers")
    assert pod.labels["statefulset.kubernetes.io/pod-name"] == "web-0"
    assert pod.labels["apps.kubernetes.io/pod-index"] == "0"
    (volume,) = pod.obj["spec"]["volumes"]
    assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
    assert [claim.name for claim in sets.store.list(CLAIM)] == ["data-web-0"]
    sets.put(replicas=0, serviceName="peers", volumeClaimTemplates=CLAIMS)
    assert [claim.name for claim in sets.store.list(CLAIM)] == ["data-web-0"], "claims stay"


def test_a_new_template_replaces_them_one_by_one_from_the_highest_down(sets: Sets) -> None:
    sets.put()
    sets.ready("web-0")
    sets.ready("web-1")
    first = sets.status["currentRevision"]
    sets.put("b")
    assert sets.pods() == {"web-0": "a", "web-1": "b"}
    assert (sets.status["updatedReplicas"], sets.status["currentRevision"]) == (1, first)
    sets.ready("web-1")
    assert sets.pods() == {"web-0": "b", "web-1": "b"}
    assert sets.status["currentRevision"] == first
    sets.ready("web-0")
    assert sets.status["currentRevision"] == sets.status["updateRevision"] != first


@pytest.mark.parametrize(
    ("strategy", "images"),
    [
        ({"type": "OnDelete"}, {"web-0": "a", "web-1": "a"}),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}, {"web-0": "a", "web-1": "b"}),
    ],
    ids=["on delete", "a partition"],
)
def test_a_strategy_says_which_of_them(sets: Sets, strategy: dict[str, Any], images: dict[str, str]) -> None:
    sets.put(updateStrategy=strategy)
    sets.ready("web-0")
    sets.ready("web-1")
    sets.put("b", updateStrategy=strategy)
    for _ in range(3):
        sets.ready(*sets.pods())
    assert sets.pods() == images


def test_one_that_has_ended_is_made_anew(sets: Sets) -> None:
    sets.put(replicas=1)
    before = sets.pod("web-0").uid
    sets.store.update_status(sets.pod("web-0").key, {"phase": "Failed"})
    sets.controller.settle()
    assert sets.pod("web-0").uid != before
