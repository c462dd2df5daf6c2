"""Jobs: Pods that run to their end, until enough have succeeded or too many have failed.

Reads a Job and its Pods; writes Pods and status. What ended is kept with the Job, for whoever asks for its output, and
goes with it. A Job is first said to have met its end (SuccessCriteriaMet, FailureTarget), and is Complete or Failed
once no Pod of it runs any more. Which Pods count as what is in `jobpods.py`, what a spec must keep to in `jobrules.py`.
Followed: kubernetes pkg/controller/job/job_controller.go, pkg/controller/ttlafterfinished.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.lib.clock import SystemClock, parse_rfc3339, rfc3339
from emulator.lib.durations import human
from emulator.objects.conditions import Condition, written
from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import JsonObject, Model, ignored
from emulator.objects.platform import is_platform
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector
from emulator.workloads.jobpods import (
    COUNTED,
    Tally,
    back_off_s,
    is_indexed,
    new_pods,
    restarts,
    tally,
    wanted_active,
    written_indexes,
)
from emulator.workloads.jobrules import fill_job, job_problems
from emulator.workloads.platform import stood_for
from emulator.workloads.pods import POD
from emulator.workloads.templates import CONTAINERS, IMAGES, SELECTOR, PodTemplate

_COUNTS_ALL = "every Pod that fails counts against backoffLimit"
_ALL_OR_NONE = "an indexed Job has succeeded when each of its indexes has"


class JobSpec(Model):
    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    backoff_limit: int | None = None
    selector: LabelSelector | None = None
    manual_selector: bool | None = None
    template: PodTemplate
    ttl_seconds_after_finished: int | None = None
    completion_mode: str | None = None
    suspend: bool | None = None
    pod_failure_policy: JsonObject | None = ignored(_COUNTS_ALL)
    success_policy: JsonObject | None = ignored(_ALL_OR_NONE)
    backoff_limit_per_index: int | None = ignored(_COUNTS_ALL)
    max_failed_indexes: int | None = ignored(_COUNTS_ALL)
    pod_replacement_policy: str | None = ignored("a Pod that is being deleted is replaced at once")
    managed_by: str | None = ignored("kemu runs all Jobs itself")


def _default(obj: Json, request: Request) -> None:
    fill_job(obj, request.uid, request.old)


def _validate(job: Resource[JobSpec], request: Request) -> Iterable[Problem]:
    return job_problems(job, request.old, request.uid)


# -- columns


def end_of(job: Resource[Any]) -> str:
    """Complete or Failed, "" while it goes on."""
    return next((t for t in ("Complete", "Failed") if job.condition(t)["status"] == "True"), "")


def _word(job: Resource[Any]) -> str:
    """What `kubectl get jobs` shows under STATUS."""
    if end := end_of(job):
        return end
    if job.is_deleting:
        return "Terminating"
    said = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((t for t in said if job.condition(t)["status"] == "True"), "Running")


def _completions(job: Resource[Any]) -> str:
    spec, succeeded = job.obj["spec"], job.status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism", 0)
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(job: Resource[Any]) -> str:
    start, end = job.status.get("startTime"), job.status.get("completionTime")
    if not start:
        return ""
    until = parse_rfc3339(end) if end else SystemClock().now()
    return human((until - parse_rfc3339(start)).total_seconds())


JOB = Kind(
    group="batch",
    version="v1",
    name="Job",
    plural="jobs",
    spec=JobSpec,
    categories=("all",),
    default=_default,
    validate=_validate,
    has_observed=False,
    columns=(
        Column("Status", _word),
        Column("Completions", _completions),
        Column("Duration", _duration),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
)


# -- reconciling


@dataclass(frozen=True)
class _Plan:
    """What is to be done about a Job's Pods. `ended` is why it is over, if it is."""

    counts: Tally
    ended: Condition | None
    new: Sequence[Json]
    surplus: Sequence[Resource[Any]]
    due_s: float | None = None

    @property
    def is_still(self) -> bool:
        """Whether no Pod runs any more."""
        return not self.counts.active and not self.counts.going


def reconcile(job: Resource[JobSpec], view: View) -> Outcome:
    """Reads a Job and its Pods; writes Pods and status."""
    if is_platform(job):
        return stood_for(job, view)
    pods = view.children(POD, job)
    if end := end_of(job):
        return _kept(job, pods, end, view)
    plan = _plan(job, pods, view)
    gone = {p.key for p in plan.surplus}
    conditions, notes = _conditions(job, plan)
    notes += [Note("SuccessfulCreate", f"Created pod: {pod['metadata']['name']}") for pod in plan.new]
    notes += [Note("SuccessfulDelete", f"Deleted pod: {pod.name}") for pod in plan.surplus]
    counted = plan.counts.counted | {p.uid for p in plan.surplus}
    return Outcome(
        None,
        _status(job, plan, conditions, view),
        plan.new,
        {COUNTED: ",".join(sorted(counted)) or None} if counted or COUNTED in job.annotations else {},
        notes=notes,
        requeue_s=plan.due_s,
        keeps=[p.key for p in pods if p.key not in gone and not p.is_deleting],
    )


JOB_RECONCILER = Reconciler(reconcile, prunes=(POD,), component="job-controller")


