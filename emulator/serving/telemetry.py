"""What Knative's parts measure of Revisions, as Prometheus reads it: `/metrics` below the API's prefix.

Reads Revisions, the Throttlers and the Scaler's figures when it is asked; names and attributes are those of Knative's
OpenTelemetry metrics as its Prometheus exporter writes them. Durations of requests cost something on each, so they are
kept only while `config-observability` says `request-metrics-protocol: prometheus`. Followed: knative/serving
pkg/queue/request_metric.go, pkg/activator/handler/metrics.go, pkg/autoscaler/scaling/metrics.go,
pkg/reconciler/autoscaling/kpa/metrics.go (98e5ef9; serving §5.5).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from emulator.objects.resource import Key, Resource
from emulator.serving.annotations import CONFIGURATION_LABEL, NAMESPACE, SERVICE_LABEL
from emulator.serving.kinds import REVISION
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.serving.requestlog import CONFIG
from emulator.serving.scaler import Figures
from emulator.serving.throttler import Throttler
from emulator.store.projection import Projection, follow_config
from emulator.store.store import Store

PROTOCOL = "request-metrics-protocol"
# request_metric.go, latencyBounds: seconds
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

Labels = Mapping[str, str]


class Durations:
    """A histogram for each status that requests were answered with. Implements `throttler.Meter`."""

    def __init__(self) -> None:
        self._counts: dict[int, list[int]] = {}
        self._sums: dict[int, float] = {}

    def add(self, status: int, seconds: float) -> None:
        counts = self._counts.get(status)
        if counts is None:
            counts = self._counts[status] = [0] * (len(BOUNDS_S) + 1)
            self._sums[status] = 0.0
        counts[bisect_left(BOUNDS_S, seconds)] += 1
        self._sums[status] += seconds

    def lines(self, name: str, labels: Labels) -> Iterator[str]:
        """The series of the histogram."""
        for status, counts in sorted(self._counts.items()):
            own = {"http_response_status_code": str(status), **labels}
            totals = list(accumulate(counts))
            for bound, total in zip((*map(_number, BOUNDS_S), "+Inf"), totals, strict=True):
                yield f"{name}_bucket{_written({**own, 'le': bound})} {total}"
            yield f"{name}_sum{_written(own)} {_number(self._sums[status])}"
            yield f"{name}_count{_written(own)} {totals[-1]}"


class Telemetry:
    """`figures` gives what the Scaler knows of each PodAutoscaler."""

    def __init__(
        self,
        store: Store,
        throttler_of: Callable[[str, str], Throttler | None],
        figures: Callable[[], Mapping[Key, Figures]],
    ) -> None:
        self._store = store
        self._throttler_of = throttler_of
        self._figures = figures
        self._is_kept = self._wants_durations()

    def start(self) -> None:
        """Have durations kept where they are wanted; call it when there are Throttlers."""
        Projection(self._store, REVISION, self._give, lambda revision: None)
        follow_config(self._store, CONFIG, NAMESPACE, self._reconfigure)

    def text(self) -> str:
        """All metrics in Prometheus' text format."""
        families: dict[str, list[str]] = {}
        figures = self._figures()
        for revision in self._store.list(REVISION):
            labels = _labels(revision)
            throttler = self._throttler_of(revision.namespace, revision.name)
            found = figures.get(Key(POD_AUTOSCALER, revision.namespace, revision.name))
            for name, value in (*_of_requests(throttler), *_of_scale(found)):
                families.setdefault(name, []).append(f"{name}{_written(labels)} {_number(value)}")
            if throttler is not None and isinstance(throttler.meter, Durations):
                families.setdefault(_DURATION, []).extend(throttler.meter.lines(_DURATION, labels))
        return "".join(_family(name, lines) for name, lines in families.items() if lines)

    def _wants_durations(self) -> bool:
        return self._store.config(CONFIG, NAMESPACE).get(PROTOCOL, "none") == "prometheus"

    def _reconfigure(self) -> None:
        self._is_kept = self._wants_durations()
        for revision in self._store.list(REVISION):
            self._give(revision)

    def _give(self, revision: Resource[Any]) -> None:
        throttler = self._throttler_of(revision.namespace, revision.name)
        if throttler is not None and (throttler.meter is None) is self._is_kept:
            throttler.meter = Durations() if self._is_kept else None


_DURATION = "kn_serving_invocation_duration_seconds"
_HELP = {
    _DURATION: "The duration of requests, from their arrival to the end of the answer",
    "kn_serving_queue_depth": "Requests that are in the queue or running",
    "kn_revision_request_queued": "Requests that wait for a slot",
    "kn_revision_request_active": "Requests that a Pod has in hand",
    "kn_revision_pods_desired": "Pods that the autoscaler wants",
    "kn_revision_pods_requested": "Pods that the Deployment was given",
    "kn_revision_pods_count": "Pods that are ready",
    "kn_revision_pods_not_ready_count": "Pods that are wanted and not ready",
    "kn_revision_capacity_excess": "Requests that could come at once beyond the target burst",
    "kn_revision_panic_mode": "1 while the autoscaler panics",
}


def _of_requests(throttler: Throttler | None) -> Iterator[tuple[str, float]]:
    if throttler is not None:
        yield "kn_serving_queue_depth", throttler.in_flight
        yield "kn_revision_request_queued", throttler.waiting
        yield "kn_revision_request_active", throttler.in_flight - throttler.waiting


def _of_scale(found: Figures | None) -> Iterator[tuple[str, float]]:
    if found is None:
        return
    yield "kn_revision_pods_requested", found.wanted
    yield "kn_revision_pods_count", found.load.ready
    yield "kn_revision_pods_not_ready_count", max(0, found.wanted - found.load.ready)
    if found.spec.is_kpa:
        yield "kn_revision_pods_desired", found.decision.desired
        yield "kn_revision_capacity_excess", found.decision.excess_burst_capacity
        yield "kn_revision_panic_mode", int(found.decision.is_panicking)
        metric = f"kn_revision_{found.spec.metric}"
        yield f"{metric}_stable", found.load.stable
        yield f"{metric}_panic", found.load.panic
        yield f"{metric}_target", found.spec.target


def _labels(revision: Resource[Any]) -> Labels:
    return {
        "k8s_namespace_name": revision.namespace,
        "kn_configuration_name": revision.labels.get(CONFIGURATION_LABEL, ""),
        "kn_revision_name": revision.name,
        "kn_service_name": revision.labels.get(SERVICE_LABEL, ""),
    }


def _written(labels: Labels) -> str:
    """Values are names of objects and numbers: nothing in them needs an escape."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else str(value)


def _family(name: str, lines: Iterable[str]) -> str:
    kind = "histogram" if name == _DURATION else "gauge"
    said = _HELP.get(name, "Requests at once, or in a second, as the autoscaler sees them")
    return f"# HELP {name} {said}\n# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in lines)
