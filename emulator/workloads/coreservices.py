"""The core Service kind: a stable name and virtual address for Pods, completed and judged as an API server does.

Addresses and node ports are made of the object's name, so that they stay over restarts and need no table. Nothing
listens on them: who takes requests to the name is `servicedelivery.py`'s business, which Pods stand behind it that of
`endpoints.py`. Followed: kubernetes pkg/apis/core/{v1/defaults.go,validation/validation.go},
pkg/registry/core/service, pkg/printers/internalversion (printService).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import ATOMIC_MAP, IntOrString, JsonObject, Model, approximated, ignored, keyed, set_like
from emulator.objects.names import dns1035_faults, dns1123_label_faults, dns1123_subdomain_faults
from emulator.objects.problems import Path, Problem, missing
from emulator.objects.resource import Resource
from emulator.objects.schemas import forbidden, invalid, not_supported

HEADLESS = "None"
START = "kemu:start"
"""Who writes the Services that stand for kemu's own listeners: their ports are what they are."""
# Where Knative's ingresses take requests in: kemu does so in their place, at a port of its own.
GATEWAYS = (("kourier", "knative-serving"), ("kourier", "kourier-system"), ("istio-ingressgateway", "istio-system"))
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_NODE_PORTS = range(30000, 32768)
_VIRTUAL = "its address is virtual: nothing listens on it, requests go to the name"
_NO_LISTENER = "nothing listens there: Knative Services are reached on kemu's own port"


class ServicePort(Model):
    name: str = ""
    protocol: str = Field(default="TCP", json_schema_extra={"default": "TCP"})
    app_protocol: str | None = None
    port: int = 0
    target_port: IntOrString = None
    node_port: int = approximated(_NO_LISTENER, 0)


class ServiceSpec(Model):
    type: str = "ClusterIP"
    selector: dict[str, str] = Field(default_factory=dict, json_schema_extra=ATOMIC_MAP)
    ports: list[ServicePort] = Field(default_factory=list, json_schema_extra=keyed("port", "protocol"))
    cluster_ip: str = approximated(_VIRTUAL, "", alias="clusterIP")
    cluster_ips: list[str] = Field(default_factory=list, alias="clusterIPs")
    external_name: str = ""
    external_ips: list[str] = ignored(_NO_LISTENER, [], alias="externalIPs")
    publish_not_ready_addresses: bool = False
    session_affinity: str = approximated("requests are shared in turn", "None")
    session_affinity_config: JsonObject | None = ignored("requests are shared in turn")
    ip_families: list[str] = Field(default_factory=list)
    ip_family_policy: str | None = None
    internal_traffic_policy: str = ignored("there is one node", "Cluster")
    external_traffic_policy: str = ignored("there is one node", "")
    health_check_node_port: int = ignored("there is one node", 0)
    traffic_distribution: str | None = ignored("there is one node")
    allocate_load_balancer_node_ports: bool | None = None
    load_balancer_class: str | None = ignored("nothing provides load balancers")
    load_balancer_ip: str = ignored("nothing provides load balancers", "", alias="loadBalancerIP")
    load_balancer_source_ranges: list[str] = ignored(
        "nothing provides load balancers", [], marks=set_like(strategic=False)
    )


# -- completing


def cluster_ip(namespace: str, name: str) -> str:
    """A virtual address in 10.96.0.0/12, the same for the same name; the first 256 are left to kemu's own."""
    number = 256 + zlib.crc32(f"{namespace}/{name}".encode()) % (2**20 - 512)
    high, low = divmod(number, 256)
    return f"10.{96 + high // 256}.{high % 256}.{low}"


def _default(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    if not isinstance(spec, dict):
        return
    old = (request.old.obj["spec"] if request.old is not None else None) or {}
    if _is_gateway(request.old) and request.user != START:
        spec["ports"] = old.get("ports", [])  # where kemu listens is a fact, whatever a release's file says
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] == "ExternalName":
        _without_address(spec, old)
    else:
        _with_address(spec, old, obj.get("metadata") or {})
    outside = spec["type"] in ("NodePort", "LoadBalancer")
    if outside:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    elif spec.get("externalTrafficPolicy") == old.get("externalTrafficPolicy"):
        spec.pop("externalTrafficPolicy", None)
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    _complete_ports(spec, old, obj.get("metadata") or {}, outside=outside)


