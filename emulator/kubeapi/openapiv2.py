"""The OpenAPI 2 document: one of all groups, for kubectl up to 1.28 and for tools that read no other.

Pure, made of the OpenAPI 3 documents. The second version has no `allOf`, `anyOf` or values of several types as clients
read it, so what stands behind these is said more loosely; a map that takes anything is an arbitrary value, or old
clients would refuse the names in it that its schema does not list. Followed: kube-openapi pkg/openapiconv,
apiextensions-apiserver pkg/controller/openapi/v2/conversion.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulator.kubeapi.openapischemas import REFERENCE
from emulator.objects.kind import Json
from emulator.objects.modelschemas import INT_OR_STRING
from emulator.objects.structural import PRESERVE

_DEFINITIONS = "#/definitions/"
_LOOSE = ("anyOf", "oneOf", "not", "allOf", "nullable", "$ref")
_METHODS = ("get", "put", "post", "delete", "patch")


def merged(documents: Iterable[Json]) -> Json:
    """One document of many."""
    paths: Json = {}
    definitions: Json = {}
    info: Json = {}
    for document in documents:
        info = document["info"]
        paths |= {path: _path(item) for path, item in document["paths"].items()}
        definitions |= {name: _schema(schema) for name, schema in document["components"]["schemas"].items()}
    return {"swagger": "2.0", "info": info, "paths": paths, "definitions": definitions}


# -- schemas


def _schema(schema: Json) -> Json:
    """A schema as the second version says it."""
    if reference := _reference(schema):
        return {**_plain(schema), "$ref": _DEFINITIONS + reference}
    if schema.get(INT_OR_STRING):
        return {**_plain(schema), "type": "string", "format": "int-or-string"}
    made = _plain(schema)
    if {"type": "string"} in schema.get("oneOf", ()):
        made["type"] = "string"  # old clients take any scalar for one
    if schema.get(PRESERVE):
        return {key: value for key, value in made.items() if key not in ("type", "required")}
    if isinstance(schema.get("properties"), dict):
        made["properties"] = {name: _schema(inner) for name, inner in schema["properties"].items()}
    if isinstance(others := schema.get("additionalProperties"), dict):
        made["additionalProperties"] = _schema(others)
    if isinstance(items := schema.get("items"), dict):
        made["items"] = _schema(items)
    elif schema.get("type") == "array":
        del made["type"]  # a list must say of what
    return made


def _reference(schema: Json) -> str:
    """The name that a schema refers to; "" where it refers to none."""
    first = next(iter(schema.get("allOf") or [{}]))
    found: Any = schema.get("$ref") or first.get("$ref") or ""
    return str(found).removeprefix(REFERENCE)


def _plain(schema: Json) -> Json:
    inner = ("properties", "additionalProperties", "items")
    return {key: value for key, value in schema.items() if key not in (*_LOOSE, *inner)}


# -- paths


def _path(item: Json) -> Json:
    made: Json = {method: _operation(item[method]) for method in _METHODS if method in item}
    if shared := item.get("parameters"):
        made["parameters"] = [_parameter(parameter) for parameter in shared]
    return made


def _operation(operation: Json) -> Json:
    made = {key: value for key, value in operation.items() if key not in ("requestBody", "responses", "parameters")}
    made["parameters"] = [_parameter(parameter) for parameter in operation.get("parameters", [])]
    if body := operation.get("requestBody"):
        made["consumes"] = list(body["content"])
        made["parameters"].append({"name": "body", "in": "body", "required": True, "schema": _content(body)})
    made["responses"] = {
        code: {"description": answer["description"], "schema": _content(answer)}
        for code, answer in operation["responses"].items()
    }
    return made


def _content(body: Json) -> Json:
    first: Json = next(iter(body["content"].values()))
    return _schema(first["schema"])


def _parameter(parameter: Json) -> Json:
    bare = {key: value for key, value in parameter.items() if key != "schema"}
    return {**bare, "type": parameter["schema"]["type"], "uniqueItems": True}
