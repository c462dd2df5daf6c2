"""Decides how many Pods their use of CPU and memory calls for. Pure: figures in, number out.

Of each metric the mean over the ready Pods is compared with its target, and the Pods are made more or fewer in that
proportion; the metric that calls for most counts. What is not measured yet is taken for idle before scaling up and for
fully used before scaling down. Scaling down waits until the stabilization window has called for less throughout.

Followed: kubernetes pkg/controller/podautoscaler/{horizontal,replica_calculator}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

# kube-controller-manager's defaults, and those of pkg/apis/autoscaling/v2/defaults.go.
TOLERANCE = 0.1
SYNC_S = 15.0
STABLE_DOWN_S = 300.0
STABLE_UP_S = 0.0
_GROW_BY = 4


class Unmeasured(Exception):
    """A metric cannot be compared with its target; `reason` is the condition's."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Metric:
    """What is aimed at: percent of the requests (`Utilization`), or an amount for each Pod (CPUs, bytes)."""

    resource: str
    type: Literal["Utilization", "AverageValue"]
    target: float
    container: str = ""
    """The only container that counts; "" for all."""


@dataclass(frozen=True)
class PodFigures:
    """One Pod: what its containers use and have asked for, by container and resource. `used` None: not measured."""

    name: str
    is_ready: bool
    used: Mapping[str, Mapping[str, float]] | None
    requested: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Bounds:
    """How few and how many, and for how long a change must be called for, in seconds."""

    least: int
    most: int
    stable_down_s: float = STABLE_DOWN_S
    stable_up_s: float = STABLE_UP_S


@dataclass(frozen=True)
class Proposal:
    """What one metric calls for, and its figures at present: the mean for each Pod, and the percent of the request."""

    replicas: int
    mean: float
    percent: int | None = None


def propose(metric: Metric, pods: Sequence[PodFigures], current: int) -> Proposal:
    """The replicas that a metric calls for; Unmeasured."""
    ready = [pod for pod in pods if pod.is_ready and pod.used is not None]
    missing = [pod for pod in pods if pod.is_ready and pod.used is None]
    starting = [pod for pod in pods if not pod.is_ready]
    if not ready:
        said = f"did not receive metrics for targeted pods (pods might be unready): {metric.resource}"
        raise Unmeasured("FailedGetResourceMetric", said)
    figures = [(_used(metric, pod), _requested(metric, pod)) for pod in ready]
    ratio, percent = _ratio(metric, figures)
    mean = sum(use for use, _ in figures) / len(figures)
    is_growing_early = bool(starting) and ratio > 1
    if not missing and not is_growing_early:
        return Proposal(current if _is_near(ratio) else ceil(round(ratio * len(ready), 9)), mean, percent)
    full = max(100.0, metric.target) / 100 if metric.type == "Utilization" else 0.0
    for pod in missing:
        asked = _requested(metric, pod)
        idle_or_full = 0.0 if ratio > 1 else (asked * full if full else metric.target)
        figures.append((idle_or_full, asked))
    if is_growing_early:
        figures += [(0.0, _requested(metric, pod)) for pod in starting]
    new, _ = _ratio(metric, figures)
    wanted = ceil(round(new * len(figures), 9))
    is_turned = (ratio > 1) is not (new > 1) or (new < 1 and wanted > current) or (new > 1 and wanted < current)
    return Proposal(current if _is_near(new) or is_turned else wanted, mean, percent)


@dataclass(frozen=True)
class Recommendations:
    """What was called for lately, as (time, replicas): the stabilization windows look at it."""

    past: tuple[tuple[float, int], ...] = ()

    def stabilized(self, wanted: int, current: int, bounds: Bounds, now: float) -> tuple[int, Recommendations]:
        """`wanted` held back by what the windows have called for, within what may grow at once and the bounds."""
        window = max(bounds.stable_down_s, bounds.stable_up_s)
        kept = tuple((at, value) for at, value in self.past if now - at < window)
        all_now = (*kept, (now, wanted))
        up = min(value for at, value in all_now if now - at < bounds.stable_up_s or at == now)
        down = max(value for at, value in all_now if now - at < bounds.stable_down_s or at == now)
        held = min(max(current, up), down)
        grown = max(2 * current, current + _GROW_BY)
        return max(bounds.least, min(held, grown, bounds.most)), replace(self, past=all_now)


def _used(metric: Metric, pod: PodFigures) -> float:
    assert pod.used is not None
    named = [metric.container] if metric.container else list(pod.used)
    return sum(pod.used.get(name, {}).get(metric.resource, 0.0) for name in named)


def _requested(metric: Metric, pod: PodFigures) -> float:
    """The Pod's request; of no interest where an amount is aimed at."""
    if metric.type == "AverageValue":
        return 0.0
    total = 0.0
    for name in [metric.container] if metric.container else list(pod.requested):
        asked = pod.requested.get(name, {}).get(metric.resource)
        if asked is None:
            said = f"missing request for {metric.resource} in container {name} of Pod {pod.name}"
            raise Unmeasured("FailedGetResourceMetric", f"failed to get {metric.resource} utilization: {said}")
        total += asked
    return total


def _ratio(metric: Metric, figures: Sequence[tuple[float, float]]) -> tuple[float, int | None]:
    """How many times the target is used, and the percent of the request where that is aimed at."""
    used = sum(use for use, _ in figures)
    if metric.type == "AverageValue":
        return used / len(figures) / metric.target, None
    percent = int(used * 100 / (sum(asked for _, asked in figures) or 1.0))
    return percent / metric.target, percent


def _is_near(ratio: float) -> bool:
    return 1.0 - TOLERANCE <= ratio <= 1.0 + TOLERANCE
