"""Which Pods stand behind a core Service."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.resource import Resource
from emulator.workloads.endpoints import ENDPOINT_SLICE, ENDPOINTS, reconcile
from tests.workloads.test_coreservices import service
from tests.world import World

READY = [{"type": "Ready", "status": "True"}]


def pod(world: World, name: str, ip: str, *, is_ready: bool = True, number: int = 8080) -> Resource[Any]:
    ports = [{"name": "web", "containerPort": number}]
    metadata = {"name": name, "namespace": "default", "labels": {"app": "a"}}
    spec = {"containers": [{"name": "c", "image": "i", "ports": ports}]}
    made = world.store.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    status: dict[str, Any] = {"phase": "Running", "conditions": READY if is_ready else []}
    return world.store.update_status(made.key, {**status, **({"podIP": ip} if ip else {})})


def children(world: World, **spec: Any) -> dict[str, Any]:
    made = world.create(service(selector={"app": "a"}, **spec))
    return {child["kind"]: child for child in reconcile(made, world.view()).children}


def test_ready_pods_are_told_apart_from_others_and_names_of_ports_are_resolved() -> None:
    world = World()
    pod(world, "one", "172.18.0.2")
    pod(world, "two", "172.18.0.3", is_ready=False)
    pod(world, "starting", "", is_ready=False)
    (subset,) = children(world, ports=[{"port": 80, "targetPort": "web"}])["Endpoints"]["subsets"]
    assert [a["ip"] for a in subset["addresses"]] == ["172.18.0.2"]
    assert [a["ip"] for a in subset["notReadyAddresses"]] == ["172.18.0.3"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert subset["addresses"][0]["targetRef"]["name"] == "one"


def test_pods_with_other_numbers_for_a_port_stand_in_a_subset_of_their_own() -> None:
    world = World()
    pod(world, "one", "172.18.0.2")
    pod(world, "two", "172.18.0.3", number=9090)
    subsets = children(world, ports=[{"port": 80, "targetPort": "web"}])["Endpoints"]["subsets"]
    assert [(s["addresses"][0]["ip"], s["ports"][0]["port"]) for s in subsets] == [
        ("172.18.0.2", 8080),
        ("172.18.0.3", 9090),
    ]


def test_a_service_that_wants_to_gets_pods_that_are_not_ready() -> None:
    world = World()
    pod(world, "one", "172.18.0.2", is_ready=False)
    made = children(world, ports=[{"port": 80}], publishNotReadyAddresses=True)
    assert [a["ip"] for a in made["Endpoints"]["subsets"][0]["addresses"]] == ["172.18.0.2"]
    assert made["EndpointSlice"]["endpoints"][0]["conditions"] == {
        "ready": True,
        "serving": False,
        "terminating": False,
    }


@pytest.mark.parametrize(
    "spec", [{"ports": [{"port": 80}]}, {"type": "ExternalName", "externalName": "a.test"}], ids=["bare", "external"]
)
def test_a_service_without_pods_of_its_own_has_no_endpoints_made_for_it(spec: Any) -> None:
    world = World()
    made = world.create(service(**spec))
    assert list(reconcile(made, world.view()).children) == []


def test_the_tables_show_addresses_with_ports() -> None:
    world = World()
    for number in range(5):
        pod(world, f"p{number}", f"172.18.0.{number + 2}")
    made = children(world, ports=[{"port": 80, "targetPort": 8080}])
    cells = [kind.columns[-2].cell(world.store.create(made[kind.name])) for kind in (ENDPOINTS, ENDPOINT_SLICE)]
    assert cells == [
        "172.18.0.2:8080,172.18.0.3:8080,172.18.0.4:8080 + 2 more...",
        "172.18.0.2,172.18.0.3,172.18.0.4 + 2 more...",
    ]