def _kept(job: Resource[Any], pods: Sequence[Resource[Any]], end: str, view: View) -> Outcome:
    """A Job that has ended stays as it is, until its time is over."""
    keeps = [p.key for p in pods if not p.is_deleting]
    ttl_s = job.obj["spec"].get("ttlSecondsAfterFinished")
    if ttl_s is None:
        return Outcome(None, keeps=keeps)
    since = parse_rfc3339(job.condition(end)["lastTransitionTime"])
    left_s = ttl_s - (view.now - since).total_seconds()
    return Outcome(None, is_over=True) if left_s <= 0 else Outcome(None, keeps=keeps, requeue_s=left_s)


def _plan(job: Resource[Any], pods: Sequence[Resource[Any]], view: View) -> _Plan:
    counts = tally(job, pods)
    ended = _ended(job, counts, view)
    if ended is not None or job.obj["spec"]["suspend"]:
        return _Plan(counts, ended, (), counts.active)
    wanted = wanted_active(job, counts)
    missing, wait_s = wanted - len(counts.active), back_off_s(pods, view.now)
    new = new_pods(job, counts, missing) if missing > 0 and not wait_s else ()
    dues = [due for due in (wait_s if missing > 0 else 0, _deadline_s(job, view)) if due]
    return _Plan(counts, None, new, counts.active[wanted:], min(dues, default=None))


def _ended(job: Resource[Any], counts: Tally, view: View) -> Condition | None:
    """Why the Job has met its end; None if it has not. What was once said stays so."""
    for type_ in ("FailureTarget", "SuccessCriteriaMet"):
        if job.condition(type_)["status"] == "True":
            return Condition.read(job.condition(type_))
    spec = job.obj["spec"]
    limit, again = int(spec["backoffLimit"]), restarts(counts.active)
    restarted = spec["template"]["spec"]["restartPolicy"] == "OnFailure" and again > 0 and again >= limit
    if counts.failed > limit or restarted:
        said = "Job has reached the specified backoff limit"
        return Condition.true("FailureTarget", "BackoffLimitExceeded", said)
    if spec.get("activeDeadlineSeconds") is not None and _deadline_s(job, view) == 0:
        return Condition.true("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")
    completions = spec.get("completions")
    if completions is None:
        is_done = counts.succeeded > 0 and not counts.active
    else:
        is_done = counts.succeeded >= int(completions)
    said = "Reached expected number of succeeded pods"
    return Condition.true("SuccessCriteriaMet", "CompletionsReached", said) if is_done else None


def _deadline_s(job: Resource[Any], view: View) -> float | None:
    """How long the Job may still be active; None without a limit."""
    deadline_s = job.obj["spec"].get("activeDeadlineSeconds")
    if deadline_s is None or job.obj["spec"]["suspend"]:
        return None
    start = job.status.get("startTime")
    spent_s = (view.now - parse_rfc3339(start)).total_seconds() if start else 0.0
    return max(float(deadline_s) - spent_s, 0.0)


# -- status


def _conditions(job: Resource[Any], plan: _Plan) -> tuple[list[Condition], list[Note]]:
    before = job.condition("Suspended")["status"]
    if plan.ended is not None:
        stated = [Condition.read(job.condition("Suspended"))] if before != "Unknown" else []
        return _at_end(stated, plan.ended, plan)
    if job.obj["spec"]["suspend"]:
        notes = [Note("Suspended", "Job suspended")] if before != "True" else []
        return [Condition.true("Suspended", "JobSuspended", "Job suspended")], notes
    if before == "Unknown":
        return [], []
    notes = [Note("Resumed", "Job resumed")] if before == "True" else []
    return [Condition.false("Suspended", "JobResumed", "Job resumed")], notes


def _at_end(stated: list[Condition], ended: Condition, plan: _Plan) -> tuple[list[Condition], list[Note]]:
    """The end as it is foreseen, and as it is once no Pod runs."""
    stated = [*stated, ended]
    if not plan.is_still:
        return stated, []
    if ended.type == "SuccessCriteriaMet":
        return [*stated, Condition.true("Complete", ended.reason, ended.message)], [Note("Completed", "Job completed")]
    failed = Condition.true("Failed", ended.reason, ended.message)
    return [*stated, failed], [Note(ended.reason, ended.message, "Warning")]


def _status(job: Resource[Any], plan: _Plan, conditions: Sequence[Condition], view: View) -> Json:
    counts, surplus, now = plan.counts, len(plan.surplus), rfc3339(view.now)
    # Those that are stopped because the Job has failed have failed, too; others that kemu stops count for nothing.
    is_failing = plan.ended is not None and plan.ended.type == "FailureTarget"
    status: Json = {
        "active": len(counts.active) - surplus + len(plan.new),
        "succeeded": counts.succeeded,
        "failed": counts.failed + (surplus if is_failing else 0),
    }
    status = {name: number for name, number in status.items() if number}
    status["ready"] = sum(p.is_ready for p in counts.active if p not in plan.surplus)
    status["terminating"] = len(counts.going) + surplus
    status["uncountedTerminatedPods"] = {}
    if counts.indexes and is_indexed(job):
        status["completedIndexes"] = written_indexes(counts.indexes)
    if not job.obj["spec"]["suspend"]:
        status["startTime"] = job.status.get("startTime") or now
    if any(c.type == "Complete" for c in conditions):
        status["completionTime"] = now
    if conditions:
        status["conditions"] = _probed(written(conditions, _unprobed(job), now))
    return status


def _unprobed(job: Resource[Any]) -> list[Json]:
    return [{k: v for k, v in c.items() if k != "lastProbeTime"} for c in job.status.get("conditions", ())]


def _probed(conditions: Sequence[Json]) -> list[Json]:
    return [{**c, "lastProbeTime": c["lastTransitionTime"]} for c in conditions]
