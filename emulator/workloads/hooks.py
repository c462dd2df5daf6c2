"""A container's `lifecycle`: what runs right after its start, and before it is asked to end.

A hook is asked as a probe is: a command, a GET, or a pause. One that fails after the start ends the container; before
the end it is only told. The time that `preStop` takes is part of the grace. Knative refuses hooks in its Services.
Followed: kubernetes pkg/kubelet/lifecycle/handlers.go, pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer,
minimumGracePeriodInSeconds).
"""

from __future__ import annotations

import asyncio

from emulator.control.reconciler import Note
from emulator.objects.podspec import Container, LifecycleHandler, Probe
from emulator.runtime.base import RunningContainer
from emulator.workloads.probing import checker
from emulator.workloads.surroundings import Surroundings

_LEAST_GRACE_S = 2.0
_HOOK_S = 600.0  # a hook after the start has as long as it takes; this only bounds it


async def after_start(container: Container, running: RunningContainer, around: Surroundings) -> bool:
    """Run `postStart`, if there is one; with False the container is to be stopped."""
    handler = container.lifecycle.post_start if container.lifecycle else None
    if handler is None or await _run(handler, container, running, around, _HOOK_S):
        return True
    around.tell(Note("FailedPostStartHook", "PostStartHook failed", "Warning"))
    return False


async def before_stop(container: Container, running: RunningContainer, around: Surroundings, grace_s: float) -> float:
    """Run `preStop`, if there is one; the seconds that are left between SIGTERM and SIGKILL."""
    handler = container.lifecycle.pre_stop if container.lifecycle else None
    if handler is None or not grace_s:
        return grace_s
    loop = asyncio.get_running_loop()
    begun = loop.time()
    if not await _run(handler, container, running, around, grace_s):
        around.tell(Note("FailedPreStopHook", "PreStopHook failed", "Warning"))
    return max(grace_s - (loop.time() - begun), min(_LEAST_GRACE_S, grace_s))


async def _run(
    handler: LifecycleHandler, container: Container, running: RunningContainer, around: Surroundings, within_s: float
) -> bool:
    if handler.sleep is not None:
        await asyncio.sleep(min(handler.sleep.seconds, within_s))
        return True
    probe = Probe.model_validate(
        {
            "exec": handler.exec,
            "httpGet": handler.http_get,
            "tcpSocket": handler.tcp_socket,
            "timeoutSeconds": max(1, int(within_s)),
        }
    )
    return await checker(probe, container, around.link.runtime, running.id, running.addresses)()
