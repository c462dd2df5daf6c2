"""PodAutoscalers: what a Revision asks of the autoscaler, and what that says of it.

Reads a PodAutoscaler; writes its ServerlessService and, by its class, its Metric or a HorizontalPodAutoscaler, which
decides instead of the Autoscaler. Made by revisions.py; its status is the Scaler's. Followed: knative/serving
pkg/reconciler/autoscaling/hpa/resources/hpa.go (98e5ef9; serving §6.8).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from pydantic import ConfigDict

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.lib.durations import SECOND
from emulator.lib.gonumbers import INT32_MAX
from emulator.lib.quantities import Quantity
from emulator.objects.kind import READY, REASON, Column, Json, Kind
from emulator.objects.model import ATOMIC_MAP, Model
from emulator.objects.resource import Resource
from emulator.serving.annotations import NAMESPACE
from emulator.serving.autoscalerconfig import HPA, AutoscalerConfig
from emulator.serving.scalechildren import METRIC, metric, serverless_service
from emulator.serving.scalespec import ScaleSpec, metric_name, written_target, written_window_ns

HORIZONTAL = ("autoscaling", "HorizontalPodAutoscaler")
"""The kind is a sibling package's."""


class ScaleTarget(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    api_version: str
    kind: str
    name: str


class PodAutoscalerSpec(Model):
    scale_target_ref: ScaleTarget
    container_concurrency: int = 0
    protocol_type: str = "http1"
    reachability: str = ""


POD_AUTOSCALER = Kind(
    group="autoscaling.internal.knative.dev",
    version="v1alpha1",
    name="PodAutoscaler",
    plural="podautoscalers",
    spec=PodAutoscalerSpec,
    short_names=("kpa", "pa"),
    categories=("knative-internal", "autoscaling"),
    columns=(
        Column("DesiredScale", lambda r: r.status.get("desiredScale")),
        Column("ActualScale", lambda r: r.status.get("actualScale")),
        READY,
        REASON,
    ),
    ephemeral=True,
)


def reconcile(autoscaler: Resource[PodAutoscalerSpec], view: View) -> Outcome:
    """See the module's text."""
    config = AutoscalerConfig.in_force(view.config("config-autoscaler", NAMESPACE))
    is_reachable = autoscaler.spec.reachability != "Unreachable"
    spec = ScaleSpec.of(autoscaler.annotations, config=config, is_reachable=is_reachable)
    own = horizontal(autoscaler, spec) if spec.autoscaler_class == HPA else metric(autoscaler, spec)
    return Outcome(None, autoscaler.status, [own, serverless_service(autoscaler, view)])


POD_AUTOSCALER_RECONCILER = Reconciler(reconcile, prunes=(HORIZONTAL, METRIC), can_wait=True)


def horizontal(autoscaler: Resource[PodAutoscalerSpec], scale: ScaleSpec) -> Json:
    """The HorizontalPodAutoscaler that scales instead of Knative's own autoscaler."""
    spec: Json = {
        "scaleTargetRef": dict(autoscaler.obj["spec"]["scaleTargetRef"]),
        "maxReplicas": scale.max_scale or INT32_MAX,
    }
    if scale.min_scale > 0:
        spec["minReplicas"] = scale.min_scale
    if (target := written_target(autoscaler.annotations)) is not None:
        spec["metrics"] = [_metric(metric_name(autoscaler.annotations, "cpu"), target)]
    if (window := written_window_ns(autoscaler.annotations)) is not None:
        rules = {"stabilizationWindowSeconds": window // SECOND}
        spec["behavior"] = {"scaleDown": rules, "scaleUp": dict(rules)}
    metadata: Json = {"name": autoscaler.name, "namespace": autoscaler.namespace}
    for field in ("labels", "annotations"):
        if found := autoscaler.metadata.get(field):
            metadata[field] = dict(found)
    return {"apiVersion": "autoscaling/v2", "kind": HORIZONTAL[1], "metadata": metadata, "spec": spec}


def _metric(name: str, target: float) -> Mapping[str, Any]:
    """CPU as percent of the request, memory in MiB for each Pod, anything else as a metric of Pods."""
    if name == "cpu":
        aimed: Json = {"type": "Utilization", "averageUtilization": ceil(target)}
    elif name == "memory":
        aimed = {"type": "AverageValue", "averageValue": str(Quantity.parse(f"{int(target)}Mi"))}
    else:
        aimed = {"type": "AverageValue", "averageValue": str(int(target))}
        return {"type": "Pods", "pods": {"metric": {"name": name}, "target": aimed}}
    return {"type": "Resource", "resource": {"name": name, "target": aimed}}
