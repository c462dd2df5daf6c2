"""A running API over a real Store, without the rest of kemu."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulator.app import KINDS
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.server import Listener, Server, bind
from emulator.kubeapi.api import api
from emulator.kubeapi.own import Actions
from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.podrunner import PodLogs
from tests.runtime.memory import MemoryRuntime

PREFIX = "secret"
MAPS = "/api/v1/namespaces/default/configmaps"
SERVICES = "/apis/serving.knative.dev/v1/namespaces/default/services"


@dataclass
class Api:
    """A running API."""

    store: Store
    port: int
    logs: PodLogs
    runtime: MemoryRuntime
    visits: list[str]
    """Who came into which Pod and left it."""
    headers: dict[str, str] = field(default_factory=dict)
    """Those of the last answer."""

    async def ask(
        self, method: str, path: str, body: Any = None, prefix: str = PREFIX, **headers: str
    ) -> tuple[int, Any]:
        def send() -> tuple[int, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            sent = {key.replace("_", "-"): value for key, value in headers.items()}
            data = body if isinstance(body, bytes | None) else json.dumps(body)
            connection.request(method, f"/{prefix}{path}", data, sent)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            self.headers = dict(answer.getheaders())
            is_json = "json" in (answer.getheader("content-type") or "")
            return answer.status, json.loads(text) if is_json else text.decode()

        return await asyncio.to_thread(send)

    async def watch(self, path: str, count: int, **headers: str) -> list[dict[str, Any]]:
        """The first `count` events of a watch, read until then or to the end of the stream."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
        writer.write(f"GET /{PREFIX}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode())
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(5):
            while len(seen) < count and (line := await reader.readline()) not in (b"", b"0\r\n"):
                if line.startswith(b"{"):
                    seen.append(json.loads(line))
        writer.close()
        return seen


@pytest.fixture
async def running() -> AsyncIterator[Api]:
    store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP)
    nothing: Any = lambda *_: 0  # noqa: E731
    logs, runtime, visits = PodLogs(), MemoryRuntime("any"), list[str]()

    @asynccontextmanager
    async def awake(pod: Resource[Any]) -> AsyncIterator[None]:
        visits.append(f"into {pod.name}")
        try:
            yield
        finally:
            visits.append(f"out of {pod.name}")

    actions = Actions(fire=nothing, stop=lambda: None, logs=logs, containers=runtime, stats=nothing, awake=awake)
    async with Tasks() as tasks:
        app = api(store, PREFIX, actions)
        hosts = VirtualHosts().public
        listener = Listener(bind("127.0.0.1", 0), hosts, Deadlines(), app)
        server = Server(listener)
        serving = tasks.spawn(server.run(), "api")
        yield Api(store, listener.port, logs, runtime, visits)
        await server.stop(0.0)
        await serving


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": name}}, "data": data}
