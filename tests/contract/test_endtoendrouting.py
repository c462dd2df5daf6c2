"""Namespaces, names, visibility, splits and calls between Services as Knative's test/e2e has them (serving §9).

Followed: knative/serving test/e2e (98e5ef9), namespace_test.go, route_service_test.go, rollback_byo_test.go,
rollout_test.go, service_to_service_test.go, subroutes_test.go, egress_traffic_test.go, tagheader.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contract.cluster import Cluster, app
from tests.contract.contract import may, must
from tests.scenarios.harness import eventually

pytestmark = pytest.mark.engine
VISIBILITY = "networking.knative.dev/visibility"
PRIVATE: dict[str, Any] = {"labels": {VISIBILITY: "cluster-local"}}
MESSAGE = "/spec/template/spec/containers/0/env/0/value"
SHORT = ("", ".cluster.local", ".svc.cluster.local")
"""What is cut off a cluster-local name."""


def replaced(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def added(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def routed(cluster: Cluster, *traffic: dict[str, Any], name: str = "", **metadata: Any) -> str:
    """A Service with this split, once it is ready; its name."""
    name = name or cluster.name()
    template = {"spec": {"containers": [app(name)]}}
    cluster.create("Service", name, {"template": template, "traffic": list(traffic)}, **metadata)
    cluster.ready("services", name)
    return name


def is_private(cluster: Cluster, name: str, tag: str = "") -> bool:
    """Whether a Route's host, or that of one of its tags, is one of the cluster's own."""
    status = cluster.get("routes", name)["status"]
    if not tag:
        return str(status["url"]).endswith(".svc.cluster.local")
    urls = [str(target["url"]) for target in status["traffic"] if target.get("tag") == tag]
    return bool(urls) and urls[0].endswith(".svc.cluster.local")


def fetched(cluster: Cluster, *urls: str) -> list[str]:
    """What a Service gets from each URL; one of its own, which starts when what it asks has a name."""
    caller = cluster.serve(app("caller"))
    return [cluster.text(caller, f"/fetch?url={url}") for url in urls]


# -- basics


@pytest.fixture(scope="module")
def other_namespace(cluster: Cluster) -> str:
    name = cluster.name()
    cluster.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@must("e2e/TestMultipleNamespace")
def test_a_name_may_be_had_in_each_namespace(cluster: Cluster, other_namespace: str) -> None:
    name = cluster.serve(app("here"))
    body = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [app("there")]}}},
    }
    path = f"/apis/serving.knative.dev/v1/namespaces/{other_namespace}/services"
    cluster.ask("POST", path, body)

    def is_ready() -> bool:
        conditions = cluster.ask("GET", f"{path}/{name}").get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    eventually(is_ready, "the other one is ready")
    assert (cluster.text(name), cluster.text(f"{name}.{other_namespace}.example.com")) == ("here", "there")


@must("e2e/TestConflictingRouteService")
def test_a_service_of_another_namespace_that_claims_a_route_is_left_alone(
    cluster: Cluster, other_namespace: str
) -> None:
    name = cluster.name()
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{name}-claims", "labels": {"serving.knative.dev/route": name}},
        "spec": {"type": "ExternalName", "externalName": "some-internal-addr"},
    }
    path = f"/api/v1/namespaces/{other_namespace}/services"
    cluster.ask("POST", path, body)
    routed(cluster, {"latestRevision": True, "percent": 100, "tag": "chips"}, name=name)
    assert cluster.ask("GET", f"{path}/{name}-claims")["spec"]["externalName"] == "some-internal-addr"


@contextmanager
def outside(cluster: Cluster) -> Iterator[str]:
    """The URL of a server beside kemu, as containers reach it."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from outside")

        def log_message(self, *args: object) -> None:
            pass

    networks = cluster.kemu.engine.networks.list(filters={"label": f"dev.kemu.instance={cluster.kemu.instance}"})
    [gateway] = [each["Gateway"] for network in networks for each in network.attrs["IPAM"]["Config"]]
    with http.server.HTTPServer(("0.0.0.0", 0), Answers, bind_and_activate=False) as server:
        server.server_bind = lambda: server.socket.bind(server.server_address)  # type: ignore[method-assign]
        server.server_bind()
        server.server_activate()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{gateway}:{server.socket.getsockname()[1]}/"
        server.shutdown()


