"""What a cluster with Knative holds before anybody has applied anything: namespaces, the node, kemu's own entrances as
core Services, and Knative's `config-*` ConfigMaps.

Made only where missing: an earlier run's are kept as users have edited them; only ports and the node, which are
facts of this run, are written anew. The ConfigMaps say nothing but Knative's defaults, so that kemu behaves with
them as without. Called once by `app.py`, before manifests are applied. Followed: config/core/configmaps of
knative/serving and knative/eventing, knative/net-kourier config.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from emulator.objects.kind import Json
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.coreservices import CORE_SERVICE, GATEWAYS, START, cluster_ip
from emulator.workloads.endpoints import ENDPOINT_SLICE, ENDPOINTS, SERVICE_NAME
from emulator.workloads.namespaces import NAMESPACE
from emulator.workloads.nodes import NODE_KIND, node, node_status
from emulator.workloads.pods import NODE

_SERVING, _EVENTING = "knative-serving", "knative-eventing"
NAMESPACES = (
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    _SERVING,
    _EVENTING,
    "kourier-system",
    "istio-system",
)
_LOCAL = "127.0.0.1"
ACTIVATOR = "activator-service"
_FIRST_ADDRESS = "10.96.0.1"
_NO_DATA: Mapping[str, str] = {}

# By namespace and name. What Knative ships as a comment in each is said by its documentation.
CONFIG: Mapping[tuple[str, str], Mapping[str, str]] = {
    (_SERVING, "config-autoscaler"): {
        "container-concurrency-target-percentage": "70",
        "container-concurrency-target-default": "100",
        "requests-per-second-target-default": "200",
        "target-burst-capacity": "211",
        "stable-window": "60s",
        "panic-window-percentage": "10.0",
        "panic-threshold-percentage": "200.0",
        "max-scale-up-rate": "1000.0",
        "max-scale-down-rate": "2.0",
        "enable-scale-to-zero": "true",
        "scale-to-zero-grace-period": "30s",
        "scale-to-zero-pod-retention-period": "0s",
        "pod-autoscaler-class": "kpa.autoscaling.knative.dev",
        "activator-capacity": "100.0",
        "initial-scale": "1",
        "allow-zero-initial-scale": "false",
        "min-scale": "0",
        "max-scale": "0",
        "scale-down-delay": "0s",
        "max-scale-limit": "0",
    },
    (_SERVING, "config-defaults"): _NO_DATA,
    (_SERVING, "config-deployment"): _NO_DATA,
    (_SERVING, "config-domain"): _NO_DATA,
    (_SERVING, "config-features"): _NO_DATA,
    (_SERVING, "config-gc"): _NO_DATA,
    (_SERVING, "config-leader-election"): _NO_DATA,
    (_SERVING, "config-logging"): _NO_DATA,
    (_SERVING, "config-network"): _NO_DATA,
    (_SERVING, "config-observability"): _NO_DATA,
    (_SERVING, "config-certmanager"): _NO_DATA,
    (_SERVING, "config-kourier"): _NO_DATA,
    (_SERVING, "config-istio"): _NO_DATA,
    (_EVENTING, "config-br-defaults"): {
        "default-br-config": (
            "clusterDefault:\n"
            "  brokerClass: MTChannelBasedBroker\n"
            "  apiVersion: v1\n"
            "  kind: ConfigMap\n"
            "  name: config-br-default-channel\n"
            "  namespace: knative-eventing\n"
            "  delivery:\n"
            "    retry: 10\n"
            "    backoffPolicy: exponential\n"
            "    backoffDelay: PT0.2S\n"
        )
    },
    (_EVENTING, "config-br-default-channel"): {
        "channel-template-spec": "apiVersion: messaging.knative.dev/v1\nkind: InMemoryChannel\n"
    },
    (_EVENTING, "default-ch-webhook"): {
        "default-ch-config": "clusterDefault:\n  apiVersion: messaging.knative.dev/v1\n  kind: InMemoryChannel\n"
    },
    (_EVENTING, "config-features"): _NO_DATA,
    (_EVENTING, "config-leader-election"): _NO_DATA,
    (_EVENTING, "config-logging"): _NO_DATA,
    (_EVENTING, "config-observability"): _NO_DATA,
    (_EVENTING, "config-ping-defaults"): _NO_DATA,
    (_EVENTING, "config-sugar"): _NO_DATA,
}


@dataclass(frozen=True)
class Listening:
    """Where kemu listens: ports of the public listener and of the API, address and port of that for containers."""

    port: int
    api_port: int
    inside: tuple[str, int]


def put_start_objects(store: Store, listening: Listening, version: str) -> None:
    """Make what is missing; `version` is Kubernetes'."""
    for obj in (*_namespaces(), *_config_maps(), node()):
        _ensure(store, obj)
    gateways = (_gateway(name, space, listening.port) for name, space in GATEWAYS)
    for obj in (_api(listening.api_port), *gateways, _activator(listening.inside[1])):
        _put_service(store, obj)
    for obj in _activator_endpoints(*listening.inside):
        _replace(store, obj)
    present = store.get(NODE_KIND, node()["metadata"]["name"])
    store.update_status(present.key, node_status(version, store.now()))


