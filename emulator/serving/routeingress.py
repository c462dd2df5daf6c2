"""What a Route is made of: its Ingress, and the core Services that hold its names; as JSON.

Pure. The Ingress has a rule for each name, the cluster-local ones together, with the split that holds there. Besides
the names that a cluster would give it, it has those of `settings.ALSO_DOMAINS`. Called by routes.py. Followed:
knative/serving pkg/reconciler/route/resources/{ingress,service}.go (serving §1.2, 4.1, 4.4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.annotations import LAST_APPLIED, ROUTE_LABEL
from emulator.serving.hostnames import VISIBILITY, HostNames
from emulator.serving.ingresses import EXTERNAL, INGRESS, INTERNAL_GATEWAY, LOCAL
from emulator.serving.kinds import RouteSpec
from emulator.serving.networkconfig import INGRESS_CLASS
from emulator.serving.rollouts import ROLLOUT, Shift, written
from emulator.serving.routetargets import Parts, Target, parts, tags_of

TAG_HEADER, DEFAULT_HEADER = "Knative-Serving-Tag", "Knative-Serving-Default-Route"
REVISION_HEADER, NAMESPACE_HEADER = "Knative-Serving-Revision", "Knative-Serving-Namespace"
TAG_TO_HOST = "networking.internal.knative.dev/tag-to-host"
_ROUTE_NAMESPACE = "serving.knative.dev/routeNamespace"
EXCLUDED = (LAST_APPLIED, "networking.knative.dev/certificate-class", "networking.knative.dev/ingress-class")
HTTP_PORT = 80


@dataclass(frozen=True)
class Routing:
    """All that an Ingress says: who gets requests under which names, and how."""

    names: HostNames
    targets: Sequence[Target]
    shifts: Sequence[Shift]
    http_option: str
    ingress_class: str
    reads_tag_header: bool


def ingress_of(route: Resource[RouteSpec], routing: Routing) -> Json:
    """The Route's Ingress."""
    tags = tags_of(routing.targets)
    rules = [rule for tag in sorted(tags) for rule in _rules(tag, sorted(tags)[1:], routing, route.namespace)]
    annotations = {INGRESS_CLASS: routing.ingress_class, ROLLOUT: written(routing.shifts)}
    annotations |= {key: value for key, value in route.annotations.items() if key not in EXCLUDED}
    if hosts := {tag: _first_names(routing.names, tag) for tag in tags if tag}:
        annotations[TAG_TO_HOST] = json.dumps(hosts, sort_keys=True, separators=(",", ":"))
    spec: Json = {"rules": rules}
    return {
        "apiVersion": INGRESS.api_version,
        "kind": INGRESS.name,
        "metadata": {
            "name": route.name,
            "namespace": route.namespace,
            "labels": {**route.labels, ROUTE_LABEL: route.name, _ROUTE_NAMESPACE: route.namespace},
            "annotations": annotations,
        },
        "spec": {**spec, "httpOption": routing.http_option} if routing.http_option else spec,
    }


def _first_names(names: HostNames, tag: str) -> list[str]:
    return [names.internal(tag)[0], *names.public(tag)[:1]]


def _rules(tag: str, others: Sequence[str], routing: Routing, namespace: str) -> list[Json]:
    """The rules for one tag's names: one for the cluster-local ones, one for each public one."""
    path = _path(parts(routing.targets, tag, routing.shifts), namespace)
    paths = [path]
    if routing.reads_tag_header and tag:
        path["appendHeaders"] = {TAG_HEADER: tag}
    elif routing.reads_tag_header:
        path["appendHeaders"] = {DEFAULT_HEADER: "true"}
        paths = [*(_tagged_path(other, routing, namespace) for other in others), path]
    hosts = [(sorted(routing.names.internal(tag)), LOCAL), *(([host], EXTERNAL) for host in routing.names.public(tag))]
    return [{"hosts": names, "visibility": seen, "http": {"paths": paths}} for names, seen in hosts]


def _tagged_path(tag: str, routing: Routing, namespace: str) -> Json:
    path = _path(parts(routing.targets, tag, routing.shifts), namespace)
    return {**path, "headers": {TAG_HEADER: {"exact": tag}}}


def _path(shares: Parts, namespace: str) -> Json:
    return {"splits": [_split(revision, percent, namespace) for revision, percent in shares]}


def _split(revision: str, percent: int, namespace: str) -> Json:
    return {
        "serviceName": revision,
        "serviceNamespace": namespace,
        "servicePort": HTTP_PORT,
        "percent": percent,
        "appendHeaders": {REVISION_HEADER: revision, NAMESPACE_HEADER: namespace},
    }


def placeholder(route: Resource[RouteSpec], name: str, present: Mapping[str, Resource[Any]]) -> Json:
    """The core Service that holds a name of the Route, and leads to the ingress.

    It gets the Route's labels and annotations, and keeps those of the one that is `present` by that name
    (reconcile_resources.go).
    """
    labels = {key: value for key, value in route.labels.items() if key != VISIBILITY}
    before = present.get(name)
    kept = (before.labels, before.annotations) if before is not None else ({}, {})
    port = {"name": "http2", "appProtocol": "kubernetes.io/h2c", "port": HTTP_PORT, "targetPort": HTTP_PORT}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": route.namespace,
            "labels": {**kept[0], **labels, ROUTE_LABEL: route.name},
            "annotations": {**kept[1], **route.annotations},
        },
        "spec": {"type": "ExternalName", "externalName": INTERNAL_GATEWAY, "sessionAffinity": "None", "ports": [port]},
    }
