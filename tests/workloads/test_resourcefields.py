"""What `resourceFieldRef` comes to (the cases are Kubernetes' own rules)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.podspec import PodSpec, ResourceFieldSelector
from emulator.runtime.base import Capacity
from emulator.workloads.resourcefields import asks_node, resource_field

NODE = Capacity(4, 8 << 30)
RESOURCES = {
    "limits": {"cpu": "1500m", "memory": "100Mi", "ephemeral-storage": "1Gi", "hugepages-2Mi": "4Mi"},
    "requests": {"cpu": "250m"},
}


def spec(resources: dict[str, Any] | None) -> PodSpec:
    asked = {"name": "c", "image": "app"} | ({"resources": resources} if resources else {})
    return PodSpec.model_validate(
        {
            "containers": [asked, {"name": "side", "image": "app", "resources": {"limits": {"cpu": "3"}}}],
            "initContainers": [{"name": "first", "image": "app", "resources": {"limits": {"cpu": "2"}}}],
        }
    )


def value(ref: dict[str, Any], resources: dict[str, Any] | None = None) -> str:
    pod = spec(resources)
    return resource_field(pod, pod.containers[0], ResourceFieldSelector.model_validate(ref), NODE)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ({"resource": "limits.cpu"}, "2"),
        ({"resource": "limits.cpu", "divisor": "1"}, "2"),
        ({"resource": "limits.cpu", "divisor": 0}, "2"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "1500"),
        ({"resource": "requests.cpu"}, "1"),
        ({"resource": "requests.cpu", "divisor": "1m"}, "250"),
        ({"resource": "limits.memory"}, "104857600"),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "100"),
        ({"resource": "limits.memory", "divisor": "1Gi"}, "1"),
        ({"resource": "limits.memory", "divisor": "1M"}, "105"),
        ({"resource": "requests.memory", "divisor": "1Mi"}, "100"),
        ({"resource": "limits.ephemeral-storage", "divisor": "1Mi"}, "1024"),
        ({"resource": "limits.hugepages-2Mi", "divisor": "1Mi"}, "4"),
        ({"resource": "limits.cpu", "containerName": "side"}, "3"),
        ({"resource": "limits.cpu", "containerName": "first"}, "2"),
    ],
)
def test_an_amount_is_in_units_of_the_divisor_rounded_up(ref: dict[str, Any], expected: str) -> None:
    assert value(ref, RESOURCES) == expected


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ({"resource": "limits.cpu"}, "4"),
        ({"resource": "limits.memory", "divisor": "1Gi"}, "8"),
        ({"resource": "requests.cpu"}, "0"),
        ({"resource": "requests.memory"}, "0"),
    ],
)
def test_a_limit_that_is_not_set_is_what_the_node_has(ref: dict[str, Any], expected: str) -> None:
    assert value(ref) == expected
    assert value(ref, {"limits": {"cpu": 0, "memory": "0"}}) == expected


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        ({"resource": "limits.gpu"}, "unsupported container resource : limits.gpu"),
        ({"resource": "cpu"}, "unsupported container resource : cpu"),
        ({"resource": "limits.cpu", "containerName": "no"}, "container no not found"),
    ],
)
def test_what_cannot_be_answered_is_said_in_kubernetes_words(ref: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        value(ref)


def test_a_file_must_name_its_container() -> None:
    with pytest.raises(ValueError, match="container  not found"):
        resource_field(spec(None), None, ResourceFieldSelector(resource="limits.cpu"), NODE)


@pytest.mark.parametrize(("resource", "asks"), [("limits.cpu", True), ("requests.cpu", False)])
@pytest.mark.parametrize("where", ["env", "volume", "projected"])
def test_the_node_is_asked_only_for_limits(resource: str, asks: bool, where: str) -> None:
    ref = {"resourceFieldRef": {"resource": resource, "containerName": "c"}}
    source = {"downwardAPI": {"items": [{"path": "f", **ref}]}}
    env = [{"name": "A", "valueFrom": ref}] if where == "env" else []
    volumes = {"env": [], "volume": [{"name": "v", **source}]}.get(
        where, [{"name": "v", "projected": {"sources": [source]}}]
    )
    assert not asks_node(spec(RESOURCES))
    pod = PodSpec.model_validate({"containers": [{"name": "c", "image": "app", "env": env}], "volumes": volumes})
    assert asks_node(pod) is asks
