"""Revisions: from a snapshot of code and configuration to images, scale and Pods, and how it stands with them.

Followed: knative/serving pkg/reconciler/{revision,labeler}, pkg/apis/serving/v1/revision_lifecycle.go (serving §1.4,
1.9).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.lib.clock import rfc3339
from emulator.objects.conditions import Condition
from emulator.objects.configrefs import ConfigRef, config_refs, fault_of
from emulator.objects.kind import Json, Kind
from emulator.objects.podmarks import LACKS, is_frozen
from emulator.objects.problems import dotted
from emulator.objects.resource import Resource
from emulator.runtime.images import parse_name
from emulator.serving.annotations import (
    CONFIGURATION_LABEL,
    IDLE,
    NAMESPACE,
    ROUTES,
    ROUTING_STATE,
    ROUTING_STATE_MODIFIED,
)
from emulator.serving.deploymentconfig import progress_deadline_s, unasked_registries
from emulator.serving.features import Features
from emulator.serving.kinds import CONFIGURATION, ROUTE
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.serving.revisionchildren import (
    deployment_name,
    deployment_of,
    image_cache_name,
    image_caches,
    pod_autoscaler,
    user_port_of,
)
from emulator.serving.revisionspec import RevisionSpec
from emulator.serving.scaler import START


def reconcile(revision: Resource[RevisionSpec], view: View) -> Outcome:
    """Reads a Revision, its images, scale, Deployment, Pods and Routes; writes Images, PodAutoscaler and Deployment."""
    labels, annotations = routing(revision, _routes_to(revision, view), view.now)
    children = image_caches(revision)
    images = [view.find(_kind(view, IMAGE), child["metadata"]["name"], revision.namespace) for child in children]
    config = view.config("config-deployment", NAMESPACE)
    if (unresolved := _unresolved(images, unasked_registries(config))) is not None:
        return Outcome(unresolved, {}, children, annotations, labels)
    autoscaler = view.find(POD_AUTOSCALER, revision.name, revision.namespace)
    deployment = view.find(_kind(view, DEPLOYMENT), deployment_name(revision), revision.namespace)
    crash = _crash(deployment, view)
    replicas = deployment.obj["spec"]["replicas"] if deployment else 0  # the Scaler's affair
    port, notes = user_port_of(revision, images)
    children += [
        pod_autoscaler(revision, reachability(revision, labels), _inherited(revision, view)),
        deployment_of(
            revision,
            replicas,
            port,
            Features(view.config("config-features", NAMESPACE)),
            progress_deadline_s(revision.annotations, config),
        ),
    ]
    lack = _lack(revision, view)
    annotations[LACKS] = lack[1] if lack else None
    notes += _lack_notes(revision, lack)
    health = _not_owned(revision, deployment) or (_unconfigured(revision, autoscaler, lack[1]) if lack else None)
    conditions = [*(health or _health(autoscaler, crash, _late(deployment, view))), _active(autoscaler)]
    if all(c.status == "True" for c in conditions[:2]) and not revision.is_ready:
        notes.append(Note("RevisionReady", "Revision becomes ready upon all resources being ready"))
    return Outcome(conditions, _status(revision, images, autoscaler), children, annotations, labels, notes)


REVISION_RECONCILER = Reconciler(reconcile)

CONFIG_ERROR = "CreateContainerConfigError"

# Kinds of a sibling package, found through the registry.
IMAGE, DEPLOYMENT, POD = ("caching.internal.knative.dev", "Image"), ("apps", "Deployment"), ("", "Pod")
REPLICA_SET = ("apps", "ReplicaSet")
_JUST_MADE = (None, "ContainerCreating", "PodInitializing")
"""Reasons to wait that say nothing of a fault; the queue-proxy, which is only shown, may have them, too."""


def _kind(view: View, which: tuple[str, str]) -> Kind[Any]:
    kind = view.registry.of_group(*which)
    assert kind is not None, f"kemu is built without the kind {which[1]}"
    return kind


def _routes_to(revision: Resource[RevisionSpec], view: View) -> list[str]:
    """The Routes that name this Revision, or follow its Configuration while it is the latest created."""
    routes = {route.name for route in view.referring(ROUTE, revision.key)}
    owner = revision.labels.get(CONFIGURATION_LABEL, "")
    configuration = view.find(CONFIGURATION, owner, revision.namespace)
    if configuration is not None and configuration.status.get("latestCreatedRevisionName") == revision.name:
        routes |= {route.name for route in view.referring(ROUTE, configuration.key)}
    return sorted(routes)


def routing(
    revision: Resource[RevisionSpec], routes: Sequence[str], now: datetime
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Labels and annotations that say whether Routes lead here (labeler/accessors.go)."""
    before = revision.labels.get(ROUTING_STATE, "pending")
    state = "active" if routes else "reserve" if before != "pending" else "pending"
    annotations: dict[str, str | None] = {ROUTES: ",".join(routes) or None}
    if state != before:
        annotations[ROUTING_STATE_MODIFIED] = rfc3339(now)
    return {ROUTING_STATE: state}, annotations


