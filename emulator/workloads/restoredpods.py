"""What of a Pod's status is true after a restart of kemu, which for its Pods is one of their node.

Pure; called by the PodRunner for each Pod that an earlier run left. Its containers are gone: one that may start again
waits to be started and counts that as a restart; a Pod that must not (`restartPolicy: Never`) has failed, unless it had
ended before. Followed: kubernetes pkg/kubelet/nodeshutdown, from where the words are.
"""

from __future__ import annotations

from typing import Any

from emulator.objects.kind import Json
from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.workloads.pods import has_ended

_LOST = {"exitCode": 137, "reason": "Error", "message": "kemu was stopped"}


def status_after_restart(pod: Resource[PodSpec]) -> Json:
    """The status of `pod` before anything is started for it."""
    if has_ended(pod):
        return dict(pod.status)
    kept = {"startTime": pod.status["startTime"]} if "startTime" in pod.status else {}
    statuses: list[Json] = list(pod.status.get("containerStatuses", ()))
    if pod.spec.restart_policy == "Never" and any(_has_begun(status) for status in statuses):
        said = "Pod was terminated in response to imminent node shutdown."
        lost = [{**status, "ready": False, "started": False, "state": _ended(status)} for status in statuses]
        return {**kept, "phase": "Failed", "reason": "Terminated", "message": said, "containerStatuses": lost}
    waits: Json = {"waiting": {"reason": "ContainerCreating"}}
    again = [
        {**status, "ready": False, "started": False, "state": waits, "restartCount": _restarts(status)}
        for status in statuses
    ]
    return {**kept, "phase": "Pending", "containerStatuses": again} if again else {**kept, "phase": "Pending"}


def restart_counts(pod: Resource[PodSpec]) -> dict[str, int]:
    """How often each container has been started again, by name."""
    return {status["name"]: int(status["restartCount"]) for status in pod.status.get("containerStatuses", ())}


def _has_begun(status: Json) -> bool:
    return bool(status.get("lastState")) or "waiting" not in status.get("state", {"waiting": {}})


def _restarts(status: Json) -> int:
    return int(status.get("restartCount", 0)) + _has_begun(status)


def _ended(status: Json) -> dict[str, Any]:
    state: dict[str, Any] = status["state"]
    return state if "terminated" in state else {"terminated": dict(_LOST)}
