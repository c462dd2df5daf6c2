"""Core Services: what is completed, what is refused, what the table shows."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Json
from emulator.workloads.coreservices import CORE_SERVICE
from tests.world import World


def service(name: str = "web", **spec: Any) -> Json:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def cells(world: World, **spec: Any) -> list[object]:
    made = world.create(service(**spec))
    return [c.cell(made) for c in CORE_SERVICE.columns if c.name != "Age"]


def test_what_is_not_written_is_what_kubernetes_would_fill_in() -> None:
    spec = World().create(service(selector={"a": "b"}, ports=[{"port": 80}])).obj["spec"]
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert (spec["type"], spec["sessionAffinity"], spec["ipFamilies"]) == ("ClusterIP", "None", ["IPv4"])
    assert spec["clusterIPs"] == [spec["clusterIP"]]


def test_its_address_and_node_port_are_the_same_whenever_it_is_made() -> None:
    specs = [World().create(service(type="NodePort", ports=[{"port": 80}])).obj["spec"] for _ in range(2)]
    assert specs[0] == specs[1]
    assert specs[0]["clusterIP"].startswith("10.")
    assert 30000 <= specs[0]["ports"][0]["nodePort"] <= 32767


def test_its_address_stays_when_a_client_sends_the_spec_without_it() -> None:
    world = World()
    made = world.create(service(ports=[{"port": 80}], clusterIP="10.96.9.9"))
    edited = world.edit(made, spec={"ports": [{"port": 81}]})
    assert edited.obj["spec"]["clusterIP"] == "10.96.9.9"


def test_a_service_that_becomes_external_lets_its_address_go() -> None:
    world = World()
    made = world.create(service(ports=[{"port": 80}]))
    edited = world.edit(made, spec={**made.obj["spec"], "type": "ExternalName", "externalName": "a.test"})
    assert "clusterIP" not in edited.obj["spec"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "spec.ports: Required value"),
        ({"ports": [{"port": 0}]}, "must be between 1 and 65535, inclusive"),
        ({"ports": [{"port": 80}, {"port": 81, "name": "b"}]}, "spec.ports[0].name: Required value"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, 'Duplicate value: "a"'),
        ({"ports": [{"port": 80, "protocol": "HTTP"}]}, 'supported values: "SCTP", "TCP", "UDP"'),
        ({"type": "Other", "ports": [{"port": 80}]}, 'Unsupported value: "Other"'),
        ({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}, "The range of valid ports is 30000-32767"),
        ({"ports": [{"port": 80, "nodePort": 30080}]}, "may not be used when `type` is 'ClusterIP'"),
        ({"type": "ExternalName"}, "spec.externalName: Required value"),
        ({"type": "NodePort", "clusterIP": "None", "ports": [{"port": 80}]}, "for NodePort services"),
    ],
    ids=["no ports", "port", "names", "twice", "protocol", "type", "range", "node port", "name", "headless"],
)
def test_what_is_refused(spec: Json, said: str) -> None:
    refused = World().refusal(service(**spec))
    assert said in refused or said.replace("Required value", "missing") in refused, refused


def test_the_address_of_a_service_does_not_change() -> None:
    world = World()
    made = world.create(service(ports=[{"port": 80}]))
    spec = {**made.obj["spec"], "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}
    assert "may not change once set" in world.refusal({**made.obj, "spec": spec})


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ({"clusterIP": "None"}, ["ClusterIP", "None", "<none>", "<none>", "<none>"]),
        ({"type": "ExternalName", "externalName": "a.b"}, ["ExternalName", "<none>", "a.b", "<none>", "<none>"]),
        (
            {"clusterIP": "10.96.0.9", "ports": [{"port": 80}], "selector": {"b": "c", "a": "b"}},
            ["ClusterIP", "10.96.0.9", "<none>", "80/TCP", "a=b,b=c"],
        ),
        (
            {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "ports": [{"port": 80, "nodePort": 30001}]},
            ["LoadBalancer", "10.96.0.9", "<pending>", "80:30001/TCP", "<none>"],
        ),
    ],
    ids=["headless", "external", "plain", "load balancer"],
)
def test_the_columns(spec: Json, shown: list[str]) -> None:
    assert cells(World(), **spec) == shown
