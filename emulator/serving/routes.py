"""Routes: which Revisions a name leads to, in which shares. The host table is made of their status (backends.py).

Followed: knative/serving pkg/reconciler/route (serving §1.8, 1.9, 2.8, 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.resource import Key, Resource
from emulator.serving.annotations import NAMESPACE, ROUTE_LABEL, SERVICE_LABEL
from emulator.serving.hostnames import VISIBILITY, BadTemplate, HostNames
from emulator.serving.kinds import CONFIGURATION, REVISION, RouteSpec
from emulator.settings import CLUSTER_DOMAIN


@dataclass(frozen=True)
class _Target:
    """One resolved entry of spec.traffic, or what keeps it from being one."""

    status: Json | None
    fault: Condition | None = None


def reconcile(route: Resource[RouteSpec], view: View) -> Outcome:
    """Reads the Route and what its traffic names; writes placeholder Services, status.traffic, url and address."""
    network, domains = view.config("config-network", NAMESPACE), view.config("config-domain", NAMESPACE)
    try:
        return _assigned(route, HostNames.of(route, network, domains, view.addresses), view)
    except BadTemplate as bad:
        kept = {key: route.status[key] for key in ("traffic", "url", "address") if key in route.status}
        unknown = Condition.unknown("CertificateProvisioned")
        conditions = [Condition.false(_ASSIGNED, "ErrorConfig", str(bad)), unknown, _NOT_CONFIGURED]
        return Outcome(conditions, kept, keeps=[service.key for service in _placeholders(route, view)])


def _assigned(route: Resource[RouteSpec], names: HostNames, view: View) -> Outcome:
    status: Json = {"traffic": route.status.get("traffic", [])}
    status |= {"url": names.url(), "address": {"url": names.address}}
    targets = [_resolve(route, target, names, view) for target in route.obj["spec"].get("traffic", ())]
    faults = [t.fault for t in targets if t.fault is not None]
    if faults:
        worst = next((f for f in faults if f.status == "False"), faults[0])
        conditions = [worst, Condition.unknown("CertificateProvisioned"), _NOT_CONFIGURED]
        return Outcome(
            conditions, _without_empty(status), keeps=[service.key for service in _placeholders(route, view)]
        )
    status["traffic"] = [t.status for t in targets if t.status is not None]
    said = "TLS is not enabled for cluster-local" if names.is_private else "external-domain-tls is not enabled"
    conditions = [
        Condition.true("AllTrafficAssigned"),
        Condition.true("CertificateProvisioned", "TLSNotEnabled", said),
        Condition.true("IngressReady"),
    ]
    tags = dict.fromkeys(("", *(target.get("tag", "") for target in status["traffic"])))
    present = {service.name: service for service in _placeholders(route, view)}
    labels = [names.label(tag) for tag in tags]
    return Outcome(conditions, status, [_placeholder(route, label, present.get(label)) for label in labels])


def _placeholders(route: Resource[RouteSpec], view: View) -> list[Resource[Any]]:
    """Those that there are."""
    kind = view.registry.of_group(*CORE_SERVICE)
    return view.children(kind, route) if kind is not None else []


def _placeholder(route: Resource[RouteSpec], name: str, present: Resource[Any] | None) -> Json:
    """The core Service that holds a name of the Route, and leads to the ingress (route/resources/service.go).

    It gets the Route's labels and annotations, and keeps those that the Route has lost (reconcile_resources.go).
    """
    labels = {key: value for key, value in route.labels.items() if key != VISIBILITY}
    kept = (present.labels, present.annotations) if present is not None else ({}, {})
    port = {"name": "http2", "appProtocol": "kubernetes.io/h2c", "port": 80, "targetPort": 80}
    return {
        "apiVersion": "v1",
        "kind": CORE_SERVICE[1],
        "metadata": {
            "name": name,
            "namespace": route.namespace,
            "labels": {**kept[0], **labels, ROUTE_LABEL: route.name},
            "annotations": {**kept[1], **route.annotations},
        },
        "spec": {"type": "ExternalName", "externalName": _INGRESS, "sessionAffinity": "None", "ports": [port]},
    }


_NOT_CONFIGURED = Condition.unknown("IngressReady", "IngressNotConfigured", "Ingress has not yet been reconciled.")


def referenced(route: Resource[RouteSpec]) -> Iterator[Key]:
    """The Revisions and Configurations that the Route names in spec or status: who is routed to."""
    for target in (*route.obj["spec"].get("traffic", ()), *route.status.get("traffic", ())):
        if name := target.get("revisionName"):
            yield Key(REVISION, route.namespace, name)
        if name := target.get("configurationName"):
            yield Key(CONFIGURATION, route.namespace, name)


CORE_SERVICE = ("", "Service")
_INGRESS = f"kourier-internal.kourier-system.svc.{CLUSTER_DOMAIN}"
ROUTE_RECONCILER = Reconciler(reconcile, prunes=(CORE_SERVICE,), references=referenced)


def _without_empty(status: Json) -> Json:
    return {key: value for key, value in status.items() if value}


def _resolve(route: Resource[RouteSpec], target: Json, names: HostNames, view: View) -> _Target:
    if name := target.get("configurationName"):
        found = _latest_of(route, name, view)
    else:
        found = _named(route, target["revisionName"], view)
    if isinstance(found, Condition):
        return _Target(None, found)
    status: Json = {"latestRevision": bool(target.get("configurationName")), "percent": target.get("percent") or 0}
    status["revisionName"] = found
    if tag := target.get("tag"):
        status |= {"tag": tag, "url": names.url(tag)}
    return _Target(status)


def _latest_of(route: Resource[RouteSpec], name: str, view: View) -> str | Condition:
    configuration = view.find(CONFIGURATION, name, route.namespace)
    if configuration is None:
        said = f'Configuration "{name}" referenced in traffic not found.'
        return Condition.false(_ASSIGNED, "ConfigurationMissing", said)
    ready = configuration.status.get("latestReadyRevisionName")
    if ready:
        return str(ready)
    if configuration.has_failed:
        return Condition.false(_ASSIGNED, _MISSING, f'Configuration "{name}" does not have any ready Revision.')
    return Condition.unknown(_ASSIGNED, _MISSING, f'Configuration "{name}" is waiting for a Revision to become ready.')


def _named(route: Resource[RouteSpec], name: str, view: View) -> str | Condition:
    revision = view.find(REVISION, name, route.namespace)
    if revision is None:
        return Condition.false(_ASSIGNED, _MISSING, f'Revision "{name}" referenced in traffic not found.')
    if (stranger := _stranger(route, revision)) is not None:
        return stranger
    if revision.has_failed:
        return Condition.false(_ASSIGNED, _MISSING, f'Revision "{name}" failed to become ready.')
    if not revision.is_ready:
        return Condition.unknown(_ASSIGNED, _MISSING, f'Revision "{name}" is not yet ready.')
    return name


_ASSIGNED, _MISSING = "AllTrafficAssigned", "RevisionMissing"


def _stranger(route: Resource[RouteSpec], revision: Resource[Any]) -> Condition | None:
    """A Service's Route only leads to that Service's Revisions."""
    service, other = route.labels.get(SERVICE_LABEL), revision.labels.get(SERVICE_LABEL)
    if not service or other == service or route.controller is None:
        return None
    said = f'Revision "{revision.name}" does not belong to Service "{service}".'
    if other:
        said = f'Revision "{revision.name}" belongs to Service "{other}", not Service "{service}".'
    return Condition.false(_ASSIGNED, "RevisionNotOwned", said)
