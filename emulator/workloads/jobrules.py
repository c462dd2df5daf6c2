"""What the spec of a Job must keep to, in Kubernetes' words, and what is filled in where it says nothing.

Pure; called at the admission of Jobs and, for their `jobTemplate`, of CronJobs. Labels and selector of a Job are made
from its uid, unless `manualSelector` is set. Followed: kubernetes pkg/apis/batch/v1/defaults.go,
pkg/apis/batch/validation/validation.go, pkg/registry/batch/job/strategy.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.objects.kind import Json
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import invalid, not_supported, required
from emulator.workloads.poddefaults import fill_template
from emulator.workloads.templates import container_problems, labels_of, selector_of

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
_OLD_CONTROLLER_UID, _OLD_JOB_NAME = "controller-uid", "job-name"
_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_FIXED = ("completions", "selector", "completionMode", "podFailurePolicy", "successPolicy", "backoffLimitPerIndex")
# Of a template, what may change before a suspended Job has ever started (batch/validation: scheduling directives).
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "schedulingGates")
Path = tuple[str | int, ...]


def fill_job(obj: Json, uid: str, old: Resource[Any] | None) -> None:
    """Complete a Job."""
    spec = obj["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    replaced = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    for field, value in (
        ("parallelism", 1),
        ("backoffLimit", 6),
        ("completionMode", "NonIndexed"),
        ("suspend", False),
        ("manualSelector", False),
        ("podReplacementPolicy", replaced),
    ):
        if spec.get(field) is None:
            spec[field] = value
    fill_template(spec)
    if not spec["manualSelector"]:
        _select_by_uid(obj, old.uid if old is not None else uid)
    if not obj["metadata"].get("labels") and labels_of(spec["template"]):
        obj["metadata"]["labels"] = dict(labels_of(spec["template"]))


def _select_by_uid(obj: Json, uid: str) -> None:
    spec, name = obj["spec"], obj["metadata"]["name"]
    template = spec["template"]
    metadata = template["metadata"] = template.get("metadata") or {}
    made = {_OLD_CONTROLLER_UID: uid, _OLD_JOB_NAME: name, CONTROLLER_UID: uid, JOB_NAME: name}
    metadata["labels"] = {**made, **(metadata.get("labels") or {})}
    if not spec.get("selector"):
        spec["selector"] = {"matchLabels": {CONTROLLER_UID: uid}}


def job_problems(job: Resource[Any], old: Resource[Any] | None, uid: str) -> Iterator[Problem]:
    """All that is wrong with a Job that is to be made, or to become of `old`."""
    spec = job.obj["spec"]
    yield from spec_problems(spec, ("spec",))
    yield from container_problems(spec["template"]["spec"], "spec", "template", "spec")
    labels = labels_of(spec["template"])
    if not spec["manualSelector"] and old is None and labels.get(CONTROLLER_UID) != uid:
        yield invalid(("spec", "template", "metadata", "labels"), labels, f"must be '{uid}'")
    if not spec.get("selector"):
        yield required(("spec", "selector"))
    elif not selector_of(job).matches(labels):
        yield invalid(("spec", "template", "metadata", "labels"), labels, "`selector` does not match template `labels`")
    elif old is None and not spec["manualSelector"] and spec["selector"] != {"matchLabels": {CONTROLLER_UID: uid}}:
        yield invalid(("spec", "selector"), spec["selector"], "`selector` not auto-generated")
    if old is not None:
        yield from _changes(spec, old)


def spec_problems(spec: Json, path: Path) -> Iterator[Problem]:
    """What is wrong with the spec of a Job by itself, wherever it stands."""
    for field in _NUMBERS:
        if isinstance(spec.get(field), int) and spec[field] < 0:
            yield invalid((*path, field), spec[field], "must be greater than or equal to 0")
    mode = spec.get("completionMode") or "NonIndexed"
    if mode not in ("NonIndexed", "Indexed"):
        yield not_supported((*path, "completionMode"), mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed" and spec.get("completions") is None:
        yield required((*path, "completions"), "when completion mode is Indexed")
    yield from _restart_problems(spec, (*path, "template", "spec", "restartPolicy"))


def _restart_problems(spec: Json, path: Path) -> Iterator[Problem]:
    policy = spec["template"]["spec"].get("restartPolicy") or "Always"
    if policy == "Always":
        yield required(path, 'valid values: "OnFailure", "Never"')
    elif policy == "OnFailure" and spec.get("podFailurePolicy"):
        said = 'Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified'
        yield Problem(path, said)


def _changes(spec: Json, old: Resource[Any]) -> Iterator[Problem]:
    before = old.obj["spec"]
    is_elastic = spec["completionMode"] == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for field in _FIXED:
        if field == "completions" and is_elastic:
            continue
        if spec.get(field) != before.get(field):
            yield invalid(("spec", field), spec.get(field), "field is immutable")
    is_waiting = bool(before.get("suspend")) and not old.status.get("startTime")
    if _fixed(spec["template"], is_waiting) != _fixed(before["template"], is_waiting):
        yield invalid(("spec", "template"), spec["template"], "field is immutable")


def _fixed(template: Json, is_waiting: bool) -> Json:
    if not is_waiting:
        return template
    return {"spec": {key: value for key, value in template["spec"].items() if key not in _SCHEDULING}}