def _is_gateway(old: Resource[Any] | None) -> bool:
    return old is not None and (old.name, old.namespace) in GATEWAYS


def _without_address(spec: Json, old: Json) -> None:
    """What a Service had of an address is let go with its type."""
    for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
        if spec.get(field) == old.get(field):
            spec.pop(field, None)


def _with_address(spec: Json, old: Json, metadata: Json) -> None:
    given = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), None)
    address = given or old.get("clusterIP") or cluster_ip(metadata.get("namespace") or "", metadata.get("name") or "")
    spec["clusterIP"] = address
    spec["clusterIPs"] = spec.get("clusterIPs") or [address]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    spec.setdefault("internalTrafficPolicy", "Cluster")


def _complete_ports(spec: Json, old: Json, metadata: Json, *, outside: bool) -> None:
    before = {_identity(port): port for port in old.get("ports") or ()}
    taken = {port.get("nodePort") for port in spec.get("ports") or () if isinstance(port, dict)}
    for port in spec.get("ports") or ():
        if not isinstance(port, dict):
            continue
        port.setdefault("protocol", "TCP")
        if (not port.get("targetPort") and spec.get("clusterIP") != HEADLESS) or not port.get("targetPort"):
            port["targetPort"] = port.get("port")
        known = before.get(_identity(port), {}).get("nodePort")
        if outside and not port.get("nodePort") and spec.get("allocateLoadBalancerNodePorts") is not False:
            port["nodePort"] = known or _node_port(metadata, port, taken)
            taken.add(port["nodePort"])
        elif not outside and port.get("nodePort") == known:
            port.pop("nodePort", None)


def _identity(port: Json) -> tuple[object, object]:
    return port.get("protocol", "TCP"), port.get("port")


def _node_port(metadata: Json, port: Json, taken: set[object]) -> int:
    text = f"{metadata.get('namespace')}/{metadata.get('name')}/{port.get('protocol')}/{port.get('port')}"
    first = zlib.crc32(text.encode())
    candidates = (_NODE_PORTS[(first + step) % len(_NODE_PORTS)] for step in range(len(_NODE_PORTS)))
    return next(number for number in candidates if number not in taken)


# -- judging


def _validate(service: Resource[ServiceSpec], request: Request) -> Iterator[Problem]:
    spec = service.spec
    for fault in dns1035_faults(service.name):
        yield invalid(("metadata", "name"), service.name, fault)
    if spec.type not in _TYPES:
        yield not_supported(("spec", "type"), spec.type, _TYPES)
    if spec.session_affinity not in ("ClientIP", "None"):
        yield not_supported(("spec", "sessionAffinity"), spec.session_affinity, ("ClientIP", "None"))
    if spec.type == "ExternalName":
        yield from _external_problems(spec)
    else:
        yield from _address_problems(service, request)
    yield from _port_problems(spec, is_own=request.user == START or _is_gateway(request.old))


def _external_problems(spec: ServiceSpec) -> Iterator[Problem]:
    if spec.cluster_ip not in ("", HEADLESS):
        yield forbidden(("spec", "clusterIPs", 0), "may not be set for ExternalName services")
    if not spec.external_name:
        yield missing("spec", "externalName")
    for fault in dns1123_subdomain_faults(spec.external_name.rstrip(".")) if spec.external_name else ():
        yield invalid(("spec", "externalName"), spec.external_name, fault)


def _address_problems(service: Resource[ServiceSpec], request: Request) -> Iterator[Problem]:
    spec, old = service.spec, request.old
    if not spec.ports and spec.cluster_ip != HEADLESS:
        yield missing("spec", "ports")
    if spec.cluster_ip == HEADLESS and spec.type != "ClusterIP":
        said = f'may not be set to "None" for {spec.type} services'
        yield invalid(("spec", "clusterIPs", 0), [HEADLESS], said)
    if spec.cluster_ips and spec.cluster_ips[0] != spec.cluster_ip:
        yield invalid(("spec", "clusterIPs"), spec.cluster_ips, "first value must match `clusterIP`")
    before = old.spec if old is not None else None
    if before is not None and before.type != "ExternalName" and before.cluster_ip not in ("", spec.cluster_ip):
        yield invalid(("spec", "clusterIPs", 0), [spec.cluster_ip], "may not change once set")


