"""What a Revision is made of: Deployment by the runtime contract, PodAutoscaler, Images (serving §1.2, 3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.resource import Resource
from emulator.serving.features import Features
from emulator.serving.kinds import REVISION
from emulator.serving.revisionchildren import (
    deployment_of,
    image_caches,
    pod_autoscaler,
    pod_spec,
    protocol,
    serving_container_name,
    user_port_of,
)
from emulator.workloads.images import IMAGE
from tests.world import World, obj

P = "serving.knative.dev/"
KEYS = {
    f"{P}routes": "hello",
    f"{P}routingStateModified": "2026",
    "autoscaling.knative.dev/min-scale": "1",
    "mine": "1",
}


def revision(*containers: dict[str, Any], **spec: Any) -> Resource[Any]:
    """A stored Revision of a Service, with labels and annotations as the platform puts them."""
    labels = {f"{P}service": "hello", f"{P}routingState": "active", "color": "blue"}
    given = [{"image": "app", **c} for c in containers or ({},)]
    made = obj(REVISION, "hello-00001", {"containers": given, **spec}, labels=labels, annotations=KEYS)
    return World().create(made)


def containers(made: Resource[Any], port: int = 8080, **features: str) -> list[Any]:
    flags = {key.replace("_", "-"): value for key, value in features.items()}
    found: list[Any] = pod_spec(made, port, Features(flags))["containers"]
    return found


def test_the_deployment_carries_labels_but_not_what_only_routing_and_scaling_ask() -> None:
    made = revision()
    found = deployment_of(made, 2, 8080, Features({}), 600)
    labels = {
        "app": "hello-00001",
        "color": "blue",
        f"{P}service": "hello",
        f"{P}revision": "hello-00001",
        f"{P}revisionUID": made.uid,
    }
    assert found["metadata"]["name"] == "hello-00001-deployment"
    assert found["metadata"]["labels"] == found["spec"]["template"]["metadata"]["labels"] == labels
    assert found["metadata"]["annotations"] == {"mine": "1"}
    default = "kubectl.kubernetes.io/default-container"
    assert found["spec"]["template"]["metadata"]["annotations"] == {
        "mine": "1",
        default: "user-container",
        "kemu.dev/virtual-containers": "queue-proxy",
    }
    assert found["spec"]["selector"] == {"matchLabels": {f"{P}revisionUID": made.uid}}
    assert found["spec"]["replicas"] == 2


def test_the_queue_proxy_is_shown_beside_the_function() -> None:
    template = deployment_of(revision(), 0, 8080, Features({}), 600)["spec"]["template"]
    assert [c["name"] for c in template["spec"]["containers"]] == ["user-container", "queue-proxy"]


def test_a_label_app_of_the_user_stays() -> None:
    made = World().create(obj(REVISION, "r", {"containers": [{"image": "app"}]}, labels={"app": "mine"}))
    assert deployment_of(made, 0, 8080, Features({}), 600)["metadata"]["labels"]["app"] == "mine"


def test_a_pod_has_no_fields_of_revisions_and_the_timeout_as_its_grace_period() -> None:
    found = pod_spec(revision(timeoutSeconds=20, containerConcurrency=3, idleTimeoutSeconds=2), 8080, Features({}))
    assert found.keys() == {"containers", "enableServiceLinks", "terminationGracePeriodSeconds"}
    assert found["terminationGracePeriodSeconds"] == 20


def test_the_environment_follows_the_users() -> None:
    (found,) = containers(revision({"env": [{"name": "A", "value": "1"}]}), 9000)
    assert [(variable["name"], variable["value"]) for variable in found["env"]] == [
        ("A", "1"),
        ("PORT", "9000"),
        ("K_REVISION", "hello-00001"),
        ("K_CONFIGURATION", ""),
        ("K_SERVICE", "hello"),
    ]
    assert found["ports"] == [{"name": "user-port", "containerPort": 9000, "protocol": "TCP"}]


def test_only_the_container_with_a_port_serves() -> None:
    made = revision({"name": "side"}, {"name": "main", "ports": [{"name": "h2c", "containerPort": 80}]})
    side, main = containers(made, 80)
    assert serving_container_name(made) == "main"
    assert protocol(made) == "h2c"
    assert "PORT" not in [variable["name"] for variable in side["env"]]
    assert "readinessProbe" not in side
    assert main["ports"] == [{"name": "h2c", "containerPort": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("kind", "probe", "expected"),
    [
        ("readinessProbe", {"httpGet": {"path": "/x"}}, {"httpGet": {"path": "/x", "port": 8080}}),
        ("readinessProbe", {"httpGet": {"port": 9000}}, {"httpGet": {"port": 9000}}),
        ("livenessProbe", {"httpGet": {"port": 9000}}, {"httpGet": {"port": 8080}}),
        ("livenessProbe", {"tcpSocket": {}}, {"tcpSocket": {"port": 8080}}),
        ("livenessProbe", {"grpc": {"port": 9000}}, {"grpc": {"port": 9000, "service": ""}}),
        ("startupProbe", {"httpGet": {"port": 9000}}, {"httpGet": {"port": 9000}}),
        ("startupProbe", {"exec": {"command": ["x"]}}, {"exec": {"command": ["x"]}}),
    ],
)
def test_a_probe_asks_the_user_port(kind: str, probe: dict[str, Any], expected: dict[str, Any]) -> None:
    (found,) = containers(revision({kind: probe}))
    assert found[kind].items() >= expected.items()


def test_a_liveness_probe_may_have_its_own_port_behind_a_flag() -> None:
    made = revision({"livenessProbe": {"httpGet": {"port": 9000}}})
    (found,) = containers(made, multi_container_probing="Enabled")
    assert found["livenessProbe"]["httpGet"]["port"] == 9000


def test_an_image_for_each_container() -> None:
    made = revision({}, {"name": "side", "image": "helper", "ports": [{}]})
    assert [(c["metadata"]["name"], c["spec"]["image"]) for c in image_caches(made)] == [
        ("hello-00001-cache-user-container-0", "app"),
        ("hello-00001-cache-side", "helper"),
    ]


def test_the_pod_autoscaler_has_the_scaling_annotations() -> None:
    found = pod_autoscaler(revision(containerConcurrency=3), "Reachable")
    assert found["metadata"]["name"] == "hello-00001"
    assert found["metadata"]["annotations"] == {"autoscaling.knative.dev/min-scale": "1", "mine": "1"}
    assert found["spec"]["containerConcurrency"] == 3
    assert found["spec"]["reachability"] == "Reachable"
    assert found["spec"]["scaleTargetRef"]["name"] == "hello-00001-deployment"
    assert "reachability" not in pod_autoscaler(revision(), "")["spec"]


@pytest.mark.parametrize(
    ("ports", "exposed", "port", "is_told"),
    [
        pytest.param([{"containerPort": 80}], [9000], 80, False, id="the spec's"),
        pytest.param([{"name": "h2c"}], [9000], 8080, False, id="the spec's without a number"),
        pytest.param([], [9000], 9000, True, id="the image's"),
        pytest.param([], [8080], 8080, False, id="the image's, as on a cluster"),
        pytest.param([], [80, 443], 8080, False, id="of several none"),
        pytest.param([], [], 8080, False, id="none"),
    ],
)
def test_the_user_port(ports: list[Any], exposed: list[int], port: int, is_told: bool) -> None:
    world = World()
    image = world.ready(world.create(obj(IMAGE, "i", {"image": "app"})), exposedPorts=exposed)
    found, notes = user_port_of(revision({"ports": ports}), [image])
    assert found == port
    assert [note.reason for note in notes] == (["PortFromImage"] if is_told else [])
