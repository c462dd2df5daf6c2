"""The core Services of a Revision and where they lead, by mode and by what is ready."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.control.reconciler import Outcome
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.serverlessservices import SERVERLESS_SERVICE
from emulator.workloads.endpoints import ENDPOINT_SLICE, ENDPOINTS
from tests.world import World, child, obj, said

UID = "serving.knative.dev/revisionUID"
POD = {"ip": "10.0.0.7", "nodeName": "kemu", "targetRef": {"kind": "Pod", "name": "p"}}


def endpoints(world: World, name: str, namespace: str, port: int, *addresses: Json) -> None:
    subset = {"addresses": [*addresses], "ports": [{"name": "http", "port": port, "protocol": "TCP"}]}
    metadata = {"name": name, "namespace": namespace}
    world.create({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]})


def sks(world: World, mode: str, **spec: Any) -> Resource[Any]:
    body = {"mode": mode, "objectRef": {"name": "r1-deployment"}, "protocolType": "http1", "numActivators": 1, **spec}
    return world.create(obj(SERVERLESS_SERVICE, "r1", body, labels={UID: "u"}))


def addresses(outcome: Outcome) -> tuple[list[str], list[int]]:
    """What the public Service leads to; both forms say the same."""
    told = child(outcome, ENDPOINTS).get("subsets", [])
    sliced = child(outcome, ENDPOINT_SLICE)
    assert sliced["metadata"]["labels"]["kubernetes.io/service-name"] == "r1"
    found = [address["ip"] for subset in told for address in subset["addresses"]]
    assert [each["addresses"][0] for each in sliced["endpoints"]] == found
    ports = [port["port"] for subset in told for port in subset["ports"]]
    assert [port["port"] for port in sliced["ports"]] == ports[:1]
    return found, ports


@pytest.fixture
def world() -> World:
    made = World()
    endpoints(made, "activator-service", "knative-serving", 80, {"ip": "172.18.0.1"})
    return made


@pytest.mark.parametrize("mode", ["Proxy", "Serve"])
def test_while_no_pod_is_ready_the_activator_is_asked(world: World, mode: str) -> None:
    outcome = world.reconcile(sks(world, mode))
    assert addresses(outcome) == (["172.18.0.1"], [80])
    assert said(outcome) == ("Unknown", "NoHealthyBackends", "K8s Service is not ready")
    assert said(outcome, "ActivatorEndpointsPopulated")[0] == "True"
    assert outcome.status == {"serviceName": "r1", "privateServiceName": "r1-private"}


@pytest.mark.parametrize(("mode", "ip", "port"), [("Proxy", "172.18.0.1", 80), ("Serve", "10.0.0.7", 8080)])
def test_ready_pods_are_asked_by_mode(world: World, mode: str, ip: str, port: int) -> None:
    endpoints(world, "r1-private", "default", 8080, POD)
    outcome = world.reconcile(sks(world, mode))
    assert addresses(outcome) == ([ip], [port])
    assert said(outcome)[0] == "True"
    assert said(outcome, "ActivatorEndpointsPopulated")[0] == ("True" if mode == "Proxy" else "False")


def test_the_private_service_selects_the_revisions_pods(world: World) -> None:
    outcome = world.reconcile(sks(world, "Serve"))
    private, public = child(outcome, "Service", "r1-private"), child(outcome, "Service", "r1")
    assert private["spec"]["selector"] == {UID: "u"}
    assert private["spec"]["ports"][0]["targetPort"] == "user-port"
    assert "selector" not in public["spec"]
    label = "networking.internal.knative.dev/serviceType"
    assert (public["metadata"]["labels"][label], private["metadata"]["labels"][label]) == ("Public", "Private")


def test_h2c_is_told_by_the_name_of_the_port(world: World) -> None:
    outcome = world.reconcile(sks(world, "Serve", protocolType="h2c"))
    (port,) = child(outcome, "Service", "r1-private")["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("http2", "h2c")
