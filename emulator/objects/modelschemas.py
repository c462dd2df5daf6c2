"""What may be written where: the OpenAPI schema of each kind, made from the kind's own model.

Schemas are structural, as those of a CustomResourceDefinition: whole trees without references, which decide what is an
unknown field (`fields.py`) and what `kubectl explain` shows (`kubeapi/openapi.py`). Models say names, types, what is
required and how faithfully kemu follows a field; `modelschemas.yaml` adds the words, and what reconcilers write as
status. Made on first use and kept: kemu's start pays nothing. Followed: apiextensions-apiserver pkg/apiserver/schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from emulator.objects.kind import Json, Kind
from emulator.objects.model import int_or_string, quantity
from emulator.objects.refs import ObjectMeta
from emulator.objects.structural import PRESERVE

INT_OR_STRING = "x-kubernetes-int-or-string"
QUANTITY = "quantity"
"""The format of values such as `500m` and `128Mi`."""
Nested = Callable[[type[BaseModel]], Json]
"""How a schema speaks of a model inside another: by its own schema, or by a reference to it."""

_TEXTS = Path(__file__).with_name("modelschemas.yaml")
_SCALARS: dict[object, str] = {str: "string", bool: "boolean", float: "number"}
_API_VERSION = "Version of the API that the object is written in: group and version."
_KIND = "Kind of the object, in CamelCase."
_IDENTITY: Json = {
    "apiVersion": {"type": "string", "description": _API_VERSION},
    "kind": {"type": "string", "description": _KIND},
    "metadata": {"type": "object"},
}


@cache
def texts() -> Json:
    """`modelschemas.yaml`: `kinds`, `models`, `shapes`, `statuses`, `wide` and `names`."""
    found: Json = yaml.load(_TEXTS.read_bytes(), yaml.CSafeLoader)
    return found


def structural(kind: Kind[Any], version: str = "") -> Json:
    """The schema of a kind's objects; never to be changed. Versions differ only in kinds that users have defined."""
    if kind.shape is not None:
        return _defined(kind.schemas.get(version) or kind.schemas.get(kind.version) or {PRESERVE: True})
    return _structural(kind.model, kind.root, kind.qualified)


def _defined(schema: Json) -> Json:
    """What a definition says, with the fields that it need not say."""
    properties = {**_IDENTITY, **(schema.get("properties") or {})}
    return {**schema, "properties": {**properties, "metadata": _IDENTITY["metadata"]}}


@cache
def _structural(model: type[BaseModel], is_root: bool, name: str) -> Json:
    body = model_schema(model)
    properties: Json = dict(_IDENTITY)
    properties |= body.get("properties", {}) if is_root else {"spec": body}
    properties["status"] = status_schema(name)
    schema: Json = {"type": "object", "description": description(name), "properties": properties}
    if is_root and PRESERVE in body:
        schema[PRESERVE] = True
    return {key: value for key, value in schema.items() if value != ""}


def description(qualified: str) -> str:
    """What a kind is for; "" where nothing is said."""
    found: str = texts()["kinds"].get(qualified, "")
    return found


def status_schema(qualified: str) -> Json:
    """What is known of a kind's status. Nothing that stands there is ever unknown: reconcilers write it."""
    known: Mapping[str, Json] = texts()["statuses"].get(qualified, {})
    schema: Json = {"type": "object", "description": "What is: written by kemu, never by users.", PRESERVE: True}
    return {**schema, "properties": {name: _open(inner) for name, inner in known.items()}} if known else schema


def _open(schema: Json) -> Json:
    """`schema`, where each object in it may also have fields that it does not name."""
    opened = dict(schema)
    if "items" in schema:
        opened["items"] = _open(schema["items"])
    if "properties" in schema:
        opened["properties"] = {name: _open(inner) for name, inner in schema["properties"].items()}
        opened[PRESERVE] = True
    return opened


@cache
def model_schema(model: type[BaseModel]) -> Json:
    """A model's schema with all that is inside it; never to be changed."""
    return object_schema(model, model_schema)


@cache
def metadata_schema() -> Json:
    """The schema of `metadata`, which is the same for all kinds."""
    return model_schema(ObjectMeta)


def object_schema(model: type[BaseModel], nested: Nested) -> Json:
    """A model's schema, where `nested` says how a model inside it is given."""
    schema: Json = {"type": "object"}
    if said := _said(model):
        schema["description"] = said
    properties = {info.alias or name: _field_schema(model, name, info, nested) for name, info in _fields(model)}
    if properties:
        schema["properties"] = properties
    if required := [info.alias or name for name, info in _fields(model) if info.is_required()]:
        schema["required"] = sorted(required)
    if model.model_config.get("extra") == "allow":
        schema[PRESERVE] = True
    return schema | _marks(model.model_config.get("json_schema_extra"))


