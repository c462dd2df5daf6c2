"""The API over real HTTP: objects, watches, errors, guards; and the real kubectl where there is one."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.app import KINDS
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.server import Listener, Server, bind
from emulator.kubeapi.api import Actions, api
from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.podrunner import PodLogs

PREFIX = "secret"


@dataclass
class Api:
    """A running API."""

    store: Store
    port: int

    async def ask(
        self, method: str, path: str, body: Any = None, prefix: str = PREFIX, **headers: str
    ) -> tuple[int, Any]:
        def send() -> tuple[int, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            sent = {key.replace("_", "-"): value for key, value in headers.items()}
            connection.request(method, f"/{prefix}{path}", None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            is_json = "json" in (answer.getheader("content-type") or "")
            return answer.status, json.loads(text) if is_json else text.decode()

        return await asyncio.to_thread(send)


@pytest.fixture
async def running() -> AsyncIterator[Api]:
    store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP)
    nothing: Any = lambda *_: 0  # noqa: E731
    actions = Actions(fire=nothing, stop=lambda: None, logs=PodLogs(), last_cold={}, requests=nothing)
    async with Tasks() as tasks:
        listener = Listener(bind("127.0.0.1", 0), VirtualHosts().public, Deadlines(), api(store, PREFIX, actions))
        server = Server(listener)
        serving = tasks.spawn(server.run(), "api")
        yield Api(store, listener.port)
        await server.stop(0.0)
        await serving


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": name}}, "data": data}


MAPS = "/api/v1/namespaces/default/configmaps"


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
        "spec": {"template": {"spec": {"containers": [{"image": "x", "ports": [{"containerPort": 8012}]}]}}},
    }
    status, said = await running.ask("POST", "/apis/serving.knative.dev/v1/namespaces/default/services", service)
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
        ("GET", f"{MAPS}?watch=true&resourceVersion=x", None, 400, 'resourceVersion: "x" is no number'),
        ("GET", "/apis/none.dev/v1/things", None, 404, "not found"),
        ("POST", MAPS, [1], 400, "one JSON object"),
        ("POST", MAPS, {"kind": "Nope", "apiVersion": "v1"}, 400, 'no matches for kind "Nope"'),
        ("PUT", f"{MAPS}/a", config_map("b"), 400, "does not match the name on the URL"),
        ("PATCH", f"{MAPS}/a", {}, 400, "send application/merge-patch+json"),
    ],
)
async def test_bad_requests_get_a_status(
    running: Api, method: str, path: str, body: Any, status: int, text: str
) -> None:
    found, said = await running.ask(method, path, body)
    assert found == status
    assert text in said["message"]


async def test_a_watch_replays_and_follows(running: Api) -> None:
    created = running.store.create(config_map("a", x="1"))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    query = f"watch=true&resourceVersion={created.resource_version - 1}"
    writer.write(f"GET /{PREFIX}{MAPS}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    running.store.update(config_map("a", x="2"))
    running.store.delete(CONFIG_MAP, "a", "default")
    seen: list[tuple[str, str]] = []
    async with asyncio.timeout(5):
        while len(seen) < 3:
            line = await reader.readline()
            if line.startswith(b"{"):
                found = json.loads(line)
                seen.append((found["type"], found["object"]["data"]["x"]))
    writer.close()
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


@pytest.mark.parametrize(
    ("headers", "prefix", "status"),
    [
        ({}, "wrong", 404),
        ({"Host": "evil.example.com"}, PREFIX, 403),
        ({"Origin": "http://evil.example.com"}, PREFIX, 403),
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
