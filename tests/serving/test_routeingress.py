"""The Ingress of a Route as JSON: names, splits, headers (serving §4.1, 4.4)."""

from __future__ import annotations

from typing import Any

from emulator.control.addresses import Addresses
from emulator.objects.kind import Json
from emulator.serving.hostnames import HostNames
from emulator.serving.kinds import ROUTE
from emulator.serving.routeingress import TAG_TO_HOST, Routing, ingress_of
from emulator.serving.routetargets import Target
from tests.world import World, obj

SPEC = {"traffic": [{"configurationName": "hello", "percent": 100}]}
TARGETS = (Target("r2", 90, configuration="hello"), Target("r1", 10, "old"))


def ingress(annotations: dict[str, str] | None = None, **more: Any) -> Json:
    route = World().create(obj(ROUTE, "hello", SPEC, labels={"team": "blue"}, annotations=annotations or {}))
    names = HostNames.of(route, {}, {"shop.test": ""}, Addresses())
    said = {"http_option": "Enabled", "ingress_class": "mine", "reads_tag_header": False, **more}
    return ingress_of(route, Routing(names, TARGETS, [], **said))


def rule(made: Json, host: str) -> Json:
    (found,) = (rule for rule in made["spec"]["rules"] if host in rule["hosts"])
    return dict(found)


def shares(path: Json) -> dict[str, int]:
    return {split["serviceName"]: split["percent"] for split in path["splits"]}


def test_there_is_a_rule_for_each_name_with_the_split_that_holds_there() -> None:
    made = ingress()
    main, inside, old = (
        rule(made, host) for host in ("hello.default.shop.test", "hello.default", "old-hello.default.shop.test")
    )
    assert main["visibility"] == old["visibility"] == "ExternalIP"
    assert (inside["visibility"], inside["http"]) == ("ClusterLocal", main["http"])
    assert inside["hosts"] == ["hello.default", "hello.default.svc", "hello.default.svc.cluster.local"]
    assert [shares(path) for path in main["http"]["paths"]] == [{"r2": 90, "r1": 10}]
    assert [shares(path) for path in old["http"]["paths"]] == [{"r1": 100}]
    assert main["http"]["paths"][0]["splits"][1]["appendHeaders"] == {
        "Knative-Serving-Revision": "r1",
        "Knative-Serving-Namespace": "default",
    }


def test_with_the_feature_the_tag_header_comes_first() -> None:
    made = ingress(reads_tag_header=True)
    tagged, main = rule(made, "hello.default.shop.test")["http"]["paths"]
    assert (tagged["headers"], shares(tagged)) == ({"Knative-Serving-Tag": {"exact": "old"}}, {"r1": 100})
    assert (main["appendHeaders"], shares(main)) == ({"Knative-Serving-Default-Route": "true"}, {"r2": 90, "r1": 10})
    (old,) = rule(made, "old-hello.default")["http"]["paths"]
    assert old["appendHeaders"] == {"Knative-Serving-Tag": "old"}


def test_labels_annotations_and_option_are_knatives() -> None:
    made = ingress({"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{}"}, http_option="Redirected")
    metadata = made["metadata"]
    assert metadata["labels"] == {
        "team": "blue",
        "serving.knative.dev/route": "hello",
        "serving.knative.dev/routeNamespace": "default",
    }
    assert metadata["annotations"]["a"] == "b"
    assert metadata["annotations"]["networking.knative.dev/ingress.class"] == "mine"
    assert metadata["annotations"][TAG_TO_HOST] == (
        '{"old":["old-hello.default.svc.cluster.local","old-hello.default.shop.test"]}'
    )
    assert "kubectl.kubernetes.io/last-applied-configuration" not in metadata["annotations"]
    assert made["spec"]["httpOption"] == "Redirected"
    assert "httpOption" not in ingress(http_option="")["spec"]
