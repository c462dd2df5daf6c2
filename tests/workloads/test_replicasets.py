"""ReplicaSets: so many Pods of a template, the best of those that there are."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.control.reconciler import Outcome
from emulator.objects.resource import Resource
from emulator.workloads.pods import POD
from emulator.workloads.replicasets import REPLICA_SET, reconcile
from tests.world import World, obj

LABELS = {"app": "r"}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "a"}]}}


def replica_set(world: World, replicas: int, **spec: Any) -> Resource[Any]:
    whole = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": TEMPLATE, **spec}
    return world.create(obj(REPLICA_SET, "r", whole))


def pod(world: World, owner: Resource[Any], name: str, ready: bool = True, phase: str = "Running") -> Resource[Any]:
    """One Pod of it, a second younger than the one before."""
    world.clock.advance(1)
    made = world.create(obj(POD, name, TEMPLATE["spec"], labels=LABELS), owner)
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": world.store.now()}
    return world.store.update_status(made.key, {"phase": phase, "conditions": [condition]})


def run(world: World, owner: Resource[Any]) -> Outcome:
    return reconcile(owner, world.view())


@pytest.mark.parametrize(
    ("wanted", "kept", "made"),
    [(0, [], 0), (1, ["old"], 0), (2, ["old", "young"], 0), (3, ["old", "waiting", "young"], 0), (5, None, 2)],
)
def test_ready_and_old_pods_stay_and_missing_ones_are_made(wanted: int, kept: list[str] | None, made: int) -> None:
    world = World()
    owner = replica_set(world, wanted)
    pod(world, owner, "waiting", ready=False, phase="Pending")
    pod(world, owner, "old")
    pod(world, owner, "young")
    outcome = run(world, owner)
    assert sorted(key.name for key in outcome.keeps) == (["old", "waiting", "young"] if kept is None else kept)
    assert len(outcome.children) == made
    assert [note.reason for note in outcome.notes] == ["SuccessfulCreate"] * made + ["SuccessfulDelete"] * (
        0 if kept is None else 3 - len(kept)
    )


def test_a_pod_that_has_ended_is_kept_and_replaced() -> None:
    world = World()
    owner = replica_set(world, 1)
    pod(world, owner, "done", ready=False, phase="Failed")
    outcome = run(world, owner)
    assert [key.name for key in outcome.keeps] == ["done"]
    assert len(outcome.children) == 1
    assert outcome.status == {"replicas": 0}


def test_a_pod_is_available_once_it_was_ready_long_enough() -> None:
    world = World()
    owner = replica_set(world, 1, minReadySeconds=10)
    pod(world, owner, "p")
    world.clock.advance(4)
    outcome = run(world, owner)
    assert "availableReplicas" not in outcome.status
    assert outcome.requeue_s == 7  # the second that status leaves off is waited for, too
    world.clock.advance(7)
    outcome = run(world, owner)
    assert (outcome.status["availableReplicas"], outcome.requeue_s) == (1, None)
    assert outcome.status["fullyLabeledReplicas"] == 1
