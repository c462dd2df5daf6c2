"""PodMetrics and NodeMetrics (group metrics.k8s.io), by which `kubectl top` shows what Pods and the Node use.

A cluster's metrics-server looks every 15 seconds; kemu looks when somebody asks: `refresh` brings the objects in line
with what the containers use just then, and the API answers from the Store as always. Followed: kubernetes-sigs
metrics-server pkg/api, k8s.io/metrics pkg/apis/metrics/v1beta1/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from emulator.lib.clock import rfc3339
from emulator.lib.quantities import Family, Quantity
from emulator.objects.kind import Column, Json, Kind
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store
from emulator.workloads.meter import ContainerUse, Meter
from emulator.workloads.nodes import NODE_KIND
from emulator.workloads.pods import NODE, POD
from emulator.workloads.stored import Kept

GROUP = "metrics.k8s.io"
_WINDOW_S = 1.0
"""How long the first look at a container takes: its use of the CPU is the difference of two."""
_READ_ONLY = ("get", "list")


def _sum(name: str, resource: str, family: Family) -> Column:
    def cell(metrics: Resource[Any]) -> str:
        used = [c["usage"] for c in metrics.obj.get("containers", ())] or [metrics.obj.get("usage", {})]
        total = sum((Quantity.parse(usage.get(resource, "0")).value for usage in used), Fraction(0))
        return str(Quantity(total, family))

    return Column(name, cell)


def _kind(name: str, plural: str, *, namespaced: bool) -> Kind[Any]:
    return Kind(
        group=GROUP,
        version="v1beta1",
        name=name,
        plural=plural,
        spec=Kept,
        root=True,
        namespaced=namespaced,
        columns=(
            _sum("CPU", "cpu", "decimal"),
            _sum("Memory", "memory", "binary"),
            Column("Window", lambda r: str(r.obj.get("window", ""))),
        ),
        ephemeral=True,
        has_status=False,
        verbs=_READ_ONLY,
    )


POD_METRICS = _kind("PodMetrics", "pods", namespaced=True)
NODE_METRICS = _kind("NodeMetrics", "nodes", namespaced=False)


async def refresh(store: Store, meter: Meter) -> None:
    """Let PodMetrics and NodeMetrics say what is used now. Takes a second where a container is seen first."""
    used = await meter.measure(store.list(POD), _WINDOW_S)
    times = {"timestamp": rfc3339(store.clock.now()), "window": f"{_WINDOW_S}s"}
    wanted = {key: _pod_metrics(store, key, uses) | times for key, uses in used.items()}
    for present in store.list(POD_METRICS):
        if Key(POD, present.namespace, present.name) not in wanted:
            store.delete(POD_METRICS, present.name, present.namespace)
    for body in wanted.values():
        _put(store, POD_METRICS, body)
    if store.find(NODE_KIND, NODE) is not None:
        _put(store, NODE_METRICS, _node_metrics(used.values()) | times)


def _pod_metrics(store: Store, key: Key, uses: Mapping[str, ContainerUse]) -> Json:
    pod = store.find(POD, key.name, key.namespace)
    labels = dict(pod.labels) if pod is not None else {}
    return {
        "metadata": {"name": key.name, "namespace": key.namespace, "labels": labels},
        "containers": [{"name": name, "usage": usage_of(use)} for name, use in uses.items()],
    }


def _node_metrics(pods: Any) -> Json:
    """What kemu's containers use; of the rest of this computer nothing is told."""
    uses = [use for pod in pods for use in pod.values()]
    total = ContainerUse(sum(use.cpu for use in uses), sum(use.memory_bytes for use in uses))
    return {"metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}}, "usage": usage_of(total)}


def usage_of(use: ContainerUse) -> Json:
    """CPU in billionths, memory in KiB, as metrics-server writes them."""
    return {"cpu": f"{round(use.cpu * 1e9)}n", "memory": f"{use.memory_bytes // 1024}Ki"}


def _put(store: Store, kind: Kind[Any], body: Json) -> None:
    metadata = body["metadata"]
    head = {"apiVersion": kind.api_version, "kind": kind.name}
    present = store.find(kind, metadata["name"], metadata.get("namespace", ""))
    if present is None:
        store.create({**head, **body})
    else:
        store.update({**present.obj, **body, "metadata": {**present.metadata, "labels": metadata["labels"]}})
