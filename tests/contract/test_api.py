"""Services, Configurations, Revisions and Routes through the API: one test for each of Knative's test/conformance/api
(serving §8.2).

Followed: knative/serving test/conformance/api/v1 and v1beta1 (98e5ef9).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.contract.cluster import Cluster, Refused, app
from tests.contract.contract import must, should
from tests.scenarios.harness import IMAGE, eventually

pytestmark = pytest.mark.engine

LABELS = "serving.knative.dev"
PYTHON = "kemu.test/pyfunc"


def template(message: str = "one", **metadata: Any) -> dict[str, Any]:
    return {"metadata": metadata, "spec": {"containers": [app(message)]}}


def replaced(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def added(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


MESSAGE = "/spec/template/spec/containers/0/env/0/value"


@contextmanager
def asked_all_the_time(cluster: Cluster, name: str) -> Iterator[list[int]]:
    """Requests one after the other while the block runs; their statuses."""
    statuses: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            statuses.append(cluster.request(name).status)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        done.set()
        thread.join()


def answers(cluster: Cluster, name: str, text: str) -> None:
    """The next request, or one soon, is answered with this."""
    eventually(lambda: cluster.text(name) == text, f"{name} answers {text}")


# -- Services


@must("api/TestServiceCreateListAndDelete")
@must("e2e/TestHelloWorld")
def test_a_service_is_made_listed_asked_and_deleted(cluster: Cluster) -> None:
    name = cluster.serve(app("hello"))
    assert cluster.text(name) == "hello"
    names = [item["metadata"]["name"] for item in cluster.ask("GET", cluster.path("services"))["items"]]
    assert name in names
    for plural in ("configurations", "routes"):
        assert cluster.get(plural, name)["metadata"]["ownerReferences"][0]["name"] == name
    cluster.delete("services", name)
    for plural in ("services", "configurations", "routes"):
        eventually(partial(gone, cluster, plural, name), f"{plural}/{name} is gone")


def gone(cluster: Cluster, plural: str, name: str) -> bool:
    try:
        cluster.get(plural, name)
    except Refused as refused:
        return bool(refused.status["code"] == 404)
    return False


@must("api/TestServiceCreateAndUpdate")
def test_each_change_of_the_template_makes_a_revision_and_loses_no_request(cluster: Cluster) -> None:
    name = cluster.serve(app("one"))
    assert cluster.get("services", name)["status"]["observedGeneration"] == 1
    with asked_all_the_time(cluster, name) as statuses:
        for number, change in enumerate(
            (
                replaced(MESSAGE, "two"),
                added("/spec/template/metadata", {"labels": {"a": "b"}}),
                added("/spec/template/metadata/annotations", {"c": "d"}),
            ),
            start=2,
        ):
            cluster.patch("services", name, change)
            found = cluster.ready("services", name)["status"]["latestReadyRevisionName"]
            revision = cluster.get("revisions", found)
            assert revision["metadata"]["labels"][f"{LABELS}/configurationGeneration"] == str(number)
            [status] = revision["status"]["containerStatuses"]
            assert status["imageDigest"].startswith(f"{IMAGE}@sha256:")
        answers(cluster, name, "two")
    assert set(statuses) == {200}


@must("api/TestServiceBYOName")
def test_a_revision_of_the_users_own_name(cluster: Cluster) -> None:
    name = cluster.name()
    cluster.create("Service", name, {"template": template("one", name=f"{name}-first")})
    assert cluster.ready("services", name)["status"]["latestReadyRevisionName"] == f"{name}-first"
    with pytest.raises(Refused, match="Saw the following changes without a name change"):
        cluster.patch("services", name, replaced(MESSAGE, "two"))
    cluster.patch(
        "services", name, replaced(MESSAGE, "two"), replaced("/spec/template/metadata/name", f"{name}-second")
    )
    assert cluster.ready("services", name)["status"]["latestReadyRevisionName"] == f"{name}-second"
    answers(cluster, name, "two")


@must("api/TestServiceWithTrafficSplit")
def test_traffic_is_moved_in_five_steps(cluster: Cluster) -> None:
    name = cluster.serve(app("one"))
    first, second, third = (f"{name}-0000{number}" for number in (1, 2, 3))

    def split(*targets: dict[str, Any]) -> list[dict[str, Any]]:
        cluster.patch("services", name, replaced("/spec/traffic", list(targets)))
        found: list[dict[str, Any]] = cluster.ready("services", name)["status"]["traffic"]
        return [{key: value for key, value in target.items() if key != "url"} for target in found]

    def tagged(tag: str, revision: str, percent: int | None, *, latest: bool = False) -> dict[str, Any]:
        named = {} if latest else {"revisionName": revision}
        share = {} if percent is None else {"percent": percent}
        return {"tag": tag, "latestRevision": latest, **named, **share}

    def told(target: dict[str, Any], revision: str) -> dict[str, Any]:
        return {"percent": 0, **target, "revisionName": revision}

    current, latest = tagged("current", first, 100), tagged("latest", "", None, latest=True)
    assert split(current, latest) == [told(current, first), told(latest, first)]
    cluster.patch("services", name, replaced(MESSAGE, "two"))
    eventually(lambda: cluster.get("services", name)["status"]["latestReadyRevisionName"] == second, "a second")
    assert cluster.text(name) == "one"
    assert cluster.text(f"latest-{name}.default.example.com") == "two"
    parts = (tagged("current", first, 50), tagged("candidate", second, 50), latest)
    assert split(*parts) == [told(parts[0], first), told(parts[1], second), told(latest, second)]
    bodies = Counter(cluster.text(name) for _ in range(60))
    assert set(bodies) == {"one", "two"}
    cluster.patch("services", name, replaced(MESSAGE, "three"))
    eventually(lambda: cluster.get("services", name)["status"]["latestReadyRevisionName"] == third, "a third")
    assert cluster.text(f"latest-{name}.default.example.com") == "three"
    assert cluster.text(f"candidate-{name}.default.example.com") == "two"
    last = tagged("current", second, 100)
    assert split(last, latest) == [told(last, second), told(latest, third)]
    assert {cluster.text(name) for _ in range(20)} == {"two"}


def kept(cluster: Cluster, plural: str, name: str, part: str) -> Any:
    return cluster.get(plural, name)["metadata"].get(part, {})


def juice(cluster: Cluster, plural: str, name: str) -> str:
    """An annotation's value, or "none"."""
    return str(kept(cluster, plural, name, "annotations").get("juicy", "none"))


