"""kn with DomainMappings: a host name of the user's own, from its claim to its end."""

from __future__ import annotations

import json

import pytest

from tests.clients.client import Client, plain, table
from tests.clients.manifests import HELLO, SCRIPTABLE
from tests.scenarios.harness import Kemu, eventually

pytestmark = pytest.mark.engine


@pytest.fixture
def domain(kn: Client, kemu: Kemu) -> str:
    """A name that the test's Namespace has claimed, as an administrator would do it."""
    name = f"{kn.flags[1]}.shop.test"
    claim = {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "ClusterDomainClaim",
        "metadata": {"name": name},
        "spec": {"namespace": kn.flags[1]},
    }
    file = kemu.data / f"{name}.json"
    file.write_text(json.dumps(claim))
    assert kemu.run("apply", "-f", str(file)).code == 0
    return name


def test_domain_create_list_describe(kn: Client, kemu: Kemu, domain: str) -> None:
    kn.out("service", "create", "hello", "--image", SCRIPTABLE, "--env", "MESSAGE=one")
    said = kn.out("domain", "create", domain, "--ref", "ksvc:hello")
    assert said == f"Domain mapping '{domain}' created in namespace '{kn.flags[1]}'.\n"
    eventually(lambda: kemu.request(domain).body == "one\n", "the name answers")
    url = f"http://{domain}:{kemu.state.port}"
    assert table(kn.out("domain", "list")) == [["NAME", "URL", "READY", "KSVC"], [domain, url, "True", "hello"]]
    shown = plain(kn.out("domain", "describe", domain))
    assert f"URL:  {url}" in shown
    ready = [line.split()[:2] for line in shown.splitlines() if line.startswith("  ++ ")]
    assert [word for _, word in ready] == [
        "Ready",
        "CertificateProvisioned",
        "DomainClaimed",
        "IngressReady",
        "ReferenceResolved",
    ]


def test_domain_update_and_delete(kn: Client, kemu: Kemu, domain: str) -> None:
    for name in ("one", "two"):
        kn.out("service", "create", name, "--image", SCRIPTABLE, "--env", f"MESSAGE={name}")
    kn.out("domain", "create", domain, "--ref", "ksvc:one")
    said = kn.out("domain", "update", domain, "--ref", "kroute:two")
    assert said == f"Domain mapping '{domain}' updated in namespace '{kn.flags[1]}'.\n"
    eventually(lambda: kemu.request(domain).body == "two\n", "the name leads to the other")
    said = kn.out("domain", "delete", domain)
    assert said == f"Domain mapping '{domain}' deleted in namespace '{kn.flags[1]}'.\n"
    eventually(lambda: kemu.request(domain).status == 404, "the name is gone")
    assert "No domain mapping found." in kn.out("domain", "list")


def test_domain_create_says_what_fails(kn: Client, domain: str) -> None:
    assert "not found" in kn.err("domain", "create", domain, "--ref", "ksvc:nobody")
    kn.out("service", "create", "hello", "--image", HELLO, "--no-wait")
    said = kn.err("domain", "create", "local", "--ref", "ksvc:hello")
    assert "should be a domain with at least two segments separated by dots" in said
    kn.out("domain", "create", "unclaimed.test", "--ref", "ksvc:hello")
    (row,) = table(kn.out("domain", "list"))[1:]
    assert row[2:] == ["False", "hello"]
    kn.out("domain", "delete", "unclaimed.test")
