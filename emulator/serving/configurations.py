"""Configurations: one Revision for each state of the template, and which of them is the latest ready one.

Old Revisions stay until revisiongc.py says that they have had their time. Followed: knative/serving
pkg/reconciler/{configuration,gc} (serving §1.2-1.6, 1.12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.lib.clock import rfc3339
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.names import child_name
from emulator.objects.podmarks import LACKS
from emulator.objects.resource import Resource
from emulator.serving.annotations import (
    CONFIGURATION_LABEL,
    CONFIGURATION_UID,
    CREATOR,
    GENERATION,
    NAMESPACE,
    ROUTES,
    ROUTING_STATE,
    ROUTING_STATE_MODIFIED,
    SERVICE_LABEL,
    SERVICE_UID,
)
from emulator.serving.kinds import REVISION, ROUTE, ConfigurationSpec
from emulator.serving.revisiongc import CONFIG as CONFIG_GC
from emulator.serving.revisiongc import GcConfig, collected
from emulator.serving.scaler import START


def reconcile(configuration: Resource[ConfigurationSpec], view: View) -> Outcome:
    """Reads the Configuration, its Revisions and Routes; writes this generation's Revision and who is latest."""
    routes = ",".join(route.name for route in view.referring(ROUTE, configuration.key))
    outcome = _followed(configuration, view)
    revisions = view.children(REVISION, configuration)
    config = GcConfig.of(view.config(CONFIG_GC, NAMESPACE))
    gone = collected(revisions, str(outcome.status.get("latestReadyRevisionName", "")), config, view.now)
    # A Route may have named one just now, and its routing state not follow yet.
    keeps = [r.key for r in revisions if r.name not in gone.names or view.referring(ROUTE, r.key)]
    return replace(outcome, annotations={ROUTES: routes or None}, keeps=keeps, requeue_s=gone.next_s)


def _followed(configuration: Resource[ConfigurationSpec], view: View) -> Outcome:
    revisions = view.children(REVISION, configuration)
    given = (configuration.obj["spec"]["template"].get("metadata") or {}).get("name")
    latest = _latest_created(configuration, revisions, given)
    if latest is None and given and (taken := view.find(REVISION, given, configuration.namespace)):
        return _taken(configuration, taken)
    status: Json = {}
    children: list[Json] = []
    if latest is None:
        children.append(_revision_of(configuration, view.now))
        status["latestCreatedRevisionName"] = children[0]["metadata"]["name"]
    else:
        status["latestCreatedRevisionName"] = latest.name
    ready = _latest_ready(configuration, revisions, given)
    if ready:
        status["latestReadyRevisionName"] = ready
    condition, notes = _verdict(configuration, latest, status, {r.name for r in revisions})
    return Outcome([condition], status, children, notes=notes)


CONFIGURATION_RECONCILER = Reconciler(reconcile, prunes=(REVISION,))


def is_revision_of(revision: Resource[Any], configuration: Resource[Any]) -> bool:
    """Whether a Revision that bears the name given in the template is this Configuration's present one."""
    is_own = revision.labels.get(CONFIGURATION_LABEL) == configuration.name
    same_generation = revision.labels.get(GENERATION) == str(configuration.generation)
    return is_own and (same_generation or _has_same_content(revision, configuration))


def _has_same_content(revision: Resource[Any], configuration: Resource[Any]) -> bool:
    return bool(revision.obj["spec"] == configuration.obj["spec"]["template"]["spec"])


def _latest_created(
    configuration: Resource[ConfigurationSpec], revisions: Sequence[Resource[Any]], given: str | None
) -> Resource[Any] | None:
    if given:
        named = [r for r in revisions if r.name == given]
        return next((r for r in named if is_revision_of(r, configuration)), None)
    wanted = str(configuration.generation)
    return next((r for r in revisions if r.labels.get(GENERATION) == wanted), None)


