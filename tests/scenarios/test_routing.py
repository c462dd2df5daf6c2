"""Where a request goes: splits, tags, headers, private names, redirects and names of the user's own."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from tests.contract.contract import may
from tests.scenarios.harness import IMAGE, Kemu, eventually

pytestmark = pytest.mark.engine
SERVING = "serving.knative.dev/v1"
SYSTEM = "knative-serving"
CALM = {"autoscaling.knative.dev/window": "300s"}


def config(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": SYSTEM}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _dashed(data)}


def _dashed(data: dict[str, str]) -> dict[str, str]:
    return {key.replace("_", "-"): value for key, value in data.items()}


def configuration(name: str, **annotations: str) -> dict[str, Any]:
    container = {"image": IMAGE, "env": [{"name": "MESSAGE", "value": name}]}
    template = {"metadata": {"annotations": {**CALM, **annotations}}, "spec": {"containers": [container]}}
    return {"apiVersion": SERVING, "kind": "Configuration", "metadata": {"name": name}, "spec": {"template": template}}


def route(name: str, *traffic: tuple[str, int, str], **metadata: Any) -> dict[str, Any]:
    targets = [{"configurationName": to, "percent": percent, "tag": tag} for to, percent, tag in traffic]
    spec = {"traffic": [{k: v for k, v in target.items() if v != ""} for target in targets]}
    return {"apiVersion": SERVING, "kind": "Route", "metadata": {"name": name, **metadata}, "spec": spec}


def mapping(domain: str, **ref: str) -> dict[str, Any]:
    spec = {"ref": {"apiVersion": SERVING, "kind": "Route", **ref}}
    api_version = "serving.knative.dev/v1beta1"
    return {"apiVersion": api_version, "kind": "DomainMapping", "metadata": {"name": domain}, "spec": spec}


SEEDED = {"annotations": {"kemu.dev/split-seed": "7"}}
HALF = (("blue", 50, "b"), ("green", 50, "g"))
PRIVATE = {"labels": {"networking.knative.dev/visibility": "cluster-local"}}
REDIRECTED = {"annotations": {"networking.knative.dev/http-protocol": "Redirected"}}
OBJECTS: tuple[dict[str, Any], ...] = (
    config("config-features", tag_header_based_routing="Enabled"),
    config("config-network", autocreate_cluster_domain_claims="true"),
    configuration("blue"),
    configuration("green"),
    route("half", *HALF, **SEEDED),
    route("hidden", ("blue", 100, ""), **PRIVATE),
    route("secure", ("blue", 100, ""), **REDIRECTED),
    route("waits", ("blue", 100, "")),
    mapping("shop.test", name="half"),
    mapping("public.test", name="hidden"),
    mapping("core.test", apiVersion="v1", kind="Service", name="plain"),
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "plain"},
        "spec": {"selector": {"app": "plain"}, "ports": [{"port": 80, "targetPort": 8080}]},
    },
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "plain", "labels": {"app": "plain"}},
        "spec": {"containers": [{"name": "c", "image": IMAGE, "ports": [{"containerPort": 8080}]}]},
    },
)


@pytest.fixture(scope="module")
def kemu(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None) -> Iterator[Kemu]:
    """One with all of `OBJECTS`."""
    kemu = Kemu(tmp_path_factory.mktemp("kemu"), engine)
    try:
        write(kemu, *OBJECTS)
        kemu.up()
        for color in ("b", "g"):
            eventually(lambda host=f"{color}-half": kemu.request(host).status == 200, "the colour answers")  # type: ignore[misc]
        yield kemu
        kemu.stop()
    finally:
        kemu.clean()


def write(kemu: Kemu, *objects: dict[str, Any]) -> None:
    kemu.write("all.yaml", "\n---\n".join(json.dumps(each) for each in objects))


def answers(kemu: Kemu, name: str, count: int) -> list[str]:
    """Who answers `count` requests, one after the other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", kemu.state.port, timeout=30)
    try:
        found = []
        for _ in range(count):
            connection.request("GET", "/", headers={"Host": f"{name}.default.example.com"})
            answer = connection.getresponse()
            assert answer.status == 200
            found.append(answer.read().decode().strip())
        return found
    finally:
        connection.close()


def replaced(kemu: Kemu, *changed: dict[str, Any]) -> None:
    """Write all objects, these in the place of those of their kinds and names."""
    names = {(each["kind"], each["metadata"]["name"]) for each in changed}
    write(kemu, *(each for each in OBJECTS if (each["kind"], each["metadata"]["name"]) not in names), *changed)


def test_a_split_gives_each_its_share_of_five_thousand_requests(kemu: Kemu) -> None:
    found = Counter(answers(kemu, "half", 5_000))
    assert found.keys() == {"blue", "green"}
    assert abs(found["blue"] - 2_500) < 100


def test_a_seed_makes_a_split_repeatable(kemu: Kemu) -> None:
    def fresh() -> list[str]:
        replaced(kemu, route("half", ("blue", 100, "b"), ("green", 0, "g"), **SEEDED))
        eventually(lambda: set(answers(kemu, "half", 10)) == {"blue"}, "all is blue")
        replaced(kemu)
        eventually(lambda: kemu.objects("route")[0]["status"]["traffic"][1]["percent"] == 50, "the half is back")
        return answers(kemu, "half", 40)

    first = fresh()
    assert {*first} == {"blue", "green"}
    assert fresh() == first


