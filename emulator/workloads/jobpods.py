"""The Pods of a Job: which count as what, which are still to be made, and when.

Pure. An ended Pod is counted once: its uid is noted in an annotation of the Job for as long as the Pod is there, so
that the numbers in status stay when Pods go (Kubernetes holds Pods by a finalizer for this). A Pod that is being
deleted has failed. After failures the next Pod waits 10 s, doubled each time up to 10 minutes, as in Kubernetes
pkg/controller/job/{job_controller,backoff_utils,indexed_job_utils}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.lib.clock import parse_rfc3339
from emulator.objects.kind import Json
from emulator.objects.names import generated_name
from emulator.objects.resource import Resource
from emulator.workloads.templates import new_pod, worth

COUNTED = "kemu.dev/counted-pods"
INDEX = "batch.kubernetes.io/job-completion-index"
_BACK_OFF_S, _LONGEST_BACK_OFF_S = 10.0, 600.0
_INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True)
class Tally:
    """How a Job's Pods stand. `active` are neither going nor done; `going` still have a process to end; `indexes`
    are those that have succeeded; `counted` are the uids of all Pods that are in the numbers."""

    active: Sequence[Resource[Any]]
    going: Sequence[Resource[Any]]
    succeeded: int
    failed: int
    indexes: frozenset[int]
    counted: frozenset[str]


def tally(job: Resource[Any], pods: Sequence[Resource[Any]]) -> Tally:
    """The numbers of a Job, what its status says already included."""
    before = frozenset(filter(None, job.annotations.get(COUNTED, "").split(",")))
    ended = [p for p in pods if p.is_deleting or _phase(p) in ("Succeeded", "Failed")]
    new = [p for p in ended if p.uid not in before]
    well = [p for p in new if _phase(p) == "Succeeded"]
    indexes = frozenset(read_indexes(job.status.get("completedIndexes", "")))
    if is_indexed(job):
        indexes |= {index for p in well if (index := index_of(p)) is not None}
    succeeded = len(indexes) if is_indexed(job) else int(job.status.get("succeeded", 0)) + len(well)
    return Tally(
        active=sorted((p for p in pods if p not in ended), key=worth),
        going=[p for p in pods if p.is_deleting and _phase(p) not in ("Succeeded", "Failed")],
        succeeded=succeeded,
        failed=int(job.status.get("failed", 0)) + len(new) - len(well),
        indexes=indexes,
        counted=frozenset(p.uid for p in ended),
    )


def restarts(pods: Iterable[Resource[Any]]) -> int:
    """How often containers of these Pods were started again: with restartPolicy OnFailure these are the failures."""
    which = ("initContainerStatuses", "containerStatuses")
    return sum(int(s["restartCount"]) for pod in pods for name in which for s in pod.status.get(name, ()))


def back_off_s(pods: Sequence[Resource[Any]], now: datetime) -> float:
    """How long no new Pod may be made, because of those that have failed since one succeeded."""
    last_success = max((_ended_at(p) for p in pods if _phase(p) == "Succeeded"), default=None)
    ends = [_ended_at(p) for p in pods if _phase(p) == "Failed"]
    ends = [end for end in ends if last_success is None or end > last_success]
    if not ends:
        return 0.0
    delay_s = min(_BACK_OFF_S * 2.0 ** (len(ends) - 1), _LONGEST_BACK_OFF_S)
    return max((max(ends) + timedelta(seconds=delay_s) - now).total_seconds(), 0.0)


def wanted_active(job: Resource[Any], counts: Tally) -> int:
    """How many Pods should be running now."""
    spec = job.obj["spec"]
    parallelism, completions = int(spec["parallelism"]), spec.get("completions")
    if completions is not None:
        return min(parallelism, max(int(completions) - counts.succeeded, 0))
    return min(parallelism, len(counts.active)) if counts.succeeded else parallelism


def new_pods(job: Resource[Any], counts: Tally, number: int) -> list[Json]:
    """So many further Pods; those of an indexed Job take the lowest indexes that are free."""
    template = job.obj["spec"]["template"]
    if not is_indexed(job):
        return [new_pod(job, template) for _ in range(number)]
    taken = counts.indexes | {index_of(p) for p in counts.active}
    free = [index for index in range(int(job.obj["spec"]["completions"])) if index not in taken]
    return [_indexed_pod(job, template, index) for index in free[:number]]


def is_indexed(job: Resource[Any]) -> bool:
    return bool(job.obj["spec"].get("completionMode") == "Indexed")


def index_of(pod: Resource[Any]) -> int | None:
    text = pod.annotations.get(INDEX, "")
    return int(text) if text.isdecimal() else None


def read_indexes(text: str) -> Iterator[int]:
    """The inverse of `written_indexes`."""
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def written_indexes(indexes: Iterable[int]) -> str:
    """`0-2,5` for 0, 1, 2 and 5; two neighbours are a range, too."""
    ranges: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1] = (ranges[-1][0], index)
        else:
            ranges.append((index, index))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _indexed_pod(job: Resource[Any], template: Json, index: int) -> Json:
    stem = f"{job.name}-{index}"
    pod = new_pod(job, template, {INDEX: str(index)}, generated_name(f"{stem}-"))
    metadata = pod["metadata"]
    metadata |= {"generateName": f"{stem}-", "annotations": {**metadata.get("annotations", {}), INDEX: str(index)}}
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    variable = {"name": _INDEX_VARIABLE, "valueFrom": field}
    spec = dict(pod["spec"])
    spec.setdefault("hostname", stem)
    for which in ("initContainers", "containers"):
        if which in spec:
            spec[which] = [_with_variable(container, variable) for container in spec[which]]
    return {**pod, "spec": spec}


def _with_variable(container: Json, variable: Json) -> Json:
    env = container.get("env") or []
    if any(each["name"] == _INDEX_VARIABLE for each in env):
        return container
    return {**container, "env": [*env, variable]}


def _phase(pod: Resource[Any]) -> str:
    return str(pod.status.get("phase", "Pending"))


def _ended_at(pod: Resource[Any]) -> datetime:
    """When the last of its containers ended; without that, when it was made."""
    ended = [(s.get("state") or {}).get("terminated") or {} for s in pod.status.get("containerStatuses", ())]
    times = [parse_rfc3339(each["finishedAt"]) for each in ended if each.get("finishedAt")]
    return max(times, default=pod.created)
