"""What the keeper of a container works with: the engine, the images, and what its Pod's worker does for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from emulator.control.reconciler import Note
from emulator.lib.clock import Clock
from emulator.lib.ringlog import RingLog
from emulator.objects.podspec import Container
from emulator.runtime.base import ContainerSpec, ImageInfo
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.imagekeeper import ImageKeeper, Pull


@dataclass(frozen=True)
class Surroundings:
    """What a keeper works with.

    `spec` makes the ContainerSpec of the n-th start from an image; ConfigFault if it cannot. `full_name` names the Pod
    as the kubelet does; `tell` posts a Kubernetes event about the container, and `is_told` knows whether the user's log
    has a fault already; `written` reads its termination message. `takes_requests`, of the data path: its port must be
    open for it to be ready. `grace_s` is what a container has between SIGTERM and SIGKILL that a probe condemns,
    `access` how an image is pulled. `probed` hears of each readiness probe that is made in the Probe's
    own rhythm: whether it succeeded, and in how many seconds.
    """

    link: EngineLink
    images: ImageKeeper
    clock: Clock
    log: RingLog
    about: str
    full_name: str
    restart_policy: str
    takes_requests: bool
    grace_s: float
    access: Callable[[str], Pull]
    spec: Callable[[Container, ImageInfo, int], Awaitable[ContainerSpec]]
    changed: Callable[[], None]
    tell: Callable[[Note], None]
    is_told: Callable[[str], bool]
    written: Callable[[Container], Awaitable[str]]
    probed: Callable[[bool, float], None]
