"""ApiServerSources: events about what happens to objects. The kind, and how one stands; `objects.py` does the sending.

Reads an ApiServerSource, its sink and the namespaces it selects, writes its status. There is no adapter Deployment here
and no RBAC: whoever runs kemu may read everything, so permissions always suffice. Followed: knative/eventing
pkg/apis/sources/v1/apiserver_*.go, pkg/reconciler/apiserversource (eventing §8.4).
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.control.resolver import Unresolved, resolve
from emulator.eventing import filters
from emulator.eventing.brokers import IDENTITY_CREATED
from emulator.eventing.defaults import NAMESPACE
from emulator.eventing.kinds import CloudEventOverrides, eventing_kind, source_problems
from emulator.objects.conditions import Condition
from emulator.objects.kind import AGE, READY, REASON, Column, Json, Kind, Request
from emulator.objects.model import JsonObject, Model, ignored
from emulator.objects.problems import Problem, invalid_value, missing, under
from emulator.objects.refs import Destination
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector

SOURCE = "https://kubernetes.default.svc"
"""The attribute `source`: where a cluster's API server is for its Pods."""
_TYPES = {
    "Reference": tuple(f"dev.knative.apiserver.ref.{what}" for what in ("add", "update", "delete")),
    "Resource": tuple(f"dev.knative.apiserver.resource.{what}" for what in ("add", "update", "delete")),
}
_FILTERS_FEATURE = "new-apiserversource-filters"


class WatchedKind(Model):
    api_version: str = ""
    kind: str = ""
    selector: LabelSelector | None = None


class OwnerKind(Model):
    api_version: str = ""
    kind: str = ""


class ApiServerSourceSpec(Model):
    sink: Destination | None = None
    ce_overrides: CloudEventOverrides | None = None
    resources: list[WatchedKind] = Field(default_factory=list)
    owner: OwnerKind | None = None
    mode: str = ""
    service_account_name: str | None = ignored("there is no RBAC: every object may be read")
    namespace_selector: LabelSelector | None = None
    filters: list[JsonObject] | None = None


def event_type(source: Resource[ApiServerSourceSpec], change: str) -> str:
    """The type of the event for a change that is ADDED, MODIFIED or DELETED."""
    add, update, delete = _TYPES[source.spec.mode]
    return {"ADDED": add, "MODIFIED": update, "DELETED": delete}[change]


def _default(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    spec["mode"] = spec.get("mode") or "Reference"
    spec["serviceAccountName"] = spec.get("serviceAccountName") or "default"


def _validate(source: Resource[ApiServerSourceSpec], request: Request) -> Iterator[Problem]:
    spec = source.spec
    if spec.mode not in _TYPES:
        yield invalid_value(spec.mode, "spec", "mode")
    yield from source_problems(spec.sink, spec.ce_overrides)
    if not spec.resources:
        yield missing("spec", "resources")
    for index, watched in enumerate(spec.resources):
        yield from under(_kind_problems(watched), "spec", "resources", index)
    if spec.owner is not None:
        yield from under(_kind_problems(spec.owner), "spec", "owner")
    features = request.config("config-features", NAMESPACE)
    if spec.filters and features.get(_FILTERS_FEATURE, "disabled").lower() != "enabled":
        yield Problem(("spec", "filters"), "Filters is not empty but the NewAPIServerFilters feature is disabled.")
    else:
        yield from under(filters.problems_of(source.obj["spec"]), "spec")


def _kind_problems(named: WatchedKind | OwnerKind) -> Iterator[Problem]:
    if named.api_version.count("/") > 1:
        yield invalid_value(named.api_version, "apiVersion")
    if not named.kind.strip():
        yield missing("kind")


API_SERVER_SOURCE: Kind[ApiServerSourceSpec] = eventing_kind(
    "sources",
    "ApiServerSource",
    "apiserversources",
    (),
    "sources",
    spec=ApiServerSourceSpec,
    default=_default,
    validate=_validate,
    columns=(Column("Sink", lambda r: r.status.get("sinkUri", "")), AGE, READY, REASON),
)


def reconcile(source: Resource[ApiServerSourceSpec], view: View) -> Outcome:
    assert source.spec.sink is not None
    attributes = [{"type": type_, "source": SOURCE} for type_ in _TYPES[source.spec.mode]]
    status: Json = {"namespaces": _namespaces(source, view), "ceAttributes": attributes}
    try:
        status["sinkUri"] = resolve(source.spec.sink, source.namespace, view)
        sink = Condition.true("SinkProvided")
    except Unresolved as fault:
        sink = Condition.false("SinkProvided", "NotFound", str(fault))
    return Outcome([sink, _deployed(source, view), Condition.true("SufficientPermissions"), IDENTITY_CREATED], status)


def _namespaces(source: Resource[ApiServerSourceSpec], view: View) -> list[str]:
    """Those that are watched: its own, or as its selector says; [""] for an empty selector, which means all."""
    wanted = source.spec.namespace_selector
    if wanted is None:
        return [source.namespace]
    kind = view.registry.of("v1", "Namespace")
    if wanted.is_empty or kind is None:
        return [""]
    return [namespace.name for namespace in view.list(kind, selector=wanted.selector())]


def _deployed(source: Resource[ApiServerSourceSpec], view: View) -> Condition:
    """On a cluster the adapter of a source that watches an unknown kind does not get ready."""
    for watched in source.spec.resources:
        if view.registry.of(watched.api_version, watched.kind) is None:
            said = f'no matches for kind "{watched.kind}" in version "{watched.api_version}"'
            return Condition.false("Deployed", "ResourceNotFound", said)
    return Condition.true("Deployed")


API_SERVER_SOURCE_RECONCILER = Reconciler(reconcile)