@must("api/TestAnnotationPropagation")
def test_annotations_reach_what_a_service_makes_and_leave_it(cluster: Cluster) -> None:
    name = cluster.serve(app())

    def children(value: str) -> bool:
        return {juice(cluster, plural, name) for plural in ("configurations", "routes")} == {value}

    cluster.patch("services", name, added("/metadata/annotations/juicy", "jamba"))
    eventually(partial(children, "jamba"), "the Configuration and the Route have it")
    service = f"/api/v1/namespaces/default/services/{name}"
    eventually(lambda: "juicy" in cluster.ask("GET", service)["metadata"]["annotations"], "the core Service, too")
    assert juice(cluster, "revisions", f"{name}-00001") == "none"
    cluster.patch("services", name, {"op": "remove", "path": "/metadata/annotations/juicy"})
    eventually(partial(children, "none"), "they have it no longer")


@must("api/TestLabelPropagation")
@must("e2e/TestHelloWorld")
def test_labels_say_whose_an_object_is(cluster: Cluster) -> None:
    name = cluster.serve(app())
    for plural in ("configurations", "routes"):
        assert kept(cluster, plural, name, "labels")[f"{LABELS}/service"] == name
    revision = kept(cluster, "revisions", f"{name}-00001", "labels")
    assert {key: revision[f"{LABELS}/{key}"] for key in ("service", "configuration")} == {
        "service": name,
        "configuration": name,
    }
    core = cluster.ask("GET", f"/api/v1/namespaces/default/services/{name}")["metadata"]["labels"]
    assert {core[f"{LABELS}/{key}"] for key in ("service", "route")} == {name}


