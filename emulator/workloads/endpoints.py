"""Endpoints and EndpointSlices: the addresses of the Pods behind a core Service, and the Service's reconciler.

A Service with a selector owns one of each, made of its Pods; for one without, users may write Endpoints themselves.
Pure; who carries requests there is `servicedelivery.py`. Followed: kubernetes pkg/controller/endpoint,
staging endpointslice/reconciler.go, pkg/printers/internalversion (printEndpoints, printEndpointSlice).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.kind import AGE, Column, Json, Kind
from emulator.objects.model import IntOrString, JsonObject, Model
from emulator.objects.platform import is_platform
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector
from emulator.workloads.coreservices import ServicePort, ServiceSpec
from emulator.workloads.platform import stood_for
from emulator.workloads.pods import NODE, POD, has_ended

_MOST_SHOWN = 3
SERVICE_NAME = "kubernetes.io/service-name"


class EndpointPort(Model):
    name: str = ""
    port: int = 0
    protocol: str = "TCP"
    app_protocol: str | None = None


class EndpointAddress(Model):
    ip: str = ""
    hostname: str | None = None
    node_name: str | None = None
    target_ref: JsonObject | None = None


class EndpointSubset(Model):
    addresses: list[EndpointAddress] = Field(default_factory=list)
    not_ready_addresses: list[EndpointAddress] = Field(default_factory=list)
    ports: list[EndpointPort] = Field(default_factory=list)


class EndpointsData(Model):
    subsets: list[EndpointSubset] = Field(default_factory=list)


class SliceData(Model):
    address_type: str = ""
    endpoints: list[JsonObject] = Field(default_factory=list)
    ports: list[JsonObject] = Field(default_factory=list)


def _shown(endpoints: Resource[EndpointsData]) -> str:
    texts = []
    for subset in endpoints.spec.subsets:
        for address in subset.addresses:
            texts += [f"{address.ip}:{port.port}" for port in subset.ports] or [address.ip]
    return _first_of(texts)


def _first_of(texts: Sequence[str]) -> str:
    more = f" + {len(texts) - _MOST_SHOWN} more..." if len(texts) > _MOST_SHOWN else ""
    return ",".join(texts[:_MOST_SHOWN]) + more or "<none>"


ENDPOINTS = Kind(
    group="",
    version="v1",
    name="Endpoints",
    plural="endpoints",
    spec=EndpointsData,
    short_names=("ep",),
    root=True,
    has_status=False,
    columns=(Column("Endpoints", _shown), AGE),
)
ENDPOINT_SLICE = Kind(
    group="discovery.k8s.io",
    version="v1",
    name="EndpointSlice",
    plural="endpointslices",
    spec=SliceData,
    root=True,
    has_status=False,
    columns=(
        Column("AddressType", lambda r: r.spec.address_type),
        Column("Ports", lambda r: _first_of([str(port.get("port", "")) for port in r.spec.ports]) or "<unset>"),
        Column("Endpoints", lambda r: _first_of([each["addresses"][0] for each in r.spec.endpoints])),
        AGE,
    ),
)


# -- reconciling


def reconcile(service: Resource[ServiceSpec], view: View) -> Outcome:
    """Reads a core Service and the Pods that it selects; writes its Endpoints and EndpointSlice."""
    if is_platform(service):
        return stood_for(service, view)
    spec = service.spec
    status: Json = {"loadBalancer": {}}
    if not spec.selector or spec.type == "ExternalName":
        return Outcome(None, status)
    selector = LabelSelector.model_validate({"matchLabels": dict(spec.selector)}).selector()
    pods = [p for p in view.list(POD, service.namespace, selector) if p.status.get("podIP") and not has_ended(p)]
    return Outcome(None, status, [_endpoints(service, pods), _slice(service, pods)])


def _is_used(pod: Resource[Any], spec: ServiceSpec) -> bool:
    return (pod.is_ready or spec.publish_not_ready_addresses) and not pod.is_deleting


def _grouped(service: Resource[ServiceSpec], pods: Sequence[Resource[Any]]) -> dict[str, tuple[list[Json], list[Any]]]:
    """Pods by the ports that they have for the Service: names of ports may stand for different numbers."""
    groups: dict[str, tuple[list[Json], list[Any]]] = {}
    for pod in pods:
        ports = list(_ports(service.spec, pod))
        groups.setdefault(str(ports), (ports, []))[1].append(pod)
    return groups


def _ports(spec: ServiceSpec, pod: Resource[Any]) -> Iterator[Json]:
    for port in spec.ports:
        number = target_number(port, pod)
        if number is not None:
            named = {"name": port.name} if port.name else {}
            yield {**named, "port": number, "protocol": port.protocol}


def target_number(port: ServicePort, pod: Resource[Any]) -> int | None:
    """The Pod's port behind a Service's; None where the Pod has none of that name."""
    target: IntOrString = port.target_port or port.port
    if isinstance(target, int) or str(target).isdigit():
        return int(target)
    for container in pod.obj["spec"]["containers"]:
        for declared in container.get("ports") or ():
            if declared.get("name") == target and declared.get("protocol", "TCP") == port.protocol:
                return int(declared["containerPort"])
    return None


def _address(pod: Resource[Any]) -> Json:
    reference = {"kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid}
    return {"ip": pod.status["podIP"], "nodeName": NODE, "targetRef": reference}


def _endpoints(service: Resource[ServiceSpec], pods: Sequence[Resource[Any]]) -> Json:
    subsets = []
    for ports, members in _grouped(service, pods).values():
        ready = [_address(pod) for pod in members if _is_used(pod, service.spec)]
        others = [_address(p) for p in members if not _is_used(p, service.spec) and not p.is_deleting]
        subset = {"addresses": ready, "notReadyAddresses": others, "ports": ports}
        if ready or others:
            subsets.append({field: value for field, value in subset.items() if value})
    metadata = {"name": service.name, "labels": dict(service.labels)}
    body = {"subsets": subsets} if subsets else {}
    return {"apiVersion": "v1", "kind": ENDPOINTS.name, "metadata": metadata, **body}


def _slice(service: Resource[ServiceSpec], pods: Sequence[Resource[Any]]) -> Json:
    """One slice: Pods whose ports differ by name alone are told with the ports of the first."""
    labels = {
        **service.labels,
        SERVICE_NAME: service.name,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    groups = list(_grouped(service, pods).values())
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.name,
        "metadata": {"name": f"{service.name}-{service.uid[:5]}", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [_slice_endpoint(pod, service.spec) for pod in pods],
        "ports": [{"name": "", **port} for port in groups[0][0]] if groups else [],
    }


def _slice_endpoint(pod: Resource[Any], spec: ServiceSpec) -> Json:
    used = _is_used(pod, spec)
    conditions = {"ready": used, "serving": pod.is_ready, "terminating": pod.is_deleting}
    address = _address(pod)
    return {
        "addresses": [address["ip"]],
        "conditions": conditions,
        "nodeName": NODE,
        "targetRef": address["targetRef"],
    }


CORE_SERVICE_RECONCILER = Reconciler(reconcile, prunes=(ENDPOINTS, ENDPOINT_SLICE), can_wait=True)