@must("e2e/TestEgressTraffic")
def test_a_function_reaches_what_is_outside(cluster: Cluster) -> None:
    with outside(cluster) as url:
        assert fetched(cluster, url) == ["from outside"]


# -- names and splits


@must("e2e/TestRollbackBYOName")
def test_a_spec_of_before_brings_its_revision_back(cluster: Cluster) -> None:
    name = cluster.name()

    def spec(revision: str) -> dict[str, Any]:
        template = {"metadata": {"name": revision}, "spec": {"containers": [app(revision)]}}
        return {"template": template, "traffic": [{"revisionName": revision, "percent": 100}]}

    old, new = f"{name}-byo-foo", f"{name}-byo-foo-new"
    cluster.create("Service", name, spec(old))
    first = cluster.ready("services", name)["spec"]
    cluster.patch("services", name, replaced("/spec", spec(new)))
    assert cluster.ready("services", name)["status"]["latestReadyRevisionName"] == new
    cluster.patch("services", name, replaced("/spec", first))
    status = cluster.ready("services", name)["status"]
    assert {(t["revisionName"], t["percent"]) for t in status["traffic"]} == {(old, 100)}
    assert status["latestReadyRevisionName"] == status["latestCreatedRevisionName"] == old
    assert cluster.text(name) == old


@must("e2e/TestRoutesNotReady")
def test_a_split_to_what_is_not_there_is_told_by_route_and_service(cluster: Cluster) -> None:
    name = cluster.name()
    traffic = [{"revisionName": "foobar", "percent": 100}]
    cluster.create("Service", name, {"template": {"spec": {"containers": [app()]}}, "traffic": traffic})
    cluster.ready("services", name, "False")
    assert cluster.condition("routes", name)["status"] == "False"
    assert cluster.condition("services", name, "RoutesReady")["status"] == "False"


@may("e2e/TestGradualRollout")
def test_a_rollout_moves_the_share_step_by_step(cluster: Cluster) -> None:
    name = routed(cluster, annotations={"serving.knative.dev/rollout-duration": "4s"})
    cluster.patch("services", name, replaced(MESSAGE, "two"))
    seen: list[tuple[str, list[tuple[str, int]]]] = []

    def is_over() -> bool:
        status = cluster.get("services", name)["status"]
        reasons = {c["type"]: c.get("reason", "") for c in status["conditions"]}
        now = (reasons["RoutesReady"], [(t["revisionName"][-1], t["percent"]) for t in status["traffic"]])
        if now not in seen:
            seen.append(now)
        return now == ("", [("2", 100)])

    eventually(is_over, "all goes to the new Revision")
    steps = [shares for reason, shares in seen if reason == "RolloutInProgress" and len(shares) == 2]
    news = [dict(shares)["2"] for shares in steps]
    assert news[0] == 1
    assert len(news) >= 3
    assert news == sorted(news)
    assert all(sum(share for _, share in shares) == 100 for shares in steps)


# -- visibility


@must("e2e/TestRouteVisibilityChanges")
@pytest.mark.parametrize(
    "traffic",
    [
        [{"latestRevision": True, "percent": 100}],
        [{"latestRevision": True, "percent": 100, "tag": "cow"}],
        [{"latestRevision": True, "percent": 60}, {"latestRevision": True, "percent": 40, "tag": "cow"}],
    ],
    ids=["one target", "a tag", "both"],
)
def test_a_route_becomes_private(cluster: Cluster, traffic: list[dict[str, Any]]) -> None:
    name = routed(cluster, *traffic)
    assert not is_private(cluster, name)
    assert cluster.text(name) == name
    cluster.patch("services", name, added("/metadata/labels", {VISIBILITY: "cluster-local"}))
    eventually(lambda: is_private(cluster, name), "the Route is private")
    cluster.ready("services", name)
    eventually(lambda: cluster.request(name).status == 404, "outsiders are not answered")


@must("e2e/TestSubrouteLocalSTS")
def test_a_private_tag_is_asked_by_its_short_names(cluster: Cluster) -> None:
    name = routed(cluster, {"latestRevision": True, "percent": 100, "tag": "current"}, **PRIVATE)
    hosts = [f"current-{name}.default.svc.cluster.local".removesuffix(cut) for cut in SHORT]
    assert fetched(cluster, *(f"http://{host}/" for host in hosts)) == [name] * 3
    assert cluster.request(f"current-{name}.default.example.com").status == 404


