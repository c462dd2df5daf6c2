"""The names of a Route, from its labels and the ConfigMaps config-network and config-domain (serving §4.1)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from emulator.control.addresses import Addresses
from emulator.serving.hostnames import BadTemplate, HostNames
from emulator.serving.kinds import ROUTE
from tests.world import World, obj

SPEC = {"traffic": [{"configurationName": "hello", "percent": 100}]}
PRIVATE = {"networking.knative.dev/visibility": "cluster-local"}


def names(
    network: Mapping[str, str] | None = None,
    domains: Mapping[str, str] | None = None,
    port: int = 80,
    labels: dict[str, str] | None = None,
) -> HostNames:
    route = World().create(obj(ROUTE, "hello", SPEC, labels=labels or {}, annotations={"team": "blue"}))
    return HostNames.of(route, network or {}, domains or {}, Addresses(port=port))


def test_a_route_is_found_under_its_own_domain_and_those_of_articles() -> None:
    found = names()
    assert found.url() == "http://hello.default.localhost"
    assert found.public("") == [
        "hello.default.localhost",
        "hello.default.example.com",
        "hello.default.127.0.0.1.sslip.io",
    ]


def test_the_url_carries_the_ingress_port_and_the_address_does_not() -> None:
    found = names(port=8080)
    assert found.url() == "http://hello.default.localhost:8080"
    assert found.url("v1") == "http://v1-hello.default.localhost:8080"
    assert found.address == "http://hello.default.svc.cluster.local"


def test_cluster_local_names_have_their_short_forms() -> None:
    assert names().internal("") == ["hello.default.svc.cluster.local", "hello.default.svc", "hello.default"]
    assert names().internal("v1")[0] == "v1-hello.default.svc.cluster.local"


def test_a_private_route_has_only_those() -> None:
    found = names(port=8080, labels=PRIVATE)
    assert found.is_private()
    assert found.public("") == []
    assert found.url() == "http://hello.default.svc.cluster.local"


@pytest.mark.parametrize(
    ("domains", "labels", "domain"),
    [
        pytest.param({}, {}, "localhost", id="none"),
        pytest.param({"shop.test": ""}, {}, "shop.test", id="for all"),
        pytest.param({"_example": "text", "shop.test": ""}, {}, "shop.test", id="the example is no domain"),
        pytest.param({"shop.test": "selector:\n  app: a"}, {}, "localhost", id="for others"),
        pytest.param({"shop.test": "selector:\n  app: a"}, {"app": "a"}, "shop.test", id="by label"),
        pytest.param({"a.test": "", "b.test": "selector:\n  app: a"}, {"app": "a"}, "b.test", id="the most labels win"),
    ],
)
def test_the_domain(domains: dict[str, str], labels: dict[str, str], domain: str) -> None:
    found = names(domains=domains, labels=labels)
    assert found.domains[0] == domain
    assert "localhost" in found.domains


def test_a_route_on_the_clusters_domain_is_private() -> None:
    assert names(domains={"svc.cluster.local": "selector:\n  app: a"}, labels={"app": "a"}).is_private()


@pytest.mark.parametrize(
    ("template", "host"),
    [
        ("{{.Name}}.{{.Namespace}}.{{.Domain}}", "hello.default.localhost"),
        ("{{ .Name }}-{{.Namespace}}.{{- .Domain -}}", "hello-default.localhost"),
        ('{{.Name}}.{{index .Labels "app"}}.{{.Domain}}', "hello.shop.localhost"),
        ("{{.Name}}.{{.Annotations.team}}.{{.Domain}}", "hello.blue.localhost"),
    ],
)
def test_a_domain_template(template: str, host: str) -> None:
    assert names({"domain-template": template}, labels={"app": "shop"}).public("")[0] == host


def test_a_tag_template_and_a_scheme() -> None:
    found = names({"tag-template": "{{.Name}}-{{.Tag}}", "default-external-scheme": "https"})
    assert found.url("v1") == "https://hello-v1.default.localhost"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Nam}}.{{.Domain}}", "can't evaluate field Nam in type config.DomainTemplateValues"),
        ("{{if .Name}}a", "template: domain-template:1: unexpected EOF"),
        ("{{.Name}}_.{{.Domain}}", 'makes "hello_.localhost", which is no host name'),
    ],
)
def test_a_template_that_makes_no_name_says_which_and_why(template: str, text: str) -> None:
    with pytest.raises(BadTemplate) as fault:
        names({"domain-template": template})
    assert text in str(fault.value)
