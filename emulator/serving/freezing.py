"""The frozen tier: the last replica of an idle Revision is paused first, and stopped later.

Knative has none: at the window's end the last Pod goes. Here a Revision may ask (`kemu.dev/idle: freeze`, or `kemu up
--idle freeze` for all) that it be kept paused for a while, since thawing is twenty times faster than starting. All of
this is pure: `with_idle` says what a Revision asks for, `frozen_plan` what becomes of a plan that stops the last
replica, `surplus` which frozen ones are too many. The Scaler carries it out by an annotation on the Pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from emulator.serving.annotations import IDLE
from emulator.serving.scalebounds import Plan, ScaleState
from emulator.serving.scalespec import ScaleSpec

K = TypeVar("K")
Idle = Literal["stop", "freeze"]

KEPT_S = 600.0
"""How long a replica stays frozen where no pod retention period is given."""


def with_idle(spec: ScaleSpec, annotations: Mapping[str, str], default: Idle) -> ScaleSpec:
    """`spec` with what becomes of an idle replica; the retention period is how long it stays frozen then.

    It is frozen right at the window's end: the grace, which lets a cluster's activator take over, has nothing to wait
    for. A Revision that no Route reaches is not kept: nothing would thaw it.
    """
    if annotations.get(IDLE, default) != "freeze" or not spec.is_reachable:
        return spec
    return replace(spec, frozen_s=spec.retention_s or KEPT_S, retention_s=0.0, grace_s=0.0)


def frozen_plan(
    spec: ScaleSpec, made: Plan, before: ScaleState, after: ScaleState, now: float, *, ready: int, in_flight: int
) -> tuple[Plan, ScaleState]:
    """What becomes of a plan (`before` it, and `after`) where replicas are frozen: the last one stays until its time.

    More than one are stopped down to one first. A replica with requests under way, such as an open WebSocket that
    the metric does not count, is left alone; one that is not ready is not worth keeping.
    """
    since = before.frozen_since
    kept = Plan(0, 1)
    if made.desired != 0 or before.replicas == 0:
        return made, replace(after, frozen_since=None)
    if since is not None:
        if in_flight:
            return kept, replace(after, replicas=1, frozen_since=None)
        if now - since >= spec.frozen_s:
            return Plan(0, 0), replace(after, replicas=0, frozen_since=None)
        return kept, replace(after, replicas=1, frozen_since=since)
    if made.replicas or not spec.frozen_s or (ready == 0 and not in_flight):
        return made, after
    is_alone = before.replicas == ready == 1 and not in_flight
    return kept, replace(after, replicas=1, frozen_since=now if is_alone else None)


def surplus(frozen: Mapping[K, float], most: int) -> list[K]:
    """Those of `frozen` (since when) that must go so that `most` are left, the oldest first."""
    return sorted(frozen, key=lambda key: frozen[key])[: max(len(frozen) - most, 0)]
