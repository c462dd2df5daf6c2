"""What kinds with a Pod template have in common."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.store.admission import Request, decode
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.pods import POD
from emulator.workloads.templates import (
    container_problems,
    labels_of,
    new_pod,
    workload_problems,
    worth,
)
from tests.world import World, obj

CONTAINER = {"name": "c", "image": "a"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"containers": [CONTAINER]}, []),
        ({"containers": []}, ["spec.containers: Required value"]),
        ({"containers": [{"name": "c"}]}, ["spec.containers[0].image: Required value"]),
        ({"containers": [{"image": "a"}]}, ["spec.containers[0].name: Required value"]),
        (
            {"containers": [CONTAINER], "initContainers": [CONTAINER]},
            ['spec.containers[0].name: Duplicate value: "c"'],
        ),
    ],
    ids=["whole", "none", "no image", "no name", "a name twice"],
)
def test_every_container_has_an_image_and_a_name_of_its_own(spec: Json, said: list[str]) -> None:
    assert [str(problem) for problem in container_problems(spec, "spec")] == said


def test_a_name_is_a_label() -> None:
    (problem,) = container_problems({"containers": [{"name": "C", "image": "a"}]}, "spec")
    assert problem.field == "spec.containers[0].name"
    assert problem.message.startswith('Invalid value: "C": a lowercase RFC 1123 label must consist of')


@pytest.mark.parametrize(
    ("spec", "policy", "said"),
    [
        pytest.param({"replicas": 0}, "Always", [], id="whole"),
        pytest.param({}, None, [], id="with the defaults"),
        pytest.param(
            {"replicas": -1},
            "Always",
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            id="fewer than none",
        ),
        pytest.param(
            {},
            "Never",
            ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
            id="ending for good",
        ),
        pytest.param(
            {"selector": {}},
            "Always",
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
            id="selecting nothing",
        ),
    ],
)
def test_what_is_kept_running_is_judged(spec: Json, policy: str | None, said: list[str]) -> None:
    pod = {"containers": [CONTAINER], **({"restartPolicy": policy} if policy else {})}
    template = {"metadata": {"labels": {"app": "d"}}, "spec": pod}
    whole = {"selector": {"matchLabels": {"app": "d"}}, "template": template, **spec}
    made = decode(DEPLOYMENT, obj(DEPLOYMENT, "d", whole))
    assert [
        str(problem) for problem in workload_problems(made, Request(None, "me", lambda name, namespace: {}))
    ] == said


def owner(world: World) -> Resource[Any]:
    template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [CONTAINER]}}
    return world.create(obj(DEPLOYMENT, "d", {"selector": {"matchLabels": {"app": "d"}}, "template": template}))


def test_a_pod_is_made_of_the_template_and_more_labels() -> None:
    metadata = {"labels": {"app": "d"}, "annotations": {"mine": "1"}, "finalizers": ["a/b"]}
    template = {"metadata": metadata, "spec": {"containers": [CONTAINER]}}
    made = new_pod(owner(World()), template, {"hash": "x"})
    assert made["spec"] == template["spec"]
    assert made["metadata"]["labels"] == {"app": "d", "hash": "x"}
    assert made["metadata"]["annotations"] == {"mine": "1"}
    assert made["metadata"]["finalizers"] == ["a/b"]
    assert made["metadata"]["generateName"] == "d-"
    assert made["metadata"]["name"].startswith("d-")
    named = new_pod(owner(World()), {"spec": {}}, name="d-0")["metadata"]
    assert named == {"name": "d-0", "namespace": "default"}


def test_labels_of_a_template_may_be_missing() -> None:
    assert labels_of({"metadata": {"labels": {"a": "b"}}}) == {"a": "b"}
    assert labels_of({"metadata": None}) == labels_of({}) == {}


def test_ready_pods_are_worth_most_then_running_ones_then_old_ones() -> None:
    world = World()
    for name, phase, ready in (
        ("pending", "Pending", False),
        ("young", "Running", True),
        ("running", "Running", False),
        ("old", "Running", True),
    ):
        world.clock.advance(-1)
        made = world.create(obj(POD, name, {"containers": [CONTAINER]}))
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": world.store.now()}
        world.store.update_status(made.key, {"phase": phase, "conditions": [condition]})
    assert [p.name for p in sorted(world.store.list(POD), key=worth)] == ["old", "young", "running", "pending"]
