"""Routes: which Revisions a name leads to, in which shares. Their Ingresses are what routes (ingresstable.py).

Followed: knative/serving pkg/reconciler/route (serving §1.8, 1.9, 2.8, 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.lib.durations import SECOND
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.resource import Key, Resource
from emulator.serving.annotations import NAMESPACE
from emulator.serving.features import Features
from emulator.serving.hostnames import VISIBILITY, BadTemplate, HostNames
from emulator.serving.ingresses import INGRESS
from emulator.serving.kinds import CONFIGURATION, REVISION, RouteSpec
from emulator.serving.networkconfig import CONFIG, BadProtocol, http_option, ingress_class, rollout_s
from emulator.serving.rollouts import ROLLOUT, Shift, next_due, read, stepped
from emulator.serving.routeingress import Routing, ingress_of, placeholder
from emulator.serving.routetargets import ASSIGNED, Target, goals, tags_of, targets_of, traffic

CORE_SERVICE = ("", "Service")


def reconcile(route: Resource[RouteSpec], view: View) -> Outcome:
    """Reads the Route and what its traffic names; writes placeholder Services, Ingress, traffic, url and address."""
    try:
        names = _names(route, view)
        status = {"url": names.url(), "address": {"url": names.address}}
        targets = targets_of(route, view)
        if isinstance(targets, Condition):
            return _unassigned(route, view, targets, status)
        return _assigned(route, view, names, targets)
    except BadTemplate as bad:
        return _unassigned(route, view, Condition.false(ASSIGNED, "ErrorConfig", str(bad)), {})


def _names(route: Resource[RouteSpec], view: View) -> HostNames:
    """The Route's names; a placeholder Service may have a label that hides its own (visibility.go)."""
    names = HostNames.of(route, view.config(CONFIG, NAMESPACE), view.config("config-domain", NAMESPACE), view.addresses)
    hidden = {each.name for each in _placeholders(route, view) if each.labels.get(VISIBILITY) == "cluster-local"}
    tags = {str(entry.get("tag") or "") for entry in route.obj["spec"].get("traffic", ())}
    return names.hiding([tag for tag in ("", *tags) if names.label(tag) in hidden]) if hidden else names


def _unassigned(route: Resource[RouteSpec], view: View, why: Condition, status: Json) -> Outcome:
    """Everything stays as it was, but for what is said of it."""
    kept = {key: route.status[key] for key in ("traffic", "url", "address") if key in route.status}
    conditions = [why, Condition.unknown("CertificateProvisioned"), _NOT_CONFIGURED]
    return Outcome(conditions, {**kept, **status}, keeps=[service.key for service in _placeholders(route, view)])


def _assigned(route: Resource[RouteSpec], view: View, names: HostNames, targets: Sequence[Target]) -> Outcome:
    network, now = view.config(CONFIG, NAMESPACE), int(view.now.timestamp() * SECOND)
    ingress = view.find(INGRESS, route.name, route.namespace)
    before = read(ingress.annotations.get(ROLLOUT, "")) if ingress is not None else []
    shifts = stepped(goals(targets), before, rollout_s(route.annotations, network), now)
    present = {service.name: service for service in _placeholders(route, view)}
    labels = [names.label(tag) for tag in tags_of(targets)]
    children = [placeholder(route, label, present) for label in labels]
    notes = [Note("Created", f'Created placeholder service "{label}"') for label in labels if label not in present]
    try:
        children.append(ingress_of(route, _routing(route, view, (names, targets, shifts))))
        notes += [] if ingress is not None else [Note("Created", f'Created Ingress "{route.name}"')]
        ready = _strangers(route, labels, view) or _ingress_ready(shifts)
    except BadProtocol as bad:
        notes, ready = [Note("InternalError", str(bad), "Warning")], _NOT_CONFIGURED
    said = "TLS is not enabled for cluster-local" if names.is_private() else "external-domain-tls is not enabled"
    conditions = [Condition.true(ASSIGNED), Condition.true("CertificateProvisioned", "TLSNotEnabled", said), ready]
    shown = [_with_url(entry, names) for entry in traffic(targets, shifts)]
    status = {"traffic": shown, "url": names.url(), "address": {"url": names.address}}
    due = next_due(shifts)
    wait_s = None if due is None else max(0.0, (due - now) / SECOND)
    return Outcome(conditions, status, children, notes=notes, requeue_s=wait_s)


def _routing(
    route: Resource[RouteSpec], view: View, found: tuple[HostNames, Sequence[Target], Sequence[Shift]]
) -> Routing:
    network = view.config(CONFIG, NAMESPACE)
    return Routing(
        *found,
        http_option=http_option(route.annotations, network),
        ingress_class=ingress_class(route.annotations, network),
        reads_tag_header=Features(view.config("config-features", NAMESPACE)).is_enabled("tag-header-based-routing"),
    )


def _ingress_ready(shifts: Sequence[Shift]) -> Condition:
    """The Ingress routes as soon as it is written, so only a rollout is still to be waited for."""
    if all(shift.is_done for shift in shifts):
        return Condition.true("IngressReady")
    said = "A gradual rollout of the latest revision(s) is in progress."
    return Condition.unknown("IngressReady", "RolloutInProgress", said)


def _strangers(route: Resource[RouteSpec], labels: Sequence[str], view: View) -> Condition | None:
    """What has the name of something of the Route's, and is another's."""
    ingress = view.find(INGRESS, route.name, route.namespace)
    if ingress is not None and not ingress.is_controlled_by(route):
        said = f'There is an existing Ingress "{route.name}" that we do not own.'
        return Condition.false("IngressReady", "NotOwned", said)
    kind = view.registry.of_group(*CORE_SERVICE)
    for label in labels if kind is not None else ():
        service = view.find(kind, label, route.namespace) if kind is not None else None
        if service is not None and not service.is_controlled_by(route):
            said = f'There is an existing placeholder Service "{label}" that we do not own.'
            return Condition.false("IngressReady", "NotOwned", said)
    return None


def _with_url(entry: Json, names: HostNames) -> Json:
    return {**entry, "url": names.url(entry["tag"])} if "tag" in entry else entry


def _placeholders(route: Resource[RouteSpec], view: View) -> list[Resource[Any]]:
    """Those that there are."""
    kind = view.registry.of_group(*CORE_SERVICE)
    return view.children(kind, route) if kind is not None else []


_NOT_CONFIGURED = Condition.unknown("IngressReady", "IngressNotConfigured", "Ingress has not yet been reconciled.")


def referenced(route: Resource[RouteSpec]) -> Iterator[Key]:
    """The Revisions and Configurations that the Route names in spec or status: who is routed to."""
    entries: tuple[Mapping[str, Any], ...] = (*route.obj["spec"].get("traffic", ()), *route.status.get("traffic", ()))
    for target in entries:
        if name := target.get("revisionName"):
            yield Key(REVISION, route.namespace, name)
        if name := target.get("configurationName"):
            yield Key(CONFIGURATION, route.namespace, name)


ROUTE_RECONCILER = Reconciler(reconcile, prunes=(CORE_SERVICE,), references=referenced)
