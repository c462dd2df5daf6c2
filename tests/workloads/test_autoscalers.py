"""What a HorizontalPodAutoscaler may say, and what is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.objects.errors import Invalid
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.autoscalers import AUTOSCALER
from emulator.workloads.configs import CONFIG_MAP


@pytest.fixture
def store() -> Store:
    return Store(Registry((CONFIG_MAP, AUTOSCALER)), SystemClock(), CONFIG_MAP)


def made(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec},
    }


def test_without_more_it_aims_at_eighty_percent_of_the_cpu_from_one_replica_on(store: Store) -> None:
    stored = store.create(made())
    assert stored.obj["spec"]["minReplicas"] == 1
    target = {"type": "Utilization", "averageUtilization": 80}
    assert stored.obj["spec"]["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def test_what_is_written_stays(store: Store) -> None:
    metric = {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "10Mi"}}}
    stored = store.create(made(minReplicas=2, metrics=[metric]))
    assert (stored.spec.min_replicas, stored.obj["spec"]["metrics"]) == (2, [metric])


def aiming_at(target: Any) -> dict[str, Any]:
    return {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minReplicas": 0}, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"),
        ({"maxReplicas": 0}, "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
        (
            {"minReplicas": 6},
            "spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`",
        ),
        ({"scaleTargetRef": {"kind": "Deployment", "name": ""}}, "spec.scaleTargetRef.name: Required value"),
        (aiming_at({}), "must set either a target raw value or a target utilization"),
        (aiming_at(None), "spec.metrics[0].resource.target: Required value"),
        (aiming_at({"averageUtilization": 0}), "averageUtilization: Invalid value: 0: must be greater than 0"),
        (
            aiming_at({"averageUtilization": "much"}),
            'Invalid value: "much": must be greater than 0',
        ),
        (aiming_at({"averageValue": "much"}), 'averageValue: Invalid value: "much": quantities must match'),
        ({"metrics": [{"type": "Resource"}]}, "spec.metrics[0].resource.target: Required value"),
        (
            {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 3601}}},
            "scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be between 0 and 3600 seconds",
        ),
    ],
)
def test_what_an_api_server_refuses_is_refused(store: Store, spec: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        store.create(made(**spec))
    assert said in str(refused.value)


def test_what_kubectl_shows(store: Store) -> None:
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
    stored = store.create(made(metrics=[metric]))
    shown = [column.cell(stored) for column in AUTOSCALER.columns[:5]]
    assert shown == ["Deployment/d", "cpu: <unknown>/80%", "1", 5, 0]
