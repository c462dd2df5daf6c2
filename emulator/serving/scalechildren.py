"""What a PodAutoscaler is made of beside its HorizontalPodAutoscaler: Metric and ServerlessService, as JSON.

They only show what the Scaler does: the Metric over which windows it measures, the ServerlessService whether the
activator is in the path, which the Scaler writes. Called by podautoscalers.py. Followed: knative/serving
pkg/reconciler/autoscaling/resources/{sks,metric}.go.
"""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.lib.durations import SECOND
from emulator.objects.conditions import Condition
from emulator.objects.kind import READY, REASON, Json, Kind
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.serving.scalespec import ScaleSpec
from emulator.serving.serverlessservices import PROXY, SERVERLESS_SERVICE, private_name

_METRIC_ANNOTATION = "autoscaling.knative.dev/metric"
_ACTIVATORS = 1
"""kemu is one."""


class MetricSpec(Model):
    stable_window: int = 0
    panic_window: int = 0
    scrape_target: str = ""


METRIC = Kind(
    group="autoscaling.internal.knative.dev",
    version="v1alpha1",
    name="Metric",
    plural="metrics",
    spec=MetricSpec,
    categories=("knative-internal", "autoscaling"),
    columns=(READY, REASON),
    ephemeral=True,
)


def reconcile(metric: Resource[MetricSpec], view: View) -> Outcome:
    """Reads nothing but the Metric: the Scaler always has its numbers; writes its status."""
    return Outcome([Condition.true("Ready")])


METRIC_RECONCILER = Reconciler(reconcile, can_wait=True)


def serverless_service(autoscaler: Resource[Any], view: View) -> Json:
    """The ServerlessService; its mode is the Scaler's affair."""
    present = view.find(SERVERLESS_SERVICE, autoscaler.name, autoscaler.namespace)
    spec = {
        "mode": present.spec.mode if present is not None else PROXY,
        "objectRef": dict(autoscaler.obj["spec"]["scaleTargetRef"]),
        "protocolType": autoscaler.spec.protocol_type,
        "numActivators": _ACTIVATORS,
    }
    annotations = {k: v for k, v in autoscaler.annotations.items() if k != _METRIC_ANNOTATION}
    return _child(autoscaler, SERVERLESS_SERVICE, annotations, spec)


def metric(autoscaler: Resource[Any], scale: ScaleSpec) -> Json:
    """The Metric; windows in nanoseconds, as Go writes them."""
    windows = {"stableWindow": scale.stable_window_s * SECOND, "panicWindow": scale.panic_window_s * SECOND}
    spec = {**windows, "scrapeTarget": private_name(autoscaler.name)}
    return _child(autoscaler, METRIC, dict(autoscaler.annotations), spec)


def _child(autoscaler: Resource[Any], kind: Kind[Any], annotations: dict[str, str], spec: Json) -> Json:
    metadata = {"name": autoscaler.name, "namespace": autoscaler.namespace, "labels": dict(autoscaler.labels)}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {**metadata, "annotations": annotations},
        "spec": spec,
    }