def _latest_ready(
    configuration: Resource[ConfigurationSpec], revisions: Sequence[Resource[Any]], given: str | None
) -> str | None:
    """The newest ready Revision that is no older than the present latestReady (configuration.go)."""
    before = configuration.status.get("latestReadyRevisionName")
    generations = {r.name: int(r.labels.get(GENERATION, 0)) for r in revisions}
    floor = generations.get(str(before), 0)
    if given and any(r.name == given and r.is_ready for r in revisions):
        return given
    ready = [r for r in revisions if r.is_ready and floor <= generations[r.name] <= configuration.generation]
    if not ready:
        return str(before) if before else None
    return max(ready, key=lambda r: generations[r.name]).name


def _verdict(
    configuration: Resource[ConfigurationSpec], latest: Resource[Any] | None, status: Json, present: set[str]
) -> tuple[Condition, list[Note]]:
    created, ready = status["latestCreatedRevisionName"], status.get("latestReadyRevisionName")
    notes: list[Note] = []
    if ready and ready != configuration.status.get("latestReadyRevisionName"):
        notes.append(Note("LatestReadyUpdate", f'LatestReadyRevisionName updated to "{ready}"'))
    if latest is None:
        notes.append(Note("Created", f'Created Revision "{created}"'))
        return Condition.unknown("Ready"), notes
    if latest.has_failed:
        notes.append(Note("LatestCreatedFailed", f'Latest created revision "{created}" has failed', "Warning"))
        said = f'Revision "{created}" failed with message: {latest.condition("Ready").get("message", "")}.'
        return Condition.false("Ready", "RevisionFailed", said), notes
    if ready and ready not in present:
        return Condition.false("Ready", "RevisionDeleted", f'Revision "{ready}" was deleted.'), notes
    if created == ready:
        if configuration.condition("Ready")["status"] != "True":
            notes.append(Note("ConfigurationReady", "Configuration becomes ready"))
        return Condition.true("Ready"), notes
    return _waiting(latest), notes


def _waiting(revision: Resource[Any]) -> Condition:
    """Unknown; without a reason, as on a cluster, but where what the user has to make is missing."""
    ready = Condition.read(revision.condition("Ready"), "Ready")
    return ready if ready.status == "Unknown" and LACKS in revision.annotations else Condition.unknown("Ready")


def _taken(configuration: Resource[ConfigurationSpec], revision: Resource[Any]) -> Outcome:
    exists = f'{REVISION.resource} "{revision.name}" already exists'
    said = f"Revision creation failed with message: {exists}."
    keys = ("latestCreatedRevisionName", "latestReadyRevisionName")
    status = {k: configuration.status[k] for k in keys if k in configuration.status}
    note = Note("CreationFailed", f"Failed to create Revision: {exists}", "Warning")
    return Outcome([Condition.false("Ready", "RevisionFailed", said)], status, notes=[note])


def _revision_of(configuration: Resource[ConfigurationSpec], now: datetime) -> Json:
    """The snapshot of the present template (configuration/resources/revision.go)."""
    template = configuration.obj["spec"]["template"]
    metadata = template.get("metadata") or {}
    routes = configuration.annotations.get(ROUTES)
    own = {
        CONFIGURATION_LABEL: configuration.name,
        CONFIGURATION_UID: configuration.uid,
        GENERATION: str(configuration.generation),
        SERVICE_LABEL: configuration.labels.get(SERVICE_LABEL, ""),
        SERVICE_UID: configuration.labels.get(SERVICE_UID, ""),
        ROUTING_STATE: "active" if routes else "pending",
    }
    annotations = {**(metadata.get("annotations") or {}), ROUTING_STATE_MODIFIED: rfc3339(now)}
    inherited = {
        ROUTES: routes,
        CREATOR: configuration.annotations.get(CREATOR),
        START: configuration.annotations.get(START),
    }
    annotations |= {key: value for key, value in inherited.items() if value}
    return {
        "apiVersion": REVISION.api_version,
        "kind": REVISION.name,
        "metadata": {
            "name": metadata.get("name") or child_name(configuration.name, f"-{configuration.generation:05d}"),
            "namespace": configuration.namespace,
            "labels": {**(metadata.get("labels") or {}), **{k: v for k, v in own.items() if v}},
            "annotations": annotations,
        },
        "spec": template["spec"],
    }
