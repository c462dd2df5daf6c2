"""The loop around `horizontal.py`: brings Deployments to the number of Pods that their HorizontalPodAutoscaler decides.

Reads HorizontalPodAutoscalers, what they scale, its Pods and the Meter; writes the autoscaler's status, and the
target's replicas unless the autoscaler has an owner: that one carries the decision out (Knative's PodAutoscaler, by
serving's Scaler). It looks every 15 seconds, and sleeps while there is nothing to scale: an autoscaler of what has no
replicas does not count. Those of the platform are not its business.

Followed: kubernetes pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.lib.clock import rfc3339
from emulator.lib.quantities import Quantity
from emulator.lib.report import report
from emulator.objects.conditions import Condition, written
from emulator.objects.kind import Json
from emulator.objects.platform import is_platform
from emulator.objects.resource import Key, Resource
from emulator.objects.selectors import LabelSelector
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.autoscalers import AUTOSCALER, MEASURED
from emulator.workloads.horizontal import (
    STABLE_DOWN_S,
    STABLE_UP_S,
    SYNC_S,
    Bounds,
    Metric,
    PodFigures,
    Proposal,
    Recommendations,
    Unmeasured,
    propose,
)
from emulator.workloads.meter import Meter
from emulator.workloads.pods import POD, has_ended

logger = logging.getLogger(__name__)


class PodScaling:
    """See the module's text."""

    def __init__(self, store: Store, meter: Meter) -> None:
        self._store = store
        self._meter = meter
        self._past: dict[Key, Recommendations] = {}
        self._news = asyncio.Event()
        store.observe(self._changed)

    async def run(self) -> None:
        """Decide until cancelled."""
        while True:
            self._news.clear()
            active = [autoscaler for autoscaler in self._store.list(AUTOSCALER) if self._is_awake(autoscaler)]
            for autoscaler in active:
                await self._sync(autoscaler)
            if active:
                await asyncio.sleep(SYNC_S)
            else:
                await self._news.wait()

    def _changed(self, change: Change) -> None:
        resource = change.resource
        if resource.kind is AUTOSCALER or resource.kind.scale is not None:
            self._news.set()
            if change.type == "DELETED":
                self._past.pop(resource.key, None)

    # -- one autoscaler

    def _target(self, autoscaler: Resource[Any]) -> Resource[Any] | None:
        ref = autoscaler.spec.scale_target_ref
        kind = self._store.registry.of(ref.api_version, ref.kind)
        if kind is None or kind.scale is None:
            return None
        return self._store.find(kind, ref.name, autoscaler.namespace)

    def _is_awake(self, autoscaler: Resource[Any]) -> bool:
        target = None if is_platform(autoscaler) else self._target(autoscaler)
        return target is not None and bool(target.obj["spec"].get("replicas"))

    async def _sync(self, autoscaler: Resource[Any]) -> None:
        target = self._target(autoscaler)
        if target is None:
            return
        pods = [pod for pod in self._pods(target) if not pod.is_deleting and not has_ended(pod)]
        measured = await self._meter.measure(pods)
        present = self._store.find(AUTOSCALER, autoscaler.name, autoscaler.namespace)
        target = self._target(autoscaler)
        if present is None or target is None or present.is_deleting:
            return  # gone while the containers were looked at
        figures = [_figures(pod, measured.get(pod.key)) for pod in pods]
        self._decide(present, target, figures)

    def _pods(self, target: Resource[Any]) -> list[Resource[Any]]:
        """The Pods of a target; none of a user's own kind whose `selector` selects in another way."""
        try:
            selector = LabelSelector.model_validate(target.obj["spec"].get("selector") or {}).selector()
        except ValueError:
            return []
        return self._store.list(POD, target.namespace, selector)

    def _decide(self, autoscaler: Resource[Any], target: Resource[Any], pods: list[PodFigures]) -> None:
        current, now = int(target.obj["spec"].get("replicas") or 0), asyncio.get_running_loop().time()
        bounds = _bounds(autoscaler)
        proposals, faults = _proposals(autoscaler, pods, current)
        past = self._past.get(autoscaler.key, Recommendations(((now, current),)))
        wanted = max((made.replicas for _, made in proposals), default=current)
        if faults and wanted < current:
            wanted = current  # what cannot be measured may call for more
        desired, self._past[autoscaler.key] = past.stabilized(wanted, current, bounds, now)
        status = {
            **{k: v for k, v in autoscaler.status.items() if k == "lastScaleTime"},
            "currentReplicas": current,
            "desiredReplicas": desired,
            "currentMetrics": [_current(spec, made) for spec, made in proposals],
            "conditions": self._conditions(autoscaler, wanted, desired, faults, bool(proposals)),
        }
        if desired != current:
            status["lastScaleTime"] = rfc3339(self._store.clock.now())
            said = ", ".join(_told(spec, made) for spec, made in proposals) or "its bounds"
            report(logger, autoscaler.name, "%s: %d → %d replicas", said, current, desired, replicas=desired)
        self._store.update_status(autoscaler.key, status)
        if desired != current and autoscaler.controller is None:
            self._store.update({**target.obj, "spec": {**target.obj["spec"], "replicas": desired}})

    def _conditions(
        self, autoscaler: Resource[Any], wanted: int, desired: int, faults: list[Unmeasured], is_measured: bool
    ) -> list[Json]:
        said = "recommended size matches current size"
        able = Condition.true("AbleToScale", "ReadyForNewScale", said)
        if faults and not is_measured:
            why = f"the HPA was unable to compute the replica count: {faults[0]}"
            active = Condition.false("ScalingActive", faults[0].reason, why)
        else:
            why = "the HPA was able to successfully calculate a replica count"
            active = Condition.true("ScalingActive", "ValidMetricFound", why)
        limited = Condition.false(
            "ScalingLimited", "DesiredWithinRange", "the desired count is within the acceptable range"
        )
        if desired < wanted:
            why = "the desired replica count is more than the maximum replica count"
            limited = Condition.true("ScalingLimited", "TooManyReplicas", why)
        elif desired > wanted and desired == _bounds(autoscaler).least:
            why = "the desired replica count is less than the minimum replica count"
            limited = Condition.true("ScalingLimited", "TooFewReplicas", why)
        return written([able, active, limited], autoscaler.status.get("conditions", ()), self._store.now())


