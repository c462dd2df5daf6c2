"""What a ContainerSpec becomes for the Docker Engine, and what the engine's answers become."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.base import INSTANCE_LABEL, ContainerSpec, Mount, NetworkInfo, Status
from emulator.runtime.docker_specs import (
    Placement,
    addresses_of,
    container_event,
    container_state,
    create_body,
    is_desktop,
    listed_state,
    status_of,
)

SPEC = ContainerSpec(name="one", image="app")
DIRECT = Placement(instance="i1", network=NetworkInfo("kemu-i1", "172.18.0.1"))
PUBLISHED = Placement(instance="i1", network=NetworkInfo("kemu-i1", None), publish_on="127.0.0.1")


def body(place: Placement = DIRECT, **fields: Any) -> dict[str, Any]:
    return create_body(replace(SPEC, **fields), place)


def test_a_bare_spec_says_nothing_that_the_image_says() -> None:
    made = body()
    assert not {"Entrypoint", "Cmd", "WorkingDir", "User", "StopSignal", "Hostname", "ExposedPorts"} & set(made)
    assert (made["Image"], made["Env"], made["Labels"]) == ("app", [], {INSTANCE_LABEL: "i1"})
    assert made["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    assert made["HostConfig"]["PidsLimit"] == 4096
    assert made["HostConfig"]["LogConfig"]["Type"] == "json-file"
    assert not {"Memory", "NanoCpus", "CpuShares", "PortBindings", "ExtraHosts"} & set(made["HostConfig"])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"env": {"A": "1", "B": ""}}, {"Env": ["A=1", "B="]}),
        ({"command": ("/run",)}, {"Entrypoint": ["/run"]}),
        ({"args": ("a", "b")}, {"Cmd": ["a", "b"]}),
        ({"working_dir": "/w", "user": "1:2", "stop_signal": "SIGINT"}, {"WorkingDir": "/w", "User": "1:2"}),
        ({"hostname": "pod"}, {"Hostname": "pod"}),
        ({"labels": {"a": "b", INSTANCE_LABEL: "forged"}}, {"Labels": {"a": "b", INSTANCE_LABEL: "i1"}}),
    ],
    ids=["env", "command", "args", "process", "hostname", "labels"],
)
def test_a_spec_is_written_in_the_engines_words(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    made = body(**fields)
    assert {name: made.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"memory_bytes": 64}, {"Memory": 64, "MemorySwap": 64}),
        ({"cpu_nano": 5, "cpu_shares": 2}, {"NanoCpus": 5, "CpuShares": 2}),
        ({"cap_add": ("A",), "cap_drop": ("ALL",)}, {"CapAdd": ["A"], "CapDrop": ["ALL"]}),
        ({"groups": (1, 2), "read_only_root": True}, {"GroupAdd": ["1", "2"], "ReadonlyRootfs": True}),
        ({"share_network_of": "abc"}, {"NetworkMode": "container:abc"}),
    ],
    ids=["memory has no swap", "cpu", "capabilities", "groups and root", "shared network"],
)
def test_limits_are_the_hosts_affair(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    host = body(**fields)["HostConfig"]
    assert {name: host.get(name) for name in expected} == expected


def test_a_shared_network_is_not_made_again() -> None:
    made = body(PUBLISHED, share_network_of="abc", hostname="pod", ports=(80,), aliases=("x",))
    assert not {"NetworkingConfig", "Hostname", "ExposedPorts"} & set(made)
    assert "PortBindings" not in made["HostConfig"]


def test_hostname_and_aliases_are_names_on_the_network() -> None:
    made = body(hostname="pod", aliases=("svc",))
    assert made["NetworkingConfig"]["EndpointsConfig"] == {"kemu-i1": {"Aliases": ["pod", "svc"]}}


def test_ports_are_published_where_containers_are_not_reached_directly() -> None:
    made = body(PUBLISHED, ports=(80,))
    assert made["ExposedPorts"] == {"80/tcp": {}}
    assert made["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert "PortBindings" not in body(DIRECT, ports=(80,))["HostConfig"]


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (
            Mount(kind="bind", source="/a", target="/b", read_only=True),
            {"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": True},
        ),
        (
            Mount(kind="volume", source="v", target="/b"),
            {"Source": "v", "VolumeOptions": {"NoCopy": True, "Labels": {INSTANCE_LABEL: "i1"}}},
        ),
        (Mount(kind="tmpfs", target="/b"), {"Type": "tmpfs", "TmpfsOptions": {"Mode": 0o1777}}),
        (Mount(kind="tmpfs", target="/b", size_bytes=9), {"TmpfsOptions": {"Mode": 0o1777, "SizeBytes": 9}}),
    ],
    ids=["bind", "volume", "tmpfs", "bounded tmpfs"],
)
def test_mounts(mount: Mount, expected: dict[str, Any]) -> None:
    (made,) = body(mounts=(mount,))["HostConfig"]["Mounts"]
    assert {name: made.get(name) for name in expected} == expected
    assert ("Source" in made) is (mount.kind != "tmpfs")


def test_the_hosts_file_is_mounted_unless_the_spec_has_its_own() -> None:
    place = replace(DIRECT, hosts_file=Path("/data/hosts"))
    (made,) = body(place)["HostConfig"]["Mounts"]
    assert (made["Source"], made["Target"], made["ReadOnly"]) == ("/data/hosts", "/etc/hosts", True)
    (own,) = body(place, mounts=(Mount(kind="bind", source="/mine", target="/etc/hosts"),))["HostConfig"]["Mounts"]
    assert own["Source"] == "/mine"


def test_names_are_fixed_for_an_engine_that_cannot_mount_the_file() -> None:
    place = replace(PUBLISHED, extra_hosts={"svc": "host-gateway"})
    assert body(place)["HostConfig"]["ExtraHosts"] == ["svc:host-gateway"]


def described(ports: Any = None, **state: Any) -> dict[str, Any]:
    return {
        "Id": "abc",
        "Name": "/one",
        "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-01-02T03:04:05.5Z", **state},
        "Config": {"Labels": {"a": "b"}},
        "NetworkSettings": {"Networks": {"kemu-i1": {"IPAddress": "172.18.0.2"}}, "Ports": ports},
    }


def test_a_running_container_has_no_exit_code() -> None:
    state = container_state(described(FinishedAt="0001-01-01T00:00:00Z"))
    assert (state.id, state.name, state.status, state.exit_code) == ("abc", "one", Status.RUNNING, None)
    assert (state.started_at, state.finished_at) == (datetime(2026, 1, 2, 3, 4, 5, 500_000, UTC), None)
    assert dict(state.labels) == {"a": "b"}


def test_an_ended_container_tells_how() -> None:
    ended = described(Status="exited", ExitCode=137, OOMKilled=True, FinishedAt="2026-01-02T03:05:00Z", Error="why")
    state = container_state(ended)
    assert (state.status, state.exit_code, state.oom_killed, state.error) == (Status.EXITED, 137, True, "why")
    assert state.finished_at == datetime(2026, 1, 2, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "status"),
    [("running", "running"), ("restarting", "running"), ("dead", "exited"), ("removing", "gone"), ("paused", "paused")],
)
def test_the_engines_words_are_folded(word: str, status: str) -> None:
    assert status_of(word) == Status(status)


def test_a_listed_container() -> None:
    state = listed_state({"Id": "abc", "Names": ["/one"], "State": "created", "Labels": None})
    assert (state.name, state.status, dict(state.labels)) == ("one", Status.CREATED, {})


@pytest.mark.parametrize(
    ("place", "ports", "expected"),
    [
        (DIRECT, None, {80: ("172.18.0.2", 80), 81: ("172.18.0.2", 81)}),
        (replace(DIRECT, network=NetworkInfo("other", "172.18.0.1")), None, {}),
        (
            PUBLISHED,
            {"80/tcp": [{"HostPort": "4000"}], "81/tcp": [{"HostPort": "4001"}]},
            {80: ("h", 4000), 81: ("h", 4001)},
        ),
        (PUBLISHED, {"80/tcp": None}, {}),
        (PUBLISHED, None, {}),
    ],
    ids=["direct", "no address", "published", "not published", "ended"],
)
def test_addresses(place: Placement, ports: Any, expected: dict[int, tuple[str, int]]) -> None:
    assert addresses_of(described(ports), (80, 81), place, "h") == expected


def event(action: str, kind: str = "container", **attributes: str) -> dict[str, Any]:
    actor = {"ID": "abc", "Attributes": {"name": "one", **attributes}}
    return {"Type": kind, "Action": action, "Actor": actor, "timeNano": 1_500_000_000}


def test_an_event_is_read() -> None:
    found = container_event(event("die", exitCode="3", colour="blue"))
    assert found is not None
    assert (found.id, found.name, found.action, found.exit_code) == ("abc", "one", "die", 3)
    assert (dict(found.labels), found.time) == ({"colour": "blue"}, datetime.fromtimestamp(1.5, UTC))


@pytest.mark.parametrize("line", [event("exec_start: sh"), event("create", "network"), event("attach"), {}])
def test_what_is_no_affair_of_a_container_is_left_out(line: dict[str, Any]) -> None:
    assert container_event(line) is None


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({"Platform": {"Name": "Docker Desktop 4.30.0 (149282)"}, "KernelVersion": "6.6.26-linuxkit"}, True),
        ({"Platform": {"Name": "Docker Engine - Community"}, "KernelVersion": "5.10.25-linuxkit"}, True),
        ({"Platform": {"Name": "Docker Engine - Community"}, "KernelVersion": "6.1.0-21-amd64"}, False),
        ({"Platform": {"Name": ""}, "KernelVersion": "6.1.0-21-amd64"}, False),
        ({}, False),
    ],
    ids=["now", "before it said so", "an engine", "a distribution's", "one that says nothing"],
)
def test_docker_desktop_is_told_by_what_it_says_of_itself(version: dict[str, Any], expected: bool) -> None:
    assert is_desktop(version) is expected
