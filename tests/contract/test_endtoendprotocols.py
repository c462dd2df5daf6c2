"""HTTP/2, gRPC and WebSocket as Knative's test/e2e has them (serving §9), as far as tests/scenarios/test_protocols.py
has not.

Followed: knative/serving test/e2e (98e5ef9), grpc_test.go, http2_test.go, websocket_test.go, domainmapping.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from tests.contract.cluster import Cluster
from tests.contract.contract import may, must, should
from tests.scenarios.harness import eventually
from tests.scenarios.speaking import PROTOCOLS, channel, method, websocket

pytestmark = pytest.mark.engine
A = "autoscaling.knative.dev/"
VIA_ACTIVATOR = {f"{A}target-burst-capacity": "-1"}


def speaker(port: str = "", **env: str) -> dict[str, Any]:
    """A container that speaks everything; with a port named `h2c` nothing but HTTP/2."""
    env |= {"ONLY_HTTP2": "1"} if port == "h2c" else {}
    ports = {"ports": [{"name": port, "containerPort": 8080}]} if port else {}
    return {"image": PROTOCOLS, "env": [{"name": key, "value": value} for key, value in env.items()], **ports}


def said(cluster: Cluster, name: str) -> str:
    """What comes back for "hello" over a WebSocket of its own."""
    with websocket(cluster.kemu.state.port, name) as line:
        line.send("hello")
        return str(line.recv(timeout=30))


# -- HTTP/2 and gRPC


@may("e2e/TestHelloHTTP2WithEmptyPortName")
def test_what_speaks_only_http2_is_not_reached_without_the_name(cluster: Cluster) -> None:
    name = cluster.serve({"image": PROTOCOLS, "env": [{"name": "ONLY_HTTP2", "value": "1"}]})
    assert cluster.request(name).status == 502


@must("e2e/TestGRPCUnaryPingViaActivator")
@must("e2e/TestGRPCStreamingPingViaActivator")
def test_grpc_passes_the_activator(cluster: Cluster) -> None:
    name = cluster.serve(speaker("h2c"), annotations=VIA_ACTIVATOR)
    cluster.activated(f"{name}-00001")
    with channel(cluster.kemu.state.port, name) as calls:
        assert method(calls, "unary_unary", "Unary")(b"Hello!", timeout=30) == b"Hello!"
        words = [b"one", b"two", b"three"]
        assert list(method(calls, "stream_stream", "Chat")(iter(words), timeout=30)) == words


@must("e2e/TestGRPCLoadBalancing")
def test_calls_on_one_connection_are_spread(cluster: Cluster) -> None:
    name = cluster.serve(speaker("h2c"), annotations={**VIA_ACTIVATOR, f"{A}min-scale": "3", f"{A}target": "1"})
    with channel(cluster.kemu.state.port, name) as calls, ThreadPoolExecutor(6) as pool:
        host = method(calls, "unary_unary", "Host")
        hosts = set(pool.map(lambda _: host(b"", timeout=30), range(120)))
    assert len(hosts) == 3
    cluster.delete("services", name)


# -- WebSocket


@must("e2e/TestWebSocketViaActivator")
def test_a_websocket_passes_the_activator(cluster: Cluster) -> None:
    name = cluster.serve(speaker(), annotations=VIA_ACTIVATOR)
    cluster.activated(f"{name}-00001")
    assert said(cluster, name) == "hello"


@must("e2e/TestWebSocketGracefulShutdown")
def test_a_websocket_of_a_deleted_service_is_closed_by_its_function(cluster: Cluster) -> None:
    name = cluster.serve(speaker())
    with websocket(cluster.kemu.state.port, name) as line:
        line.send("hello")
        assert line.recv(timeout=30) == "hello"
        cluster.delete("services", name)
        with pytest.raises(ConnectionClosedOK) as closed:
            line.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


@must("e2e/TestWebSocketBlueGreenRoute")
def test_websockets_are_split_between_revisions(cluster: Cluster) -> None:
    name = cluster.serve(speaker(SUFFIX="Blue"))
    suffix = {"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "Green"}
    cluster.patch("services", name, suffix)
    cluster.ready("services", name)
    halves = [
        {"tag": tag, "revisionName": f"{name}-0000{number}", "percent": 50}
        for number, tag in ((1, "blue"), (2, "green"))
    ]
    cluster.patch("services", name, {"op": "replace", "path": "/spec/traffic", "value": halves})
    cluster.ready("services", name)
    assert said(cluster, f"green-{name}.default.example.com") == "helloGreen"
    with ThreadPoolExecutor(8) as pool:
        texts = Counter(pool.map(lambda _: said(cluster, name), range(200)))
    assert texts.keys() == {"helloBlue", "helloGreen"}
    assert abs(texts["helloBlue"] - 100) <= 35  # five times the deviation that chance has


@must("e2e/TestWebSocketWithTimeout")
@pytest.mark.parametrize("field", ["timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"])
def test_each_timeout_ends_a_websocket(cluster: Cluster, field: str) -> None:
    fields: dict[str, Any] = {field: 1} if field == "timeoutSeconds" else {"timeoutSeconds": 20, field: 1}
    name = cluster.serve(speaker(), **fields)
    assert said(cluster, name) == "hello"
    with websocket(cluster.kemu.state.port, name) as line:
        threading.Event().wait(0.3)
        line.send("hello")
        assert line.recv(timeout=30) == "hello"
        line.send("hang")
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=10)


@should("e2e/TestDomainMappingWebsocket")
def test_a_websocket_under_a_name_of_the_users_own(cluster: Cluster) -> None:
    name = cluster.serve(speaker())
    host = f"{name}.example.org"
    mappings = "/apis/serving.knative.dev/v1beta1/namespaces/default/domainmappings"
    reference = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}
    body = {"apiVersion": "serving.knative.dev/v1beta1", "kind": "DomainMapping", "metadata": {"name": host}}
    with cluster.configured("config-network", autocreate_cluster_domain_claims="true"):
        cluster.ask("POST", mappings, {**body, "spec": {"ref": reference}})

        def is_ready() -> bool:
            found = cluster.ask("GET", f"{mappings}/{host}").get("status", {}).get("conditions", [])
            return {"True"} == {c["status"] for c in found if c["type"] == "Ready"}

        eventually(is_ready, "the mapping is ready")
    assert said(cluster, host) == "hello"
