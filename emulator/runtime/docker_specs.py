"""Between kemu's plain data and the Docker Engine API's JSON.

Pure functions, tested without an engine: `create_body` is the one place that decides how containers are confined, and
the rest reads what the engine says. Follows the Engine API 1.40 (github.com/moby/moby, api/swagger.yaml).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from emulator.lib.clock import parse_rfc3339
from emulator.runtime.base import (
    INSTANCE_LABEL,
    KEPT_LABEL,
    Address,
    ContainerEvent,
    ContainerSpec,
    ContainerState,
    Mount,
    NetworkInfo,
    Status,
    Usage,
)

Json = dict[str, Any]

LOG_CONFIG: Mapping[str, Any] = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}}
"""Named, whatever the engine's default is: journald or a remote driver cannot be read back, and json-file has no bound.
The two sizes are the kubelet's `containerLogMaxSize` and less than its `containerLogMaxFiles` (5)."""

PROCESSES = 4096
"""How many processes and threads a container may have: what forks without end must not take the computer along. The
number is that of many clusters' `podPidsLimit`."""

EVENTS = ("create", "start", "oom", "die", "pause", "unpause", "destroy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a container goes: the instance, its network, and how it learns the cluster-local names.

    One of `hosts_file` (bind-mounted over /etc/hosts) and `extra_hosts` (fixed at its start) is used. `publish_on` is
    the address of the engine's machine on which ports are published; None where containers are reached directly.
    """

    instance: str
    network: NetworkInfo
    hosts_file: Path | None = None
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    publish_on: str | None = None


def create_body(spec: ContainerSpec, place: Placement) -> Json:
    """The body of `POST /containers/create`."""
    body: Json = {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "Labels": {**spec.labels, INSTANCE_LABEL: place.instance},
        "HostConfig": _host_config(spec, place),
        "OpenStdin": spec.stdin,
        "StdinOnce": spec.stdin and spec.stdin_once,
        "Tty": spec.tty,
    }
    # The engine drops the image's CMD when an ENTRYPOINT is given, and keeps its ENTRYPOINT when only CMD is: both are
    # Kubernetes' rules. An empty list means "not given" to both.
    optional = {
        "Entrypoint": list(spec.command or ()),
        "Cmd": list(spec.args or ()),
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "StopSignal": spec.stop_signal,
    }
    body |= {name: value for name, value in optional.items() if value}
    if spec.share_network_of is None:
        body |= _own_network(spec, place)
    return body


def _own_network(spec: ContainerSpec, place: Placement) -> Json:
    names = [*([spec.hostname] if spec.hostname else []), *spec.aliases]
    body: Json = {"NetworkingConfig": {"EndpointsConfig": {place.network.name: {"Aliases": names}}}}
    if spec.hostname:
        body["Hostname"] = spec.hostname
    if place.publish_on is not None:
        body["ExposedPorts"] = {f"{port}/tcp": {} for port in spec.ports}
    return body


def _host_config(spec: ContainerSpec, place: Placement) -> Json:
    config: Json = {
        "NetworkMode": place.network.name,
        "SecurityOpt": ["no-new-privileges", *(["seccomp=unconfined"] if spec.is_unconfined else [])],
        "PidsLimit": PROCESSES,
        # The engine's default capability set is the one containerd gives to Kubernetes; only what is asked differs.
        "CapAdd": list(spec.cap_add),
        "CapDrop": list(spec.cap_drop),
        "ReadonlyRootfs": spec.read_only_root,
        "GroupAdd": [str(group) for group in spec.groups],
        "LogConfig": LOG_CONFIG,
        "Mounts": [_mount(mount, place.instance) for mount in _mounts(spec, place)],
    }
    if spec.memory_bytes:
        # Swap counts in: Kubernetes gives its containers none.
        config |= {"Memory": spec.memory_bytes, "MemorySwap": spec.memory_bytes}
    if spec.cpu_nano:
        config["NanoCpus"] = spec.cpu_nano
    if spec.cpu_shares:
        config["CpuShares"] = spec.cpu_shares
    if spec.share_network_of is not None:
        return config | {"NetworkMode": f"container:{spec.share_network_of}"}
    if place.publish_on is not None:
        free_port = [{"HostIp": place.publish_on, "HostPort": ""}]
        config["PortBindings"] = {f"{port}/tcp": free_port for port in spec.ports}
    if place.extra_hosts:
        config["ExtraHosts"] = [f"{name}:{address}" for name, address in place.extra_hosts.items()]
    return config


def _mounts(spec: ContainerSpec, place: Placement) -> list[Mount]:
    taken = any(mount.target == "/etc/hosts" for mount in spec.mounts)
    if place.hosts_file is None or taken:
        return list(spec.mounts)
    return [*spec.mounts, Mount(kind="bind", source=str(place.hosts_file), target="/etc/hosts", read_only=True)]


def _mount(mount: Mount, instance: str) -> Json:
    body: Json = {"Type": mount.kind, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.kind == "tmpfs":
        options: Json = {"Mode": 0o1777} | ({"SizeBytes": mount.size_bytes} if mount.size_bytes else {})
        return body | {"TmpfsOptions": options}
    body["Source"] = mount.source
    if mount.kind == "volume":
        # Kubernetes' volumes start empty; the engine would copy what the image has there.
        labels = {INSTANCE_LABEL: instance} | ({KEPT_LABEL: "true"} if mount.is_kept else {})
        body["VolumeOptions"] = {"NoCopy": True, "Labels": labels}
    return body


def opener_body(mount: Mount, image: str, instance: str) -> Json:
    """The body of a container that is never started, only to have `mount`."""
    return {
        "Image": image,
        "Cmd": ["never-run"],
        "Labels": {INSTANCE_LABEL: instance},
        "HostConfig": {"NetworkMode": "none", "Mounts": [_mount(mount, instance)]},
    }


def is_desktop(version: Json) -> bool:
    """Whether the engine that said this of itself is Docker Desktop's, in a machine of its own on this computer."""
    platform = (version.get("Platform") or {}).get("Name") or ""
    return "Desktop" in platform or "linuxkit" in version.get("KernelVersion", "")


def container_state(described: Json) -> ContainerState:
    """From the engine's inspect answer."""
    state, config = described["State"], described["Config"]
    ended = state["Status"] in ("exited", "dead")
    return ContainerState(
        id=described["Id"],
        name=described["Name"].removeprefix("/"),
        status=status_of(state["Status"]),
        exit_code=state["ExitCode"] if ended else None,
        oom_killed=bool(state.get("OOMKilled")),
        started_at=_moment(state.get("StartedAt", "")),
        finished_at=_moment(state.get("FinishedAt", "")) if ended else None,
        error=state.get("Error") or "",
        labels=MappingProxyType(dict(config.get("Labels") or {})),
    )


def listed_state(entry: Json) -> ContainerState:
    """From one entry of the engine's container list."""
    return ContainerState(
        id=entry["Id"],
        name=entry["Names"][0].removeprefix("/"),
        status=status_of(entry["State"]),
        labels=MappingProxyType(dict(entry.get("Labels") or {})),
    )


def status_of(word: str) -> Status:
    """The engine's word for a state as one of kemu's; "removing" counts as gone."""
    folded = {"restarting": "running", "dead": "exited", "removing": "gone"}
    return Status(folded.get(word, word))


def container_ip(described: Json, network: str) -> str:
    networks = described["NetworkSettings"].get("Networks") or {}
    return cast(str, (networks.get(network) or {}).get("IPAddress") or "")


def addresses_of(described: Json, ports: tuple[int, ...], place: Placement, host: str) -> dict[int, Address]:
    """Where kemu reaches each port. `host` is the engine's machine, for published ports."""
    if place.publish_on is None:
        ip = container_ip(described, place.network.name)
        return {port: (ip, port) for port in ports} if ip else {}
    published = described["NetworkSettings"].get("Ports") or {}
    bindings = {port: published.get(f"{port}/tcp") or [] for port in ports}
    return {port: (host, int(found[0]["HostPort"])) for port, found in bindings.items() if found}


def container_event(line: Json) -> ContainerEvent | None:
    """From one line of the engine's event stream; None for what is no container's affair."""
    action = line.get("Action", "")
    if line.get("Type") != "container" or action not in EVENTS:
        return None
    attributes = dict(line["Actor"]["Attributes"])
    code = attributes.pop("exitCode", None)
    return ContainerEvent(
        id=line["Actor"]["ID"],
        name=attributes.pop("name", ""),
        action=action,
        time=datetime.fromtimestamp(line["timeNano"] / 1e9, UTC),
        exit_code=int(code) if code is not None and action == "die" else None,
        labels=MappingProxyType(attributes),
    )


def _moment(text: str) -> datetime | None:
    """The engine writes year 1 for "never"."""
    return None if not text or text.startswith("0001-") else parse_rfc3339(text)


def usage_of(stats: Json) -> Usage | None:
    """From the engine's statistics; they are empty for a container that does not run."""
    memory = stats.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    # The kernel's two ways to count have two names for file cache that it would drop first.
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    cpu_ns = stats["cpu_stats"]["cpu_usage"]["total_usage"]
    return Usage(max(memory["usage"] - cache, 0), cpu_ns / 1e9)
