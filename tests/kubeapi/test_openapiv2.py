"""The OpenAPI document of the second version, as JSON and as the protobuf that old clients read."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.app import KINDS
from emulator.kubeapi.openapidocuments import addresses, document
from emulator.kubeapi.openapiprotobuf import encoded
from emulator.kubeapi.openapiv2 import merged
from emulator.objects.kind import Json
from tests.kubeapi.conftest import PREFIX, Api

DEFINITIONS = "#/definitions/"
ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
ANSWERED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


@pytest.fixture(scope="module")
def whole() -> Json:
    return merged(document(KINDS, where) for where in addresses(KINDS))


def schemas_in(value: Any) -> Iterator[Json]:
    """All schemas of a document, inner ones too."""
    yield value
    for inner in value.get("properties", {}).values():
        yield from schemas_in(inner)
    for name in ("items", "additionalProperties"):
        if isinstance(value.get(name), dict):
            yield from schemas_in(value[name])


def test_nothing_is_said_that_old_clients_stumble_over(whole: Json) -> None:
    for name, definition in whole["definitions"].items():
        for schema in schemas_in(definition):
            assert not {"allOf", "anyOf", "oneOf", "nullable"} & set(schema), name
            assert schema.get("type") != "array" or "items" in schema, name
            if "$ref" in schema:
                assert schema["$ref"].removeprefix(DEFINITIONS) in whole["definitions"], name
                assert not {"type", "properties"} & set(schema), name


def test_a_map_that_takes_anything_is_an_arbitrary_value(whole: Json) -> None:
    status = whole["definitions"]["dev.knative.serving.v1.Service"]["properties"]["status"]
    assert not {"type", "properties"} & set(status)
    assert status["description"]


def test_an_amount_is_a_text_for_old_clients(whole: Json) -> None:
    assert whole["definitions"]["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] == "string"


def test_a_patch_lists_its_parameters(whole: Json) -> None:
    patch = whole["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in [parameter["name"] for parameter in patch["parameters"]]
    assert patch["parameters"][-1]["in"] == "body"


# -- protobuf, read back without a table


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a message."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        size = {0: 0, 1: 8}.get(tag & 7)
        if size == 0:
            yield tag >> 3, varint()
            continue
        size = size or varint()
        yield tag >> 3, data[at : at + size]
        at += size


def only(data: bytes, number: int) -> Any:
    return next(value for found, value in fields(data) if found == number)


def named(data: bytes, name: str, number: int = 1) -> Any:
    """The value of that name in a map."""
    pairs = [value for found, value in fields(data) if found == number]
    return next(only(pair, 2) for pair in pairs if only(pair, 1) == name.encode())


def test_protobuf_holds_what_json_holds(whole: Json) -> None:
    data = encoded(whole)
    assert only(data, 1) == b"2.0"
    definitions = only(data, 9)
    assert len(list(fields(definitions))) == len(whole["definitions"])
    spec = named(definitions, "io.k8s.api.core.v1.PodSpec")
    containers = named(only(spec, 25), "containers")
    assert only(only(containers, 22), 1) == b"array"
    assert only(only(only(containers, 23), 1), 1) == f"{DEFINITIONS}io.k8s.api.core.v1.Container".encode()
    extensions = {only(e, 1): only(only(e, 2), 2) for number, e in fields(containers) if number == 31}
    assert extensions[b"x-kubernetes-patch-merge-key"] == b'"name"'
    patch = only(named(only(data, 8), "/api/v1/namespaces/{name}", 2), 8)
    parameters = [only(value, 1) for number, value in fields(patch) if number == 8]
    query = [only(only(p, 2), 3) for p in parameters if next(fields(p))[0] == 2]
    assert b"fieldValidation" in [only(parameter, 4) for parameter in query]


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"minimum": -1, "maxLength": 300}, b"\x49" + b"\x00\x00\x00\x00\x00\x00\xf0\xbf" + b"\x58\xac\x02"),
        ({"minItems": -1}, b"\x78" + b"\xff" * 9 + b"\x01"),
        ({"default": {"a": 1}}, b'\x2a\x0a\x12\x08{"a": 1}'),
        ({"enum": ["a", 1]}, b'\xa2\x01\x05\x12\x03"a"\xa2\x01\x03\x12\x011'),
        ({"additionalProperties": True}, b"\xaa\x01\x02\x10\x01"),
        ({"additionalProperties": {"type": "string"}}, b"\xaa\x01\x0d\x0a\x0b\xb2\x01\x08\x0a\x06string"),
        ({"unheard": 1}, b""),
    ],
    ids=["numbers", "a negative number", "a default", "values of any type", "a choice", "the other choice", "unknown"],
)
def test_each_form_of_a_value_has_its_bytes(schema: Json, data: bytes) -> None:
    assert named(only(encoded({"definitions": {"x": schema}}), 9), "x") == data


# -- over HTTP


def asked(api: Api, accept: str) -> tuple[str, bytes]:
    """The answer's type and body."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)
    connection.request("GET", f"/{PREFIX}/openapi/v2", headers={"accept": accept})
    answer = connection.getresponse()
    found = answer.getheader("content-type", ""), answer.read()
    connection.close()
    return found


async def test_old_clients_get_protobuf_of_a_type_that_go_can_read(running: Api) -> None:
    media, data = await asyncio.to_thread(asked, running, ASKED)
    assert (media, only(data, 1)) == (ANSWERED, b"2.0")


async def test_others_get_json(running: Api) -> None:
    status, found = await running.ask("GET", "/openapi/v2", accept="*/*")
    assert (status, found["swagger"]) == (200, "2.0")
    assert "dev.knative.serving.v1.Service" in json.dumps(found)
