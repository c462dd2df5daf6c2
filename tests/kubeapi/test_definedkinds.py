"""Kinds that users define, through the API: served at once, judged by their schema, gone with their definition."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.definitions import Definitions
from emulator.workloads.owndefinitions import LATER, own_definition
from tests.kubeapi.conftest import Api
from tests.workloads.definitions import definition, version

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FOOS = "/apis/example.com/v1/namespaces/default/foos"
IDENTITY = ("apiVersion", "kind", "metadata")
MERGE = {"Content_Type": "application/merge-patch+json"}
SIZED = version(
    spec={"properties": {"size": {"type": "integer", "minimum": 1, "default": 2}}},
    subresources={"status": {}},
    additionalPrinterColumns=[{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
)


@pytest.fixture
async def defined(running: Api) -> Api:
    Definitions(running.store, own_definition, LATER)
    status, _ = await running.ask("POST", DEFINITIONS, definition(SIZED))
    assert status == 201
    return running


def foo(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": spec}


async def test_a_defined_kind_is_served_and_shown_at_once(defined: Api) -> None:
    status, made = await defined.ask("POST", FOOS, foo())
    assert (status, made["spec"]) == (201, {"size": 2})
    _, shown = await defined.ask("GET", FOOS, Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert shown["rows"][0]["cells"] == ["a", 2]
    _, listed = await defined.ask("GET", "/apis/example.com/v1")
    assert [resource["name"] for resource in listed["resources"]] == ["foos", "foos/status"]


async def test_its_schema_judges_values_and_fields(defined: Api) -> None:
    status, said = await defined.ask("POST", FOOS, foo(size=0))
    assert (status, said["message"]) == (
        422,
        'Foo.example.com "a" is invalid: spec.size: Invalid value: 0: '
        "spec.size in body should be greater than or equal to 1",
    )
    status, said = await defined.ask("POST", f"{FOOS}?fieldValidation=Strict", foo(colour="red"))
    assert (status, said["message"].rpartition(": ")[2]) == (400, 'unknown field "spec.colour"')
    status, made = await defined.ask("POST", FOOS, foo(colour="red"))
    assert (status, made["spec"]) == (201, {"size": 2})
    assert defined.headers["warning"] == '299 - "unknown field \\"spec.colour\\""'


async def test_its_status_is_written_apart(defined: Api) -> None:
    await defined.ask("POST", FOOS, {**foo(), "status": {"ready": True}})
    _, made = await defined.ask("GET", f"{FOOS}/a")
    assert "status" not in made


async def test_it_is_gone_with_its_definition(defined: Api) -> None:
    await defined.ask("POST", FOOS, foo())
    status, _ = await defined.ask("DELETE", f"{DEFINITIONS}/foos.example.com")
    assert status == 200
    assert (await defined.ask("GET", FOOS))[0] == 404


async def test_clients_find_sources_and_channels_by_the_labels_of_their_definitions(defined: Api) -> None:
    async def names(label: str) -> list[str]:
        _, found = await defined.ask("GET", f"{DEFINITIONS}?labelSelector={label}%3Dtrue")
        return [item["metadata"]["name"] for item in found["items"]]

    assert await names("duck.knative.dev/source") == [
        "apiserversources.sources.knative.dev",
        "pingsources.sources.knative.dev",
    ]
    assert await names("messaging.knative.dev/subscribable") == [
        "channels.messaging.knative.dev",
        "inmemorychannels.messaging.knative.dev",
    ]


async def test_clients_are_told_the_schema_of_each_version(defined: Api) -> None:
    bare = {"name": "v0", "served": True, "storage": False, "schema": {"openAPIV3Schema": {"type": "object"}}}
    await defined.ask("PATCH", f"{DEFINITIONS}/foos.example.com", {"spec": {"versions": [SIZED, bare]}}, **MERGE)
    for name, fields in (("v1", {"apiVersion", "kind", "metadata", "spec", "status"}), ("v0", set(IDENTITY))):
        _, told = await defined.ask("GET", f"/openapi/v3/apis/example.com/{name}")
        schema = told["components"]["schemas"][f"com.example.{name}.Foo"]
        assert set(schema["properties"]) == fields
