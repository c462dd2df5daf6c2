"""The API over real HTTP: objects, errors, guards; and the real kubectl where there is one."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.kubeapi.conftest import MAPS, PREFIX, SERVICES, Api, config_map


async def test_an_object_is_created_read_replaced_patched_and_deleted(running: Api) -> None:
    status, made = await running.ask("POST", MAPS, config_map("a", x="1"))
    assert (status, made["metadata"]["namespace"], made["data"]) == (201, "default", {"x": "1"})
    assert (await running.ask("GET", f"{MAPS}/a"))[1] == made
    status, changed = await running.ask("PUT", f"{MAPS}/a", {**made, "data": {"x": "2"}})
    assert (status, changed["data"]) == (200, {"x": "2"})
    patch = {"data": {"y": "3", "x": None}}
    status, patched = await running.ask("PATCH", f"{MAPS}/a", patch, Content_Type="application/merge-patch+json")
    assert (status, patched["data"]) == (200, {"y": "3"})
    assert (await running.ask("DELETE", f"{MAPS}/a"))[1]["status"] == "Success"
    assert (await running.ask("GET", f"{MAPS}/a"))[0] == 404


async def test_a_stale_resource_version_is_a_conflict(running: Api) -> None:
    _, made = await running.ask("POST", MAPS, config_map("a", x="1"))
    await running.ask("PUT", f"{MAPS}/a", {**made, "data": {"x": "2"}})
    status, said = await running.ask("PUT", f"{MAPS}/a", {**made, "data": {"x": "3"}})
    assert (status, said["reason"]) == (409, "Conflict")
    assert "the object has been modified" in said["message"]


async def test_lists_select_by_label_and_field(running: Api) -> None:
    for name in "abc":
        await running.ask("POST", MAPS, config_map(name))
    _, listed = await running.ask("GET", f"{MAPS}?labelSelector=app%20in%20(a,b)")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]
    _, listed = await running.ask("GET", "/api/v1/configmaps?fieldSelector=metadata.name=c")
    assert (listed["kind"], [item["metadata"]["name"] for item in listed["items"]]) == ("ConfigMapList", ["c"])


async def test_a_table_has_the_kinds_columns(running: Api) -> None:
    await running.ask("POST", MAPS, config_map("a", x="1"))
    _, table = await running.ask("GET", MAPS, Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 1]


async def test_a_refusal_is_a_status_in_knatives_words(running: Api) -> None:
    service = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "a"},
        "spec": {"template": {"spec": {"containers": [{"image": "app", "ports": [{"containerPort": 8012}]}]}}},
    }
    status, said = await running.ask("POST", SERVICES, service)
    assert (status, said["kind"], said["reason"]) == (400, "Status", "BadRequest")
    assert said["message"].startswith(
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '
        "invalid value: 8012 is a reserved port: spec.template.spec.containers[0].ports.containerPort"
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/api/v1/namespaces/default/configmaps/no", None, 404, 'configmaps "no" not found'),
        ("GET", f"{MAPS}?watch=true&timeoutSeconds=soon", None, 400, 'timeoutSeconds: "soon" is no whole number'),
        ("GET", f"{MAPS}?watch=true&resourceVersion=x", None, 400, 'resourceVersion: "x" is no whole number'),
        ("POST", MAPS, [1], 400, "the body must be one object"),
        ("POST", MAPS, {"kind": "Nope", "apiVersion": "v1"}, 400, "the kind in the data (Nope) does not match"),
        ("POST", MAPS, {"apiVersion": "v2"}, 400, "the apiVersion in the data (v2) does not match"),
        ("POST", MAPS, {"metadata": {"name": "a", "namespace": "b"}}, 400, "does not match the namespace sent"),
        ("POST", "/api/v1/namespaces/no/configmaps", config_map("a"), 404, 'namespaces "no" not found'),
        ("POST", f"{MAPS}?dryRun=some", config_map("a"), 422, 'dryRun: Unsupported value: "some"'),
        ("POST", MAPS, b"{" * 100_000, 400, "the object provided is unrecognized"),
        ("POST", MAPS, b"[" * 100_000, 400, "nested too deeply"),
        ("POST", MAPS, b'"' + b"x" * 3_200_000 + b'"', 413, "Request entity too large: limit is 3145728"),
        ("GET", f"{MAPS}?resourceVersion=99999999999999", None, 504, "Too large resource version"),
        ("GET", f"{MAPS}?fieldSelector=data.x=1", None, 400, '"data.x" is not a known field selector'),
        ("GET", f"{MAPS}?continue=none", None, 410, "The provided continue parameter is too old"),
        ("PUT", MAPS, config_map("a"), 405, "PUT is not supported on resources of kind"),
        ("PUT", f"{MAPS}/a", config_map("b"), 400, "does not match the name on the URL"),
        ("PATCH", f"{MAPS}/a", {}, 415, "the body of the request was in an unknown format"),
    ],
)
async def test_bad_requests_get_a_status(
    running: Api, method: str, path: str, body: Any, status: int, text: str
) -> None:
    found, said = await running.ask(method, path, body)
    assert found == status
    assert text in said["message"]


@pytest.mark.parametrize("path", ["/apis/none.dev/v1/things", "/api/v1/nothings", f"{MAPS}/a/b", "/other"])
async def test_a_path_that_is_not_served_is_404_in_plain_text(running: Api, path: str) -> None:
    assert await running.ask("GET", path) == (404, "404 page not found\n")


async def test_every_path_may_end_with_a_slash(running: Api) -> None:
    assert (await running.ask("GET", "/version/"))[1]["gitVersion"].startswith("v1.")
    assert (await running.ask("GET", f"{MAPS}/"))[0] == 200


async def test_health_is_told(running: Api) -> None:
    for path in ("/healthz", "/livez", "/readyz?verbose"):
        assert await running.ask("GET", path) == (200, "ok")


async def test_a_client_may_do_everything(running: Api) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    status, said = await running.ask("POST", path, {"spec": {"resourceAttributes": {"verb": "get"}}})
    assert (status, said["kind"], said["status"]) == (201, "SelfSubjectAccessReview", {"allowed": True})
    _, rules = await running.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {}})
    assert rules["status"]["resourceRules"][0]["verbs"] == ["*"]


@pytest.mark.parametrize(
    ("headers", "prefix", "status"),
    [
        ({}, "wrong", 404),
        ({"Host": "evil.example.com"}, PREFIX, 403),
        ({"Origin": "http://evil.example.com"}, PREFIX, 403),
        ({"Origin": "null"}, PREFIX, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, PREFIX, 200),
        ({"Sec_Fetch_Site": "cross-site"}, PREFIX, 403),
        ({"Host": "localhost:1"}, PREFIX, 200),
    ],
)
async def test_only_who_knows_the_prefix_and_is_no_web_page_gets_in(
    running: Api, headers: dict[str, str], prefix: str, status: int
) -> None:
    assert (await running.ask("GET", "/version", prefix=prefix, **headers))[0] == status


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
async def test_the_real_kubectl_lists_what_is_there(running: Api, tmp_path: Path) -> None:
    running.store.create(config_map("a", x="1"))
    server = f"http://127.0.0.1:{running.port}/{PREFIX}"
    command = ["kubectl", "--server", server, "--cache-dir", str(tmp_path), "get", "cm", "a"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    header, row = done.stdout.splitlines()
    assert header.split() == ["NAME", "DATA", "AGE"]
    assert row.split()[:2] == ["a", "1"]
