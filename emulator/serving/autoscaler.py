"""Decides how many replicas the load of a Revision calls for. Pure: spec, load, state and time in, decision out.

Two windows are looked at. The stable one says what is right; the panic one, a tenth of it by default, notices a burst:
when it calls for `panic_threshold` times the ready replicas, the Revision panics, and while it does its scale never
falls. Bounds, and when the last replica may go, are `scalebounds.py`'s; the loop that calls this is the Scaler.

Followed: knative/serving pkg/autoscaler/scaling/{autoscaler,multiscaler}.go and aggregation/max (98e5ef9).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor

from emulator.serving.metrics import LoadWindows
from emulator.serving.scalespec import ScaleSpec

UNKNOWN = -1
TICK_S = 2


@dataclass(frozen=True)
class Load:
    """What is known of a Revision: both averages, and its ready replicas. `is_known` False: no data to decide on."""

    stable: float
    panic: float
    ready: int
    is_known: bool = True

    @classmethod
    def of(cls, spec: ScaleSpec, windows: LoadWindows, ready: int, now: float) -> Load:
        """The load at `now`. With the activator always in the path silence means that there is no load."""
        silent = windows.stable.is_empty(now) and spec.target_burst_capacity != -1
        return cls(windows.stable.average(now), windows.panic.average(now), ready, not silent)


@dataclass(frozen=True)
class Decision:
    """`desired` replicas, -1 while unknown; `excess_burst_capacity` below 0 keeps the activator in the path."""

    desired: int = UNKNOWN
    excess_burst_capacity: int = 0
    is_panicking: bool = False


@dataclass(frozen=True)
class DeciderState:
    """What one decision leaves to the next: the panic, what the delay window holds, and the decision itself."""

    last: Decision = Decision()
    panic_since: float | None = None
    panic_most: int = 0
    delayed: tuple[tuple[int, int], ...] = ()

    @classmethod
    def fresh(cls, spec: ScaleSpec, ready: int, now: float) -> DeciderState:
        """The state of a Revision not decided on yet.

        With more than one replica running it starts in panic, so that missing history does not scale it down.
        """
        burst = spec.target_burst_capacity
        excess = burst if burst in (-1, 0) else spec.initial_scale * spec.total - burst
        last = Decision(UNKNOWN, int(excess), ready > 1)
        return cls(last, now if ready > 1 else None, ready)


def decide(spec: ScaleSpec, load: Load, state: DeciderState, now: float) -> tuple[Decision, DeciderState]:
    """The wanted scale at `now` (seconds), and the state to hand in next time. Without data nothing changes."""
    if not load.is_known:
        return state.last, state
    ready = max(1, load.ready)
    stable_wanted = ceil(load.stable / spec.target)
    panic_wanted = ceil(load.panic / spec.target)
    stable = _rated(spec, stable_wanted, ready)
    panic = _rated(spec, panic_wanted, ready)
    state = _panic(spec, state, panic_wanted / ready >= spec.panic_threshold, now)
    desired = stable
    if state.panic_since is not None:
        desired = max(state.panic_most, stable, panic)
        state = replace(state, panic_most=desired)
    if spec.is_reachable and spec.scale_down_delay_s:
        state = replace(state, delayed=_delayed(spec, state.delayed, desired, now))
        desired = state.delayed[0][1]
    decision = Decision(desired, _excess_burst_capacity(spec, load), state.panic_since is not None)
    return decision, replace(state, last=decision)


def _rated(spec: ScaleSpec, wanted: int, ready: int) -> int:
    """`wanted` within what the rates allow at once, and not below the activation scale unless there is no load."""
    most = ceil(spec.max_scale_up_rate * ready)
    least = floor(ready / spec.max_scale_down_rate) if spec.is_reachable else 0
    rated = min(max(wanted, least), most)
    return max(rated, spec.activation_scale) if spec.activation_scale > 1 and wanted > 0 else rated


def _panic(spec: ScaleSpec, state: DeciderState, is_over: bool, now: float) -> DeciderState:
    """Begin or prolong the panic, or leave it once a whole stable window was calm."""
    if is_over:
        return replace(state, panic_since=now)
    if state.panic_since is not None and state.panic_since + spec.stable_window_s < now:
        return replace(state, panic_since=None, panic_most=0)
    return state


def _delayed(
    spec: ScaleSpec, before: tuple[tuple[int, int], ...], desired: int, now: float
) -> tuple[tuple[int, int], ...]:
    """The (tick, desired) pairs that can still be the largest of the delay window; the first one is."""
    tick, ticks = int(now) // TICK_S, ceil(spec.scale_down_delay_s / TICK_S)
    kept = [(at, value) for at, value in before if tick - at < ticks and value > desired]
    # Several decisions in one tick: the largest counts.
    return tuple(kept) if kept and kept[-1][0] == tick else (*kept, (tick, desired))


def _excess_burst_capacity(spec: ScaleSpec, load: Load) -> int:
    """How much more could arrive at once than is in flight, beyond the burst to be ready for."""
    burst = spec.target_burst_capacity
    if burst in (-1, 0):
        return int(burst)
    return floor(load.ready * spec.total - burst - load.panic)
