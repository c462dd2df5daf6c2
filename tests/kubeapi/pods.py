"""Pods in a Store without anybody who runs them: their status is what a test says."""

from __future__ import annotations

from typing import Any

from emulator.objects.resource import Resource
from emulator.store.store import Store

PODS = "/api/v1/namespaces/default/pods"
RUNNING: dict[str, Any] = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
ENDED: dict[str, Any] = {"terminated": {"exitCode": 1, "reason": "Error"}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


def make_pod(store: Store, *names: str, init: tuple[str, ...] = ()) -> Resource[Any]:
    """The Pod `p` with these containers, of which nothing runs yet."""
    spec: dict[str, Any] = {"containers": [{"name": name, "image": "any"} for name in names]}
    if init:
        spec["initContainers"] = [{"name": name, "image": "any"} for name in init]
    metadata = {"name": "p", "namespace": "default"}
    return store.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, "me")


def set_state(store: Store, pod: Resource[Any], *, last: Any = None, id: str = "", **states: Any) -> None:
    """The Pod's status: a state for each container by name. `id` is what runs the last of them."""
    entries = [
        {"name": name, "state": state, "lastState": last or {}, **({"containerID": f"docker://{id}"} if id else {})}
        for name, state in states.items()
    ]
    store.update_status(pod.key, {"phase": "Running", "containerStatuses": entries})
