"""What a PodAutoscaler of the class HPA has made of it."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.serving.annotations import NAMESPACE
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.workloads.autoscalers import AUTOSCALER
from tests.world import World, obj

A = "autoscaling.knative.dev/"
HPA = {f"{A}class": "hpa.autoscaling.knative.dev"}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r-deployment"}


def wanted(world: World, annotations: dict[str, str], **spec: Any) -> list[dict[str, Any]]:
    autoscaler = world.store.create(
        obj(POD_AUTOSCALER, "r", {"scaleTargetRef": TARGET, **spec}, annotations=annotations, labels={"app": "r"})
    )
    return [child for child in world.reconcile(autoscaler).children if child["kind"] == "HorizontalPodAutoscaler"]


def test_knatives_own_class_has_none() -> None:
    assert wanted(World(), {}) == []


@pytest.mark.parametrize(
    ("annotations", "spec"),
    [
        ({}, {"maxReplicas": 2147483647}),
        ({f"{A}min-scale": "2", f"{A}max-scale": "4"}, {"minReplicas": 2, "maxReplicas": 4}),
        (
            {f"{A}target": "62.5"},
            {
                "maxReplicas": 2147483647,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 63}},
                    }
                ],
            },
        ),
        (
            {f"{A}metric": "memory", f"{A}target": "75"},
            {
                "maxReplicas": 2147483647,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "75Mi"}},
                    }
                ],
            },
        ),
        (
            {f"{A}metric": "queue", f"{A}target": "7.9"},
            {
                "maxReplicas": 2147483647,
                "metrics": [
                    {
                        "type": "Pods",
                        "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "7"}},
                    }
                ],
            },
        ),
        (
            {f"{A}window": "10s"},
            {
                "maxReplicas": 2147483647,
                "behavior": {
                    "scaleDown": {"stabilizationWindowSeconds": 10},
                    "scaleUp": {"stabilizationWindowSeconds": 10},
                },
            },
        ),
    ],
    ids=["nothing", "bounds", "cpu", "memory", "custom", "window"],
)
def test_the_annotations_become_its_spec(annotations: dict[str, str], spec: dict[str, Any]) -> None:
    world = World()
    (child,) = wanted(world, HPA | annotations)
    assert child["spec"] == {"scaleTargetRef": TARGET, **spec}
    assert child["metadata"]["labels"] == {"app": "r"}
    assert world.store.create(child).kind is AUTOSCALER


def test_the_class_may_be_the_clusters() -> None:
    world = World()
    world.config("config-autoscaler", NAMESPACE, {"pod-autoscaler-class": "hpa.autoscaling.knative.dev"})
    assert len(wanted(world, {})) == 1


def test_of_what_no_route_reaches_no_minimum_holds() -> None:
    (child,) = wanted(World(), HPA | {f"{A}min-scale": "3"}, reachability="Unreachable")
    assert "minReplicas" not in child["spec"]
