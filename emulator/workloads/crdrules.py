"""Rules for CustomResourceDefinitions beside those for their schemas: names, versions, subresources, columns.

Pure, on the object's JSON. Follows apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go, in its
words. Not taken over: the approval annotation of groups under k8s.io, and the details of webhook clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from emulator.objects.jsonpaths import JsonPath
from emulator.objects.kind import Json, Request
from emulator.objects.names import dns1035_faults, dns1123_subdomain_faults
from emulator.objects.problems import Path, Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import duplicate, forbidden, invalid, not_supported, required
from emulator.workloads.schemarules import schema_problems

_SPEC: Path = ("spec",)
_VERSIONS: Path = ("spec", "versions")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MOST_SELECTABLE = 8


def spec_problems(definition: Resource[Any], request: Request) -> Iterator[Problem]:
    """What is wrong with a definition, by itself and as a change of the stored one."""
    spec: Json = definition.obj["spec"]
    names: Json = spec.get("names") or {}
    wanted = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if definition.name != wanted:
        yield invalid(("metadata", "name"), definition.name, 'must be spec.names.plural+"."+spec.group')
    yield from _group(spec)
    yield from _versions(spec)
    yield from _names(names)
    if spec.get("preserveUnknownFields"):
        said = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid((*_SPEC, "preserveUnknownFields"), True, said)
    yield from _conversion(spec.get("conversion") or {})
    if request.old is not None:
        yield from _changes(spec, request.old)


def _changes(spec: Json, old: Resource[Any]) -> Iterator[Problem]:
    before: Json = old.obj["spec"]
    is_established = old.condition("Established")["status"] == "True"
    fixed: list[tuple[str, ...]] = [("group",), ("names", "plural")]
    fixed += [("scope",), ("names", "kind")] if is_established else []
    for path in fixed:
        now, then = _at(spec, path), _at(before, path)
        if now != then:
            yield invalid((*_SPEC, *path), now, "field is immutable")
    names = [version.get("name") for version in spec.get("versions") or ()]
    for index, stored in enumerate(old.status.get("storedVersions", ())):
        if stored not in names:
            said = (
                f"missing from spec.versions; {stored} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {stored} and removes "
                f"{stored} from status.storedVersions"
            )
            yield invalid(("status", "storedVersions", index), stored, said)


def _at(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        value = (value or {}).get(part, "")
    return value


def _group(spec: Json) -> Iterator[Problem]:
    group, at = spec.get("group") or "", (*_SPEC, "group")
    if not group:
        yield required(at)
    elif faults := dns1123_subdomain_faults(group):
        yield invalid(at, group, ",".join(faults))
    elif "." not in group:
        yield invalid(at, group, "should be a domain with at least one dot")
    scope, at = spec.get("scope") or "", (*_SPEC, "scope")
    if not scope:
        yield required(at)
    elif scope not in ("Cluster", "Namespaced"):
        yield not_supported(at, scope, ("Cluster", "Namespaced"))


def _versions(spec: Json) -> Iterator[Problem]:
    versions: list[Json] = spec.get("versions") or []
    for index, version in enumerate(versions):
        at = (*_VERSIONS, index)
        if faults := dns1035_faults(version.get("name") or ""):
            yield invalid((*at, "name"), version.get("name") or "", ",".join(faults))
        yield from _version(version, at)
    names = [version.get("name") for version in versions]
    if len(set(names)) != len(names):
        yield invalid(_VERSIONS, versions, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid(_VERSIONS, versions, "must have exactly one version marked as storage version")


def _version(version: Json, path: Path) -> Iterator[Problem]:
    warning = version.get("deprecationWarning")
    if warning is not None:
        at = (*path, "deprecationWarning")
        if not version.get("deprecated"):
            yield invalid(at, warning, "can only be set for deprecated versions")
        if len(warning) > 256:
            yield invalid(at, warning, "must be <= 256 characters long")
        if not warning:
            yield invalid(at, warning, "must not be an empty string")
    schema, at = (version.get("schema") or {}).get("openAPIV3Schema"), (*path, "schema", "openAPIV3Schema")
    if schema is None:
        yield required(at)
    else:
        yield from schema_problems(schema, at)
    yield from _scale((version.get("subresources") or {}).get("scale"), (*path, "subresources"))
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, (*path, "additionalPrinterColumns", index))
    yield from _selectable(version.get("selectableFields") or (), schema or {}, (*path, "selectableFields"))


def _scale(scale: Mapping[str, Any] | None, path: Path) -> Iterator[Problem]:
    if scale is None:
        return
    for name, roots in (
        ("specReplicasPath", (".spec.",)),
        ("statusReplicasPath", (".status.",)),
        ("labelSelectorPath", (".spec.", ".status.")),
    ):
        written, at = scale.get(name) or "", (*path, f"scale.{name}")
        if not written:
            if name != "labelSelectorPath":
                yield required(at)
        elif fault := _path_fault(written):
            yield invalid(at, written, fault)
        elif not written.startswith(roots):
            under = roots[0].strip(".") if len(roots) == 1 else "either .spec or .status"
            yield invalid(at, written, f"should be a json path under {'' if len(roots) > 1 else '.'}{under}")


def _path_fault(written: str) -> str:
    return "" if written.startswith(".") else "must be a simple json path starting with ."


def _column(column: Json, path: Path) -> Iterator[Problem]:
    if not column.get("name"):
        yield required((*path, "name"))
    type_, one_of = column.get("type") or "", f"must be one of {','.join(_COLUMN_TYPES)}"
    if not type_:
        yield required((*path, "type"), one_of)
    elif type_ not in _COLUMN_TYPES:
        yield invalid((*path, "type"), type_, one_of)
    format_ = column.get("format")
    if format_ and format_ not in _COLUMN_FORMATS:
        yield invalid((*path, "format"), format_, f"must be one of {','.join(_COLUMN_FORMATS)}")
    written, at = column.get("jsonPath") or "", (*path, "JSONPath")
    if not written:
        yield required(at)
    elif fault := _path_fault(written):
        yield invalid(at, written, fault)
    else:
        try:
            JsonPath(written)
        except ValueError:
            yield invalid(at, written, f'unrecognized column definition "{written}"')


def _selectable(fields: Sequence[Json], schema: Json, path: Path) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, field in enumerate(fields):
        written, at = field.get("jsonPath") or "", (*path, index, "jsonPath")
        if not written:
            yield required(at)
            continue
        found: Any = schema
        for part in written.removeprefix(".").split("."):
            found = (found.get("properties") or {}).get(part) if isinstance(found, dict) else None
        if written.startswith(".metadata"):
            yield invalid(at, written, "must not point to fields in metadata")
        elif found is None:
            yield invalid(at, written, "is an invalid path: does not refer to a valid field")
        elif found.get("type") not in ("string", "boolean", "integer"):
            said = "must point to a field of type string, boolean or integer"
            yield invalid(at, written, f"{said}. Enum string fields and strings with formats are allowed.")
        elif written in seen:
            yield duplicate(at, written)
        seen.add(written)
    if len(seen) > _MOST_SELECTABLE:
        said = f"Too many: {len(seen)}: must have at most {_MOST_SELECTABLE} items"
        yield Problem(path, said, "FieldValueTooMany")


def _names(names: Json) -> Iterator[Problem]:
    at: Path = (*_SPEC, "names")
    for name in ("plural", "singular", "kind", "listKind"):
        if not names.get(name):
            yield required((*at, name))
    yield from _labels(names, at, ("plural", "singular"), lambda text: text)
    yield from _labels(names, at, ("kind", "listKind"), str.lower)
    if names.get("kind") and names["kind"] == names.get("listKind"):
        yield invalid((*at, "listKind"), names["listKind"], "kind and listKind may not be the same")
    for field in ("shortNames", "categories"):
        for index, word in enumerate(names.get(field) or ()):
            if faults := dns1035_faults(word):
                yield invalid((*at, field, index), word, ",".join(faults))


def _labels(names: Json, path: Path, fields: Sequence[str], seen_as: Callable[[str], str]) -> Iterator[Problem]:
    for field in fields:
        written = names.get(field) or ""
        if written and (faults := dns1035_faults(seen_as(written))):
            mixed = "may have mixed case, but should otherwise match: " if "ind" in field else ""
            yield invalid((*path, field), written, mixed + ",".join(faults))


def _conversion(conversion: Json) -> Iterator[Problem]:
    strategy, at = conversion.get("strategy") or "", (*_SPEC, "conversion")
    if not strategy:
        yield required((*at, "strategy"))
    elif strategy not in ("None", "Webhook"):
        yield not_supported((*at, "strategy"), strategy, ("None", "Webhook"))
    webhook = conversion.get("webhook")
    if strategy == "Webhook" and not (webhook or {}).get("clientConfig"):
        yield required((*at, "webhookClientConfig"), "required when strategy is set to Webhook")
    if strategy == "None" and webhook:
        yield forbidden((*at, "webhookClientConfig"), "should not be set when strategy is not set to Webhook")
