"""Which container of a Pod a request means, and what runs it: for logs, exec, attach and port-forward.

Reads the stored Pod only; nothing of `workloads/` is known here but what a Pod's status says. Words and order of the
refusals follow pkg/registry/core/pod/strategy.go (validateContainer) and the kubelet's (kubelet_pods.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from emulator.objects.errors import BadRequest
from emulator.objects.resource import Resource
from emulator.runtime.base import Address, Stdio, Usage

Json = dict[str, Any]

_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class Containers(Protocol):
    """What the API asks of whatever runs containers; a `Runtime` does all of it."""

    async def open_exec(self, id: str, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False) -> Stdio: ...

    async def attach(self, id: str, *, stdin: bool = False) -> Stdio: ...

    async def reach(self, id: str, port: int) -> Address | None: ...

    async def usage(self, id: str) -> Usage | None: ...


def chosen(pod: Resource[Any], name: str) -> str:
    """The container that `name` means; without one, the only one there is. BadRequest."""
    spec = pod.obj.get("spec") or {}
    main = [container["name"] for container in spec.get("containers") or ()]
    others = [*(spec.get("initContainers") or ()), *(spec.get("ephemeralContainers") or ())]
    if name:
        if name not in (*main, *(container["name"] for container in others)):
            raise BadRequest(f"container {name} is not valid for pod {pod.name}")
        return name
    if len(main) == 1:
        return str(main[0])
    names = [c["name"] for c in spec.get("initContainers") or ()] + main
    raise BadRequest(f"a container name must be specified for pod {pod.name}, choose one of: [{' '.join(names)}]")


def status_of(pod: Resource[Any], container: str) -> Mapping[str, Any] | None:
    """The container's entry in the Pod's status, if it has one by now."""
    listed = (entry for key in _STATUSES for entry in pod.status.get(key) or ())
    return next((entry for entry in listed if entry.get("name") == container), None)


def running_id(pod: Resource[Any], container: str) -> str | None:
    """The Runtime's id of a container that runs; None if it does not, or has no process of its own."""
    status = status_of(pod, container) or {}
    if "running" not in (status.get("state") or {}):
        return None
    return str(status.get("containerID", "")).partition("://")[2] or None


def container_ids(pod: Resource[Any]) -> list[str]:
    """Of all containers that run."""
    found = (running_id(pod, entry["name"]) for entry in pod.status.get("containerStatuses") or ())
    return [id for id in found if id is not None]


def any_running_id(pod: Resource[Any]) -> str | None:
    """The id of one that runs: all containers of a Pod share their network."""
    return next(iter(container_ids(pod)), None)