def go_name(model: type[BaseModel]) -> str:
    """The name of the Go type that a model stands for, which error texts and schemas of Kubernetes show."""
    found: str = texts()["names"].get(model.__name__, model.__name__)
    return found


def integer_format(model: type[BaseModel], field: str) -> Literal["int32", "int64"]:
    """The width of an integer field in Kubernetes' Go types."""
    wide = texts()["wide"]
    return "int64" if field in wide or f"{go_name(model)}.{field}" in wide else "int32"


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return list(model.model_fields.items())


def _field_schema(model: type[BaseModel], name: str, info: FieldInfo, nested: Nested) -> Json:
    alias = info.alias or name
    schema = dict(_type_schema(info.annotation, info.metadata, nested))
    if schema.get("type") == "integer":
        schema["format"] = integer_format(model, alias)
    if shape := _shape(model, alias):
        schema = {key: value for key, value in schema.items() if key != PRESERVE} | shape
    words = [_said(model, alias), _fidelity(info)]
    if said := " ".join(word for word in words if word):
        schema["description"] = said
    return schema | _marks(info.json_schema_extra)


def _shape(model: type[BaseModel], field: str) -> Json:
    """What is inside a field that the model takes as it is, where that is known."""
    names = (f"{each.__name__}.{field}" for each in model.__mro__)
    known: Json = next((texts()["shapes"][name] for name in names if name in texts()["shapes"]), {})
    if not known:
        return {}
    if "items" in known:
        return {"items": {"type": "object", **known["items"]}}
    return {"type": "object", **known}


def _marks(extra: object) -> Json:
    """How values of several writers become one (`objects/model.py`), and a key's default."""
    if not isinstance(extra, dict):
        return {}
    return {key: value for key, value in extra.items() if key == "default" or key.startswith("x-kubernetes-")}


def _said(model: type[BaseModel], field: str = "") -> str:
    """The text about a model, or about a field of it, wherever it was declared."""
    for each in model.__mro__:
        about = texts()["models"].get(each.__name__, {})
        if found := about.get(field or "about"):
            return str(found)
    return ""


def _fidelity(info: FieldInfo) -> str:
    """What kemu makes of a field that it does not plainly emulate."""
    extra = info.json_schema_extra
    if not isinstance(extra, dict) or "fidelity" not in extra:
        return ""
    word = {"ignored": "Accepted and kept, without effect in kemu", "approximated": "In kemu"}[str(extra["fidelity"])]
    return f"{word}: {extra['why']}."


def plain_type(annotation: Any, marks: Iterable[Any] = ()) -> tuple[Any, list[Any]]:
    """A field's type without None, and the marks of `Annotated` on it (pydantic keeps a field's own apart)."""
    found = [*marks]
    while get_origin(annotation) in (Annotated, Union, UnionType):
        if get_origin(annotation) is Annotated:
            found += annotation.__metadata__
            annotation = get_args(annotation)[0]
        else:
            (annotation,) = [each for each in get_args(annotation) if each is not NoneType]
    return annotation, found


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def reads_as(marks: Iterable[Any], validator: Callable[[Any], Any]) -> bool:
    """Whether a type is one of `objects/model.py` that are told apart by their validator only."""
    return any(getattr(mark, "func", None) is validator for mark in marks)


def _type_schema(annotation: Any, marks: Iterable[Any], nested: Nested) -> Json:
    plain, found = plain_type(annotation, marks)
    arguments = get_args(plain)
    if reads_as(found, quantity):
        return {INT_OR_STRING: True, "format": QUANTITY}
    if reads_as(found, int_or_string):
        return {INT_OR_STRING: True}
    if get_origin(plain) is Literal:
        return {"type": "string", "enum": list(arguments)}
    if get_origin(plain) is list:
        return {"type": "array", "items": _type_schema(arguments[0], (), nested)}
    if get_origin(plain) is dict:
        return _map_schema(arguments[1], nested)
    return _plain_schema(plain, nested)


def _map_schema(values: Any, nested: Nested) -> Json:
    if values in (Any, object):
        return {"type": "object", PRESERVE: True}
    return {"type": "object", "additionalProperties": _type_schema(values, (), nested)}


def _plain_schema(annotation: Any, nested: Nested) -> Json:
    if annotation is int:
        return {"type": "integer"}
    if annotation in _SCALARS:
        return {"type": _SCALARS[annotation]}
    return nested(annotation) if is_model(annotation) else {PRESERVE: True}
