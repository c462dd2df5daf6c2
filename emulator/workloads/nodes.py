"""The one Node, `kemu`: this computer, as clients of a cluster look at it. Its labels and annotations may be changed.

Its figures are the computer's own; the engine may have fewer (Docker Desktop's machine). Followed: kubernetes
pkg/printers/internalversion (printNode), pkg/kubelet/nodestatus.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import JsonObject, Model, set_like
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.workloads.pods import NODE

_ROLE = "node-role.kubernetes.io/"
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
_MAX_PODS = "110"


class NodeSpec(Model):
    pod_cidr: str = Field(default="", alias="podCIDR")
    pod_cidrs: list[str] = Field(default_factory=list, alias="podCIDRs", json_schema_extra=set_like())
    provider_id: str = Field(default="", alias="providerID")
    unschedulable: bool = False
    taints: list[JsonObject] = Field(default_factory=list)


def _address(kind: str) -> Any:
    def cell(node: Resource[Any]) -> str:
        found = (a["address"] for a in node.status.get("addresses", ()) if a["type"] == kind)
        return str(next(found, "<none>"))

    return cell


def _info(field: str) -> Any:
    return lambda node: (node.status.get("nodeInfo") or {}).get(field) or "<unknown>"


def _status(node: Resource[Any]) -> str:
    return {"True": "Ready", "False": "NotReady"}.get(node.condition("Ready")["status"], "Unknown")


def _roles(node: Resource[Any]) -> str:
    roles = sorted(label.removeprefix(_ROLE) for label in node.labels if label.startswith(_ROLE))
    return ",".join(roles) or "<none>"


def _validate(resource: Resource[NodeSpec], request: Request) -> Iterator[Problem]:
    """Labels, annotations and the like may change; what would keep Pods away may not, since it could not."""
    if request.old is not None and request.old.obj.get("spec") != resource.obj.get("spec"):
        said = "Forbidden: Pods run on this computer, whatever its Node says of them"
        yield Problem(("spec",), said, "FieldValueForbidden", hint="label or annotate the Node only")


NODE_KIND = Kind(
    group="",
    version="v1",
    name="Node",
    plural="nodes",
    spec=NodeSpec,
    short_names=("no",),
    namespaced=False,
    verbs=("get", "list", "patch", "update", "watch"),
    validate=_validate,
    fields=("spec.unschedulable",),
    columns=(
        Column("Status", _status),
        Column("Roles", _roles),
        AGE,
        Column("Version", _info("kubeletVersion")),
        Column("Internal-IP", _address("InternalIP"), wide=True),
        Column("External-IP", _address("ExternalIP"), wide=True),
        Column("OS-Image", _info("osImage"), wide=True),
        Column("Kernel-Version", _info("kernelVersion"), wide=True),
        Column("Container-Runtime", _info("containerRuntimeVersion"), wide=True),
    ),
)


def node() -> Json:
    """The object without its status."""
    machine = _MACHINES.get(platform.machine(), platform.machine())
    labels = {
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine,
        f"{_ROLE}control-plane": "",
    }
    return {"apiVersion": "v1", "kind": NODE_KIND.name, "metadata": {"name": NODE, "labels": labels}, "spec": {}}


def node_status(version: str, now: str) -> Json:
    """What this computer has, and that it is ready since `now`."""
    kibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    has = {"cpu": str(os.cpu_count() or 1), "memory": f"{kibibytes}Ki", "pods": _MAX_PODS}
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kemu is running", **times}
    return {
        "capacity": has,
        "allocatable": has,
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": NODE},
        ],
        "conditions": [ready],
        "nodeInfo": {
            "kubeletVersion": version,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": _MACHINES.get(platform.machine(), platform.machine()),
            "osImage": platform.system(),
            "kernelVersion": platform.release(),
            "containerRuntimeVersion": "docker",
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
        },
    }
