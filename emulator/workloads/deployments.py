"""Deployments: a ReplicaSet for each template that was, the present one at full size.

Reads a Deployment and its ReplicaSets; writes ReplicaSets, their sizes, the revision annotation and status. The
template of a Knative Revision never changes, so for it this only passes the size on. How sizes change in a rollout is
the affair of `rollouts.py`, what the conditions say that of `deploymentstatus.py`. `kubectl rollout undo` puts an
earlier template back, whose ReplicaSet is then the present one again. Followed: kubernetes pkg/controller/deployment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.objects.kind import AGE, Column, Json, Kind, Request, Scale
from emulator.objects.model import RETAIN_KEYS, IntOrString, Model
from emulator.objects.names import short_hash
from emulator.objects.platform import is_platform
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import forbidden, invalid, not_supported
from emulator.objects.selectors import LabelSelector
from emulator.workloads.deploymentstatus import Progress, deployment_status, is_complete
from emulator.workloads.platform import stood_for
from emulator.workloads.poddefaults import fill_template
from emulator.workloads.pods import POD, has_ended
from emulator.workloads.replicasets import REPLICA_SET
from emulator.workloads.rollouts import (
    DESIRED,
    MOST,
    Bounds,
    Sets,
    Sizes,
    recreated,
    rolled,
    scaled,
    size_of,
    was_scaled,
)
from emulator.workloads.templates import (
    CONTAINERS,
    IMAGES,
    SELECTOR,
    PodTemplate,
    labels_of,
    workload_problems,
)

TEMPLATE_HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MOST)
_QUARTER = {"maxUnavailable": "25%", "maxSurge": "25%"}


class RollingUpdate(Model):
    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None


class DeploymentStrategy(Model):
    type: str | None = None
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(Model):
    replicas: int | None = None
    selector: LabelSelector
    template: PodTemplate
    strategy: DeploymentStrategy | None = Field(default=None, json_schema_extra=RETAIN_KEYS)
    min_ready_seconds: int | None = None
    revision_history_limit: int | None = None
    progress_deadline_seconds: int | None = None
    paused: bool | None = None


def _default(obj: Json, request: Request) -> None:
    spec = obj["spec"]
    for field, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
        spec.setdefault(field, value)
    fill_template(spec)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy["rollingUpdate"] = {**_QUARTER, **(strategy.get("rollingUpdate") or {})}


def _validate(deployment: Resource[DeploymentSpec], request: Request) -> Iterator[Problem]:
    yield from workload_problems(deployment, request)
    strategy, path = deployment.obj["spec"]["strategy"], ("spec", "strategy")
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        yield not_supported((*path, "type"), strategy["type"], ("Recreate", "RollingUpdate"))
    elif strategy["type"] == "Recreate" and strategy.get("rollingUpdate"):
        yield forbidden((*path, "rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'")
    else:
        yield from _amount_problems(strategy.get("rollingUpdate") or {}, (*path, "rollingUpdate"))


def _amount_problems(rolling: Json, path: tuple[str | int, ...]) -> Iterator[Problem]:
    for field, value in rolling.items():
        number = str(value).removesuffix("%") if isinstance(value, str) and value.endswith("%") else value
        if isinstance(number, str) and not number.isdecimal():
            said = (
                f"Invalid value: \"{value}\": a valid percent string must be a numeric string followed by an ending '%'"
            )
            yield Problem((*path, field), f"{said} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")
    if rolling and all(str(value).removesuffix("%") == "0" for value in rolling.values()):
        yield invalid((*path, "maxUnavailable"), rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")


DEPLOYMENT = Kind(
    group="apps",
    version="v1",
    name="Deployment",
    plural="deployments",
    spec=DeploymentSpec,
    short_names=("deploy",),
    categories=("all",),
    default=_default,
    validate=_validate,
    scale=Scale(),
    columns=(
        Column("Ready", lambda r: f"{r.status.get('readyReplicas', 0)}/{r.obj['spec'].get('replicas', 1)}"),
        Column("Up-to-date", lambda r: r.status.get("updatedReplicas", 0), type="integer"),
        Column("Available", lambda r: r.status.get("availableReplicas", 0), type="integer"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
)


def reconcile(deployment: Resource[DeploymentSpec], view: View) -> Outcome:
    """Reads a Deployment and its ReplicaSets; writes ReplicaSets, the revision annotation and status."""
    if is_platform(deployment):
        return stood_for(deployment, view)
    label = short_hash(json.dumps(deployment.obj["spec"]["template"], sort_keys=True))
    sets = _sets(deployment, label, view)
    if deployment.obj["spec"].get("paused") and sets.is_new:
        # The new template waits; sizes are passed on all the same.
        return _outcome(deployment, sets, _paused_sizes(deployment, sets), label, view)
    return _outcome(deployment, sets, _sizes(deployment, sets, view), label, view)


DEPLOYMENT_RECONCILER = Reconciler(reconcile, prunes=(REPLICA_SET,), component="deployment-controller")


def _sets(deployment: Resource[Any], label: str, view: View) -> Sets:
    present = [s for s in view.children(REPLICA_SET, deployment) if not s.is_deleting]
    new = next((s for s in present if s.labels.get(TEMPLATE_HASH) == label), None)
    old = sorted((s for s in present if s is not new), key=lambda s: str(s.metadata["creationTimestamp"]))
    return Sets(new.name if new is not None else f"{deployment.name}-{label}", new, old)


def _sizes(deployment: Resource[Any], sets: Sets, view: View) -> Sizes:
    spec, bounds = deployment.obj["spec"], Bounds.of(deployment.obj["spec"])
    is_rolling = spec["strategy"]["type"] == "RollingUpdate"
    if spec.get("paused") or was_scaled(sets, bounds.replicas):
        return scaled(sets, bounds, is_rolling=is_rolling)
    if is_rolling:
        return rolled(sets, bounds)
    pods = (pod for s in sets.old for pod in view.children(POD, s))
    return recreated(sets, bounds, old_are_gone=all(has_ended(pod) for pod in pods))


def _paused_sizes(deployment: Resource[Any], sets: Sets) -> Sizes:
    bounds = Bounds.of(deployment.obj["spec"])
    sizes = scaled(sets, bounds, is_rolling=deployment.obj["spec"]["strategy"]["type"] == "RollingUpdate")
    return {name: size for name, size in sizes.items() if name != sets.name}


def _outcome(deployment: Resource[Any], sets: Sets, sizes: Sizes, label: str, view: View) -> Outcome:
    revision = _revision(sets)
    sizes_before = sets.sizes
    kept = [s for s in sets.all if s.name not in _outlived(deployment, sets)]
    children = [
        _resized(deployment, s, sizes.get(s.name, size_of(s)), revision if s is sets.new else None) for s in kept
    ]
    if sets.is_new and sets.name in sizes:
        children.append(_new_set(deployment, sets.name, label, sizes[sets.name], revision))
    status, progress = deployment_status(deployment, sets, view.now)
    due_s = _due_s(deployment, progress, view)
    notes = [_note(name, sizes_before[name], size) for name, size in sizes.items() if size != sizes_before[name]]
    annotations = {REVISION: str(revision)} if sets.name in sizes else {}
    return Outcome(None, status, children, annotations, notes=notes, requeue_s=due_s)


def _note(name: str, before: int, size: int) -> Note:
    way = "up" if size > before else "down"
    return Note("ScalingReplicaSet", f"Scaled {way} replica set {name} from {before} to {size}")


def _due_s(deployment: Resource[Any], progress: Progress, view: View) -> float | None:
    """When the progress deadline is over; a second later, since times in status are whole seconds."""
    if not progress.is_awaited:
        return None
    return max(progress.deadline_s - (view.now - progress.since).total_seconds() + 1, 1.0)


# -- ReplicaSets


def _revision(sets: Sets) -> int:
    """The present ReplicaSet is always the latest: an earlier template that came back counts anew."""
    latest = max((int(s.annotations.get(REVISION, 0)) for s in sets.old), default=0)
    own = int(sets.new.annotations.get(REVISION, 0)) if sets.new is not None else 0
    return own if own > latest else latest + 1


def _outlived(deployment: Resource[Any], sets: Sets) -> set[str]:
    """Old ReplicaSets beyond revisionHistoryLimit, once the rollout is done."""
    limit = deployment.obj["spec"].get("revisionHistoryLimit")
    if limit is None or sets.new is None or not is_complete(deployment, sets):
        return set()
    idle = [s for s in sets.old if not size_of(s) and not s.status.get("replicas")]
    by_revision = sorted(idle, key=lambda s: int(s.annotations.get(REVISION, 0)))
    return {s.name for s in by_revision[: max(len(idle) - limit, 0)]}


def _resized(deployment: Resource[Any], replica_set: Resource[Any], size: int, revision: int | None) -> Json:
    """A ReplicaSet that is there, at another size; the present one follows the Deployment's annotations, too."""
    annotations = dict(replica_set.annotations)
    spec = {**replica_set.obj["spec"], "replicas": size}
    if revision is not None:
        annotations |= _copied(deployment)
        before = annotations.get(REVISION, str(revision))
        if before != str(revision):
            annotations[HISTORY] = ",".join(filter(None, (annotations.get(HISTORY), before)))
        annotations[REVISION] = str(revision)
        if "minReadySeconds" in deployment.obj["spec"]:
            spec["minReadySeconds"] = deployment.obj["spec"]["minReadySeconds"]
    if size:
        annotations |= _told(deployment)
    return _child(replica_set.name, dict(replica_set.labels), annotations, spec)


def _new_set(deployment: Resource[Any], name: str, label: str, size: int, revision: int) -> Json:
    spec = deployment.obj["spec"]
    template, selector = spec["template"], spec["selector"]
    labels = {**labels_of(template), TEMPLATE_HASH: label}
    made = {
        "replicas": size,
        "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), TEMPLATE_HASH: label}},
        "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
    }
    if "minReadySeconds" in spec:
        made["minReadySeconds"] = spec["minReadySeconds"]
    annotations = {**_copied(deployment), **_told(deployment), REVISION: str(revision)}
    return _child(name, labels, annotations, made)


def _child(name: str, labels: dict[str, str], annotations: dict[str, str], spec: Json) -> Json:
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return {"apiVersion": REPLICA_SET.api_version, "kind": REPLICA_SET.name, "metadata": metadata, "spec": spec}


def _told(deployment: Resource[Any]) -> dict[str, str]:
    bounds = Bounds.of(deployment.obj["spec"])
    return {DESIRED: str(bounds.replicas), MOST: str(bounds.most)}


def _copied(deployment: Resource[Any]) -> dict[str, str]:
    return {key: value for key, value in deployment.annotations.items() if key not in _NOT_COPIED}
