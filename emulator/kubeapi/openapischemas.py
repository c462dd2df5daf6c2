"""The schemas of the OpenAPI documents: what the objects of one group and version are made of.

Pure, from the kinds' own schemas (`objects/modelschemas.py`). Kinds of Kubernetes itself are made of named parts that
refer to each other, as kubectl expects where it computes strategic patches from them; all others are one tree each,
as the API server publishes the kinds of CustomResourceDefinitions. Called by `openapidocuments.py`. Followed:
kube-openapi pkg/builder3, apiextensions-apiserver pkg/controller/openapi/builder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from emulator.objects.kind import Json, Kind
from emulator.objects.modelschemas import INT_OR_STRING, QUANTITY, go_name, object_schema, structural
from emulator.objects.refs import ObjectMeta
from emulator.objects.structural import PRESERVE

GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
REFERENCE = "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_CORE = "io.k8s.api.core.v1"
_PACKAGES = {"emulator.objects.refs": _META, "emulator.objects.selectors": _META, "emulator.objects.podspec": _CORE}
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_VALUES: dict[str, Json] = {
    _INT_OR_STRING: {
        "description": "A number, or a text such as a port's name or a percentage.",
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    _QUANTITY: {
        "description": 'An amount, with or without a unit: 1, "500m", "128Mi".',
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
}
_LIST_META: Json = {
    "type": "object",
    "description": "What every list has.",
    "properties": {
        "continue": {"type": "string", "description": "Where the next page of the list begins."},
        "remainingItemCount": {"type": "integer", "format": "int64", "description": "Objects after this page."},
        "resourceVersion": {"type": "string", "description": "The state that the list shows; watches go on from it."},
        "selfLink": {"type": "string", "description": "Not used any more."},
    },
}
_INTEGER: Json = {"type": "integer", "format": "int32"}
_SCALE: Json = {
    "type": "object",
    "description": "How many replicas an object shall have, and has.",
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"$ref": f"{REFERENCE}{_META}.ObjectMeta"},
        "spec": {"type": "object", "properties": {"replicas": _INTEGER}},
        "status": {"type": "object", "properties": {"replicas": _INTEGER, "selector": {"type": "string"}}},
    },
    GROUP_VERSION_KIND: [{"group": "autoscaling", "version": "v1", "kind": "Scale"}],
}


class Schemas:
    """The schemas of one document, by name."""

    def __init__(self) -> None:
        self.named: dict[str, Json] = {}
        self._of: dict[type[BaseModel], str] = {}
        self._package = _CORE

    def add(self, kind: Kind[Any], version: str) -> None:
        """Those of a kind, as it is in a version, and of its list."""
        self._package = package(kind.group, version)
        name = f"{self._package}.{kind.name}"
        made = self._builtin(kind) if kind.is_builtin else dict(structural(kind, version))
        metadata = {
            "allOf": [self.reference(ObjectMeta)],
            "description": "The object's name and all that goes with it.",
        }
        made["properties"] = {**made["properties"], "metadata": metadata}
        if not kind.has_status and kind.shape is None:
            del made["properties"]["status"]
        made[GROUP_VERSION_KIND] = [{"group": kind.group, "version": version, "kind": kind.name}]
        self.named[name] = made
        self.named[f"{name}List"] = self._list(kind, version, name)

    def add_scale(self) -> str:
        """That of the `/scale` subresource; its name."""
        self.reference(ObjectMeta)
        self.named["io.k8s.api.autoscaling.v1.Scale"] = _SCALE
        return "io.k8s.api.autoscaling.v1.Scale"

    def add_review(self, api_version: str, kind: str) -> str:
        """That of a question which clients post; its name."""
        group, _, version = api_version.rpartition("/")
        name = f"{package(group, version)}.{kind}"
        said = "A question about the client itself; the answer is its status."
        self.named[name] = {
            "type": "object",
            "description": said,
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"allOf": [self.reference(ObjectMeta)]},
                "spec": {"type": "object", PRESERVE: True},
                "status": {"type": "object", PRESERVE: True},
            },
            GROUP_VERSION_KIND: [{"group": group, "version": version, "kind": kind}],
        }
        return name

    def reference(self, model: type[BaseModel]) -> Json:
        """A reference to a model's schema, which is added with all that it refers to."""
        name = self._of.get(model)
        if name is None:
            name = self._of[model] = self._free(f"{_PACKAGES.get(model.__module__, self._package)}.{go_name(model)}")
            self.named[name] = {}  # a model may be inside itself
            self.named[name] = self._referring(object_schema(model, self._nested))
        return {"$ref": REFERENCE + name}

    def _nested(self, model: type[BaseModel]) -> Json:
        return {"allOf": [self.reference(model)]}

    def _referring(self, schema: Json) -> Json:
        """`schema`, where values that are a number or a text refer to a schema of that."""
        if INT_OR_STRING in schema:
            name = _QUANTITY if schema.get("format") == QUANTITY else _INT_OR_STRING
            self.named[name] = _VALUES[name]
            said = {"description": schema["description"]} if "description" in schema else {}
            return {"allOf": [{"$ref": REFERENCE + name}], **said}
        made = dict(schema)
        if "properties" in schema:
            made["properties"] = {name: self._referring(inner) for name, inner in schema["properties"].items()}
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                made[key] = self._referring(schema[key])
        return made

    def _free(self, name: str) -> str:
        """`name`, or another one where two models stand for types of one name."""
        taken, count = set(self._of.values()), 2
        free = name
        while free in taken:
            free, count = f"{name}{count}", count + 1
        return free

    def _builtin(self, kind: Kind[Any]) -> Json:
        """A kind's schema with its parts behind references."""
        made = dict(structural(kind))
        if kind.root:
            body = self._referring(object_schema(kind.model, self._nested))
            made["properties"] = {**made["properties"], **body.get("properties", {})}
        else:
            said = made["properties"].get("spec", {}).get("description", "")
            spec = {**self._nested(kind.model), "description": said} if said else self._nested(kind.model)
            made["properties"] = {**made["properties"], "spec": spec}
        return made

    def _list(self, kind: Kind[Any], version: str, name: str) -> Json:
        self.named[f"{_META}.ListMeta"] = _LIST_META
        return {
            "type": "object",
            "description": f"{kind.name}List is a list of objects of kind {kind.name}.",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"$ref": f"{REFERENCE}{_META}.ListMeta"},
                "items": {"type": "array", "items": {"allOf": [{"$ref": REFERENCE + name}]}},
            },
            GROUP_VERSION_KIND: [{"group": kind.group, "version": version, "kind": f"{kind.name}List"}],
        }


def package(group: str, version: str) -> str:
    """What the names of a group's schemas begin with: `io.k8s.api.apps.v1`, `dev.knative.serving.v1`."""
    if "." not in group:
        return f"io.k8s.api.{group or 'core'}.{version}"
    if group.endswith(".k8s.io") and group.count(".") == 2:
        return f"io.k8s.api.{group.partition('.')[0]}.{version}"
    return ".".join([*_backwards(group.split(".")), version])


def _backwards(parts: Iterable[str]) -> list[str]:
    return [*parts][::-1]