def _bounds(autoscaler: Resource[Any]) -> Bounds:
    spec = autoscaler.spec
    behavior = spec.behavior or {}
    down, up = (
        (behavior.get(way) or {}).get("stabilizationWindowSeconds", default)
        for way, default in (("scaleDown", STABLE_DOWN_S), ("scaleUp", STABLE_UP_S))
    )
    return Bounds(spec.min_replicas or 1, spec.max_replicas, float(down), float(up))


def _proposals(
    autoscaler: Resource[Any], pods: list[PodFigures], current: int
) -> tuple[list[tuple[Json, Proposal]], list[Unmeasured]]:
    made, faults = [], []
    for spec in autoscaler.spec.metrics:
        try:
            made.append((spec, propose(metric_of(spec), pods, current)))
        except Unmeasured as fault:
            faults.append(fault)
    return made, faults


def metric_of(spec: Mapping[str, Any]) -> Metric:
    """One of an autoscaler's metrics; Unmeasured for what kemu has no figures of."""
    source = spec.get(MEASURED.get(str(spec.get("type")), "")) or {}
    target = source.get("target") or {}
    if source.get("name") not in ("cpu", "memory"):
        kind = spec.get("type", "")
        name = ((spec.get(kind[:1].lower() + kind[1:]) or {}).get("metric") or {}).get("name", source.get("name", ""))
        said = f"unable to get metric {name}: no custom metrics API is registered; kemu measures cpu and memory"
        raise Unmeasured(f"FailedGet{kind}Metric", said)
    if "averageUtilization" in target:
        return Metric(source["name"], "Utilization", float(target["averageUtilization"]), source.get("container", ""))
    amount = Quantity.parse(str(target.get("averageValue", "0"))).to_float()
    if amount <= 0:
        raise Unmeasured("FailedGetResourceMetric", f"{source['name']}: the target must be above 0")
    return Metric(source["name"], "AverageValue", amount, source.get("container", ""))


def _figures(pod: Resource[Any], uses: Mapping[str, Any] | None) -> PodFigures:
    used = None
    if uses is not None:
        used = {name: {"cpu": use.cpu, "memory": float(use.memory_bytes)} for name, use in uses.items()}
    statuses = {s["name"] for s in pod.status.get("containerStatuses", ()) if s.get("containerID")}
    return PodFigures(pod.name, pod.is_ready, used, dict(_requests(pod, statuses)))


def _requests(pod: Resource[Any], running: set[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """What the containers that really run have asked for; a limit stands for a request that is not written."""
    for container in pod.obj["spec"]["containers"]:
        if container["name"] in running:
            resources = container.get("resources") or {}
            asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
            yield container["name"], {name: Quantity.parse(str(text)).to_float() for name, text in asked.items()}


def _current(spec: Json, made: Proposal) -> Json:
    key = MEASURED[spec["type"]]
    figures = usage_of_mean(spec[key]["name"], made.mean)
    if made.percent is not None:
        figures["averageUtilization"] = made.percent
    named = {k: v for k, v in spec[key].items() if k in ("name", "container")}
    return {"type": spec["type"], key: {**named, "current": figures}}


def usage_of_mean(resource: str, mean: float) -> Json:
    """A mean as the status shows it: CPU in thousandths, memory in bytes."""
    return {"averageValue": f"{round(mean * 1000)}m" if resource == "cpu" else str(round(mean))}


def _told(spec: Json, made: Proposal) -> str:
    source = spec[MEASURED[spec["type"]]]
    target = source["target"]
    if made.percent is not None:
        return f"{source['name']} {made.percent} % of its request, aimed at {target['averageUtilization']} %"
    shown = usage_of_mean(source["name"], made.mean)["averageValue"]
    return f"{source['name']} {shown}, aimed at {target['averageValue']}"
