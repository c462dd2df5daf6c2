"""DaemonSets: one Pod of a template on each node, of which kemu has one.

Reads a DaemonSet and its Pods; writes a Pod and status. A new template replaces the Pod, unless `updateStrategy` is
OnDelete. Those of the platform are only shown (`platform.py`). Followed: kubernetes pkg/controller/daemon.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import IntOrString, Model, ignored
from emulator.objects.names import short_hash
from emulator.objects.platform import is_platform
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector
from emulator.workloads.platform import stood_for
from emulator.workloads.poddefaults import fill_template
from emulator.workloads.pods import POD
from emulator.workloads.replicasets import counted, is_active
from emulator.workloads.statefulsets import REVISION_HASH
from emulator.workloads.storedcolumns import at
from emulator.workloads.templates import (
    CONTAINERS,
    IMAGES,
    SELECTOR,
    PodTemplate,
    new_pod,
    workload_problems,
    worth,
)

_ONE_NODE = "there is one node, this computer"


class RollingUpdate(Model):
    max_unavailable: IntOrString | None = ignored(_ONE_NODE)
    max_surge: IntOrString | None = ignored(_ONE_NODE)


class UpdateStrategy(Model):
    type: Literal["RollingUpdate", "OnDelete"] | None = None
    rolling_update: RollingUpdate | None = None


class DaemonSetSpec(Model):
    selector: LabelSelector
    template: PodTemplate
    update_strategy: UpdateStrategy | None = None
    min_ready_seconds: int | None = None
    revision_history_limit: int | None = ignored("earlier templates are not kept")


def _default(obj: Json, request: Request) -> None:
    obj["spec"].setdefault("updateStrategy", {}).setdefault("type", "RollingUpdate")
    fill_template(obj["spec"])


def _count(name: str, field: str) -> Column:
    return Column(name, at(f"status.{field}", 0), type="integer")


DAEMON_SET = Kind(
    group="apps",
    version="v1",
    name="DaemonSet",
    plural="daemonsets",
    spec=DaemonSetSpec,
    short_names=("ds",),
    categories=("all",),
    default=_default,
    validate=workload_problems,
    columns=(
        _count("Desired", "desiredNumberScheduled"),
        _count("Current", "currentNumberScheduled"),
        _count("Ready", "numberReady"),
        _count("Up-to-date", "updatedNumberScheduled"),
        _count("Available", "numberAvailable"),
        Column("Node Selector", lambda r: "<none>"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
)


def reconcile(daemon_set: Resource[DaemonSetSpec], view: View) -> Outcome:
    """Reads a DaemonSet and its Pods; writes a Pod and status."""
    if is_platform(daemon_set):
        return stood_for(daemon_set, view)
    spec = daemon_set.obj["spec"]
    revision = short_hash(json.dumps(spec["template"], sort_keys=True))
    pods = view.children(POD, daemon_set)
    may_stay = [
        p for p in pods if is_active(p) and (_is_of(p, revision) or spec["updateStrategy"]["type"] == "OnDelete")
    ]
    kept = sorted(may_stay, key=worth)[:1]
    gone = [p for p in pods if p not in kept]
    # The next one comes when the one before has gone: both would want the same ports and files.
    made = [] if kept or gone else [new_pod(daemon_set, spec["template"], {REVISION_HASH: revision})]
    notes = [Note("SuccessfulCreate", f"Created pod: {pod['metadata']['name']}") for pod in made]
    notes += [Note("SuccessfulDelete", f"Deleted pod: {pod.name}") for pod in gone if not pod.is_deleting]
    status, due_s = _status(daemon_set, kept, revision, view)
    return Outcome(None, status, made, keeps=[p.key for p in kept], notes=notes, requeue_s=due_s)


DAEMON_SET_RECONCILER = Reconciler(reconcile, prunes=(POD,), component="daemonset-controller")


def _is_of(pod: Resource[Any], revision: str) -> bool:
    return pod.labels.get(REVISION_HASH) == revision


def _status(
    daemon_set: Resource[Any], kept: list[Resource[Any]], revision: str, view: View
) -> tuple[Json, float | None]:
    counts, due_s = counted(kept, daemon_set.obj["spec"].get("minReadySeconds") or 0, view)
    status = {
        "desiredNumberScheduled": 1,
        "currentNumberScheduled": len(kept),
        "numberMisscheduled": 0,
        "numberReady": counts["readyReplicas"],
        "numberAvailable": counts["availableReplicas"],
        "updatedNumberScheduled": sum(_is_of(p, revision) for p in kept),
    }
    missing = 1 - counts["availableReplicas"]
    return status | ({"numberUnavailable": missing} if missing else {}), due_s
