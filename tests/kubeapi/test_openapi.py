"""The OpenAPI documents, as kubectl reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.app import KINDS
from emulator.kubeapi.openapidocuments import addresses, document
from tests.kubeapi.conftest import PREFIX, Api

SCHEMAS = "#/components/schemas/"
STRATEGIC = "application/strategic-merge-patch+json"


def references(value: Any) -> set[str]:
    """All that a document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("where", addresses(KINDS))
def test_a_document_refers_to_nothing_that_it_does_not_have(where: str) -> None:
    made = document(KINDS, where)
    there = {SCHEMAS + name for name in made["components"]["schemas"]}
    assert references(made["components"]) <= there
    assert references(made["paths"]) <= there


@pytest.mark.parametrize("where", addresses(KINDS))
def test_every_kind_is_found_by_group_version_and_kind(where: str) -> None:
    made = document(KINDS, where)
    listed = [
        (each["group"], each["version"], each["kind"])
        for schema in made["components"]["schemas"].values()
        for each in schema.get("x-kubernetes-group-version-kind", [])
    ]
    assert len(listed) == len(set(listed))
    for kind in KINDS:
        for version in kind.versions:
            is_here = where == (f"apis/{kind.group}/{version}" if kind.group else f"api/{version}")
            assert ((kind.group, version, kind.name) in listed) == is_here


@pytest.mark.parametrize("where", addresses(KINDS))
def test_every_patch_says_that_the_server_judges_fields(where: str) -> None:
    for path, item in document(KINDS, where)["paths"].items():
        if "patch" in item:
            names = [parameter["name"] for parameter in item["patch"]["parameters"]]
            assert {"fieldValidation", "dryRun"} <= set(names), path


@pytest.mark.parametrize(
    ("where", "path", "takes"),
    [
        ("apis/apps/v1", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", True),
        ("api/v1", "/api/v1/namespaces/{name}", True),
        (
            "apis/serving.knative.dev/v1",
            "/apis/serving.knative.dev/v1/namespaces/{namespace}/services/{name}",
            False,
        ),
    ],
    ids=["Deployment", "Namespace", "Knative's Service"],
)
def test_only_kubernetes_own_kinds_take_strategic_patches(where: str, path: str, takes: bool) -> None:
    content = document(KINDS, where)["paths"][path]["patch"]["requestBody"]["content"]
    assert (STRATEGIC in content) == takes


def test_a_list_that_is_a_map_says_so_where_kubectl_looks() -> None:
    schemas = document(KINDS, "apis/apps/v1")["components"]["schemas"]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["items"] == {"allOf": [{"$ref": f"{SCHEMAS}io.k8s.api.core.v1.Container"}]}


def test_amounts_and_ports_have_types_of_their_own() -> None:
    schemas = document(KINDS, "api/v1")["components"]["schemas"]
    limits = schemas["io.k8s.api.core.v1.ResourceRequirements"]["properties"]["limits"]
    assert limits["additionalProperties"]["allOf"][0]["$ref"].endswith(".resource.Quantity")
    port = schemas["io.k8s.api.core.v1.HTTPGetAction"]["properties"]["port"]
    assert port["allOf"][0]["$ref"].endswith(".intstr.IntOrString")


def maps_without_names(schema: Any, schemas: Any, path: str, seen: frozenset[str] = frozenset()) -> list[str]:
    """Where a map of a built-in kind leads on to maps or lists of which nothing is known."""
    for inner in schema.get("allOf", []):
        schema = {**schemas[inner["$ref"].removeprefix(SCHEMAS)], **schema}
    found = []
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        target = inner.get("allOf", [{}])[0].get("$ref", "")
        if target in seen or name == "status":
            continue
        is_bare = inner.get("type") == "object" and not {"properties", "additionalProperties"} & set(inner)
        found += [here] if is_bare else maps_without_names(inner, schemas, here, seen | {target} - {""})
    return found


def test_patches_find_their_way_through_a_deployment() -> None:
    schemas = document(KINDS, "apis/apps/v1")["components"]["schemas"]
    bare = maps_without_names(schemas["io.k8s.api.apps.v1.Deployment"], schemas, "")
    flat = ("os", "image", "seLinuxOptions", "seccompProfile", "appArmorProfile", "windowsOptions")
    assert [path for path in bare if path.rpartition(".")[2] not in flat] == []


async def test_the_index_leads_to_documents_that_may_be_kept(running: Api) -> None:
    status, index = await running.ask("GET", "/openapi/v3")
    assert status == 200
    url = index["paths"]["apis/serving.knative.dev/v1"]["serverRelativeURL"]
    assert url.startswith(f"/{PREFIX}/openapi/v3/apis/serving.knative.dev/v1?hash=")
    status, found = await running.ask("GET", url.removeprefix(f"/{PREFIX}"))
    assert (status, found["openapi"]) == (200, "3.0.0")
    assert "immutable" in running.headers["cache-control"]


async def test_an_old_address_leads_to_the_new_one(running: Api) -> None:
    index = (await running.ask("GET", "/openapi/v3"))[1]
    status, _ = await running.ask("GET", "/openapi/v3/api/v1?hash=OLD")
    assert (status, running.headers["location"]) == (301, index["paths"]["api/v1"]["serverRelativeURL"])


async def test_a_document_without_a_hash_is_asked_for_each_time(running: Api) -> None:
    status, _ = await running.ask("GET", "/openapi/v3/api/v1")
    assert (status, "immutable" in running.headers["cache-control"]) == (200, False)
    status, _ = await running.ask("GET", "/openapi/v3/api/v1", if_none_match=running.headers["etag"])
    assert status == 304


async def test_what_is_not_served_has_no_document(running: Api) -> None:
    assert (await running.ask("GET", "/openapi/v3/apis/none.example.com/v1"))[0] == 404
    assert (await running.ask("GET", "/openapi/v1"))[0] == 404


async def test_documents_follow_the_kinds(running: Api) -> None:
    before = (await running.ask("GET", "/openapi/v3"))[1]["paths"]
    registry = running.store.registry
    registry.remove(next(kind for kind in registry if kind.name == "PingSource"))
    after = (await running.ask("GET", "/openapi/v3"))[1]["paths"]
    assert before["apis/sources.knative.dev/v1"] != after["apis/sources.knative.dev/v1"]
    assert before["api/v1"] == after["api/v1"]
    found = (await running.ask("GET", "/openapi/v3/apis/sources.knative.dev/v1"))[1]
    assert "PingSource" not in json.dumps(found)
