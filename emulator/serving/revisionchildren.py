"""What a Revision is made of: its image caches, PodAutoscaler and Deployment, as JSON.

Pure. The Deployment's Pod template is the Revision's PodSpec with what Knative's runtime contract adds (serving §3.1):
PORT and the K_ variables, the port, a readiness probe, and the grace period. Its queue-proxy is shown as on a cluster,
but never started: kemu's own data path does its work. Followed: knative/serving
pkg/reconciler/revision/resources/{deploy,pa,imagecache,env_var}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from emulator.control.reconciler import Note
from emulator.objects.kind import Json
from emulator.objects.names import child_name
from emulator.objects.podmarks import LACKS
from emulator.objects.resource import Resource
from emulator.serving.annotations import ROUTES, ROUTING_STATE_MODIFIED
from emulator.serving.features import Features
from emulator.serving.revisionspec import RevisionSpec

DEFAULT_PORT = 8080
# Tells the Pod's worker which containers it only shows.
VIRTUAL = "kemu.dev/virtual-containers"
# Tells the ImageKeeper what the container says.
PULL_POLICY = "kemu.dev/image-pull-policy"
QUEUE_PROXY: Json = {
    "name": "queue-proxy",
    "image": "kemu.dev/queue-proxy",
    "ports": [{"name": "queue-port", "containerPort": 8012, "protocol": "TCP"}],
}
_PREFIX = "serving.knative.dev/"
# Annotations that come and go, and are the Revision's alone.
_OWN = (ROUTES, ROUTING_STATE_MODIFIED, LACKS)
# Fields of a RevisionSpec that a PodSpec does not have.
_NOT_OF_PODS = ("containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds")


def deployment_name(revision: Resource[RevisionSpec]) -> str:
    return child_name(revision.name, "-deployment")


def image_cache_name(revision: Resource[RevisionSpec], container: Mapping[str, Any]) -> str:
    return child_name(revision.name, f"-cache-{container['name']}")


def image_caches(revision: Resource[RevisionSpec]) -> list[Json]:
    """One Image for each container, by which kemu sees to it that the image is there."""
    spec = revision.obj["spec"]
    access = {field: spec[field] for field in ("serviceAccountName", "imagePullSecrets") if spec.get(field)}
    return [
        {
            "apiVersion": "caching.internal.knative.dev/v1alpha1",
            "kind": "Image",
            "metadata": {
                "name": image_cache_name(revision, container),
                "namespace": revision.namespace,
                "annotations": {PULL_POLICY: str(container.get("imagePullPolicy", ""))},
            },
            "spec": {"image": container["image"], **access},
        }
        for container in (*spec["containers"], *spec.get("initContainers", ()))
    ]


def pod_autoscaler(
    revision: Resource[RevisionSpec], reachability: str, inherited: Mapping[str, str] = MappingProxyType({})
) -> Json:
    """`inherited` are annotations of the Configuration that count where the Revision has none of that name."""
    spec: Json = {
        "containerConcurrency": revision.obj["spec"].get("containerConcurrency", 0),
        "protocolType": protocol(revision),
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment_name(revision)},
    }
    if reachability:
        spec["reachability"] = reachability
    return {
        "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
        "kind": "PodAutoscaler",
        "metadata": {
            "name": revision.name,
            "namespace": revision.namespace,
            "labels": _labels(revision),
            "annotations": {**inherited, **{k: v for k, v in revision.annotations.items() if k not in _OWN}},
        },
        "spec": spec,
    }


def deployment_of(
    revision: Resource[RevisionSpec], replicas: int, port: int, features: Features, deadline_s: int
) -> Json:
    labels = _labels(revision)
    annotations = {
        key: value
        for key, value in revision.annotations.items()
        if key not in _OWN and not key.startswith("autoscaling.knative.dev/")
    }
    serving = serving_container_name(revision)
    pods = pod_spec(revision, port, features)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": deployment_name(revision),
            "namespace": revision.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {f"{_PREFIX}revisionUID": revision.uid}},
            "progressDeadlineSeconds": deadline_s,
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {
                        **annotations,
                        "kubectl.kubernetes.io/default-container": serving,
                        VIRTUAL: QUEUE_PROXY["name"],
                    },
                },
                "spec": {**pods, "containers": [*pods["containers"], QUEUE_PROXY]},
            },
        },
    }


def pod_spec(revision: Resource[RevisionSpec], port: int, features: Features) -> Json:
    """The PodSpec that runs the Revision, listening on `port`."""
    spec = revision.obj["spec"]
    pod: Json = {key: value for key, value in spec.items() if key not in _NOT_OF_PODS}
    pod["terminationGracePeriodSeconds"] = spec.get("timeoutSeconds", 300)
    serving = serving_container_name(revision)
    has_own_ports = features.is_enabled("multi-container-probing")
    pod["containers"] = [
        _serving_container(revision, c, port, has_own_ports) if c["name"] == serving else _container(revision, c)
        for c in spec["containers"]
    ]
    return pod


def protocol(revision: Resource[RevisionSpec]) -> str:
    """`h2c` if the port's name says so, else `http1`."""
    names = [port.get("name") for c in revision.obj["spec"]["containers"] for port in c.get("ports", ())]
    return "h2c" if "h2c" in names else "http1"


