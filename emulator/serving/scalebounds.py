"""From the Autoscaler's wish to what a Revision's Deployment is given: bounds, the way to zero, the Active condition.

The last replica goes in steps, so that no request meets a closing door: active for a whole window, then declared
inactive (the activator is in the path from here on), then, after grace and retention, stopped. All of it is pure; the
Scaler keeps `ScaleState` per Revision and writes what comes out to the PodAutoscaler.

Followed: knative/serving pkg/reconciler/autoscaling/kpa/{scaler,kpa}.go and v1alpha1/pa_lifecycle.go (98e5ef9). Not
needed here: probing whether the activator is in the path; inside one process it is, as soon as the mode says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from emulator.objects.conditions import Condition
from emulator.serving.autoscaler import UNKNOWN, Decision
from emulator.serving.scalespec import ScaleSpec

Mode = Literal["Serve", "Proxy"]

ACTIVE = Condition.true("Active")
QUEUED = Condition.unknown(
    "Active", "Queued", "Requests to the target are being buffered as resources are provisioned."
)
NO_TRAFFIC = Condition.false("Active", "NoTraffic", "The target is not receiving traffic.")
TIMED_OUT = Condition.false("Active", "TimedOut", "The target could not be activated.")


@dataclass(frozen=True)
class ScaleState:
    """Where a Revision stands: its Active condition and mode with the times they took hold, what was applied last.

    `is_initialized` tells whether it was ever ready at its initial scale; `replicas` is what its Deployment has;
    `frozen_since` when its last replica was frozen, if it is (`freezing.py`).
    """

    active: Condition
    active_since: float
    replicas: int
    is_initialized: bool = False
    mode: Mode = "Proxy"
    mode_since: float = 0.0
    frozen_since: float | None = None

    @classmethod
    def fresh(cls, spec: ScaleSpec, now: float) -> ScaleState:
        """A Revision that nobody looked at yet, with its initial scale.

        One that begins at zero has the activator in its path already, so no grace is due for putting it there.
        """
        proxied_since = now - spec.grace_s if spec.initial_scale == 0 else now
        return cls(Condition.unknown("Active"), now, spec.initial_scale, mode_since=proxied_since)


@dataclass(frozen=True)
class Plan:
    """What to show as desired (-1 while unknown), and how many replicas to run."""

    desired: int
    replicas: int


def plan(spec: ScaleSpec, decision: Decision, ready: int, state: ScaleState, now: float) -> tuple[Plan, ScaleState]:
    """One round for a KPA Revision with `ready` replicas: the Plan, and the state to hand in next time."""
    step = scale_to_zero(spec, bounded(spec, decision.desired, state), state, now)
    replicas = step.desired if step.is_applied else state.replicas
    mode = mode_of(step.desired, decision.excess_burst_capacity)
    if mode != state.mode:
        state = replace(state, mode=mode, mode_since=now)
    is_initialized = state.is_initialized or ready >= min_ready(spec, is_initialized=False)
    condition = active_condition(spec, step.desired, ready, state)
    if condition.status != state.active.status:
        state = replace(state, active_since=now)
    state = replace(state, active=condition, replicas=replicas, is_initialized=is_initialized)
    return Plan(step.desired, replicas), state


def fixed_plan(
    spec: ScaleSpec, decided: int | None, ready: int, state: ScaleState, now: float
) -> tuple[Plan, ScaleState]:
    """As `plan` for a Revision of another autoscaler class: always Active, and never at zero.

    `decided` is what its HorizontalPodAutoscaler has decided on; None before that, and for a class that nobody knows.
    """
    least = max(1, spec.min_scale)
    replicas = max(least, spec.initial_scale) if decided is None else max(least, decided)
    replicas = min(replicas, spec.max_scale) if spec.max_scale else replicas
    if state.active != ACTIVE:
        state = replace(state, active=ACTIVE, active_since=now)
    is_initialized = state.is_initialized or ready >= max(least, spec.initial_scale)
    return Plan(replicas, replicas), replace(state, replicas=replicas, is_initialized=is_initialized, mode="Serve")


def bounded(spec: ScaleSpec, desired: int, state: ScaleState) -> int:
    """`desired` within min and max; while the initial scale was not reached yet that counts as a minimum too.

    An unknown wish stays unknown, except while activating: a minimum holds before there is any data.
    """
    if desired < 0 and state.active.status != "Unknown":
        return desired
    least = spec.min_scale
    if spec.initial_scale > 1 and not state.is_initialized and spec.is_reachable:
        least = max(least, spec.initial_scale)
    if desired < least:
        return least
    return min(desired, spec.max_scale) if spec.max_scale else desired


@dataclass(frozen=True)
class ZeroStep:
    """The scale to show, and whether the Deployment gets it."""

    desired: int
    is_applied: bool


def scale_to_zero(spec: ScaleSpec, desired: int, state: ScaleState, now: float) -> ZeroStep:
    """What a bounded wish of 0 may do now; any other wish is applied as it is (an unknown one is not)."""
    if desired != 0:
        return ZeroStep(desired, is_applied=desired > 0)
    if not spec.enable_scale_to_zero:
        return ZeroStep(1, is_applied=True)
    elapsed = now - state.active_since
    if state.active.status == "Unknown":
        gives_up = elapsed > spec.activation_timeout_s
        return ZeroStep(0 if gives_up else UNKNOWN, is_applied=gives_up)
    if state.active.status == "True":
        is_idle = elapsed >= spec.stable_window_s
        return ZeroStep(0 if is_idle else 1, is_applied=not is_idle)
    return ZeroStep(0, is_applied=_may_stop(spec, state, now))


def _may_stop(spec: ScaleSpec, state: ScaleState, now: float) -> bool:
    """Whether the last replica of an inactive Revision may go: retention over, the activator in the path for long."""
    inactive_s = now - state.active_since
    if inactive_s >= max(spec.grace_s, spec.retention_s):
        return True
    proxied_s = now - state.mode_since if state.mode == "Proxy" else 0.0
    return inactive_s >= spec.retention_s and proxied_s >= spec.grace_s


def mode_of(desired: int, excess_burst_capacity: int) -> Mode:
    """Whether requests go straight to the replicas (Serve) or through the activator (Proxy)."""
    return "Serve" if desired > 0 and excess_burst_capacity >= 0 else "Proxy"


def min_ready(spec: ScaleSpec, *, is_initialized: bool) -> int:
    """How many ready replicas make a Revision Active."""
    return max(spec.min_scale, 1 if is_initialized else spec.initial_scale)


def active_condition(spec: ScaleSpec, desired: int, ready: int, state: ScaleState) -> Condition:
    """Active as `computeActiveCondition` of kpa.go has it; `state` is the one before."""
    least = min_ready(spec, is_initialized=state.is_initialized)
    if desired <= 0 and state.active == TIMED_OUT:
        # Knative forgets the reason one round later; it is what the user wants to read.
        return TIMED_OUT
    if desired == 0 or least == 0:
        gave_up = state.active.status == "Unknown" and least > 0
        return TIMED_OUT if gave_up else NO_TRAFFIC
    if desired < 0 and state.active.status == "False":
        return NO_TRAFFIC
    return ACTIVE if ready >= least else QUEUED
