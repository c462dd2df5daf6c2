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
        ({"securityContext": {"runAsUser": 0}}, "user", "0"),
        ({"securityContext": {"runAsUser": 5, "runAsGroup": 6}}, "user", "5:6"),
        ({"securityContext": {"runAsGroup": 6}}, "user", None),
    ],
)
def test_each_field_becomes_the_engines(container: dict[str, Any], field: str, value: object) -> None:
    assert getattr(spec(**container), field) == value


def test_the_containers_own_user_comes_before_the_pods() -> None:
    pods = {"securityContext": {"runAsUser": 1, "runAsGroup": 2}}
    assert spec(pods).user == "1:2"
    assert spec(pods, securityContext={"runAsUser": 5}).user == "5:2"


def test_groups_and_hostname_are_the_pods() -> None:
    made = spec({"hostname": "h", "securityContext": {"fsGroup": 7, "supplementalGroups": [8, 9]}})
    assert (made.hostname, made.groups) == ("h", (7, 8, 9))


def test_an_amount_that_is_none_keeps_the_container_waiting_and_says_so() -> None:
    with pytest.raises(ConfigFault, match=r"resources\.limits\.memory: "):
        spec(resources={"limits": {"memory": "abc"}})
