"""What a Deployment says of its rollout."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator.objects.resource import Resource
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.deploymentstatus import deployment_status, is_complete
from emulator.workloads.rollouts import Sets
from tests.workloads.test_rollouts import LABELS, sets
from tests.world import NOW, World, obj


def deployment(
    replicas: int = 2, progressing: tuple[str, str] | None = None, counts: dict[str, int] | None = None, **spec: Any
) -> Resource[Any]:
    """One that has said Progressing with this (status, reason) at NOW, and had these counts."""
    world = World()
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
    whole = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template, **spec}
    made = world.create(obj(DEPLOYMENT, "d", whole))
    if progressing is None:
        return made
    status, reason = progressing
    times = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), world.store.now())
    condition = {"type": "Progressing", "status": status, "reason": reason, "message": "before", **times}
    return world.store.update_status(made.key, {**(counts or {}), "conditions": [condition]})


def said(resource: Resource[Any], present: Sets, after_s: float = 0.0) -> dict[str, tuple[str, str]]:
    """(status, reason) of each condition."""
    status, _ = deployment_status(resource, present, NOW + timedelta(seconds=after_s))
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


@pytest.mark.parametrize(
    ("before", "spec", "new", "after_s", "progressing"),
    [
        (None, {}, None, 0, ("True", "NewReplicaSetCreated")),
        (None, {}, (2, 0), 0, ("True", "FoundNewReplicaSet")),
        (("True", "FoundNewReplicaSet"), {}, (2, 1), 0, ("True", "ReplicaSetUpdated")),
        (("True", "ReplicaSetUpdated"), {}, (2, 2), 0, ("True", "NewReplicaSetAvailable")),
        (("True", "NewReplicaSetAvailable"), {}, (2, 0), 0, ("True", "NewReplicaSetAvailable")),
        (("True", "FoundNewReplicaSet"), {"paused": True}, (2, 0), 0, ("Unknown", "DeploymentPaused")),
        (("Unknown", "DeploymentPaused"), {}, (2, 0), 0, ("Unknown", "DeploymentResumed")),
    ],
    ids=["to be made", "there", "grows", "complete", "scaled later", "paused", "resumed"],
)
def test_progress_is_told_as_it_goes(
    before: tuple[str, str] | None,
    spec: dict[str, Any],
    new: tuple[int, int] | None,
    after_s: float,
    progressing: tuple[str, str],
) -> None:
    assert said(deployment(progressing=before, **spec), sets(new), after_s)["Progressing"] == progressing


@pytest.mark.parametrize(("after_s", "reason"), [(59, "Waiting"), (61, "ProgressDeadlineExceeded")])
def test_a_rollout_that_stands_still_is_late_after_its_deadline(after_s: float, reason: str) -> None:
    counts = {"replicas": 2, "availableReplicas": 2}
    resource = deployment(progressing=("True", "Waiting"), counts=counts, progressDeadlineSeconds=60)
    assert said(resource, sets((0, 0), (2, 2)), after_s)["Progressing"][1] == reason


def test_it_is_available_with_as_many_as_it_may_have_at_least() -> None:
    resource = deployment(replicas=4)
    assert said(resource, sets((4, 3)))["Available"] == ("True", "MinimumReplicasAvailable")
    assert said(resource, sets((4, 2)))["Available"] == ("False", "MinimumReplicasUnavailable")


def test_it_is_complete_once_only_new_pods_are_there_and_available() -> None:
    resource = deployment(replicas=2)
    assert is_complete(resource, sets((2, 2)))
    assert not is_complete(resource, sets((2, 1)))
    assert not is_complete(resource, sets((2, 2), (1, 1)))


def test_what_does_not_change_keeps_its_times() -> None:
    resource = deployment(progressing=("True", "FoundNewReplicaSet"), counts={"replicas": 2, "updatedReplicas": 2})
    first, progress = deployment_status(resource, sets((2, 0)), NOW + timedelta(seconds=5))
    assert first["conditions"][1]["lastUpdateTime"] == "2026-01-02T03:04:05Z"
    assert (progress.is_awaited, progress.since, progress.deadline_s) == (True, NOW, 600)
