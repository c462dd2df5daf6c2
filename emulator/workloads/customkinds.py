"""From a CustomResourceDefinition to the Kind that serves its objects.

Pure: `custom_kind` makes the Kind, `standing` says how a definition stands (its names, whether it is served). Who
registers Kinds is `definitions.py`. Objects are judged in the version that they are written in and kept in one;
versions differ by name only (`strategy: None`), since conversion webhooks are not called: of a definition that asks for
them, the stored version alone is served.

Follows apiextensions-apiserver pkg/registry/customresource and pkg/controller/status/naming_controller.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ConfigDict

from emulator.lib.clock import parse_rfc3339
from emulator.objects import schemas, structural
from emulator.objects.conditions import Condition, written
from emulator.objects.jsonpaths import JsonPath, printed
from emulator.objects.kind import AGE, Column, Json, Kind, Scale, Shape
from emulator.objects.model import Model
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.workloads.crds import DefinitionSpec, PrinterColumn, Version

_STAGES = {"alpha": 0, "beta": 1, "": 2}
_VERSION = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?")
_META = ("apiVersion", "kind", "metadata")


class CustomBody(Model):
    """Everything in a custom resource but its identity: the schema judges it, not a model."""

    model_config = ConfigDict(extra="allow")


def served_versions(definition: Resource[DefinitionSpec]) -> list[Version]:
    """The versions that are served, the one that clients prefer first (GA before beta before alpha, newest first)."""
    conversion = definition.spec.conversion
    is_converted = conversion is not None and conversion.strategy == "Webhook"
    served = [v for v in definition.spec.versions if v.served and (v.storage or not is_converted)]
    return sorted(served, key=lambda v: _priority(v.name), reverse=True)


def unserved_versions(definition: Resource[DefinitionSpec]) -> list[str]:
    """Versions that the definition has served and kemu does not, for want of conversion."""
    present = [v.name for v in served_versions(definition)]
    return [v.name for v in definition.spec.versions if v.served and v.name not in present]


def _priority(name: str) -> tuple[int, int, int, tuple[int, ...]]:
    """Followed: apimachinery pkg/version/helpers.go. Other names come last, in the order of their letters."""
    found = _VERSION.fullmatch(name)
    if found is None:
        return (-1, 0, 0, tuple(-ord(letter) for letter in name))
    return (_STAGES[found[2] or ""], int(found[1]), int(found[3] or 0), ())


def custom_kind(definition: Resource[DefinitionSpec]) -> Kind[CustomBody] | None:
    """The Kind of a definition; None when it serves no version."""
    versions = served_versions(definition)
    if not versions:
        return None
    spec, preferred = definition.spec, versions[0]
    bodies = {v.name: v.schema_.open_api_v3_schema or {} for v in versions if v.schema_ is not None}
    parts = preferred.subresources
    return Kind(
        group=spec.group,
        version=preferred.name,
        name=spec.names.kind,
        plural=spec.names.plural,
        spec=CustomBody,
        short_names=tuple(spec.names.short_names),
        categories=tuple(spec.names.categories),
        namespaced=spec.scope == "Namespaced",
        root=True,
        shape=_shape(bodies),
        schemas=bodies,
        columns=tuple(_column(column) for column in preferred.additional_printer_columns) or (AGE,),
        also_served=tuple(v.name for v in versions[1:]),
        fields=tuple(field.json_path.removeprefix(".") for field in preferred.selectable_fields),
        has_status=parts is not None and parts.status is not None,
        scale=_scale(preferred),
    )


def _scale(version: Version) -> Scale | None:
    found = version.subresources.scale if version.subresources else None
    if found is None:
        return None
    paths = (found.spec_replicas_path, found.status_replicas_path, found.label_selector_path or "")
    return Scale(*(path.removeprefix(".") for path in paths))


# -- objects --


def _shape(bodies: dict[str, Json]) -> Shape:
    """Completes an object in place by the schema of its version, and judges it, or its status alone."""

    def shape(obj: Json, version: str, is_status: bool) -> Iterator[Problem]:
        schema = bodies.get(version) or next(iter(bodies.values()), {})
        body, _ = structural.pruned(schema, {key: value for key, value in obj.items() if key not in _META})
        structural.drop_nulls(schema, body)
        structural.fill(_without_identity(schema), body)
        for key in [key for key in obj if key not in body and key not in _META]:
            del obj[key]
        obj.update(body)
        if is_status:
            schema = {"properties": {"status": (schema.get("properties") or {}).get("status", {})}}
            body = obj = {"status": obj.get("status")}
        yield from schemas.problems(schema, obj)
        yield from structural.embedded_faults(schema, obj)
        yield from structural.repeated(schema, body)

    return shape


def _without_identity(schema: Json) -> Json:
    properties = {k: v for k, v in (schema.get("properties") or {}).items() if k not in _META}
    return {**schema, "properties": properties}


# -- columns --


def _column(column: PrinterColumn) -> Column:
    path = JsonPath(column.json_path)

    def cell(resource: Resource[Any]) -> object:
        found = path.find(resource.obj)
        return _shown(found[0], column.type) if found else ""

    said = column.description or f"Custom resource definition column (in JSONPath format): {column.json_path}"
    return Column(column.name, cell, column.priority > 0, column.type, column.format, said)


def _shown(value: Any, type_: str) -> object:
    """A cell as its column's type has it; "" where the value is of another (cellForJSONValue)."""
    match type_:
        case "string":
            return printed(value)
        case "integer" if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        case "boolean" if isinstance(value, bool):
            return value
        case "date" if isinstance(value, str):
            try:
                parse_rfc3339(value)
            except ValueError:
                return "<invalid>"
            return value
    return ""


