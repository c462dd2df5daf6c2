"""ServerlessServices: whether a Revision's requests go through the activator, and the core Services that show it.

`spec.mode` is the Scaler's affair, as Knative's KPA writes it; the data plane follows the same decision. Each has two
core Services: the private one selects the Revision's Pods, the public one has the activator's address (`Proxy`, and
always while no Pod is ready) or the Pods' (`Serve`). kemu's activator is its listener for containers, which finds the
Revision by the public Service's name; its queue-proxy does not listen, so the private Service leads to the function's
own port. Followed: knative/serving pkg/reconciler/serverlessservice, knative/networking
pkg/apis/networking/v1alpha1/serverlessservice_*.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.conditions import Condition
from emulator.objects.kind import READY, REASON, Column, Json, Kind
from emulator.objects.model import ATOMIC_MAP, JsonObject, Model
from emulator.objects.names import child_name
from emulator.objects.resource import Resource
from emulator.serving.annotations import GROUP as SERVING
from emulator.serving.annotations import NAMESPACE
from emulator.serving.ingresses import GROUP

PROXY, SERVE = "Proxy", "Serve"
ACTIVATOR = "activator-service"
_LABEL, _TYPE = f"{GROUP}/serverlessservice", f"{GROUP}/serviceType"
_REVISION_UID = f"{SERVING}/revisionUID"
_HTTP_PORT = 80
# Kinds of a sibling package, found through the registry.
_ENDPOINTS = ("", "Endpoints")


class ServerlessServiceSpec(Model):
    mode: str = PROXY
    object_ref: JsonObject = Field(default_factory=dict, json_schema_extra=ATOMIC_MAP)
    protocol_type: str = "http1"
    num_activators: int = 0


SERVERLESS_SERVICE = Kind(
    group=GROUP,
    version="v1alpha1",
    name="ServerlessService",
    plural="serverlessservices",
    spec=ServerlessServiceSpec,
    short_names=("sks",),
    categories=("knative-internal", "networking"),
    columns=(
        Column("Mode", lambda r: r.spec.mode),
        Column("Activators", lambda r: r.spec.num_activators, type="integer"),
        Column("ServiceName", lambda r: r.status.get("serviceName", "")),
        Column("PrivateServiceName", lambda r: r.status.get("privateServiceName", "")),
        READY,
        REASON,
    ),
    ephemeral=True,
)


def private_name(revision: str) -> str:
    """The name of the core Service that selects a Revision's Pods."""
    return child_name(revision, "-private")


def reconcile(sks: Resource[ServerlessServiceSpec], view: View) -> Outcome:
    """Reads a ServerlessService and the Endpoints of activator and Pods; writes core Services and public Endpoints."""
    private = private_name(sks.name)
    pods, activator = _subsets(view, private, sks.namespace), _subsets(view, ACTIVATOR, NAMESPACE)
    is_serving = bool(pods) and (sks.spec.mode == SERVE or not activator)
    children = [_public(sks), _private(sks, private), *_public_endpoints(sks, pods if is_serving else activator)]
    told = "Revision is backed by Activator"
    backed = Condition(_BACKED, "False" if is_serving else "True", _BACKED, told, severity="Info")
    populated = Condition.true("EndpointsPopulated")
    if not pods:
        populated = Condition.unknown("EndpointsPopulated", "NoHealthyBackends", "K8s Service is not ready")
    return Outcome([backed, populated], {"serviceName": sks.name, "privateServiceName": private}, children)


SERVERLESS_SERVICE_RECONCILER = Reconciler(reconcile, can_wait=True)
_BACKED = "ActivatorEndpointsPopulated"


def _subsets(view: View, name: str, namespace: str) -> list[Json]:
    """The ready addresses of a core Service with their ports."""
    kind = view.registry.of_group(*_ENDPOINTS)
    found = view.find(kind, name, namespace) if kind is not None else None
    subsets: Iterable[Json] = found.obj.get("subsets") or () if found is not None else ()
    return [subset for subset in subsets if subset.get("addresses")]


def _metadata(sks: Resource[ServerlessServiceSpec], name: str, type_: str) -> Json:
    labels = {**sks.labels, _LABEL: sks.name, _TYPE: type_}
    return {"name": name, "namespace": sks.namespace, "labels": labels, "annotations": dict(sks.annotations)}


def _port(sks: Resource[ServerlessServiceSpec]) -> Json:
    if sks.spec.protocol_type == "h2c":
        return {"name": "http2", "port": _HTTP_PORT, "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"}
    return {"name": "http", "port": _HTTP_PORT, "protocol": "TCP"}


def _public(sks: Resource[ServerlessServiceSpec]) -> Json:
    metadata = _metadata(sks, sks.name, "Public")
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [_port(sks)]}}


def _private(sks: Resource[ServerlessServiceSpec], name: str) -> Json:
    target = "h2c" if sks.spec.protocol_type == "h2c" else "user-port"
    spec = {
        "ports": [{**_port(sks), "targetPort": target}],
        "selector": {_REVISION_UID: sks.labels.get(_REVISION_UID, "")},
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(sks, name, "Private"), "spec": spec}


def _public_endpoints(sks: Resource[ServerlessServiceSpec], subsets: list[Json]) -> list[Json]:
    """The public Service's Endpoints and EndpointSlice: nothing selects for it."""
    name = _port(sks)["name"]
    ready = [
        {"addresses": subset["addresses"], "ports": [{**port, "name": name} for port in subset.get("ports") or ()]}
        for subset in subsets
    ]
    metadata = _metadata(sks, sks.name, "Public")
    endpoints: Json = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    labels = {**metadata["labels"], "kubernetes.io/service-name": sks.name}
    slice_: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "name": f"{sks.name}-{sks.uid[:5]}", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [_slice_endpoint(address) for subset in ready for address in subset["addresses"]],
        "ports": ready[0]["ports"] if ready else [],
    }
    return [{**endpoints, "subsets": ready} if ready else endpoints, slice_]


def _slice_endpoint(address: Json) -> Json:
    more: Json = {field: address[field] for field in ("nodeName", "targetRef") if field in address}
    conditions = {"ready": True, "serving": True, "terminating": False}
    return {"addresses": [address["ip"]], "conditions": conditions, **more}