@may("e2e/TestTagHeaderBasedRouting")
def test_a_tag_has_names_of_its_own_and_a_header(kemu: Kemu) -> None:
    assert {*answers(kemu, "g-half", 10)} == {"green"}
    assert {kemu.request("half", Knative_Serving_Tag="g").body for _ in range(10)} == {"green\n"}
    seen = kemu.request("half", "/echo", Knative_Serving_Tag="nobody").json["headers"]
    assert (seen["Knative-Serving-Default-Route"], seen["Knative-Serving-Tag"]) == (["true"], ["nobody"])
    seen = kemu.request("g-half", "/echo", Knative_Serving_Tag="forged").json["headers"]
    assert (seen["Knative-Serving-Tag"], "Knative-Serving-Default-Route" in seen) == (["g"], False)


def test_a_private_route_is_for_functions_and_for_who_maps_it(kemu: Kemu) -> None:
    assert kemu.request("hidden").status == 404
    reply = kemu.request("b-half", "/fetch?url=http://hidden.default.svc.cluster.local/")
    assert (reply.status, reply.body) == (200, "blue\n")
    assert kemu.request("public.test").body == "blue\n"


def test_a_redirected_route_sends_outsiders_to_https(kemu: Kemu) -> None:
    reply = kemu.request("secure", "/a?b=c")
    assert (reply.status, reply.headers["location"]) == (301, "https://secure.default.example.com/a?b=c")
    reply = kemu.request("b-half", "/fetch?url=http://secure.default.svc.cluster.local/")
    assert (reply.status, reply.body) == (200, "blue\n")


def test_a_target_that_is_not_there_leaves_the_split_as_it_is(kemu: Kemu) -> None:
    replaced(kemu, route("waits", ("blue", 50, ""), ("nobody", 50, "n")))
    said = 'Configuration "nobody" referenced in traffic not found.'
    eventually(lambda: kemu.condition("route", "waits").get("message") == said, "the Route says what is missing")
    assert {*answers(kemu, "waits", 20)} == {"blue"}
    replaced(kemu, route("waits", ("green", 100, "")))
    eventually(lambda: set(answers(kemu, "waits", 5)) == {"green"}, "the Route goes on")


def test_a_name_of_ones_own_is_what_the_function_sees(kemu: Kemu) -> None:
    seen = kemu.request("shop.test", "/echo").json
    assert seen["host"] == "shop.test"
    assert {kemu.request("shop.test").body for _ in range(20)} == {"blue\n", "green\n"}
    shown = kemu.run("get", "domainmapping").out.splitlines()
    assert shown[0].split() == ["NAME", "URL", "READY", "REASON"]
    assert ["shop.test", f"http://shop.test:{kemu.state.port}", "True"] in [line.split() for line in shown]
    assert kemu.run("get", "clusterdomainclaim", "shop.test").code == 0


def test_a_core_service_is_asked_by_its_own_name(kemu: Kemu) -> None:
    eventually(lambda: kemu.request("core.test").status == 200, "the Pod answers")
    assert kemu.request("core.test", "/echo").json["host"] == "plain.default.svc.cluster.local"


def test_a_name_goes_with_its_mapping_and_its_claim(kemu: Kemu) -> None:
    write(kemu, *(each for each in OBJECTS if each["metadata"]["name"] != "public.test"))
    eventually(lambda: kemu.request("public.test").status == 404, "the name is gone")
    assert kemu.run("get", "clusterdomainclaim", "public.test").code == 1
    replaced(kemu)
    eventually(lambda: kemu.request("public.test").status == 200, "the name is back")


def test_a_mapping_without_a_target_says_so_to_who_asks(kemu: Kemu) -> None:
    replaced(kemu, mapping("lost.test", name="nobody"))
    said = 'failed to get object default/nobody: routes.serving.knative.dev "nobody" not found'
    eventually(lambda: said in kemu.request("lost.test").body, "the 404 says why")
    assert kemu.condition("domainmapping", "lost.test", "ReferenceResolved")["reason"] == "ResolveFailed"


def slices(kemu: Kemu, service: str) -> list[str]:
    """The ready addresses behind a core Service, found as clients find them."""
    found = kemu.run("get", "endpointslices", "-A", "-l", f"kubernetes.io/service-name={service}", "-o", "json")
    items = json.loads(found.out)["items"]
    ready = [each for item in items for each in item["endpoints"] if each["conditions"]["ready"]]
    return [address for each in ready for address in each["addresses"]]


def test_what_stands_behind_a_revision_is_shown_as_it_is(kemu: Kemu) -> None:
    assert kemu.request("b-half").status == 200
    activator = slices(kemu, "activator-service")
    assert len(activator) == 1
    pods = eventually(lambda: slices(kemu, "blue-00001-private"), "the Pod is behind the private Service")
    (pod,) = [each for each in kemu.objects("pods") if each["metadata"]["name"].startswith("blue-00001")]
    assert pods == [pod["status"]["podIP"]]
    (found,) = [each for each in kemu.objects("sks") if each["metadata"]["name"] == "blue-00001"]
    assert found["spec"]["mode"] == "Proxy"
    assert found["status"]["privateServiceName"] == "blue-00001-private"
    assert slices(kemu, "blue-00001") == activator
    (metric,) = [each for each in kemu.objects("metrics") if each["metadata"]["name"] == "blue-00001"]
    assert metric["spec"]["stableWindow"] == 300_000_000_000
    for name in ("blue-00001.default.svc.cluster.local", "blue-00001-private.default"):
        reply = kemu.request("g-half", f"/fetch?url=http://{name}/")
        assert (reply.status, reply.body) == (200, "blue\n"), name
    replaced(kemu, configuration("blue", **{"autoscaling.knative.dev/target-burst-capacity": "0"}))
    pods = eventually(lambda: slices(kemu, "blue-00002-private"), "the next Revision has a Pod")
    eventually(lambda: slices(kemu, "blue-00002") == pods, "its public Service leads there")
    assert [each["spec"]["mode"] for each in kemu.objects("sks") if each["metadata"]["name"] == "blue-00002"] == [
        "Serve"
    ]
