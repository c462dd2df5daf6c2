"""The Pod kind: defaults, what is refused, and the columns of `kubectl get pods`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.lib.clock import rfc3339
from emulator.objects.errors import Invalid
from emulator.objects.resource import Resource
from emulator.workloads.pods import POD, status_word
from tests.workloads.pods import pod
from tests.world import World

RUNNING = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}


def ended(code: int, reason: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, **({"reason": reason} if reason else {})}}


def container(state: dict[str, Any], *, ready: bool = False, restarts: int = 0, last: str = "") -> dict[str, Any]:
    before = {"terminated": {"exitCode": 1, "finishedAt": last}} if last else {}
    return {"name": "c", "ready": ready, "restartCount": restarts, "state": state, "lastState": before}


def standing(*statuses: dict[str, Any], phase: str = "Running", **more: Any) -> Resource[Any]:
    """A Pod with such statuses; `init` are those of init containers, `is_ready` and `deleting` say the rest."""
    made = pod({"initContainers": [{"name": name, "image": "a"} for name in ("i", "j")]} if "init" in more else None)
    conditions = [{"type": "Ready", "status": str(more.get("is_ready", False))}]
    conditions.append({"type": "Initialized", "status": str("init" not in more)})
    status: dict[str, Any] = {"phase": phase, "containerStatuses": list(statuses), "conditions": conditions}
    if "init" in more:
        status["initContainerStatuses"] = more["init"]
    metadata = {**made.metadata, **({"deletionTimestamp": "2026-01-02T03:04:05Z"} if more.get("deleting") else {})}
    return Resource(POD, {**made.obj, "metadata": metadata, "status": status}, made.spec)


def cells(resource: Resource[Any]) -> dict[str, object]:
    return {column.name: column.cell(resource) for column in POD.columns}


@pytest.mark.parametrize(
    ("resource", "word"),
    [
        (standing(container(RUNNING, ready=True), is_ready=True), "Running"),
        (standing(container({"waiting": {"reason": "ContainerCreating"}}), phase="Pending"), "ContainerCreating"),
        (standing(container({"waiting": {"reason": "CrashLoopBackOff"}})), "CrashLoopBackOff"),
        (standing(container(ended(0, "Completed")), phase="Succeeded"), "Completed"),
        (standing(container(ended(3, "Error")), phase="Failed"), "Error"),
        (standing(container(ended(3)), phase="Failed"), "ExitCode:3"),
        (standing(container(ended(0, "Completed")), container(RUNNING, ready=True)), "NotReady"),
        (standing(container(ended(0, "Completed")), container(RUNNING, ready=True), is_ready=True), "Running"),
        (standing(container(RUNNING, ready=True), deleting=True), "Terminating"),
        (standing(container(ended(0, "Completed")), phase="Succeeded", deleting=True), "Completed"),
        (standing(init=[container(ended(0)), container(RUNNING)], phase="Pending"), "Init:1/2"),
        (standing(init=[container({"waiting": {"reason": "PodInitializing"}})], phase="Pending"), "Init:0/2"),
        (standing(init=[container({"waiting": {"reason": "CrashLoopBackOff"}})]), "Init:CrashLoopBackOff"),
        (standing(init=[container(ended(1, "Error"))], phase="Failed"), "Init:Error"),
        (pod(), "Pending"),
    ],
)
def test_the_status_word_is_that_of_kubectl(resource: Resource[Any], word: str) -> None:
    assert status_word(resource) == word


def test_restarts_tell_how_long_ago_the_last_was() -> None:
    last = rfc3339(datetime.now(UTC) - timedelta(minutes=5, seconds=1))
    assert cells(standing(container(RUNNING, ready=True, restarts=3, last=last)))["Restarts"] == "3 (5m1s ago)"
    assert cells(standing(container(RUNNING, ready=True)))["Restarts"] == "0"


def test_a_pod_counts_its_ready_containers() -> None:
    both = standing(container(RUNNING, ready=True), container(RUNNING))
    assert cells(both)["Ready"] == "1/1"  # of one in the spec
    assert cells(pod())["Ready"] == "0/1"


def test_the_wide_columns_are_those_of_kubectl() -> None:
    found = cells(pod())
    wide = {column.name: found[column.name] for column in POD.columns if column.wide}
    assert wide == {"IP": "<none>", "Node": "kemu", "Nominated Node": "<none>", "Readiness Gates": "<none>"}


def test_a_pod_gets_what_clients_look_for() -> None:
    made = World().create(pod().obj)
    spec = made.obj["spec"]
    assert made.status == {"phase": "Pending"}
    assert (spec["nodeName"], spec["serviceAccountName"], spec["restartPolicy"]) == ("kemu", "default", "Always")


@pytest.mark.parametrize(
    ("containers", "said"),
    [
        ([], "spec.containers: Required value"),
        ([{"name": "a"}], "spec.containers[0].image: Required value"),
        ([{"image": "x"}], "spec.containers[0].name: Required value"),
        ([{"name": "A", "image": "x"}], 'spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label'),
        ([{"name": "a", "image": "x"}] * 2, 'spec.containers[1].name: Duplicate value: "a"'),
    ],
    ids=["none", "no image", "no name", "no label", "twice"],
)
def test_containers_that_are_refused(containers: list[dict[str, Any]], said: str) -> None:
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}}
    assert said in World().refusal(made)


def test_the_helper_that_func_dials_through_is_refused_at_once() -> None:

    container = {"name": "x", "image": "quay.io/x/func-util", "command": ["socat", "-u", "-", "OPEN:/dev/null"]}
    helper = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "in-cluster-dialer-abcde"}}
    said = World().refusal({**helper, "spec": {"containers": [container]}})
    assert "kemu runs no Pod for func to dial through" in said
    assert World().refusal({**helper, "spec": {"containers": [{"name": "x", "image": "mine"}]}}) == ""


def test_of_a_pod_only_the_images_may_change() -> None:

    world = World()
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}}
    world.create({**obj, "spec": {"containers": [{"name": "c", "image": "a"}]}})
    world.store.update({**obj, "spec": {"containers": [{"name": "c", "image": "b"}]}})
    with pytest.raises(Invalid, match="pod updates may not change fields other than"):
        world.store.update({**obj, "spec": {"containers": [{"name": "c", "image": "b", "args": ["x"]}]}})