def reachability(revision: Resource[RevisionSpec], labels: Mapping[str, str | None]) -> str:
    """Whether min-scale and retention count for it (revision/resources/pa.go)."""
    state = labels[ROUTING_STATE]
    if state == "pending":
        failed = any(revision.condition(t)["status"] == "False" for t in ("ResourcesAvailable", "ContainerHealthy"))
        return "Unreachable" if failed else ""
    return "Reachable" if state == "active" else "Unreachable"


def _inherited(revision: Resource[RevisionSpec], view: View) -> dict[str, str]:
    """What a Service says of all its Revisions, and may change without making another one."""
    configuration = view.find(CONFIGURATION, revision.labels.get(CONFIGURATION_LABEL, ""), revision.namespace)
    idle = configuration.annotations.get(IDLE) if configuration is not None else None
    return {IDLE: idle} if idle else {}


def _unresolved(images: Sequence[Resource[Any] | None], unasked: Collection[str]) -> list[Condition] | None:
    """The conditions while an image is not there; None when all are.

    Where a cluster has no digest to ask for, since the name has one or its registry is one of `unasked`, the reason is
    the one that its Pods give. It would say so after the progress deadline.
    """
    active = Condition("Active", "Unknown", severity="Info")
    for image in images:
        present = image.condition("Ready") if image is not None else {}
        if image is not None and present["status"] == "False":
            ref, why = image.obj["spec"]["image"], present.get("message", "")
            name = parse_name(ref)
            if name.digest or name.registry in unasked:
                unpulled = Condition.false("ResourcesAvailable", "ErrImagePull", f'Unable to pull image "{ref}": {why}')
                return [Condition.unknown("ContainerHealthy", "Deploying"), unpulled, active]
            said = f'Unable to fetch image "{ref}": failed to resolve image to digest: {why}'
            missing = Condition.false("ContainerHealthy", "ContainerMissing", said)
            return [missing, Condition.unknown("ResourcesAvailable", "ResolvingDigests"), active]
        if not present or present["status"] == "Unknown":
            said = str(present.get("message", ""))
            both = ("ContainerHealthy", "ResourcesAvailable")
            return [*(Condition.unknown(type_, "ResolvingDigests", said) for type_ in both), active]
    return None


def _health(
    autoscaler: Resource[Any] | None, crash: Condition | None, late: Condition | None = None
) -> list[Condition]:
    """ContainerHealthy and ResourcesAvailable (v1/revision_lifecycle.go, Propagate{Autoscaler,Deployment}Status)."""
    if autoscaler is not None and autoscaler.condition("ScaleTargetInitialized")["status"] == "True":
        return [crash or Condition.true("ContainerHealthy"), late or Condition.true("ResourcesAvailable")]
    available = late or Condition.unknown("ResourcesAvailable", "Deploying")
    if autoscaler is not None and autoscaler.condition("Active").get("reason") == "TimedOut":
        said = "Initial scale was never achieved"
        available = Condition.false("ResourcesAvailable", "ProgressDeadlineExceeded", said)
    return [crash or Condition.unknown("ContainerHealthy", "Deploying"), available]


def _lack(revision: Resource[RevisionSpec], view: View) -> tuple[ConfigRef, str] | None:
    """The first ConfigMap or Secret that is named and not there, or lacks a key, and what is to be said of it."""
    for ref in config_refs(revision.spec):
        found = view.find(_kind(view, ("", ref.kind)), ref.name, revision.namespace)
        tables = ("data", "binaryData") if ref.path[0] == "volumes" else ("data",)  # a variable is text
        data = None if found is None else {k: v for table in tables for k, v in (found.obj.get(table) or {}).items()}
        if (fault := fault_of(ref, data, revision.namespace)) is not None:
            return ref, fault
    return None


def _lack_notes(revision: Resource[RevisionSpec], lack: tuple[ConfigRef, str] | None) -> list[Note]:
    """What has come or gone of what the containers are configured with; a Pod would tell only at its start."""
    before = revision.annotations.get(LACKS)
    if lack is None:
        return [Note("Configured", "what was missing is there now", is_told=True)] if before else []
    ref, fault = lack
    if before == fault:
        return []
    field = dotted(("spec", "template", "spec", *ref.path))
    said = f"{fault}; {field} names it: create it, or mark it there with optional: true"
    return [Note(CONFIG_ERROR, said, "Warning", is_told=True)]


