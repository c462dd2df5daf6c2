"""From a Pod's container to what the engine is told."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.runtime.base import ContainerSpec, Mount
from emulator.workloads.containerspecs import container_spec
from emulator.workloads.environment import ConfigFault
from tests.workloads.pods import pod

ENV = {"A": "1"}


def spec(pod_spec: dict[str, Any] | None = None, **container: Any) -> ContainerSpec:
    made = pod(pod_spec, **container)
    return container_spec(made, made.spec.containers[0], ENV, (), 3)


def test_a_plain_container_leaves_all_to_the_image() -> None:
    made = pod()
    mounts = (Mount(kind="tmpfs", target="/t"),)
    assert container_spec(made, made.spec.containers[0], ENV, mounts, 3) == ContainerSpec(
        name=f"kemu-p-c-{made.uid[:8]}-3",
        image="an/image",
        env=ENV,
        hostname="p",
        labels={"dev.kemu.pod": "default/p", "dev.kemu.container": "c"},
        mounts=mounts,
    )


@pytest.mark.parametrize(
    ("container", "field", "value"),
    [
        ({"command": ["sh", "-c", "echo $(A) $(B)"]}, "command", ("sh", "-c", "echo 1 $(B)")),
        ({"args": ["$(A)", "$$(A)"]}, "args", ("1", "$(A)")),
        ({"command": []}, "command", None),
        ({"workingDir": "/w"}, "working_dir", "/w"),
        ({"ports": [{"containerPort": 8080}, {"containerPort": 9090}]}, "ports", (8080, 9090)),
        ({"resources": {"limits": {"memory": "128Mi"}}}, "memory_bytes", 128 << 20),
        ({"resources": {"limits": {"cpu": "500m"}}}, "cpu_nano", 500_000_000),
        ({"resources": {"limits": {"cpu": 2}}}, "cpu_nano", 2_000_000_000),
        ({"resources": {"requests": {"cpu": "250m"}}}, "cpu_shares", 256),
        ({"resources": {"requests": {"cpu": "1m"}}}, "cpu_shares", 2),
        ({"securityContext": {"readOnlyRootFilesystem": True}}, "read_only_root", True),
        ({"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}, "cap_add", ("NET_ADMIN",)),
        ({"securityContext": {"capabilities": {"drop": ["ALL"]}}}, "cap_drop", ("ALL",)),
        ({"stdin": True}, "stdin", True),
        ({"stdin": True, "stdinOnce": True}, "stdin_once", True),
        ({"tty": True}, "tty", True),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "is_unconfined", True),
        ({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}, "is_unconfined", False),
    ],
)
def test_each_field_becomes_the_engines(container: dict[str, Any], field: str, value: object) -> None:
    assert getattr(spec(**container), field) == value


def test_the_containers_own_seccomp_profile_comes_before_the_pods() -> None:
    pods = {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}
    assert spec(pods).is_unconfined
    assert not spec(pods, securityContext={"seccompProfile": {"type": "RuntimeDefault"}}).is_unconfined


def test_a_profile_of_the_nodes_own_is_refused_with_the_way_out() -> None:
    profile = {"type": "Localhost", "localhostProfile": "profiles/audit.json"}
    with pytest.raises(ConfigFault, match=r"seccompProfile profiles/audit\.json: .* use RuntimeDefault"):
        spec(securityContext={"seccompProfile": profile})


def test_the_container_with_the_ports_has_those_that_probes_of_the_others_ask() -> None:
    side = {"name": "side", "image": "i", "readinessProbe": {"httpGet": {"port": 9090}}}
    main = {"name": "c", "image": "i", "ports": [{"containerPort": 8080}], "livenessProbe": {"grpc": {"port": 7070}}}
    made = pod({"containers": [main, side]})
    ports = [container_spec(made, container, ENV, (), 1).ports for container in made.spec.containers]
    assert ports == [(8080, 7070, 9090), ()]


def test_groups_and_hostname_are_the_pods() -> None:
    made = spec({"hostname": "h", "securityContext": {"fsGroup": 7, "supplementalGroups": [8, 9]}})
    assert (made.hostname, made.groups) == ("h", (7, 8, 9))
