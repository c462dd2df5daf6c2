"""The HorizontalPodAutoscaler: its kind, defaults and rules. What it decides is `horizontal.py`'s, and `podscaling.py`
carries that out.

Metrics of the types Resource and ContainerResource are measured; those that need an adapter of metrics (Pods, Object,
External) are kept, and the autoscaler says of them what one says on a cluster without such an adapter. Followed:
kubernetes pkg/apis/autoscaling/{v2/defaults.go,validation/validation.go}, pkg/printers/internalversion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.lib.quantities import Quantity
from emulator.objects.kind import Json, Kind, Request
from emulator.objects.model import JsonObject, Model, approximated
from emulator.objects.platform import is_platform
from emulator.objects.problems import Path, Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import invalid, required
from emulator.workloads import storedcolumns as columns
from emulator.workloads.platform import stood_for

DEFAULT_UTILIZATION = 80
"""Percent of the CPU request that is aimed at where no metric is named."""
MEASURED = {"Resource": "resource", "ContainerResource": "containerResource"}
"""Types of metrics that kemu measures, with the field that says what of."""
_WINDOW_MOST_S = 3600


class CrossVersionObjectReference(Model):
    api_version: str = ""
    kind: str
    name: str


class HorizontalPodAutoscalerSpec(Model):
    scale_target_ref: CrossVersionObjectReference
    min_replicas: int | None = None
    max_replicas: int = 0
    metrics: list[JsonObject] = Field(default_factory=list)
    behavior: JsonObject | None = approximated("stabilization windows count; of policies the default ones hold")


def _default(obj: Json, request: Request) -> None:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": DEFAULT_UTILIZATION}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _validate(autoscaler: Resource[HorizontalPodAutoscalerSpec], request: Request) -> Iterator[Problem]:
    spec = autoscaler.spec
    least = 1 if spec.min_replicas is None else spec.min_replicas
    if least < 1:
        yield invalid(("spec", "minReplicas"), least, "must be greater than or equal to 1")
    if spec.max_replicas < 1:
        yield invalid(("spec", "maxReplicas"), spec.max_replicas, "must be greater than 0")
    elif spec.max_replicas < least:
        yield invalid(("spec", "maxReplicas"), spec.max_replicas, "must be greater than or equal to `minReplicas`")
    for field in ("kind", "name"):
        if not getattr(spec.scale_target_ref, field):
            yield required(("spec", "scaleTargetRef", field))
    for index, metric in enumerate(spec.metrics):
        if (measured := MEASURED.get(str(metric.get("type")))) is not None:
            yield from _metric_problems(metric.get(measured), ("spec", "metrics", index, measured))
    for way in ("scaleDown", "scaleUp"):
        yield from _window_problems((spec.behavior or {}).get(way), ("spec", "behavior", way))


def _metric_problems(source: Any, path: Path) -> Iterator[Problem]:
    target = source.get("target") if isinstance(source, dict) else None
    if not isinstance(target, dict):
        yield required((*path, "target"))
        return
    percent, amount = target.get("averageUtilization"), target.get("averageValue")
    if percent is None and amount is None:
        said = "must set either a target raw value or a target utilization"
        yield required((*path, "target", "averageUtilization"), said)
    if percent is not None and not (isinstance(percent, int) and percent > 0):
        yield invalid((*path, "target", "averageUtilization"), percent, "must be greater than 0")
    if amount is not None:
        try:
            Quantity.parse(str(amount))
        except ValueError as error:
            yield invalid((*path, "target", "averageValue"), amount, str(error))


def _window_problems(rules: Any, path: Path) -> Iterator[Problem]:
    seconds = rules.get("stabilizationWindowSeconds") if isinstance(rules, dict) else None
    if seconds is not None and not (isinstance(seconds, int) and 0 <= seconds <= _WINDOW_MOST_S):
        said = f"must be between 0 and {_WINDOW_MOST_S} seconds"
        yield invalid((*path, "stabilizationWindowSeconds"), seconds, said)


AUTOSCALER: Kind[Any] = Kind(
    group="autoscaling",
    version="v2",
    name="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    spec=HorizontalPodAutoscalerSpec,
    short_names=("hpa",),
    categories=("all",),
    default=_default,
    validate=_validate,
    columns=columns.AUTOSCALER,
    has_observed=False,
)


def reconcile(autoscaler: Resource[Any], view: View) -> Outcome:
    """Those of the platform have had their way; of the others `podscaling.py` decides."""
    return stood_for(autoscaler, view) if is_platform(autoscaler) else Outcome(None, autoscaler.status)


AUTOSCALER_RECONCILER = Reconciler(reconcile)
