"""A Pod's status as Kubernetes words it, from the states of its containers. Pure.

Follows pkg/kubelet/status and pkg/apis/core/v1: phase, the conditions PodScheduled, Initialized, ContainersReady and
Ready, and one containerStatus for each container, also for those that are only shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from emulator.lib.clock import rfc3339
from emulator.objects.conditions import Condition, written
from emulator.objects.podmarks import REASON
from emulator.objects.podspec import Container, PodSpec
from emulator.objects.resource import Resource
from emulator.workloads.containers import ContainerKeeper, Running, Terminated

Json = dict[str, Any]
HOST_IP = "127.0.0.1"
_FROZEN = {"reason": REASON, "message": "Idle: its containers are paused until a request comes."}


def pod_status(
    pod: Resource[PodSpec],
    init: Sequence[ContainerKeeper],
    main: Sequence[ContainerKeeper],
    shown: Sequence[Container],
    now: str,
) -> Json:
    """The whole `status`. `pod` has the stored one, from which times of what did not change are kept; the containers
    in `shown` are never started and stand as those in `main` do."""
    before = pod.status
    status: Json = {
        "phase": _phase(init, main),
        **(_FROZEN if any(k.is_frozen for k in main) else {}),
        "conditions": written(_conditions(init, main, shown), before.get("conditions", ()), now),
        "hostIP": HOST_IP,
        "hostIPs": [{"ip": HOST_IP}],
        "startTime": before.get("startTime", now),
        "containerStatuses": [_container_status(k) for k in main] + [_shown_status(c, main) for c in shown],
        "qosClass": _quality(pod.spec.containers),
    }
    if init:
        status["initContainerStatuses"] = [_container_status(keeper) for keeper in init]
    if ip := _ip(main):
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    return status


def _shown_status(container: Container, main: Sequence[ContainerKeeper]) -> Json:
    """As if it had been started with the first of `main`, and were ready when all of them are."""
    since = min((k.state.since for k in main if isinstance(k.state, Running)), default=None)
    state: Json = {"running": {"startedAt": rfc3339(since)}} if since else {"waiting": {"reason": "ContainerCreating"}}
    return {
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "ready": all(_is_ready(k) for k in main),
        "started": since is not None,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def _is_ready(keeper: ContainerKeeper) -> bool:
    return keeper.is_ready and not keeper.is_frozen


def _quality(containers: Sequence[Container]) -> str:
    """The QoS class (pkg/apis/core/v1/helper/qos/qos.go)."""
    sets = [(c.resources.requests, c.resources.limits) if c.resources else ({}, {}) for c in containers]
    if not any(requests or limits for requests, limits in sets):
        return "BestEffort"
    both = {"cpu", "memory"}
    if all(both <= limits.keys() and {**limits, **requests} == limits for requests, limits in sets):
        return "Guaranteed"
    return "Burstable"


def is_initialized(init: Sequence[ContainerKeeper]) -> bool:
    return all(isinstance(k.state, Terminated) and k.state.exit_code == 0 for k in init)


def _phase(init: Sequence[ContainerKeeper], main: Sequence[ContainerKeeper]) -> str:
    if any(k.is_resting and isinstance(k.state, Terminated) and k.state.exit_code != 0 for k in init):
        return "Failed"
    states = [keeper.state for keeper in main]
    resting = [s for k, s in zip(main, states, strict=True) if isinstance(s, Terminated) and k.is_resting]
    if len(resting) == len(states):
        return "Succeeded" if all(s.exit_code == 0 for s in resting) else "Failed"
    begun = any(k.last is not None or isinstance(k.state, Running) for k in main)
    return "Running" if begun else "Pending"


def _conditions(
    init: Sequence[ContainerKeeper], main: Sequence[ContainerKeeper], shown: Sequence[Container]
) -> list[Condition]:
    initialized = Condition.true("Initialized")
    if not is_initialized(init):
        names = [k.container.name for k in init]
        said = f"containers with incomplete status: [{' '.join(names)}]"
        initialized = Condition.false("Initialized", "ContainersNotInitialized", said)
    unready = [k.container.name for k in main if not k.is_ready]
    if main and all(k.is_resting and isinstance(k.state, Terminated) and k.state.exit_code == 0 for k in main):
        ready = [Condition.false(type_, "PodCompleted") for type_ in ("ContainersReady", "Ready")]
    elif any(k.is_frozen for k in main):
        ready = [Condition.false(type_, REASON, _FROZEN["message"]) for type_ in ("ContainersReady", "Ready")]
    elif unready:
        unready += [c.name for c in shown]
        said = f"containers with unready status: [{' '.join(unready)}]"
        ready = [Condition.false(type_, "ContainersNotReady", said) for type_ in ("ContainersReady", "Ready")]
    else:
        ready = [Condition.true(type_) for type_ in ("ContainersReady", "Ready")]
    return [initialized, *ready, Condition.true("PodScheduled")]


def _container_status(keeper: ContainerKeeper) -> Json:
    status: Json = {
        "name": keeper.container.name,
        "image": keeper.container.image,
        "imageID": keeper.image_id,
        "ready": _is_ready(keeper),
        "started": keeper.is_started,
        "restartCount": keeper.restarts,
        "state": _state(keeper),
        "lastState": {"terminated": _ended(keeper.last)} if keeper.last and keeper.last != keeper.state else {},
    }
    if keeper.id:
        status["containerID"] = f"docker://{keeper.id}"
    return status


def _state(keeper: ContainerKeeper) -> Json:
    state = keeper.state
    if isinstance(state, Running):
        return {"running": {"startedAt": rfc3339(state.since)}}
    if isinstance(state, Terminated):
        return {"terminated": _ended(state)}
    return {"waiting": {"reason": state.reason} | ({"message": state.message} if state.message else {})}


def _ended(ended: Terminated) -> Json:
    found: Json = {"exitCode": ended.exit_code, "reason": ended.reason, "message": ended.message}
    found |= {"startedAt": _time(ended.started_at), "finishedAt": _time(ended.finished_at)}
    return {key: value for key, value in found.items() if value not in ("", None)}


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _ip(main: Sequence[ContainerKeeper]) -> str:
    for keeper in main:
        if isinstance(keeper.state, Running):
            container = keeper.state.container
            if found := container.address[0] if container.address else container.host:
                return found
    return ""
