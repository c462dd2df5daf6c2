"""The Pod kind. Pods are run by the PodRunner, which writes their status; nothing else of them is reconciled."""

from __future__ import annotations

from typing import Any

from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.podspec import PodSpec
from emulator.objects.problems import Problem, missing
from emulator.objects.resource import Resource


def _default(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)


def _validate(pod: Resource[PodSpec], request: Request) -> list[Problem]:
    problems = [] if pod.spec.containers else [missing("spec", "containers")]
    for index, container in enumerate(pod.spec.containers):
        problems += [missing("spec", "containers", index, f) for f in ("name", "image") if not getattr(container, f)]
    return problems


def _statuses(pod: Resource[Any]) -> list[Json]:
    return list(pod.status.get("containerStatuses", ()))


def _ready(pod: Resource[Any]) -> str:
    statuses = _statuses(pod)
    return f"{sum(bool(s['ready']) for s in statuses)}/{len(pod.obj['spec']['containers'])}"


def _status(pod: Resource[Any]) -> str:
    if pod.is_deleting:
        return "Terminating"
    for status in _statuses(pod):
        for word in ("waiting", "terminated"):
            if reason := status["state"].get(word, {}).get("reason"):
                return str(reason)
    return str(pod.status.get("phase", "Pending"))


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
        Column("Status", _status),
        Column("Restarts", lambda r: sum(s["restartCount"] for s in _statuses(r)), type="integer"),
        AGE,
        Column("IP", lambda r: r.status.get("podIP", "<none>"), wide=True),
        Column("Node", lambda r: "kemu", wide=True),
    ),
    ephemeral=True,
)