def serving_container_name(revision: Resource[RevisionSpec]) -> str:
    """The container with a port, or the only one."""
    containers = revision.obj["spec"]["containers"]
    return str(next((c["name"] for c in containers if c.get("ports")), containers[0]["name"]))


def user_port_of(revision: Resource[RevisionSpec], images: Sequence[Resource[Any] | None]) -> tuple[int, list[Note]]:
    """The port that gets the requests: the spec's, else the one that the image exposes, else 8080.

    A cluster does not look into the image; the Note says so where that makes a difference.
    """
    for container in revision.obj["spec"]["containers"]:
        if ports := container.get("ports"):
            return int(ports[0].get("containerPort") or DEFAULT_PORT), []
    image = images[0] if images else None
    exposed: list[int] = list(image.status.get("exposedPorts", ())) if image is not None else []
    if len(exposed) != 1 or exposed[0] == DEFAULT_PORT:
        return DEFAULT_PORT, []
    said = (
        f"port {exposed[0]} is taken from the image, since the spec names none; "
        f"on a cluster the function would have to listen on 8080: write ports: [{{containerPort: {exposed[0]}}}]"
    )
    return int(exposed[0]), [Note("PortFromImage", said, "Warning")]


def _labels(revision: Resource[RevisionSpec]) -> dict[str, str]:
    labels = {k: v for k, v in revision.labels.items() if k != f"{_PREFIX}routingState"}
    own = {f"{_PREFIX}revision": revision.name, f"{_PREFIX}revisionUID": revision.uid}
    return {"app": revision.name, **labels, **own}


def _container(revision: Resource[RevisionSpec], container: Json, port: int | None = None) -> Json:
    """A container with its environment, to which `port` belongs where it serves."""
    added = {} if port is None else {"PORT": str(port)}
    added |= {
        "K_REVISION": revision.name,
        "K_CONFIGURATION": revision.labels.get(f"{_PREFIX}configuration", ""),
        "K_SERVICE": revision.labels.get(f"{_PREFIX}service", ""),
    }
    env = [*container.get("env", ()), *({"name": name, "value": value} for name, value in added.items())]
    return {"terminationMessagePolicy": "FallbackToLogsOnError", **container, "env": env}


def _serving_container(revision: Resource[RevisionSpec], container: Json, port: int, has_own_ports: bool) -> Json:
    """The container that the requests go to, with its port and probes.

    The liveness probe asks that port whatever it says, unless `has_own_ports` (deploy.go, rewriteUserLivenessProbe).
    """
    filled = _container(revision, container, port)
    name = "h2c" if protocol(revision) == "h2c" else "user-port"
    filled["ports"] = [{"name": name, "containerPort": port, "protocol": "TCP"}]
    filled["readinessProbe"] = _probe(container.get("readinessProbe") or {"tcpSocket": {}}, port)
    for kind in ("livenessProbe", "startupProbe"):
        if kind in container:
            filled[kind] = _probe(container[kind], port, always=kind == "livenessProbe" and not has_own_ports)
    return filled


def _probe(probe: Json, port: int, *, always: bool = False) -> Json:
    """The probe with the user port where it names none, or `always`."""
    for handler in ("httpGet", "tcpSocket"):
        if handler in probe and (always or not probe[handler].get("port")):
            return {**probe, handler: {**probe[handler], "port": port}}
    if "grpc" in probe and not probe["grpc"].get("port"):
        return {**probe, "grpc": {**probe["grpc"], "port": port}}
    return probe
