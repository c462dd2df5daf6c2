"""The `/scale` subresource: how many replicas an object has and wants, whatever its kind, as autoscaling/v1 Scale.

Pure. Where the numbers stand is the Kind's `scale`. Followed: apiextensions-apiserver pkg/registry/customresource.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from emulator.objects.errors import BadRequest
from emulator.objects.jsonpaths import value_at
from emulator.objects.kind import Json, Scale
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector


def scale_of(resource: Resource[Any], where: Scale) -> Json:
    """The Scale of an object."""
    metadata = {k: resource.metadata[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    status: Json = {"replicas": value_at(resource.obj, where.current) or 0}
    if selector := _selector_text(value_at(resource.obj, where.selector)):
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": value_at(resource.obj, where.replicas) or 0},
        "status": status,
    }


def scaled(resource: Resource[Any], where: Scale, scale: Json) -> Json:
    """The object with the number of replicas that `scale` says; BadRequest."""
    wanted = _replicas((scale.get("spec") or {}).get("replicas", 0))
    metadata = {**resource.metadata}
    version = (scale.get("metadata") or {}).get("resourceVersion")
    metadata["resourceVersion"] = version or metadata["resourceVersion"]
    return {**_with(resource.obj, where.replicas.split("."), wanted), "metadata": metadata}


def stated_replicas(scale: Json, where: Scale) -> Json:
    """The part of an object that an applied `scale` speaks of; empty where it names no number. BadRequest."""
    spec = scale.get("spec") or {}
    return _with({}, where.replicas.split("."), _replicas(spec["replicas"])) if "replicas" in spec else {}


def _replicas(wanted: Any) -> int:
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        raise BadRequest(f"spec.replicas: Invalid value: {wanted}: must be greater than or equal to 0")
    return wanted


def _with(obj: Json, path: list[str], value: int) -> Json:
    first, *rest = path
    return {**obj, first: _with(obj.get(first) or {}, rest, value) if rest else value}


def _selector_text(selector: Any) -> str:
    """In text; "" for what is no selector, as a custom object may have at that place."""
    if isinstance(selector, str):
        return selector
    try:
        return str(LabelSelector.model_validate(selector or {}).selector())
    except ValidationError:
        return ""