def is_from_start(group: str, kind: str, namespace: str, name: str) -> bool:
    """Whether an object of that name is there without anybody's doing: from here, or a namespace's own account."""
    if kind in (ENDPOINTS.name, ENDPOINT_SLICE.name):
        return (namespace, name) == (_SERVING, ACTIVATOR)
    if group:
        return False
    if kind == "ServiceAccount":
        return name == "default"
    made = (
        *_namespaces(),
        *_config_maps(),
        node(),
        _api(0),
        *(_gateway(n, space, 0) for n, space in GATEWAYS),
        _activator(0),
    )
    places = ((obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]) for obj in made)
    return (kind, namespace, name) in places


def _ensure(store: Store, obj: Json) -> None:
    kind = store.registry.of(obj["apiVersion"], obj["kind"])
    assert kind is not None
    metadata = obj["metadata"]
    if store.find(kind, metadata["name"], metadata.get("namespace", "")) is None:
        store.create(obj, START)


def _put_service(store: Store, obj: Json) -> None:
    """A Service of kemu's own; an earlier run's is told the ports of this one, unless it became somebody else's."""
    metadata, spec = obj["metadata"], obj["spec"]
    present = store.find(CORE_SERVICE, metadata["name"], metadata["namespace"])
    if present is None:
        present = store.create(obj, START)
    elif "selector" not in present.obj["spec"] and present.obj["spec"]["type"] == spec["type"]:
        present = store.update({**present.obj, "spec": {**present.obj["spec"], "ports": spec["ports"]}}, START)
    if spec["type"] == "LoadBalancer":
        store.update_status(present.key, {"loadBalancer": {"ingress": [{"ip": _LOCAL}]}})


def _namespaces() -> Iterator[Json]:
    for name in NAMESPACES:
        labels = {"kubernetes.io/metadata.name": name}
        yield {"apiVersion": "v1", "kind": NAMESPACE.name, "metadata": {"name": name, "labels": labels}}


def _config_maps() -> Iterator[Json]:
    for (namespace, name), data in CONFIG.items():
        metadata = {"name": name, "namespace": namespace}
        yield {"apiVersion": "v1", "kind": CONFIG_MAP.name, "metadata": metadata, "data": dict(data)}


def _service(name: str, namespace: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": CORE_SERVICE.name, "metadata": metadata, "spec": spec}


def _api(port: int) -> Json:
    ports = [{"name": "http", "port": port, "protocol": "TCP", "targetPort": port}]
    return _service("kubernetes", "default", {"type": "ClusterIP", "clusterIP": _FIRST_ADDRESS, "ports": ports})


def _gateway(name: str, namespace: str, port: int) -> Json:
    """The public listener. Its node port is the port itself: there it listens on this computer."""
    ports = [{"name": "http2", "port": port, "protocol": "TCP", "targetPort": port, "nodePort": port}]
    return _service(name, namespace, {"type": "LoadBalancer", "clusterIP": cluster_ip(namespace, name), "ports": ports})


def _activator(port: int) -> Json:
    """The listener for containers, where requests wait for Revisions that sleep."""
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": port}]
    return _service(ACTIVATOR, _SERVING, {"type": "ClusterIP", "ports": ports})


def _activator_endpoints(address: str, port: int) -> Iterator[Json]:
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    subset = {"addresses": [{"ip": address, "nodeName": NODE}], "ports": ports}
    metadata: Json = {"name": ACTIVATOR, "namespace": _SERVING}
    yield {"apiVersion": "v1", "kind": ENDPOINTS.name, "metadata": metadata, "subsets": [subset]}
    endpoint = {"addresses": [address], "nodeName": NODE, "conditions": {"ready": True}}
    yield {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.name,
        "metadata": {**metadata, "labels": {SERVICE_NAME: ACTIVATOR}},
        "addressType": "IPv4",
        "endpoints": [endpoint],
        "ports": ports,
    }


def _replace(store: Store, obj: Json) -> None:
    """A fact of this run, in the place of an earlier one's."""
    kind = store.registry.of(obj["apiVersion"], obj["kind"])
    assert kind is not None
    present = store.find(kind, obj["metadata"]["name"], obj["metadata"]["namespace"])
    if present is None:
        store.create(obj, START)
    else:
        store.update({**present.obj, **obj, "metadata": present.obj["metadata"]}, START)
