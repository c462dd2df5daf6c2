"""ReplicaSets: so many Pods of one template, no more and no less.

Reads a ReplicaSet and its Pods; writes Pods and counts. When there are too many, those go first that are of least use:
not ready before ready, young before old. A Pod that is going, or has ended, counts no more. Objects of other owners are
never adopted. Followed: kubernetes pkg/controller/replicaset/{replica_set,replica_set_utils}.go,
pkg/controller/controller_utils.go (ActivePodsWithRanks).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.lib.clock import parse_rfc3339
from emulator.objects.kind import AGE, Column, Json, Kind, Request, Scale
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector
from emulator.workloads.poddefaults import fill_template
from emulator.workloads.pods import POD, has_ended
from emulator.workloads.templates import (
    CONTAINERS,
    IMAGES,
    SELECTOR,
    PodTemplate,
    new_pod,
    workload_problems,
    worth,
)


class ReplicaSetSpec(Model):
    replicas: int | None = None
    min_ready_seconds: int | None = None
    selector: LabelSelector
    template: PodTemplate


def _default(obj: Json, request: Request) -> None:
    obj["spec"].setdefault("replicas", 1)
    fill_template(obj["spec"])


REPLICA_SET = Kind(
    group="apps",
    version="v1",
    name="ReplicaSet",
    plural="replicasets",
    spec=ReplicaSetSpec,
    short_names=("rs",),
    categories=("all",),
    default=_default,
    validate=workload_problems,
    scale=Scale(),
    columns=(
        Column("Desired", lambda r: r.obj["spec"]["replicas"], type="integer"),
        Column("Current", lambda r: r.status.get("replicas", 0), type="integer"),
        Column("Ready", lambda r: r.status.get("readyReplicas", 0), type="integer"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
)


def reconcile(replica_set: Resource[ReplicaSetSpec], view: View) -> Outcome:
    """Reads a ReplicaSet and its Pods; writes Pods and counts."""
    spec = replica_set.obj["spec"]
    pods = view.children(POD, replica_set)
    active = sorted((p for p in pods if is_active(p)), key=worth)
    wanted = int(spec["replicas"])
    kept, surplus = active[:wanted], active[wanted:]
    new = [new_pod(replica_set, spec["template"]) for _ in range(wanted - len(kept))]
    notes = [Note("SuccessfulCreate", f"Created pod: {pod['metadata']['name']}") for pod in new]
    notes += [Note("SuccessfulDelete", f"Deleted pod: {pod.name}") for pod in surplus]
    ended = [p for p in pods if not is_active(p) and not p.is_deleting]
    status, due_s = counted(active, spec.get("minReadySeconds") or 0, view)
    status["fullyLabeledReplicas"] = status["replicas"]
    present = {name: count for name, count in status.items() if count or name == "replicas"}
    return Outcome(None, present, new, keeps=[p.key for p in (*kept, *ended)], notes=notes, requeue_s=due_s)


REPLICA_SET_RECONCILER = Reconciler(reconcile, prunes=(POD,), component="replicaset-controller")


def is_active(pod: Resource[Any]) -> bool:
    """Whether a Pod counts for its owner: it is neither going nor done."""
    return not pod.is_deleting and not has_ended(pod)


def counted(active: Sequence[Resource[Any]], min_ready_s: int, view: View) -> tuple[Json, float | None]:
    """replicas, readyReplicas and availableReplicas; after how many seconds the next Pod will be available."""
    ready = [p for p in active if p.is_ready]
    waits = [min_ready_s - _ready_s(p, view) for p in ready] if min_ready_s else []
    due = [wait_s for wait_s in waits if wait_s > 0]
    counts = {"replicas": len(active), "readyReplicas": len(ready), "availableReplicas": len(ready) - len(due)}
    return counts, min(due, default=None)


def _ready_s(pod: Resource[Any], view: View) -> float:
    since = pod.condition("Ready").get("lastTransitionTime")
    # Times in status are whole seconds: what they leave off must not make a Pod available too early.
    return (view.now - parse_rfc3339(since) - timedelta(seconds=1)).total_seconds() if since else 0.0
