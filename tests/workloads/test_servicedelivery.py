"""Names of core Services in the data plane, with a real server in the place of a Pod."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator.ingress.upstream import Dialer
from emulator.lib.tasks import Tasks
from emulator.workloads.servicedelivery import ServiceDelivery
from tests.ingress.conftest import World as Plane
from tests.ingress.conftest import world as plane
from tests.workloads.test_coreservices import service
from tests.world import World

__all__ = ["plane"]
FULL = "web.default.svc.cluster.local"


def endpoints(port: int) -> dict[str, Any]:
    subsets = [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": port}]}]
    metadata = {"name": "web", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}


async def ask(plane: Plane, url: str) -> tuple[int, str]:
    async with asyncio.timeout(10):
        answer = await plane.client.post(url, [], b"event", 5.0)
    return answer.status, answer.body.decode()


async def test_a_name_leads_to_the_endpoints_and_nowhere_when_they_are_gone(plane: Plane) -> None:
    async with Tasks() as tasks:
        store = World().store
        ServiceDelivery(store, plane.hosts.internal, Dialer(tasks)).start()
        made = store.create(service(ports=[{"port": 80}]))
        assert plane.hosts.internal.own(FULL) is None
        stored = store.create(endpoints(plane.backend.port))
        for host in (FULL, "web.default.svc", "web.default", "web"):
            assert await ask(plane, f"http://{host}/echo") == (200, "event")
        store.update({**stored.obj, "subsets": []})
        assert await ask(plane, f"http://{FULL}/echo") == (503, 'no endpoints available for service "web"')
        store.delete(made.kind, "web", "default")
        assert plane.hosts.internal.own(FULL) is None


async def test_without_port_80_containers_find_a_pod_under_the_name(plane: Plane) -> None:
    async with Tasks() as tasks:
        store = World().store
        ServiceDelivery(store, plane.hosts.internal, Dialer(tasks)).start()
        store.create(service(ports=[{"port": 5432}]))
        stored = store.create(endpoints(5432))
        assert plane.hosts.internal.pins[FULL] == "127.0.0.1"
        store.update({**stored.obj, "subsets": []})
        assert plane.hosts.internal.pins == {}


async def test_with_other_ports_than_its_pods_have_a_service_is_asked_at_kemus_listener(plane: Plane) -> None:
    async with Tasks() as tasks:
        store, hosts = World().store, plane.hosts.internal
        ServiceDelivery(store, hosts, Dialer(tasks)).start()
        made = store.create(service(ports=[{"port": 9000, "targetPort": plane.backend.port}]))
        store.create(endpoints(plane.backend.port))
        assert hosts.pins == {}
        assert hosts.ports == {9000}
        assert await ask(plane, f"http://{FULL}:9000/echo") == (200, "event")
        store.delete(made.kind, "web", "default")
        assert hosts.ports == set()


async def test_an_alias_of_a_name_that_kemu_knows_leads_there(plane: Plane) -> None:
    async with Tasks() as tasks:
        store = World().store
        ServiceDelivery(store, plane.hosts.internal, Dialer(tasks)).start()
        store.create(service("other", type="ExternalName", externalName="hello.example.com"))
        assert await ask(plane, "http://other.default.svc.cluster.local/echo") == (200, "event")


async def test_the_name_of_a_route_stays_the_routes(plane: Plane) -> None:
    async with Tasks() as tasks:
        world = World()
        ServiceDelivery(world.store, plane.hosts.internal, Dialer(tasks)).start()
        route = {"apiVersion": "serving.knative.dev/v1", "kind": "Route", "metadata": {"name": "web"}}
        world.create({**route, "spec": {"traffic": [{"configurationName": "web", "percent": 100}]}})
        world.create(service(ports=[{"port": 80}], selector={"a": "b"}))
        assert plane.hosts.internal.own(FULL) is None