@should("api/TestServiceCreateWithMultipleContainers")
@should("e2e/TestMultiContainer")
def test_a_sidecar_is_reached_on_localhost(cluster: Cluster) -> None:
    name = cluster.name()
    side = {
        "name": "side",
        "image": IMAGE,
        "env": [{"name": "PORT", "value": "8882"}, {"name": "MESSAGE", "value": "s"}],
    }
    front = {"name": "front", "image": IMAGE, "ports": [{"containerPort": 8881}]}
    cluster.create("Service", name, {"template": {"spec": {"containers": [front, side]}}})
    cluster.ready("services", name)
    assert cluster.text(name, "/fetch?url=http://127.0.0.1:8882/").endswith("s")


@should("api/TestServiceCreateWithEmptyDir")
@should("e2e/TestEmptyDir")
def test_an_empty_dir_in_memory_can_be_written(cluster: Cluster) -> None:
    code = (
        "from http.server import *;from socketserver import ThreadingTCPServer as S\n"
        "class H(BaseHTTPRequestHandler):\n"
        " def do_GET(s):\n"
        "  open('/data/f','w').write('kept');t=[l for l in open('/proc/mounts') if ' /data ' in l][0].encode()\n"
        "  s.send_response(200);s.send_header('Content-Length',str(len(t)));s.end_headers();s.wfile.write(t)\n"
        "S(('',8080),H).serve_forever()"
    )
    container = {
        "image": PYTHON,
        "command": ["python3", "-c", code],
        "volumeMounts": [{"name": "v", "mountPath": "/data"}],
    }
    volume = {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "100M"}}
    name = cluster.serve(container, volumes=[volume])
    reply = cluster.request(name)
    assert (reply.status, reply.body.split()[:3]) == (200, ["tmpfs", "/data", "tmpfs"])


@must("api/TestServiceGenerateName")
@must("api/TestRouteAndConfigGenerateName")
def test_names_are_generated(cluster: Cluster) -> None:
    made = {}
    for kind, spec in (
        ("Service", {"template": template("generated")}),
        ("Configuration", {"template": template("generated")}),
    ):
        body = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": kind,
            "metadata": {"generateName": f"{cluster.name()}-"},
            "spec": spec,
        }
        made[kind] = cluster.ask("POST", cluster.path(f"{kind.lower()}s"), body)["metadata"]["name"]
    target = {"configurationName": made["Configuration"], "percent": 100}
    body = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {"generateName": f"{cluster.name()}-"},
        "spec": {"traffic": [target]},
    }
    made["Route"] = cluster.ask("POST", cluster.path("routes"), body)["metadata"]["name"]
    for kind in ("Service", "Route"):
        cluster.ready(f"{kind.lower()}s", made[kind])
        assert cluster.text(made[kind]) == "generated"


@must("api/TestServiceAccountValidation")
def test_a_service_account_must_be_a_name(cluster: Cluster) -> None:
    spec = {"template": {"spec": {"containers": [app()], "serviceAccountName": "foo@bar.baz"}}}
    with pytest.raises(Refused) as refused:
        cluster.create("Service", cluster.name(), spec)
    assert str(refused.value) == (
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '
        "invalid value: foo@bar.baz: spec.template.spec.serviceAccountName\n"
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    )


# -- Configurations, Revisions, Routes


@must("api/TestConfigurationGetAndList")
@must("api/TestRevisionGetAndList")
@must("api/TestRouteGetAndList")
@pytest.mark.parametrize("plural", ["configurations", "routes", "revisions"])
def test_what_a_service_makes_is_got_and_listed(cluster: Cluster, plural: str) -> None:
    service = cluster.serve(app())
    name = f"{service}-00001" if plural == "revisions" else service
    assert cluster.get(plural, name)["metadata"]["name"] == name
    listed = cluster.ask("GET", cluster.path(plural))["items"]
    assert name in [item["metadata"]["name"] for item in listed]


