"""What is true of a Pod after a restart of kemu."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.workloads.restoredpods import restart_counts, status_after_restart
from tests.workloads.pods import pod

RUNS = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}


def left(policy: str, phase: str, *states: dict[str, Any]) -> Resource[PodSpec]:
    """A Pod as an earlier run left it."""
    made = pod({"restartPolicy": policy})
    statuses = [
        {"name": f"c{n}", "state": state, "lastState": {}, "restartCount": n, "ready": True}
        for n, state in enumerate(states)
    ]
    status = {"phase": phase, "startTime": "then", "podIP": "10.0.0.9", "containerStatuses": statuses}
    return Resource(made.kind, {**made.obj, "status": status}, made.spec)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_one_that_had_ended_is_left_as_it_is(phase: str) -> None:
    ended = left("Never", phase, DONE)
    assert status_after_restart(ended) == ended.status


def test_one_that_may_start_again_waits_and_counts_it() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    found = status_after_restart(left("Always", "Running", RUNS, RUNS, waiting))
    assert (found["phase"], found["startTime"], found.get("podIP")) == ("Pending", "then", None)
    assert [s["restartCount"] for s in found["containerStatuses"]] == [1, 2, 2]
    assert {str(s["state"]) for s in found["containerStatuses"]} == {"{'waiting': {'reason': 'ContainerCreating'}}"}
    again = Resource(pod().kind, {**pod().obj, "status": found}, pod().spec)
    assert restart_counts(again) == {"c0": 1, "c1": 2, "c2": 2}


def test_one_that_must_not_start_again_has_failed() -> None:
    found = status_after_restart(left("Never", "Running", RUNS, DONE))
    assert (found["phase"], found["reason"]) == ("Failed", "Terminated")
    codes = [s["state"]["terminated"]["exitCode"] for s in found["containerStatuses"]]
    assert codes == [137, 0]


def test_one_that_nothing_was_started_for_is_pending() -> None:
    assert status_after_restart(left("Never", "Pending"))["phase"] == "Pending"
    assert status_after_restart(pod())["phase"] == "Pending"
