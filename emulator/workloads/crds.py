"""CustomResourceDefinitions: kinds that users bring along, and the descriptions of kemu's own.

Only what an object of this kind is: its model, defaults, columns. `crdrules` judges it, `customkinds` makes a Kind of
it and serves that. Follows apiextensions-apiserver pkg/apis/apiextensions/v1.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from emulator.objects.kind import Column, Json, Kind, Request
from emulator.objects.model import JsonObject, Model
from emulator.objects.resource import Resource
from emulator.workloads.crdrules import spec_problems

GROUP = "apiextensions.k8s.io"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class Names(Model):
    plural: str = ""
    singular: str = ""
    kind: str = ""
    list_kind: str = ""
    short_names: list[str] = Field(default_factory=list)
    categories: list[str] = Field(default_factory=list)


class ScalePaths(Model):
    spec_replicas_path: str = ""
    status_replicas_path: str = ""
    label_selector_path: str | None = None


class Subresources(Model):
    status: JsonObject | None = None
    scale: ScalePaths | None = None


class PrinterColumn(Model):
    name: str = ""
    type: str = ""
    json_path: str = Field(default="", alias="jsonPath")
    format: str = ""
    description: str = ""
    priority: int = 0


class SelectableField(Model):
    json_path: str = Field(default="", alias="jsonPath")


class VersionSchema(Model):
    open_api_v3_schema: JsonObject | None = Field(default=None, alias="openAPIV3Schema")


class Version(Model):
    name: str = ""
    served: bool = False
    storage: bool = False
    deprecated: bool = False
    deprecation_warning: str | None = None
    schema_: VersionSchema | None = Field(default=None, alias="schema")
    subresources: Subresources | None = None
    additional_printer_columns: list[PrinterColumn] = Field(default_factory=list)
    selectable_fields: list[SelectableField] = Field(default_factory=list)


class Conversion(Model):
    strategy: str = ""
    webhook: JsonObject | None = None


class DefinitionSpec(Model):
    group: str = ""
    names: Names = Field(default_factory=Names)
    scope: str = ""
    versions: list[Version] = Field(default_factory=list)
    conversion: Conversion | None = None
    preserve_unknown_fields: bool = False


def _default(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if kind := names.get("kind"):
        names.setdefault("singular", str(kind).lower())
        names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {"strategy": "None"})


def _versions(definition: Resource[DefinitionSpec]) -> str:
    served = (v for v in definition.spec.versions if v.served)
    return ",".join(sorted(f"{v.name}(storage)" if v.storage else v.name for v in served))


def is_established(definition: Resource[Any]) -> bool:
    return bool(definition.condition("Established")["status"] == "True")


CUSTOM_RESOURCE_DEFINITION: Kind[DefinitionSpec] = Kind(
    group=GROUP,
    version="v1",
    name="CustomResourceDefinition",
    plural="customresourcedefinitions",
    spec=DefinitionSpec,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    finalizer=CLEANUP,
    default=_default,
    validate=spec_problems,
    columns=(
        # Not a date: an API server shows this time as it is.
        Column("Created At", lambda r: r.metadata["creationTimestamp"]),
    ),
)
