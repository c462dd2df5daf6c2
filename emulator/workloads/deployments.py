"""Deployments: so many Pods of one template, replaced one after the other when the template changes.

Reads a Deployment and its Pods, writes Pods (without ReplicaSets between) and status. A Revision's template never
changes, so for it this only starts and stops Pods; a plain Deployment is rolled as Kubernetes does with maxUnavailable
0: old Pods go once as many new ones are ready. Pods that are not ready go first when there are too many.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.lib.clock import rfc3339
from emulator.objects.conditions import Condition, written
from emulator.objects.kind import AGE, Column, Json, Kind, Request, Scale
from emulator.objects.model import ATOMIC_MAP, RETAIN_KEYS, JsonObject, Model, ignored
from emulator.objects.names import child_name, random_suffix, short_hash
from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.workloads.pods import POD

TEMPLATE_HASH = "pod-template-hash"


class LabelSelector(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: list[JsonObject] = Field(default_factory=list)


class TemplateMetadata(Model):
    name: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: str | None = None


class PodTemplate(Model):
    metadata: TemplateMetadata | None = None
    spec: PodSpec


class DeploymentSpec(Model):
    replicas: int | None = None
    selector: LabelSelector
    template: PodTemplate
    progress_deadline_seconds: int | None = None
    min_ready_seconds: int | None = ignored("a Pod counts as available as soon as it is ready")
    revision_history_limit: int | None = ignored("there are no ReplicaSets to keep")
    strategy: JsonObject | None = ignored("Pods are replaced once new ones are ready", marks=RETAIN_KEYS)
    paused: bool | None = ignored("Deployments are always followed")


def _default(obj: Json, request: Request) -> None:
    obj["spec"].setdefault("replicas", 1)


def _counts(deployment: Resource[Any]) -> str:
    return f"{deployment.status.get('readyReplicas', 0)}/{deployment.obj['spec'].get('replicas', 1)}"


DEPLOYMENT = Kind(
    group="apps",
    version="v1",
    name="Deployment",
    plural="deployments",
    spec=DeploymentSpec,
    short_names=("deploy",),
    categories=("all",),
    default=_default,
    scale=Scale(),
    columns=(
        Column("Ready", _counts),
        Column("Up-to-date", lambda r: r.status.get("updatedReplicas", 0), type="integer"),
        Column("Available", lambda r: r.status.get("availableReplicas", 0), type="integer"),
        AGE,
    ),
)


def reconcile(deployment: Resource[DeploymentSpec], view: View) -> Outcome:
    """Reads a Deployment and its Pods; writes Pods and counts."""
    template = deployment.obj["spec"]["template"]
    wanted = int(deployment.obj["spec"].get("replicas", 1))
    label = short_hash(json.dumps(template, sort_keys=True))
    present = [pod for pod in view.children(POD, deployment) if not pod.is_deleting]
    current = sorted((p for p in present if p.labels.get(TEMPLATE_HASH) == label), key=_most_worth)[:wanted]
    old = [pod for pod in present if pod.labels.get(TEMPLATE_HASH) != label]
    is_rolled = sum(pod.is_ready for pod in current) >= wanted
    keeps = [pod.key for pod in (current if is_rolled else current + old)]
    new = [_new_pod(deployment, template, label) for _ in range(wanted - len(current))]
    status = _status(deployment, present, current, wanted, rfc3339(view.now))
    return Outcome(None, status, new, keeps=keeps)


DEPLOYMENT_RECONCILER = Reconciler(reconcile, prunes=(POD,))


def _most_worth(pod: Resource[Any]) -> tuple[bool, str]:
    """Ready ones first, then the oldest."""
    return not pod.is_ready, str(pod.metadata["creationTimestamp"])


def _new_pod(deployment: Resource[DeploymentSpec], template: Json, label: str) -> Json:
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": child_name(deployment.name, f"-{label}-{random_suffix()}"),
            "namespace": deployment.namespace,
            "labels": {**(metadata.get("labels") or {}), TEMPLATE_HASH: label},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": template["spec"],
    }


def _status(
    deployment: Resource[DeploymentSpec],
    present: Sequence[Resource[Any]],
    current: Sequence[Resource[Any]],
    wanted: int,
    now: str,
) -> Json:
    ready = sum(pod.is_ready for pod in present)
    reached = ready >= wanted
    available = Condition("Available", "True" if reached else "False", "MinimumReplicasAvailable")
    if not reached:
        said = "Deployment does not have minimum availability."
        available = Condition.false("Available", "MinimumReplicasUnavailable", said)
    progressing = Condition.true("Progressing", "NewReplicaSetAvailable" if reached else "ReplicaSetUpdated")
    counts = {
        "replicas": len(present),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "updatedReplicas": len(current),
        "unavailableReplicas": max(wanted - ready, 0),
    }
    conditions = written([available, progressing], deployment.status.get("conditions", ()), now)
    return {**{name: count for name, count in counts.items() if count}, "conditions": conditions}
