"""ConfigMaps and Secrets: kept as written, read by whoever refers to them.

A Secret's `stringData` is moved into `data` at admission, in base64, as an API server does; `immutable` ones refuse
changes. Nothing here is ever logged.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import Model
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import forbidden


class ConfigMapData(Model):
    data: dict[str, str] = Field(default_factory=dict)
    binary_data: dict[str, str] = Field(default_factory=dict)
    immutable: bool | None = None


class SecretData(Model):
    data: dict[str, str] = Field(default_factory=dict)
    string_data: dict[str, str] = Field(default_factory=dict)
    type: str | None = None
    immutable: bool | None = None


def _merge_string_data(obj: Json, request: Request) -> None:
    plain = obj.pop("stringData", None) or {}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
    if encoded:
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    obj.setdefault("type", "Opaque")


def _changes(resource: Resource[Any], request: Request) -> Iterator[Problem]:
    old = request.old
    if old is None or not old.obj.get("immutable"):
        return
    for field in ("data", "binaryData", "immutable"):
        if old.obj.get(field) != resource.obj.get(field):
            yield forbidden((field,), "field is immutable when `immutable` is set")


def _secret_problems(resource: Resource[SecretData], request: Request) -> Iterator[Problem]:
    for key, value in resource.spec.data.items():
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            hint = "encode it, or put it under stringData as it is"
            yield Problem(("data", key), "Invalid value: the value is no base64", hint=hint)
    yield from _changes(resource, request)


CONFIG_MAP = Kind(
    group="",
    version="v1",
    name="ConfigMap",
    plural="configmaps",
    spec=ConfigMapData,
    short_names=("cm",),
    root=True,
    validate=_changes,
    has_status=False,
    columns=(Column("Data", lambda r: len(r.spec.data) + len(r.spec.binary_data)), AGE),
)
SECRET = Kind(
    group="",
    version="v1",
    name="Secret",
    plural="secrets",
    spec=SecretData,
    root=True,
    default=_merge_string_data,
    validate=_secret_problems,
    fields=("type",),
    has_status=False,
    columns=(Column("Type", lambda r: r.spec.type), Column("Data", lambda r: len(r.spec.data)), AGE),
)
