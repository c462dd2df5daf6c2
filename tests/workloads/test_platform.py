"""What installs Knative: kept, shown as ready, never started, and told once for each namespace."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.objects.kind import Json, Kind
from emulator.objects.platform import is_platform
from emulator.objects.resource import Resource
from emulator.workloads.autoscalers import AUTOSCALER
from emulator.workloads.coreservices import CORE_SERVICE
from emulator.workloads.daemonsets import DAEMON_SET
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.jobs import JOB
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.platform import tell_of_platform
from emulator.workloads.pods import POD
from emulator.workloads.reconcilers import RECONCILERS
from emulator.workloads.replicasets import REPLICA_SET
from emulator.workloads.statefulsets import STATEFUL_SET
from tests.world import World

TEMPLATE: Json = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}


@pytest.fixture
def world() -> World:
    return World()


def settled(world: World) -> None:
    kinds: tuple[Kind[Any], ...] = (DEPLOYMENT, REPLICA_SET, AUTOSCALER, CORE_SERVICE, JOB, *KINDS)
    reconcilers = {kind: RECONCILERS[kind] for kind in kinds}
    controller = Controller(world.store, reconcilers, Recorder(world.store, KUBE_EVENT), Addresses("x.test", 80, 80))
    world.store.announce()
    controller.settle()


KINDS: tuple[Kind[Any], ...] = (STATEFUL_SET, DAEMON_SET)


def made(kind: Kind[Any], namespace: str = "knative-serving", **spec: Any) -> Json:
    body = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE, **spec}
    body = {"ports": [{"port": 80}], **spec} if kind is CORE_SERVICE else body
    body = spec if kind is AUTOSCALER else body
    if kind is JOB:
        body = {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}, **spec}
    metadata = {"name": "a", "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": body}


@pytest.mark.parametrize(
    ("kind", "spec", "status"),
    [
        (DEPLOYMENT, {"replicas": 2}, {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2}),
        (DEPLOYMENT, {"replicas": 0}, {}),
        (STATEFUL_SET, {}, {"readyReplicas": 1}),
        (DAEMON_SET, {}, {"numberReady": 1, "desiredNumberScheduled": 1}),
        (JOB, {"completions": 3}, {"succeeded": 3}),
        (
            AUTOSCALER,
            {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "d"}},
            {"currentReplicas": 2},
        ),
        (CORE_SERVICE, {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}),
    ],
    ids=["Deployment", "Deployment of none", "StatefulSet", "DaemonSet", "Job", "autoscaler", "core Service"],
)
def test_what_is_said_of_it(world: World, kind: Kind[Any], spec: Json, status: Json) -> None:
    world.store.create(made(kind, **spec))
    settled(world)
    said = world.store.get(kind, "a", "knative-serving").status
    assert {name: said[name] for name in status} == status
    assert [*world.store.list(REPLICA_SET), *world.store.list(POD)] == []


def test_clients_that_wait_for_it_go_on(world: World) -> None:
    for kind in (DEPLOYMENT, JOB):
        world.store.create(made(kind))
    settled(world)
    assert world.store.get(DEPLOYMENT, "a", "knative-serving").condition("Available")["status"] == "True"
    assert world.store.get(JOB, "a", "knative-serving").condition("Complete")["status"] == "True"


async def test_a_deployment_of_another_namespace_is_run(world: World) -> None:
    world.store.create(made(DEPLOYMENT, "default"))
    settled(world)
    assert len(world.store.list(POD)) == 1


def test_what_something_in_kemu_controls_is_no_part_of_the_platform() -> None:
    owner = {"apiVersion": "v1", "kind": "X", "name": "o", "uid": "1", "controller": True}
    obj = made(DEPLOYMENT)
    owned = {**obj, "metadata": {**obj["metadata"], "ownerReferences": [owner]}}
    assert is_platform(Resource(DEPLOYMENT, obj, None))
    assert not is_platform(Resource(DEPLOYMENT, owned, None))


def test_the_log_says_it_once_for_a_namespace(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tell_of_platform(world.store)
    for kind, namespace in (
        (DEPLOYMENT, "knative-serving"),
        (STATEFUL_SET, "knative-serving"),
        (JOB, "kourier-system"),
        (DEPLOYMENT, "default"),
    ):
        world.store.create(made(kind, namespace))
    assert [(vars(record)["about"], record.getMessage()) for record in caplog.records] == [
        (f"{name} a", f"kept, shown as ready and not started, as all of {namespace}: kemu is what it would bring")
        for name, namespace in (("Deployment", "knative-serving"), ("Job", "kourier-system"))
    ]