def hide(cluster: Cluster, service: str) -> None:
    """Mark the core Service of a tag as private."""
    label = added(f"/metadata/labels/{VISIBILITY.replace('/', '~1')}", "cluster-local")
    path = f"/api/v1/namespaces/default/services/{service}"
    cluster.ask("PATCH", path, [label], "application/json-patch+json")


@must("e2e/TestSubrouteVisibilityPublicToPrivate")
def test_a_tag_becomes_private_by_itself_and_with_its_route(cluster: Cluster) -> None:
    first = {"latestRevision": True, "percent": 100, "tag": "my-tag"}
    name = routed(cluster, first)
    assert not is_private(cluster, name, "my-tag")
    hide(cluster, f"my-tag-{name}")
    cluster.patch("services", name, added("/spec/traffic", [first, {"latestRevision": True, "tag": "my-tag2"}]))

    def tags() -> tuple[bool, ...]:
        present = {target.get("tag") for target in cluster.get("routes", name)["status"]["traffic"]}
        return tuple(tag in present and is_private(cluster, name, tag) for tag in ("", "my-tag", "my-tag2"))[1:]

    eventually(lambda: "my-tag2" in str(cluster.get("routes", name)["status"]["traffic"]), "the second tag is there")
    eventually(lambda: tags() == (True, False), "the first tag is private, the second is not")
    assert not is_private(cluster, name)
    cluster.patch("services", name, added("/metadata/labels", {VISIBILITY: "cluster-local"}))
    eventually(lambda: is_private(cluster, name), "the Route is private")
    assert tags() == (True, True)


@must("e2e/TestSubrouteVisibilityPrivateToPublic")
def test_a_tag_that_was_hidden_stays_so_when_its_route_becomes_public(cluster: Cluster) -> None:
    halves = [{"latestRevision": True, "percent": 50, "tag": tag} for tag in ("my-tag", "my-tag2")]
    name = routed(cluster, *halves, **PRIVATE)
    assert all(is_private(cluster, name, tag) for tag in ("", "my-tag", "my-tag2"))
    hide(cluster, f"my-tag-{name}")
    threading.Event().wait(0.5)
    assert all(is_private(cluster, name, tag) for tag in ("", "my-tag", "my-tag2"))
    cluster.patch("services", name, {"op": "remove", "path": f"/metadata/labels/{VISIBILITY.replace('/', '~1')}"})
    eventually(lambda: not is_private(cluster, name), "the Route is public")
    assert not is_private(cluster, name, "my-tag2")
    assert is_private(cluster, name, "my-tag")


# -- calls between Services


@must("e2e/TestServiceToServiceCall")
def test_a_private_service_is_asked_by_its_short_names_and_only_from_inside(cluster: Cluster) -> None:
    name = routed(cluster, **PRIVATE)
    status = cluster.get("routes", name)["status"]
    assert status["url"] == status["address"]["url"]
    hosts = [f"{name}.default.svc.cluster.local".removesuffix(cut) for cut in SHORT]
    assert fetched(cluster, *(f"http://{host}/" for host in hosts)) == [name] * 3
    assert cluster.request(f"{name}.default.svc.cluster.local").status == 404


@must("e2e/TestSvcToSvcViaActivator")
def test_a_private_service_is_asked_through_the_activator(cluster: Cluster) -> None:
    name = cluster.name()
    annotations = {"autoscaling.knative.dev/target-burst-capacity": "-1"}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [app(name)]}}
    cluster.create("Service", name, {"template": template}, **PRIVATE)
    cluster.ready("services", name)
    cluster.activated(f"{name}-00001")
    assert fetched(cluster, f"http://{name}.default.svc.cluster.local/") == [name]


def test_a_public_service_has_a_name_inside_and_one_outside(cluster: Cluster) -> None:
    """Not marked as TestCallToPublicService: that one wants a 404 for the inner name from outside, where kemu answers
    (emulator/serving/ingresstable.py).
    """
    name = routed(cluster)
    status = cluster.get("routes", name)["status"]
    inside, public = (url.removeprefix("http://") for url in (status["address"]["url"], status["url"]))
    assert inside.endswith(".svc.cluster.local") and not public.endswith(".svc.cluster.local")
    assert fetched(cluster, f"http://{inside}/") == [name]
    assert cluster.text(public) == name
