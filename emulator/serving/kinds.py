"""The kinds Service, Configuration, Revision and Route: models, defaults, rules and columns.

Their reconcilers are in services.py, configurations.py, revisions.py and routes.py, which all need each other's kinds.
Followed: knative/serving pkg/apis/serving/v1 and config/core/300-resources (serving §1.1, §1.10, §2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.objects.kind import READY, REASON, Column, Json, Kind, Request
from emulator.objects.model import Model
from emulator.objects.names import dns1035_faults
from emulator.objects.problems import Problem, disallowed, invalid_value, under
from emulator.objects.resource import Resource
from emulator.serving.annotations import (
    CONFIGURATION_LABEL,
    GENERATION,
    GROUP,
    NAMESPACE,
    SERVICE_LABEL,
    WEBHOOK,
    name_problems,
    object_problems,
    own_problems,
    owner_label_problems,
    rollout_problems,
    rouse,
    sign,
    template_problems,
)
from emulator.serving.autoscalerconfig import AutoscalerConfig, InvalidConfig
from emulator.serving.features import Features
from emulator.serving.revisionrules import problems_of
from emulator.serving.revisionspec import RevisionSpec, RevisionTemplate, set_defaults
from emulator.serving.scalespec import validate_annotations
from emulator.serving.traffic import TrafficTarget, complete_targets, set_traffic_defaults, traffic_problems


class ServiceSpec(Model):
    template: RevisionTemplate
    traffic: list[TrafficTarget] = Field(default_factory=list)


class ConfigurationSpec(Model):
    template: RevisionTemplate


class RouteSpec(Model):
    traffic: list[TrafficTarget] = Field(default_factory=list)


# -- defaults


def _default_service(obj: Json, request: Request) -> None:
    _default_template(obj, request)
    set_traffic_defaults(obj["spec"])
    sign(obj, request)
    rouse(obj, request)


def _default_configuration(obj: Json, request: Request) -> None:
    _default_template(obj, request)
    if not _has_controller(obj):
        sign(obj, request)
        rouse(obj, request)


def _default_template(obj: Json, request: Request) -> None:
    template = obj["spec"]["template"]
    template.setdefault("metadata", {})
    # With a name that stays the template does too: new defaults must not make another Revision of it. What differs
    # from the stored one may be a document that was never completed.
    old = request.old.obj["spec"]["template"] if request.old is not None else {}
    name = (template["metadata"] or {}).get("name")
    if name and name == (old.get("metadata") or {}).get("name") and template["spec"] == old["spec"]:
        return
    _complete(template["spec"], obj, request)


def _default_revision(obj: Json, request: Request) -> None:
    if request.old is None:
        _complete(obj["spec"], obj, request)


def _complete(spec: Json, holder: Json, request: Request) -> None:
    set_defaults(spec, request.config("config-defaults", NAMESPACE), _features(request), holder["metadata"])


def _features(request: Request) -> Features:
    return Features(request.config("config-features", NAMESPACE))


def _default_route(obj: Json, request: Request) -> None:
    complete_targets(obj["spec"].setdefault("traffic", []))
    if not _has_controller(obj):
        sign(obj, request)


def _has_controller(obj: Json) -> bool:
    return any(r.get("controller") for r in obj["metadata"].get("ownerReferences") or ())


# -- rules


def _validate_service(service: Resource[ServiceSpec], request: Request) -> Iterator[Problem]:
    yield from object_problems(service, request)
    yield from own_problems(service)
    yield from rollout_problems(service)
    yield from _template_problems(service, request)
    yield from under(traffic_problems(service.spec.traffic, is_service=True), "spec")


def _validate_configuration(configuration: Resource[ConfigurationSpec], request: Request) -> Iterator[Problem]:
    yield from object_problems(configuration, request)
    yield from own_problems(configuration)
    yield from owner_label_problems(configuration, SERVICE_LABEL, "Service")
    yield from _template_problems(configuration, request)


def _validate_revision(revision: Resource[RevisionSpec], request: Request) -> Iterator[Problem]:
    yield from name_problems(revision)
    yield from owner_label_problems(revision, CONFIGURATION_LABEL, "Configuration")
    faults = validate_annotations(revision.annotations, _autoscaler(request))
    yield from under(faults, "metadata", "annotations")
    if request.old is not None and request.old.obj["spec"] != revision.obj["spec"]:
        yield Problem(("spec",), "Immutable fields changed (-old +new)", details=_difference(request.old, revision))
    elif request.old is None:
        yield from under(_spec_problems(revision.spec, revision.obj["spec"], request), "spec")


def _validate_route(route: Resource[RouteSpec], request: Request) -> Iterator[Problem]:
    yield from object_problems(route, request)
    yield from rollout_problems(route)
    yield from owner_label_problems(route, SERVICE_LABEL, "Service")
    yield from under(traffic_problems(route.spec.traffic, is_service=False), "spec")


def _template_problems(parent: Resource[Any], request: Request) -> Iterator[Problem]:
    template: RevisionTemplate = parent.spec.template
    yield from under(
        _spec_problems(template.spec, parent.obj["spec"]["template"]["spec"], request), "spec", "template", "spec"
    )
    metadata = template.metadata
    if metadata is None:
        return
    path = ("spec", "template", "metadata")
    faults = [
        *validate_annotations(metadata.annotations, _autoscaler(request)),
        *template_problems(metadata.annotations),
    ]
    yield from under(faults, *path, "annotations")
    if metadata.name:
        yield from _given_name_problems(parent, metadata.name, request)


def _given_name_problems(parent: Resource[Any], name: str, request: Request) -> Iterator[Problem]:
    """A name that the user gives to the Revision (serving §1.6)."""
    path = ("spec", "template", "metadata", "name")
    if faults := dns1035_faults(name):
        yield invalid_value(f"not a DNS 1035 label: [{' '.join(faults)}]", *path)
    elif parent.metadata.get("generateName") and request.old is None:
        yield disallowed(*path)
    elif not name.startswith(f"{parent.name}-"):
        yield invalid_value(f'"{name}" must have prefix "{parent.name}-"', *path)
    if request.old is None:
        return
    before, after = request.old.obj["spec"]["template"], parent.obj["spec"]["template"]
    if (before.get("metadata") or {}).get("name") == name and before != after:
        said = "Saw the following changes without a name change (-old +new)"
        yield Problem(path, said, details=_difference(request.old, parent))


def _spec_problems(spec: RevisionSpec, raw: Json, request: Request) -> Iterator[Problem]:
    yield from problems_of(spec, raw, request.config("config-defaults", NAMESPACE), _features(request))


def _autoscaler(request: Request) -> AutoscalerConfig | None:
    try:
        return AutoscalerConfig.of(request.config("config-autoscaler", NAMESPACE))
    except InvalidConfig:
        return None


def _difference(old: Resource[Any], new: Resource[Any]) -> str:
    """The values that differ, a path a line, old and new."""
    lines = [
        f"{{{path}}}:\n\t-: {json.dumps(before)}\n\t+: {json.dumps(after)}"
        for path, before, after in _changes(old.obj, new.obj, "")
    ]
    return "\n".join(line for line in lines if not line.startswith(("{.metadata", "{.status")))


def _changes(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _changes(old.get(key), new.get(key), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(before, after, f"{path}[{index}]")
    elif old != new:
        yield path, old, new


# -- columns


def _status(field: str) -> Column:
    headers = {"url": "URL", "latestCreatedRevisionName": "LatestCreated", "latestReadyRevisionName": "LatestReady"}
    return Column(headers[field], lambda r: r.status.get(field, ""))


_LATEST = (_status("latestCreatedRevisionName"), _status("latestReadyRevisionName"))

SERVICE = Kind(
    group=GROUP,
    version="v1",
    name="Service",
    plural="services",
    spec=ServiceSpec,
    short_names=("kservice", "ksvc"),
    categories=("all", "knative", "serving"),
    webhook=WEBHOOK,
    default=_default_service,
    validate=_validate_service,
    columns=(_status("url"), *_LATEST, READY, REASON),
)
CONFIGURATION = Kind(
    group=GROUP,
    version="v1",
    name="Configuration",
    plural="configurations",
    spec=ConfigurationSpec,
    short_names=("config", "cfg"),
    categories=("all", "knative", "serving"),
    webhook=WEBHOOK,
    default=_default_configuration,
    validate=_validate_configuration,
    columns=(*_LATEST, READY, REASON),
)
REVISION = Kind(
    group=GROUP,
    version="v1",
    name="Revision",
    plural="revisions",
    spec=RevisionSpec,
    short_names=("rev",),
    categories=("all", "knative", "serving"),
    webhook=WEBHOOK,
    default=_default_revision,
    validate=_validate_revision,
    columns=(
        Column("Config Name", lambda r: r.labels.get(CONFIGURATION_LABEL, "")),
        Column("Generation", lambda r: r.labels.get(GENERATION, "")),
        READY,
        REASON,
        Column("Actual Replicas", lambda r: r.status.get("actualReplicas"), type="integer"),
        Column("Desired Replicas", lambda r: r.status.get("desiredReplicas"), type="integer"),
    ),
    ephemeral_children=True,
)
ROUTE = Kind(
    group=GROUP,
    version="v1",
    name="Route",
    plural="routes",
    spec=RouteSpec,
    short_names=("rt",),
    categories=("all", "knative", "serving"),
    webhook=WEBHOOK,
    default=_default_route,
    validate=_validate_route,
    columns=(_status("url"), READY, REASON),
)