# -- how a definition stands --


def standing(definition: Resource[DefinitionSpec], others: Sequence[Resource[DefinitionSpec]], now: str) -> Json:
    """The status of a definition, where `others` are those of the same group."""
    spec_names: Json = dict(definition.obj["spec"]["names"])
    accepted: Json = dict(definition.status.get("acceptedNames") or {})
    conflict: Condition | None = None
    for field, reason in _NAMES.items():
        if fault := _name_fault(spec_names.get(field), accepted.get(field), _taken(field, others)):
            conflict = Condition.false("NamesAccepted", reason, fault)
        elif field in spec_names:
            accepted[field] = spec_names[field]
    if "categories" in spec_names:
        accepted["categories"] = spec_names["categories"]
    names = conflict or Condition.true("NamesAccepted", "NoConflicts", "no conflicts found")
    is_established = conflict is None or definition.condition("Established")["status"] == "True"
    established = (
        Condition.true("Established", "InitialNamesAccepted", "the initial names have been accepted")
        if is_established
        else Condition.false("Established", "NotAccepted", "not all names are accepted")
    )
    stored = list(definition.status.get("storedVersions") or ())
    stored += [v.name for v in definition.spec.versions if v.storage and v.name not in stored]
    conditions = written([names, established], definition.status.get("conditions", ()), now)
    return {"conditions": conditions, "acceptedNames": accepted, "storedVersions": stored}


_NAMES = {
    "plural": "PluralConflict",
    "singular": "SingularConflict",
    "shortNames": "ShortNamesConflict",
    "kind": "KindConflict",
    "listKind": "ListKindConflict",
}


def _taken(field: str, others: Sequence[Resource[DefinitionSpec]]) -> set[str]:
    """Names that others of the group have been given: kinds apart from the rest."""
    fields = ("kind", "listKind") if "ind" in field else ("plural", "singular", "shortNames")
    taken: set[str] = set()
    for other in others:
        accepted = other.status.get("acceptedNames") or {}
        for each in fields:
            found = accepted.get(each) or ()
            taken.update([found] if isinstance(found, str) else found)
    return taken


def _name_fault(asked: Any, accepted: Any, taken: set[str]) -> str:
    if asked == accepted or not asked:
        return ""
    wanted = [asked] if isinstance(asked, str) else [name for name in asked if name not in (accepted or ())]
    faults = [f'"{name}" is already in use' for name in wanted if name in taken]
    return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]" if faults else ""