def _not_owned(revision: Resource[RevisionSpec], deployment: Resource[Any] | None) -> list[Condition] | None:
    """Health where another's Deployment has the name of the Revision's; None otherwise."""
    if deployment is None or deployment.is_controlled_by(revision):
        return None
    said = f'There is an existing Deployment "{deployment.name}" that we do not own.'
    unavailable = Condition.false("ResourcesAvailable", "NotOwned", said)
    return [Condition.unknown("ContainerHealthy", "Deploying"), unavailable]


def _unconfigured(
    revision: Resource[RevisionSpec], autoscaler: Resource[Any] | None, fault: str
) -> list[Condition] | None:
    """Health where a Pod would wait with CreateContainerConfigError; None where that is no news to a cluster, either.

    A cluster says it once the rollout has missed its deadline, and not of a Revision that was ready before or whose
    initial scale is zero; here the Unknown until then gives the reason. One that starts asleep stands for a rollout
    that is over.
    """
    is_asleep = revision.annotations.get(START) == "asleep"
    initialized = autoscaler is not None and autoscaler.condition("ScaleTargetInitialized")["status"] == "True"
    if revision.is_ready or (initialized and not is_asleep):
        return None
    is_late = autoscaler is not None and autoscaler.condition("Active").get("reason") == "TimedOut"
    if is_asleep or is_late:
        available = Condition.false("ResourcesAvailable", CONFIG_ERROR, fault)
        return [Condition.unknown("ContainerHealthy", "Deploying"), available]
    return [Condition.unknown(type_, CONFIG_ERROR, fault) for type_ in ("ContainerHealthy", "ResourcesAvailable")]


def _active(autoscaler: Resource[Any] | None) -> Condition:
    """Active; of severity Info, so that it does not count for Ready."""
    if autoscaler is None:
        return Condition("Active", "Unknown", "Deploying", severity="Info")
    return replace(Condition.read(autoscaler.condition("Active")), severity="Info")


def _pods(deployment: Resource[Any] | None, view: View) -> Iterator[Resource[Any]]:
    """Its Pods, while replicas are wanted and none is available."""
    if deployment is None or not deployment.obj["spec"].get("replicas") or deployment.status.get("availableReplicas"):
        return
    for each in view.children(_kind(view, REPLICA_SET), deployment):
        yield from (pod for pod in view.children(_kind(view, POD), each) if not is_frozen(pod))


def _crash(deployment: Resource[Any] | None, view: View) -> Condition | None:
    """The last exit of a container, while replicas are wanted and none is available."""
    for pod in _pods(deployment, view):
        for status in pod.status.get("containerStatuses", ()):
            for state in (status["state"], status.get("lastState", {})):
                if ended := state.get("terminated"):
                    code = ended["exitCode"]
                    why = " (OOMKilled)" if ended.get("reason") == "OOMKilled" else ""
                    silent = f"exit code {code}{why}, without a word" if code else "container exited with no error"
                    said, reason = ended.get("message") or silent, f"ExitCode{code}"
                    return Condition.false("ContainerHealthy", reason, f"Container failed with: {said}")
    return None


def _late(deployment: Resource[Any] | None, view: View) -> Condition | None:
    """That the Deployment has made no progress before its deadline, and what a container of it waits for."""
    stated = deployment.status.get("conditions", ()) if deployment is not None else ()
    progress = next((each for each in stated if each["type"] == "Progressing" and each["status"] == "False"), None)
    if progress is None:
        return None
    for pod in _pods(deployment, view):
        for status in pod.status.get("containerStatuses", ()):
            waiting = status["state"].get("waiting")
            if waiting and waiting.get("reason") not in _JUST_MADE and not status.get("lastState"):
                return Condition.false("ResourcesAvailable", waiting["reason"], waiting.get("message", ""))
    return Condition.false("ResourcesAvailable", progress["reason"], progress.get("message", ""))


def _status(
    revision: Resource[RevisionSpec], images: Sequence[Resource[Any] | None], autoscaler: Resource[Any] | None
) -> Json:
    status: Json = {}
    digests = {image.name: image.status.get("imageDigest") for image in images if image is not None}
    for field, containers in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        listed = [
            {"name": c["name"]}
            | ({"imageDigest": digest} if (digest := digests.get(image_cache_name(revision, c))) else {})
            for c in revision.obj["spec"].get(containers, ())
        ]
        if listed:
            status[field] = listed
    if autoscaler is not None:
        # A negative number is the autoscaler's word for "not known yet": no field, rather than 0.
        scales = {"actualReplicas": "actualScale", "desiredReplicas": "desiredScale"}
        status |= {field: scale for field, key in scales.items() if (scale := autoscaler.status.get(key, -1)) >= 0}
    return status
