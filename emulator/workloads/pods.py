"""The Pod kind. Pods are run by the PodRunner, which writes their status; nothing else of them is reconciled.

A container that the annotation `kemu.dev/virtual-containers` names is shown but never started: the queue-proxy of a
Revision's Pods, whose work kemu's own data path does. Columns follow kubernetes pkg/printers/internalversion
(printPod).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.podspec import PodSpec
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.workloads.poddefaults import fill_pod_spec
from emulator.workloads.templates import ago, container_problems

NODE = "kemu"
VIRTUAL = "kemu.dev/virtual-containers"
_FUNC_DIALER = "in-cluster-dialer-"


def virtual_containers(pod: Resource[Any]) -> set[str]:
    """The names of the containers that are only shown."""
    return {name for name in pod.annotations.get(VIRTUAL, "").split(",") if name}


def has_ended(pod: Resource[Any]) -> bool:
    return pod.status.get("phase") in ("Succeeded", "Failed")


def _default(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    fill_pod_spec(spec)
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("nodeName", NODE)
    if request.old is None:
        obj["status"] = {"phase": "Pending"}  # no client has to look for a Pod's status and find none


def _validate(pod: Resource[PodSpec], request: Request) -> Iterator[Problem]:
    yield from container_problems(pod.obj["spec"], "spec")
    if _is_of_func(pod):
        said = (
            "Forbidden: kemu runs no Pod for func to dial through; the name that func looks for must resolve on this "
            "computer: push with --push=false, or to a registry at localhost"
        )
        yield Problem(("metadata", "name"), said, "FieldValueForbidden")
    elif request.old is not None:
        yield from _changes(pod, request.old)


def _is_of_func(pod: Resource[PodSpec]) -> bool:
    """The helper that func starts to reach names that it cannot resolve, and then waits a minute for (func
    pkg/k8s/dialer.go)."""
    commands = [container.command or [""] for container in pod.spec.containers]
    return pod.name.startswith(_FUNC_DIALER) and any(command[0] == "socat" for command in commands)


def _changes(pod: Resource[PodSpec], old: Resource[Any]) -> Iterator[Problem]:
    """Of a Pod's spec only images, tolerations and the deadline may change (core/validation, ValidatePodUpdate)."""
    if _fixed(pod.obj["spec"]) != _fixed(old.obj["spec"]):
        said = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing"
            " tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        )
        yield Problem(("spec",), said, "FieldValueForbidden")


def _fixed(spec: Json) -> Json:
    kept = {k: v for k, v in spec.items() if k not in ("tolerations", "activeDeadlineSeconds")}
    for field in ("containers", "initContainers"):
        kept[field] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(field) or ()]
    return kept


# -- columns


def _statuses(pod: Resource[Any], which: str = "containerStatuses") -> list[Json]:
    return list(pod.status.get(which, ()))


def _ready(pod: Resource[Any]) -> str:
    ready = sum(bool(s["ready"]) and "running" in s["state"] for s in _statuses(pod))
    return f"{ready}/{len(pod.obj['spec']['containers'])}"


def status_word(pod: Resource[Any]) -> str:
    """What `kubectl get pods` shows under STATUS."""
    if pod.is_deleting and not has_ended(pod):
        return "Terminating"
    if word := _init_word(pod):
        return word
    return _main_word(pod)


def _init_word(pod: Resource[Any]) -> str:
    """How far the init containers are; "" when they are done."""
    if pod.condition("Initialized")["status"] == "True":
        return ""
    for index, status in enumerate(_statuses(pod, "initContainerStatuses")):
        state = status["state"]
        ended, waits = state.get("terminated"), state.get("waiting", {}).get("reason", "")
        if ended and ended["exitCode"] == 0:
            continue
        if ended:
            return f"Init:{ended.get('reason') or 'ExitCode:' + str(ended['exitCode'])}"
        if waits and waits not in ("PodInitializing", "ContainerCreating"):
            return f"Init:{waits}"
        return f"Init:{index}/{len(pod.obj['spec'].get('initContainers', ()))}"
    return ""


def _main_word(pod: Resource[Any]) -> str:
    word, is_running = str(pod.status.get("reason") or pod.status.get("phase") or "Pending"), False
    for status in reversed(_statuses(pod)):
        state = status["state"]
        ended = state.get("terminated")
        if waits := state.get("waiting", {}).get("reason"):
            word = str(waits)
        elif ended:
            word = str(ended.get("reason") or f"ExitCode:{ended['exitCode']}")
        elif "running" in state and status["ready"]:
            is_running = True
    if word == "Completed" and is_running:
        return "Running" if pod.is_ready else "NotReady"
    return word


def _restarts(pod: Resource[Any]) -> str:
    is_initialized = pod.condition("Initialized")["status"] == "True"
    which = _statuses(pod) if is_initialized else [*_statuses(pod, "initContainerStatuses"), *_statuses(pod)]
    count = sum(status["restartCount"] for status in which)
    last = max(_ends(which), default="")
    return f"{count} ({ago(last)} ago)" if count and last else str(count)


def _ends(statuses: Iterable[Json]) -> Iterator[str]:
    for status in statuses:
        if at := (status.get("lastState") or {}).get("terminated", {}).get("finishedAt"):
            yield str(at)


def _gates(pod: Resource[Any]) -> str:
    gates = pod.obj["spec"].get("readinessGates") or ()
    met = sum(pod.condition(gate["conditionType"])["status"] == "True" for gate in gates)
    return f"{met}/{len(gates)}" if gates else "<none>"


POD = Kind(
    group="",
    version="v1",
    name="Pod",
    plural="pods",
    spec=PodSpec,
    short_names=("po",),
    categories=("all",),
    default=_default,
    validate=_validate,
    fields=("status.phase", "spec.nodeName", "spec.serviceAccountName", "spec.restartPolicy", "status.podIP"),
    columns=(
        Column("Ready", _ready),
        Column("Status", status_word),
        Column("Restarts", _restarts),
        AGE,
        Column("IP", lambda r: r.status.get("podIP") or "<none>", wide=True),
        Column("Node", lambda r: r.obj["spec"].get("nodeName") or "<none>", wide=True),
        Column("Nominated Node", lambda r: r.status.get("nominatedNodeName") or "<none>", wide=True),
        Column("Readiness Gates", _gates, wide=True),
    ),
    ephemeral=True,
    keeps_bare=True,
)