@must("api/TestUpdateConfigurationMetadata")
def test_a_configurations_metadata_make_no_revision(cluster: Cluster) -> None:
    name = cluster.name()
    cluster.create("Configuration", name, {"template": template()})
    cluster.ready("configurations", name)
    for part in ("labels", "annotations"):
        cluster.patch(
            "configurations",
            name,
            added(f"/metadata/{part}", {**kept(cluster, "configurations", name, part), "a": "b"}),
        )
    found = cluster.ready("configurations", name)
    assert found["metadata"]["generation"] == 1
    assert found["status"]["latestCreatedRevisionName"] == f"{name}-00001"
    for part in ("labels", "annotations"):
        assert "a" not in kept(cluster, "revisions", f"{name}-00001", part)


@must("api/TestRouteCreation")
def test_a_route_follows_its_configuration_without_a_gap(cluster: Cluster) -> None:
    name = cluster.name()
    cluster.create("Configuration", name, {"template": template("one")})
    cluster.create("Route", name, {"traffic": [{"configurationName": name, "percent": 100}]})
    cluster.ready("routes", name)
    assert cluster.text(name) == "one"
    with asked_all_the_time(cluster, name) as statuses:
        cluster.patch("configurations", name, replaced(MESSAGE, "two"))
        answers(cluster, name, "two")
    assert set(statuses) == {200}
    assert cluster.get("routes", name)["status"]["traffic"][0]["revisionName"] == f"{name}-00002"


@must("api/TestBlueGreenRoute")
def test_two_revisions_share_and_each_has_its_own_host(cluster: Cluster) -> None:
    name = cluster.serve(app("blue"))
    cluster.patch("services", name, replaced(MESSAGE, "green"))
    cluster.ready("services", name)
    halves = [
        {"tag": tag, "revisionName": f"{name}-0000{number}", "percent": 50}
        for number, tag in ((1, "blue"), (2, "green"))
    ]
    cluster.patch("services", name, replaced("/spec/traffic", halves))
    cluster.ready("services", name)
    bodies = Counter(cluster.text(name) for _ in range(200))
    assert min(bodies["blue"], bodies["green"]) >= 50
    for tag in ("blue", "green"):
        assert {cluster.text(f"{tag}-{name}.default.example.com") for _ in range(20)} == {tag}


# -- domains


@should("api/TestDomainMapping")
def test_a_host_of_the_users_own(cluster: Cluster) -> None:
    name = cluster.serve(app("mapped"))
    host = f"{cluster.name()}.custom.example.org"
    api = "/apis/serving.knative.dev/v1beta1"
    networking = "/apis/networking.internal.knative.dev/v1alpha1"
    claim = {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "ClusterDomainClaim",
        "metadata": {"name": host},
        "spec": {"namespace": "default"},
    }
    cluster.ask("POST", f"{networking}/clusterdomainclaims", claim)
    reference = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}
    body = {
        "apiVersion": "serving.knative.dev/v1beta1",
        "kind": "DomainMapping",
        "metadata": {"name": host},
        "spec": {"ref": reference},
    }
    cluster.ask("POST", f"{api}/namespaces/default/domainmappings", body)

    def is_ready() -> bool:
        found = cluster.ask("GET", f"{api}/namespaces/default/domainmappings/{host}")
        return {"Ready": "True"}.items() <= {
            c["type"]: c["status"] for c in found.get("status", {}).get("conditions", [])
        }.items()

    eventually(is_ready, "the mapping is ready")
    assert cluster.text(host) == "mapped"
    other = {**body, "metadata": {"name": host, "namespace": "kube-public"}}
    cluster.ask("POST", f"{api}/namespaces/kube-public/domainmappings", other)

    def is_refused() -> bool:
        found = cluster.ask("GET", f"{api}/namespaces/kube-public/domainmappings/{host}")
        return any(
            c["type"] == "DomainClaimed" and c["status"] == "False"
            for c in found.get("status", {}).get("conditions", [])
        )

    eventually(is_refused, "the other namespace may not have it")
