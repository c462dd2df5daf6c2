"""kubectl, asking for what a cluster has besides Knative: nodes, core Services, ServiceAccounts, Namespaces."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

import pytest

from tests.clients.client import Client, line_of, table
from tests.clients.manifests import SCRIPTABLE, file, service

pytestmark = pytest.mark.engine


@pytest.fixture
def hello(kubectl: Client, tmp_path: Path) -> Client:
    """A Service `hello` that is ready."""
    kubectl.out("apply", "-f", file(tmp_path, service("hello")))
    kubectl.out("wait", "--for=condition=Ready", "ksvc/hello", "--timeout=30s")
    return kubectl


def test_get_all(hello: Client) -> None:
    said = hello.run("get", "all", code=0)
    assert said.err == ""
    core = (
        "pod/hello-00001-deployment-",
        "deployment.apps/hello-00001-deployment",
        "replicaset.apps/",
        "service/hello",
    )
    for each in (*core, "service.serving.knative.dev/hello", "route.serving.knative.dev/hello"):
        assert f"\n{each}" in f"\n{said.out}"


def test_version_and_cluster_info(kubectl: Client) -> None:
    assert "v1.34.0+kemu" in kubectl.at().out("version")
    assert re.search(r"control plane.* is running at .*http://127", kubectl.at().out("cluster-info"))


def test_nodes_and_gateways(hello: Client) -> None:
    assert table(hello.at().out("get", "nodes"))[1][:2] == ["kemu", "Ready"]
    rows = table(hello.at().out("get", "svc", "-n", "knative-serving", "kourier"))
    assert rows[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert rows[1][:2] == ["kourier", "LoadBalancer"]
    assert rows[1][3] == "127.0.0.1"
    header, row = table(hello.out("top", "pods"))
    assert header == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert row[0].startswith("hello-00001-deployment-")


def test_service_accounts_and_namespaces(kubectl: Client) -> None:
    assert kubectl.out("create", "serviceaccount", "robot") == "serviceaccount/robot created\n"
    assert kubectl.out("get", "serviceaccounts", "-o", "name").split() == [
        "serviceaccount/default",
        "serviceaccount/robot",
    ]
    names = kubectl.at().out("get", "namespaces", "-o", "name").split()
    assert {"namespace/default", "namespace/kube-system", "namespace/knative-serving"} <= set(names)
    assert "Name:" in kubectl.out("describe", "namespace/default")


def test_expose(kubectl: Client) -> None:
    kubectl.out("create", "deployment", "d", f"--image={SCRIPTABLE}")
    assert kubectl.out("expose", "deployment", "d", "--port=80", "--target-port=8080") == "service/d exposed\n"
    kubectl.out("rollout", "status", "deployment/d")
    name, type_, address, external, ports, _ = table(kubectl.out("get", "svc", "d"))[1]
    assert (name, type_, external, ports) == ("d", "ClusterIP", "<none>", "80/TCP")
    assert address.startswith("10.")
    assert table(kubectl.out("get", "endpoints", "d"))[0] == ["NAME", "ENDPOINTS", "AGE"]
    with kubectl.start("port-forward", "svc/d", ":80") as forwarding:
        said = line_of(forwarding, lambda line: "Forwarding from 127.0.0.1" in line)
        with urllib.request.urlopen(f"http://127.0.0.1:{said.split()[2].rpartition(':')[2]}/", timeout=10) as answer:
            assert answer.status == 200
        forwarding.terminate()
