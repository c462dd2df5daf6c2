"""CronJobs: a Job at each of the times that a schedule names.

Reads a CronJob and its Jobs; writes Jobs and status. A time that has passed while nobody looked is made up for by one
Job, for the latest of them, unless `startingDeadlineSeconds` says that it is too late. A Job is named after its time,
so no time brings two. What times there are `crontimes.py` says. Followed: kubernetes pkg/controller/cronjob/
{cronjob_controllerv2,utils}.go, pkg/apis/batch/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.lib.clock import parse_rfc3339, rfc3339
from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import Model
from emulator.objects.platform import is_platform
from emulator.objects.problems import Problem
from emulator.objects.refs import TemplateMetadata
from emulator.objects.resource import Resource
from emulator.objects.schemas import invalid, not_supported, required
from emulator.workloads.crontimes import fault, latest_first, next_after, zone_of
from emulator.workloads.jobrules import spec_problems
from emulator.workloads.jobs import JOB, JobSpec, end_of
from emulator.workloads.poddefaults import fill_template
from emulator.workloads.templates import CONTAINERS, IMAGES, ago

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_DEFAULTS = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}
_POLICIES = ("Allow", "Forbid", "Replace")
_LONGEST_NAME = 52
# From so many times that were missed on, an event says so (cronjob/utils.go, mostRecentScheduleTime).
_MANY = 100
# A timer may be a moment early: the next look at a CronJob is that much after its time (nextScheduleDelta).
_MARGIN_S = 0.1


class JobTemplate(Model):
    metadata: TemplateMetadata | None = None
    spec: JobSpec


class CronJobSpec(Model):
    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str | None = None
    suspend: bool | None = None
    job_template: JobTemplate
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None


def _default(obj: Json, request: Request) -> None:
    spec = obj["spec"]
    for field, value in _DEFAULTS.items():
        if spec.get(field) is None:
            spec[field] = value
    fill_template(spec["jobTemplate"]["spec"])


def _validate(cron_job: Resource[CronJobSpec], request: Request) -> Iterator[Problem]:
    spec = cron_job.obj["spec"]
    if request.old is None and len(cron_job.name) > _LONGEST_NAME:
        yield invalid(("metadata", "name"), cron_job.name, f"must be no more than {_LONGEST_NAME} characters")
    yield from _time_problems(spec)
    for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        if isinstance(spec.get(field), int) and spec[field] < 0:
            yield invalid(("spec", field), spec[field], "must be greater than or equal to 0")
    if spec["concurrencyPolicy"] not in _POLICIES:
        yield not_supported(("spec", "concurrencyPolicy"), spec["concurrencyPolicy"], _POLICIES)
    yield from _template_problems(spec["jobTemplate"]["spec"])


def _time_problems(spec: Json) -> Iterator[Problem]:
    schedule, zone = spec.get("schedule", ""), spec.get("timeZone")
    if not schedule:
        yield required(("spec", "schedule"))
    elif "TZ" in schedule:
        said = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid(("spec", "schedule"), schedule, said)
    elif why := fault(schedule):
        yield invalid(("spec", "schedule"), schedule, why)
    if zone is not None and (not zone or zone_of(zone) is None):
        said = f"unknown time zone {zone}" if zone else "timeZone must be nil or non-empty string"
        yield invalid(("spec", "timeZone"), zone, said)


def _template_problems(spec: Json) -> Iterator[Problem]:
    path = ("spec", "jobTemplate", "spec")
    yield from spec_problems(spec, path)
    if spec.get("manualSelector"):
        said = 'Unsupported value: true: supported values: "nil", "false"'
        yield Problem((*path, "manualSelector"), said, "FieldValueNotSupported")
    for index, container in enumerate(spec["template"]["spec"].get("containers") or ({},)):
        for field in ("name", "image"):
            if not container.get(field):
                where = (*path, "template", "spec", "containers", index, field)
                yield required(where)


def _last_schedule(cron_job: Resource[Any]) -> str:
    last = cron_job.status.get("lastScheduleTime")
    return ago(last) if last else "<none>"


CRON_JOB = Kind(
    group="batch",
    version="v1",
    name="CronJob",
    plural="cronjobs",
    spec=CronJobSpec,
    short_names=("cj",),
    categories=("all",),
    default=_default,
    validate=_validate,
    has_observed=False,
    columns=(
        Column("Schedule", lambda r: r.obj["spec"]["schedule"]),
        Column("Timezone", lambda r: r.obj["spec"].get("timeZone") or "<none>"),
        Column("Suspend", lambda r: str(bool(r.obj["spec"].get("suspend")))),
        Column("Active", lambda r: len(r.status.get("active", ())), type="integer"),
        Column("Last Schedule", _last_schedule),
        AGE,
        CONTAINERS,
        IMAGES,
        Column("Selector", lambda r: "<none>", wide=True),
    ),
)


# -- reconciling


def reconcile(cron_job: Resource[CronJobSpec], view: View) -> Outcome:
    """Reads a CronJob and its Jobs; writes Jobs and status."""
    if is_platform(cron_job):
        return Outcome(None, cron_job.status)
    spec, now = cron_job.obj["spec"], view.now
    zone = zone_of(spec.get("timeZone") or "")
    assert zone is not None  # admission knows the zone
    jobs = [job for job in view.children(JOB, cron_job) if not job.is_deleting]
    outlived = [*_outlived(jobs, "Complete", spec["successfulJobsHistoryLimit"])]
    outlived += _outlived(jobs, "Failed", spec["failedJobsHistoryLimit"])
    due, notes = _due(cron_job, zone, now)
    active = [job for job in jobs if not end_of(job)]
    if due is None or any(job.name == _job_name(cron_job, due) for job in jobs):
        new: list[Json] = []
    elif spec["concurrencyPolicy"] == "Forbid" and active:
        said = "Not starting job because prior execution is running and concurrency policy is Forbid"
        notes, new, due = [Note("JobAlreadyActive", said)], [], None
    else:
        new = [_new_job(cron_job, due, zone)]
        outlived += active if spec["concurrencyPolicy"] == "Replace" else []
        notes.append(Note("SuccessfulCreate", f"Created job {new[0]['metadata']['name']}"))
    notes += [Note("SuccessfulDelete", f"Deleted job {job.name}") for job in outlived]
    notes += _seen(cron_job, jobs)
    kept = [job for job in jobs if job not in outlived]
    wait_s = (next_after(spec["schedule"], zone, now) - now).total_seconds() + _MARGIN_S
    status, keeps = _status(cron_job, kept, due, jobs), [job.key for job in kept]
    return Outcome(None, status, new, notes=notes, requeue_s=None if spec["suspend"] else wait_s, keeps=keeps)


CRON_JOB_RECONCILER = Reconciler(reconcile, prunes=(JOB,), component="cronjob-controller")


def _due(cron_job: Resource[Any], zone: tzinfo, now: datetime) -> tuple[datetime | None, list[Note]]:
    """The time whose Job is still to be made, if any."""
    spec = cron_job.obj["spec"]
    if spec["suspend"]:
        return None, []
    last, deadline_s = cron_job.status.get("lastScheduleTime"), spec.get("startingDeadlineSeconds")
    since = parse_rfc3339(last) if last else cron_job.created
    if deadline_s is not None:
        since = max(since, now - timedelta(seconds=deadline_s))
    times = list(islice(latest_first(spec["schedule"], zone, since, now), _MANY + 1))
    if len(times) <= _MANY:
        return next(iter(times), None), []
    said = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    return times[0], [Note("TooManyMissedTimes", said, "Warning")]


def _job_name(cron_job: Resource[Any], due: datetime) -> str:
    return f"{cron_job.name}-{int(due.timestamp()) // 60}"


def _new_job(cron_job: Resource[Any], due: datetime, zone: tzinfo) -> Json:
    template = cron_job.obj["spec"]["jobTemplate"]
    metadata = template.get("metadata") or {}
    when = due.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    made: Json = {
        "name": _job_name(cron_job, due),
        "namespace": cron_job.namespace,
        "labels": dict(metadata.get("labels") or {}),
        "annotations": {**(metadata.get("annotations") or {}), SCHEDULED: when},
    }
    return {"apiVersion": JOB.api_version, "kind": JOB.name, "metadata": made, "spec": template["spec"]}


def _outlived(jobs: Iterable[Resource[Any]], end: str, limit: int) -> Sequence[Resource[Any]]:
    """Jobs that ended so and are more than are to be kept, the oldest first."""
    ended = sorted((job for job in jobs if end_of(job) == end), key=_begun)
    return ended[: max(len(ended) - limit, 0)]


def _begun(job: Resource[Any]) -> tuple[str, str]:
    return str(job.status.get("startTime", "")), job.name


def _seen(cron_job: Resource[Any], jobs: Iterable[Resource[Any]]) -> Iterator[Note]:
    """That Jobs which were active have ended."""
    before = {reference["uid"] for reference in cron_job.status.get("active", ())}
    for job in jobs:
        if job.uid in before and (end := end_of(job)):
            yield Note("SawCompletedJob", f"Saw completed job: {job.name}, condition: {end}")


def _status(
    cron_job: Resource[Any], kept: Sequence[Resource[Any]], due: datetime | None, jobs: Sequence[Resource[Any]]
) -> Json:
    before = cron_job.status
    status: Json = {}
    if active := [_reference(job) for job in kept if not end_of(job)]:
        status["active"] = active
    if last := rfc3339(due) if due is not None else before.get("lastScheduleTime"):
        status["lastScheduleTime"] = last
    ends = [str(job.status["completionTime"]) for job in jobs if job.status.get("completionTime")]
    if latest := max([*ends, before.get("lastSuccessfulTime", "")]):
        status["lastSuccessfulTime"] = latest
    return status


def _reference(job: Resource[Any]) -> Json:
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.name,
        "name": job.name,
        "namespace": job.namespace,
        "uid": job.uid,
    }
