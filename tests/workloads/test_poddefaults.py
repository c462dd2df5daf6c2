"""What Kubernetes fills into a Pod's spec."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.poddefaults import fill_pod_spec


def filled(**container: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "an/image", **container}]}
    fill_pod_spec(spec)
    found: dict[str, Any] = spec["containers"][0]
    return found


def test_a_port_is_tcp_and_a_probe_has_its_rhythm() -> None:
    found = filled(ports=[{"containerPort": 80}], readinessProbe={"httpGet": {"port": 80}, "periodSeconds": 3})
    assert found["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert found["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 3,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("localhost:5000/nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert filled(image=image)["imagePullPolicy"] == policy


def test_what_is_written_stays() -> None:
    spec: dict[str, Any] = {"restartPolicy": "Never", "containers": [{"imagePullPolicy": "Never"}]}
    fill_pod_spec(spec)
    assert (spec["restartPolicy"], spec["containers"][0]["imagePullPolicy"]) == ("Never", "Never")
    assert spec["terminationGracePeriodSeconds"] == 30
