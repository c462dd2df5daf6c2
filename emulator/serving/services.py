"""Services: one object for a Configuration and a Route, and what both of them say.

Followed: knative/serving pkg/reconciler/service (serving §1.4-1.9).
"""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.annotations import LAST_APPLIED, ROLLOUT_DURATIONS, SERVICE_LABEL, SERVICE_UID
from emulator.serving.configurations import is_revision_of
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, ServiceSpec
from emulator.serving.scaler import START


def reconcile(service: Resource[ServiceSpec], view: View) -> Outcome:
    """Reads the Service, its Configuration and Route; writes both and the status of all three together."""
    configuration = view.find(CONFIGURATION, service.name, service.namespace)
    route = view.find(ROUTE, service.name, service.namespace)
    status: Json = _carried(service)
    children = [_configuration_of(service)]
    notes = [] if configuration is not None else [Note("Created", f'Created Configuration "{service.name}"')]
    configurations_ready = _configurations_ready(service, configuration)
    if configuration is not None and configuration.is_controlled_by(service):
        status |= _revision_names(configuration)
    blocked = _route_must_wait(service, configuration, view)
    if blocked is None:
        children.append(_route_of(service))
        notes += [] if route is not None else [Note("Created", f'Created Route "{service.name}"')]
    routes_ready = blocked or _routes_ready(service, configuration, route)
    if route is not None and route.is_controlled_by(service):
        status |= {key: route.status[key] for key in ("url", "address", "traffic") if key in route.status}
    conditions, wait_s = _in_time([configurations_ready, routes_ready], service, view)
    return Outcome(conditions, status, children, notes=notes, requeue_s=wait_s)


SERVICE_RECONCILER = Reconciler(reconcile)

_NO_FAILURE_S = 0.5

_OUT_OF_DATE = "The {} is still working to reflect the latest desired specification."
_NOT_OWNED = 'There is an existing {} "{}" that we do not own.'


def _in_time(
    conditions: list[Condition], service: Resource[ServiceSpec], view: View
) -> tuple[list[Condition], float | None]:
    """The conditions, and in how many seconds to look again: a new generation's failure is not told at once.

    A client that has written reads the object and then waits for a change (kn: pkg/wait, WaitForService). On a cluster
    the controllers take longer than that; here the change would have been by then, and is waited for in vain.
    """
    wait_s = _NO_FAILURE_S - view.age_s(service)
    has_failed = any(condition.status == "False" for condition in conditions)
    if not has_failed or not 0 < wait_s <= _NO_FAILURE_S or START in service.annotations:
        return conditions, None
    words = {"ConfigurationsReady": "Configuration", "RoutesReady": "Route"}
    held = [
        Condition.unknown(c.type, "OutOfDate", _OUT_OF_DATE.format(words[c.type])) if c.status == "False" else c
        for c in conditions
    ]
    return held, wait_s


def _carried(service: Resource[ServiceSpec]) -> Json:
    keys = ("url", "address", "traffic", "latestCreatedRevisionName", "latestReadyRevisionName")
    return {key: service.status[key] for key in keys if key in service.status}


def _revision_names(configuration: Resource[Any]) -> Json:
    keys = ("latestCreatedRevisionName", "latestReadyRevisionName")
    return {key: configuration.status[key] for key in keys if key in configuration.status}


def _configurations_ready(service: Resource[ServiceSpec], configuration: Resource[Any] | None) -> Condition:
    type_ = "ConfigurationsReady"
    if configuration is not None and not configuration.is_controlled_by(service):
        return Condition.false(type_, "NotOwned", _NOT_OWNED.format("Configuration", service.name))
    if configuration is None or not _is_caught_up(service, configuration):
        return Condition.unknown(type_, "OutOfDate", _OUT_OF_DATE.format("Configuration"))
    return Condition.read(configuration.condition("Ready"), type_)


def _routes_ready(
    service: Resource[ServiceSpec], configuration: Resource[Any] | None, route: Resource[Any] | None
) -> Condition:
    type_ = "RoutesReady"
    if route is not None and not route.is_controlled_by(service):
        return Condition.false(type_, "NotOwned", _NOT_OWNED.format("Route", service.name))
    if route is None or not _carries_traffic(service, route):
        return Condition.unknown(type_, "OutOfDate", _OUT_OF_DATE.format("Route"))
    ready = Condition.read(route.condition("Ready"), type_)
    if ready.status == "True" and not _is_migrated(route, configuration):
        return Condition.unknown(type_, "TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.")
    return ready


def _is_caught_up(service: Resource[ServiceSpec], configuration: Resource[Any]) -> bool:
    """Whether the Configuration carries this Service's template and its status speaks of it."""
    return (
        "observedGeneration" in configuration.status
        and configuration.is_observed
        and configuration.obj["spec"].get("template") == service.obj["spec"].get("template")
    )


def _carries_traffic(service: Resource[ServiceSpec], route: Resource[Any]) -> bool:
    """Whether the Route has this Service's traffic and its status speaks of it."""
    return (
        "observedGeneration" in route.status
        and route.is_observed
        and bool(route.obj["spec"].get("traffic") == _traffic_of(service))
    )


def _is_migrated(route: Resource[Any], configuration: Resource[Any] | None) -> bool:
    """Whether the Route's status gives every target of its spec its share (service.go, checkRoutesNotReady)."""
    latest = configuration.status.get("latestReadyRevisionName") if configuration else None
    wanted = [
        (target.get("revisionName") or latest, target.get("percent") or 0) for target in route.obj["spec"]["traffic"]
    ]
    given = [(target["revisionName"], target.get("percent") or 0) for target in route.status.get("traffic", ())]
    return wanted == given


def _route_must_wait(
    service: Resource[ServiceSpec], configuration: Resource[Any] | None, view: View
) -> Condition | None:
    """With a name given for the Revision, the Route follows only once that Revision is known to be ours."""
    name = (service.obj["spec"]["template"].get("metadata") or {}).get("name")
    if not name:
        return None
    if configuration is None or not _is_caught_up(service, configuration):
        return Condition.unknown("RoutesReady", "OutOfDate", _OUT_OF_DATE.format("Route"))
    revision = view.find(REVISION, name, service.namespace)
    if revision is not None and not is_revision_of(revision, configuration):
        said = f'The revision name "{name}" is taken by a conflicting Revision, so traffic will not be migrated'
        return Condition.false("RoutesReady", "RevisionNameTaken", said)
    return None


def _configuration_of(service: Resource[ServiceSpec]) -> Json:
    own = {SERVICE_LABEL: service.name, SERVICE_UID: service.uid}
    hidden = (LAST_APPLIED, *ROLLOUT_DURATIONS)
    return {
        "apiVersion": CONFIGURATION.api_version,
        "kind": CONFIGURATION.name,
        "metadata": {
            "name": service.name,
            "namespace": service.namespace,
            "labels": {**service.labels, **own},
            "annotations": {k: v for k, v in service.annotations.items() if k not in hidden},
        },
        "spec": {"template": service.obj["spec"]["template"]},
    }


def _route_of(service: Resource[ServiceSpec]) -> Json:
    return {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.name,
        "metadata": {
            "name": service.name,
            "namespace": service.namespace,
            "labels": {**service.labels, SERVICE_LABEL: service.name},
            "annotations": {k: v for k, v in service.annotations.items() if k != LAST_APPLIED},
        },
        "spec": {"traffic": _traffic_of(service)},
    }


def _traffic_of(service: Resource[ServiceSpec]) -> list[Json]:
    return [
        target if target.get("revisionName") else {**target, "configurationName": service.name}
        for target in service.obj["spec"]["traffic"]
    ]