def _port_problems(spec: ServiceSpec, *, is_own: bool) -> Iterator[Problem]:
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    for index, port in enumerate(spec.ports):
        here: Path = ("spec", "ports", index)
        yield from _name_problems(port, here, names, needs_name=len(spec.ports) > 1)
        if not 1 <= port.port <= 65535:
            yield invalid((*here, "port"), port.port, "must be between 1 and 65535, inclusive")
        if port.protocol not in _PROTOCOLS:
            yield not_supported((*here, "protocol"), port.protocol, _PROTOCOLS)
        if (port.protocol, port.port) in numbers:
            shown = f'{{"port":{port.port},"protocol":"{port.protocol}"}}'
            yield Problem(here, f"Duplicate value: {shown}", "FieldValueDuplicate")
        numbers.add((port.protocol, port.port))
        yield from _target_problems(port, here)
        yield from () if is_own else _node_port_problems(spec, port, here)


def _name_problems(port: ServicePort, here: Path, names: set[str], *, needs_name: bool) -> Iterator[Problem]:
    if needs_name and not port.name:
        yield missing(*here, "name")
    if port.name in names - {""}:
        yield Problem((*here, "name"), f'Duplicate value: "{port.name}"', "FieldValueDuplicate")
    names.add(port.name)
    for fault in dns1123_label_faults(port.name) if port.name else ():
        yield invalid((*here, "name"), port.name, fault)


def _target_problems(port: ServicePort, here: Path) -> Iterator[Problem]:
    target = port.target_port
    if isinstance(target, int) and not 1 <= target <= 65535:
        yield invalid((*here, "targetPort"), target, "must be between 1 and 65535, inclusive")


def _node_port_problems(spec: ServiceSpec, port: ServicePort, here: Path) -> Iterator[Problem]:
    if not port.node_port:
        return
    if spec.type not in ("NodePort", "LoadBalancer"):
        yield forbidden((*here, "nodePort"), "may not be used when `type` is 'ClusterIP'")
    elif port.node_port not in _NODE_PORTS:
        said = "provided port is not in the valid range. The range of valid ports is 30000-32767"
        yield invalid((*here, "nodePort"), port.node_port, said)


# -- columns


def _external(service: Resource[Any]) -> str:
    spec = service.obj["spec"]
    ips = list(spec.get("externalIPs") or ())
    if spec["type"] == "ExternalName":
        return str(spec.get("externalName", ""))
    if spec["type"] == "LoadBalancer":
        points = (service.status.get("loadBalancer") or {}).get("ingress") or ()
        ips = [str(point.get("ip") or point.get("hostname")) for point in points] + ips
        return ",".join(ips) or "<pending>"
    return ",".join(ips) or "<none>"


def _ports(service: Resource[Any]) -> str:
    ports = service.obj["spec"].get("ports") or ()
    return ",".join(_port_text(port) for port in ports) or "<none>"


def _port_text(port: Json) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node}/{port.get('protocol', 'TCP')}"


def _selector(service: Resource[Any]) -> str:
    chosen = service.obj["spec"].get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(chosen.items())) or "<none>"


CORE_SERVICE = Kind(
    group="",
    version="v1",
    name="Service",
    plural="services",
    spec=ServiceSpec,
    short_names=("svc",),
    categories=("all",),
    default=_default,
    validate=_validate,
    fields=("spec.clusterIP", "spec.type"),
    has_observed=False,
    columns=(
        Column("Type", lambda r: r.obj["spec"]["type"]),
        Column("Cluster-IP", lambda r: r.obj["spec"].get("clusterIP") or "<none>"),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
        AGE,
        Column("Selector", _selector, wide=True),
    ),
)
