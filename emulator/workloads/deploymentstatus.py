"""What a Deployment says of its rollout: counts, and the conditions Available and Progressing.

Pure. `kubectl rollout status` and `kubectl wait` read exactly these. Followed: kubernetes
pkg/controller/deployment/{sync,progress}.go, util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.lib.clock import parse_rfc3339, rfc3339
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.workloads.rollouts import Bounds, Sets, size_of

_DONE = "NewReplicaSetAvailable"
_LATE = "ProgressDeadlineExceeded"
_UPDATED = "ReplicaSetUpdated"
_PAUSED = "DeploymentPaused"
_NEVER = 2**31 - 1  # math.MaxInt32 stands for no deadline


@dataclass(frozen=True)
class Progress:
    """How long progress has been waited for: since when, and how many seconds it may take. Or it is not awaited."""

    is_awaited: bool
    since: datetime
    deadline_s: int


@dataclass(frozen=True)
class _Said:
    status: str
    reason: str
    message: str


def deployment_status(deployment: Resource[Any], sets: Sets, now: datetime) -> tuple[Json, Progress]:
    """`status` without observedGeneration, and what is waited for."""
    counts = _counts(sets)
    status: Json = {name: count for name, count in counts.items() if count}
    before = {c["type"]: c for c in deployment.status.get("conditions", ())}
    progressing = _progressing(deployment, sets, counts, before.get("Progressing"), now)
    conditions = [_written("Available", _available(deployment, counts), before.get("Available"), now)]
    conditions.append(progressing)
    status["conditions"] = conditions
    deadline_s = int(deployment.obj["spec"].get("progressDeadlineSeconds") or _NEVER)
    is_awaited = progressing["reason"] not in (_DONE, _LATE, _PAUSED) and deadline_s < _NEVER
    return status, Progress(is_awaited, parse_rfc3339(progressing["lastUpdateTime"]), deadline_s)


def is_complete(deployment: Resource[Any], sets: Sets) -> bool:
    """Whether nothing of the rollout is left to do."""
    return _is_complete(deployment, _counts(sets))


def _counts(sets: Sets) -> dict[str, int]:
    available = sets.total("availableReplicas")
    wanted = sum(size_of(s) for s in sets.all)
    return {
        "replicas": sets.total("replicas"),
        "updatedReplicas": int(sets.new.status.get("replicas", 0)) if sets.new is not None else 0,
        "readyReplicas": sets.total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(wanted - available, 0),
    }


def _is_complete(deployment: Resource[Any], counts: Mapping[str, int]) -> bool:
    wanted = int(deployment.obj["spec"]["replicas"])
    return all(counts[name] == wanted for name in ("replicas", "updatedReplicas", "availableReplicas"))


def _available(deployment: Resource[Any], counts: Mapping[str, int]) -> _Said:
    if counts["availableReplicas"] >= Bounds.of(deployment.obj["spec"]).least:
        return _Said("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    return _Said("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")


def _progressing(
    deployment: Resource[Any], sets: Sets, counts: Mapping[str, int], before: Json | None, now: datetime
) -> Json:
    said = _rollout(deployment, sets, counts, before, now)
    if said is None:
        assert before is not None
        return before
    written = _written("Progressing", said, before, now)
    return {**written, "lastUpdateTime": rfc3339(now)} if said.reason == _UPDATED else written


def _rollout(
    deployment: Resource[Any], sets: Sets, counts: Mapping[str, int], before: Json | None, now: datetime
) -> _Said | None:
    """What is to be said of the rollout; None: as before."""
    reason = before["reason"] if before is not None else ""
    if deployment.obj["spec"].get("paused"):
        return _Said("Unknown", _PAUSED, "Deployment is paused")
    if sets.new is None:
        return _Said("True", "NewReplicaSetCreated", f'Created new replica set "{sets.name}"')
    if reason == _DONE and counts["replicas"] == counts["updatedReplicas"]:
        return None  # scaling is no rollout
    if _is_complete(deployment, counts):
        return _Said("True", _DONE, f'ReplicaSet "{sets.name}" has successfully progressed.')
    if reason == _PAUSED:
        return _Said("Unknown", "DeploymentResumed", "Deployment is resumed")
    if before is None:
        return _Said("True", "FoundNewReplicaSet", f'Found new replica set "{sets.name}"')
    if _has_progressed(deployment.status, counts):
        return _Said("True", _UPDATED, f'ReplicaSet "{sets.name}" is progressing.')
    if _is_late(deployment, before, now):
        return _Said("False", _LATE, f'ReplicaSet "{sets.name}" has timed out progressing.')
    return None


def _has_progressed(before: Mapping[str, Any], counts: Mapping[str, int]) -> bool:
    old = {name: int(before.get(name, 0)) for name in counts}
    grown = any(counts[name] > old[name] for name in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grown or counts["replicas"] - counts["updatedReplicas"] < old["replicas"] - old["updatedReplicas"]


def _is_late(deployment: Resource[Any], before: Json, now: datetime) -> bool:
    deadline_s = int(deployment.obj["spec"].get("progressDeadlineSeconds") or _NEVER)
    if before["reason"] in (_LATE, _DONE) or deadline_s >= _NEVER:
        return bool(before["reason"] == _LATE)
    return parse_rfc3339(before["lastUpdateTime"]) + timedelta(seconds=deadline_s) < now


def _written(type_: str, said: _Said, before: Json | None, now: datetime) -> Json:
    """The condition; lastTransitionTime moves with the status alone, lastUpdateTime with every change."""
    stamp = rfc3339(now)
    if before is not None and (before["status"], before["reason"], before["message"]) == (
        said.status,
        said.reason,
        said.message,
    ):
        return before
    moved = stamp if before is None or before["status"] != said.status else before["lastTransitionTime"]
    return {
        "type": type_,
        "status": said.status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": moved,
        "reason": said.reason,
        "message": said.message,
    }
