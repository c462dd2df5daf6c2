"""StatefulSets: Pods with numbers, and claims that belong to the numbers.

Reads a StatefulSet and its Pods; writes Pods, PersistentVolumeClaims and status. Pods come from the lowest number up
and go from the highest down, each when the ones before it are ready, unless `podManagementPolicy` is Parallel; a new
template replaces them from the highest down. Where kemu differs: claims go with the set, though not what they hold, and
a Pod below an update's `partition` that must be made anew gets the new template. Those of the platform are only shown
(`platform.py`). Followed: kubernetes pkg/controller/statefulset/{stateful_set_control,stateful_set_utils}.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.objects.jsonpaths import value_at
from emulator.objects.kind import AGE, Column, Json, Kind, Request, Scale
from emulator.objects.model import IntOrString, JsonObject, Model, approximated, ignored
from emulator.objects.names import short_hash
from emulator.objects.platform import is_platform
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector
from emulator.workloads.platform import stood_for
from emulator.workloads.poddefaults import fill_template
from emulator.workloads.pods import POD, has_ended
from emulator.workloads.replicasets import counted
from emulator.workloads.templates import (
    CONTAINERS,
    IMAGES,
    PodTemplate,
    new_pod,
    workload_problems,
)

REVISION_HASH = "controller-revision-hash"
_NAME, _INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


class RollingUpdate(Model):
    partition: int | None = None
    max_unavailable: IntOrString | None = ignored("Pods are replaced one by one")


class UpdateStrategy(Model):
    type: Literal["RollingUpdate", "OnDelete"] | None = None
    rolling_update: RollingUpdate | None = None


class Ordinals(Model):
    start: int | None = None


class StatefulSetSpec(Model):
    replicas: int | None = None
    selector: LabelSelector
    template: PodTemplate
    service_name: str | None = approximated("Pods have their names as hostnames, and none in DNS")
    pod_management_policy: Literal["OrderedReady", "Parallel"] | None = None
    update_strategy: UpdateStrategy | None = None
    volume_claim_templates: list[JsonObject] = Field(default_factory=list)
    min_ready_seconds: int | None = None
    ordinals: Ordinals | None = None
    revision_history_limit: int | None = ignored("earlier templates are not kept")
    persistent_volume_claim_retention_policy: JsonObject | None = ignored("what claims hold is kept")


def _default(obj: Json, request: Request) -> None:
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy["rollingUpdate"] = {"partition": 0, **(strategy.get("rollingUpdate") or {})}
    fill_template(spec)


STATEFUL_SET = Kind(
    group="apps",
    version="v1",
    name="StatefulSet",
    plural="statefulsets",
    spec=StatefulSetSpec,
    short_names=("sts",),
    categories=("all",),
    default=_default,
    validate=workload_problems,
    scale=Scale(),
    columns=(
        Column("Ready", lambda r: f"{r.status.get('readyReplicas', 0)}/{r.obj['spec'].get('replicas', 1)}"),
        AGE,
        CONTAINERS,
        IMAGES,
    ),
)


@dataclass(frozen=True)
class Members:
    """The Pods of a StatefulSet by number, and which numbers it wants. `revision` is of the present template."""

    pods: Mapping[int, Resource[Any]]
    wanted: range
    revision: str
    is_parallel: bool

    def missing(self) -> list[int]:
        """The numbers that a Pod is made for now."""
        found = []
        for number in self.wanted:
            pod = self.pods.get(number)
            if pod is None:
                found.append(number)
            if not self.is_parallel and (pod is None or not _is_well(pod)):
                break
        return found

    def going(self, partition: int, *, is_rolling: bool) -> list[Resource[Any]]:
        """The Pods that are to go: ended ones; then, as soon as all are well, surplus ones, then outdated ones."""
        if ended := [p for p in self.pods.values() if has_ended(p) and not p.is_deleting]:
            return ended
        surplus = [self.pods[n] for n in sorted(self.pods, reverse=True) if n not in self.wanted]
        if self.is_parallel and surplus:
            return surplus
        if any(number not in self.pods or not _is_well(self.pods[number]) for number in self.wanted):
            return []
        if surplus:
            return surplus[:1]
        rolled = [self.pods[n] for n in reversed(self.wanted) if n - self.wanted.start >= partition] * is_rolling
        return [pod for pod in rolled if pod.labels.get(REVISION_HASH) != self.revision][:1]


def _is_well(pod: Resource[Any]) -> bool:
    return pod.is_ready and not pod.is_deleting


def reconcile(stateful_set: Resource[StatefulSetSpec], view: View) -> Outcome:
    """Reads a StatefulSet and its Pods; writes Pods, claims and status."""
    if is_platform(stateful_set):
        return stood_for(stateful_set, view)
    spec = stateful_set.obj["spec"]
    members = _members(stateful_set, view)
    strategy = spec["updateStrategy"]
    partition = int(value_at(strategy, "rollingUpdate.partition") or 0)
    going = {p.uid for p in members.going(partition, is_rolling=strategy["type"] == "RollingUpdate")}
    missing = members.missing()
    made = [_pod(stateful_set, number, members.revision) for number in missing]
    claims = [claim for number in members.wanted for claim in _claims(stateful_set, number)]
    kept = [p.key for p in members.pods.values() if p.uid not in going]
    name = stateful_set.name
    notes = [
        Note("SuccessfulCreate", f"create Pod {p['metadata']['name']} in StatefulSet {name} successful") for p in made
    ]
    gone = [p.name for p in members.pods.values() if p.uid in going]
    notes += [Note("SuccessfulDelete", f"delete Pod {pod} in StatefulSet {name} successful") for pod in gone]
    status, due_s = _status(stateful_set, members, view)
    return Outcome(None, status, [*claims, *made], keeps=kept, notes=notes, requeue_s=due_s)


STATEFUL_SET_RECONCILER = Reconciler(reconcile, prunes=(POD,), component="statefulset-controller")


def _members(stateful_set: Resource[Any], view: View) -> Members:
    spec = stateful_set.obj["spec"]
    numbered = ((p.name.rpartition("-")[2], p) for p in view.children(POD, stateful_set))
    start = int(value_at(spec, "ordinals.start") or 0)
    template = json.dumps([spec["template"], spec.get("volumeClaimTemplates")], sort_keys=True)
    return Members(
        pods={int(number): pod for number, pod in numbered if number.isdigit()},
        wanted=range(start, start + int(spec["replicas"])),
        revision=f"{stateful_set.name}-{short_hash(template)}",
        is_parallel=spec["podManagementPolicy"] == "Parallel",
    )


def _pod(stateful_set: Resource[Any], number: int, revision: str) -> Json:
    spec, name = stateful_set.obj["spec"], f"{stateful_set.name}-{number}"
    claims = [_claim_name(claim) for claim in spec.get("volumeClaimTemplates") or ()]
    volumes = [v for v in spec["template"]["spec"].get("volumes") or () if v["name"] not in claims]
    volumes += [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}} for claim in claims]
    own: Json = {"hostname": name} | ({"volumes": volumes} if volumes else {})
    if spec.get("serviceName"):
        own["subdomain"] = spec["serviceName"]
    template = {**spec["template"], "spec": {**spec["template"]["spec"], **own}}
    labels = {_NAME: name, _INDEX: str(number), REVISION_HASH: revision}
    return new_pod(stateful_set, template, labels, name)


def _claims(stateful_set: Resource[Any], number: int) -> Iterator[Json]:
    spec = stateful_set.obj["spec"]
    for template in spec.get("volumeClaimTemplates") or ():
        metadata = template.get("metadata") or {}
        labels = {**(metadata.get("labels") or {}), **(spec["selector"].get("matchLabels") or {})}
        name = f"{_claim_name(template)}-{stateful_set.name}-{number}"
        made = {"name": name, "labels": labels, "annotations": metadata.get("annotations") or {}}
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": made,
            "spec": template.get("spec") or {},
        }


def _claim_name(template: Json) -> str:
    return str((template.get("metadata") or {}).get("name", ""))


def _status(stateful_set: Resource[Any], members: Members, view: View) -> tuple[Json, float | None]:
    active: Sequence[Resource[Any]] = [p for p in members.pods.values() if not has_ended(p)]
    counts, due_s = counted(active, stateful_set.obj["spec"].get("minReadySeconds") or 0, view)
    updated = sum(p.labels.get(REVISION_HASH) == members.revision for p in active)
    is_done = updated == len(active) == len(members.wanted) == counts["readyReplicas"]
    before = stateful_set.status.get("currentRevision") or members.revision
    current = members.revision if is_done else before
    return {
        **counts,
        "currentReplicas": sum(p.labels.get(REVISION_HASH) == current for p in active),
        "updatedReplicas": updated,
        "currentRevision": current,
        "updateRevision": members.revision,
        "collisionCount": 0,
    }, due_s
