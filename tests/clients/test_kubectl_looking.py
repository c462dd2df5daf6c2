"""kubectl, its commands that look: get in all its forms, describe, wait, explain, and what the server tells."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.clients.client import Client, line_of, plain, table
from tests.clients.manifests import file, service
from tests.scenarios.harness import Kemu

pytestmark = pytest.mark.engine


@pytest.fixture
def hello(kubectl: Client, tmp_path: Path) -> Client:
    """A Service `hello` that is ready."""
    kubectl.out("apply", "-f", file(tmp_path, service("hello", tier="web")))
    kubectl.out("wait", "--for=condition=Ready", "ksvc/hello", "--timeout=30s")
    return kubectl


def test_wait(kubectl: Client, tmp_path: Path) -> None:
    kubectl.out("apply", "-f", file(tmp_path, service("hello")))
    said = kubectl.out("wait", "--for=condition=Ready", "ksvc/hello", "--timeout=30s")
    assert said == "service.serving.knative.dev/hello condition met\n"
    if kubectl.minor >= 23:
        ready = "jsonpath={.status.latestReadyRevisionName}=hello-00001"
        assert "condition met" in kubectl.out("wait", f"--for={ready}", "ksvc/hello", "--timeout=30s")
    said = kubectl.err("wait", "--for=condition=Odd", "ksvc/hello", "--timeout=1s")
    assert "timed out waiting for the condition" in said
    with kubectl.start("wait", "--for=delete", "ksvc/hello", "--timeout=30s", "-v=6") as waiting:
        line_of(waiting, lambda line: "services" in line and "200 OK" in line)
        kubectl.out("delete", "ksvc", "hello", "--wait=false")
        assert waiting.wait(30) == 0


def test_get(hello: Client) -> None:
    space = hello.flags[1]
    assert table(hello.out("get", "ksvc")) == [
        ["NAME", "URL", "LATESTCREATED", "LATESTREADY", "READY", "REASON"],
        ["hello", f"http://hello.{space}.localhost:PORT", "hello-00001", "hello-00001", "True"],
    ]
    header, revision = table(hello.out("get", "revisions"))
    assert header == ["NAME", "CONFIG NAME", "GENERATION", "READY", "REASON", "ACTUAL REPLICAS", "DESIRED REPLICAS"]
    assert revision[:5] == ["hello-00001", "hello", "1", "True", "1"]
    assert table(hello.out("get", "configurations.serving.knative.dev"))[0] == [
        "NAME", "LATESTCREATED", "LATESTREADY", "READY", "REASON",
    ]  # fmt: skip
    assert table(hello.out("get", "routes"))[1] == ["hello", f"http://hello.{space}.localhost:PORT", "True"]
    assert table(hello.out("get", "deployments"))[0] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert table(hello.out("get", "deployments"))[1] == ["hello-00001-deployment", "1/1", "1", "1", "AGE"]


def test_get_of_several_kinds(hello: Client) -> None:
    lines = plain(hello.out("get", "ksvc,rev")).splitlines()
    assert lines[1].startswith("service.serving.knative.dev/hello  ")
    assert lines[-1].startswith("revision.serving.knative.dev/hello-00001  ")


def test_get_wide_and_labels(hello: Client) -> None:
    assert hello.out("get", "ksvc", "-o", "wide").split()[:3] == ["NAME", "URL", "LATESTCREATED"]
    assert table(hello.out("get", "pods", "-o", "wide"))[0][5:7] == ["IP", "NODE"]
    assert table(hello.out("get", "ksvc", "--show-labels"))[1][-1] == "tier=web"
    assert table(hello.out("get", "ksvc", "-L", "tier"))[1][-1] == "web"


def test_get_as_yaml_and_json(hello: Client) -> None:
    one = yaml.safe_load(hello.out("get", "ksvc", "hello", "-o", "yaml"))
    assert (one["apiVersion"], one["kind"], one["metadata"]["name"]) == ("serving.knative.dev/v1", "Service", "hello")
    assert "managedFields" not in one["metadata"] or hello.minor < 21
    many = json.loads(hello.out("get", "ksvc", "-o", "json"))
    assert (many["kind"], [item["kind"] for item in many["items"]]) == ("List", ["Service"])


def test_get_as_name_jsonpath_and_columns(hello: Client) -> None:
    assert hello.out("get", "ksvc", "-o", "name") == "service.serving.knative.dev/hello\n"
    assert hello.out("get", "ksvc", "hello", "-o", "jsonpath={.status.latestReadyRevisionName}") == "hello-00001"
    columns = "custom-columns=NAME:.metadata.name,GEN:.metadata.generation"
    assert hello.out("get", "ksvc", "-o", columns).split() == ["NAME", "GEN", "hello", "1"]
    assert hello.out("get", "ksvc", "-o", "go-template={{range .items}}{{.metadata.name}}{{end}}") == "hello"


def test_get_sorted(kubectl: Client) -> None:
    for name in "bca":
        kubectl.out("create", "configmap", name)
    rows = table(kubectl.out("get", "cm", "--sort-by=.metadata.name"))[1:]
    assert [row[0] for row in rows if len(row[0]) == 1] == ["a", "b", "c"]


def test_get_selected(hello: Client) -> None:
    assert hello.out("get", "ksvc", "-l", "tier=web", "-o", "name") != ""
    assert hello.out("get", "ksvc", "-l", "tier in (db,web),!no", "-o", "name") != ""
    assert hello.run("get", "ksvc", "-l", "tier=db", code=0).err.startswith("No resources found in test-")
    assert hello.out("get", "ksvc", "--field-selector", "metadata.name=hello", "-o", "name") != ""
    assert hello.out("get", "pods", "--field-selector", "status.phase=Running", "-o", "name") != ""
    assert '"spec.odd" is not a known field selector' in hello.err("get", "ksvc", "--field-selector", "spec.odd=1")


def test_get_in_all_namespaces(hello: Client) -> None:
    rows = table(hello.at().out("get", "ksvc", "-A"))
    assert rows[0][:2] == ["NAMESPACE", "NAME"]
    assert [hello.flags[1], "hello"] in [row[:2] for row in rows]


def test_get_in_chunks(kubectl: Client) -> None:
    for name in "abc":
        kubectl.out("create", "configmap", name)
    assert kubectl.out("get", "cm", "--chunk-size=1", "-o", "name").split()[:3] == [f"configmap/{n}" for n in "abc"]


def test_get_of_what_is_not_there(kubectl: Client) -> None:
    said = kubectl.err("get", "ksvc", "no")
    assert said == 'Error from server (NotFound): services.serving.knative.dev "no" not found\n'
    assert kubectl.err("get", "cm", "no") == 'Error from server (NotFound): configmaps "no" not found\n'
    assert kubectl.err("get", "odd") == 'error: the server doesn\'t have a resource type "odd"\n'
    assert kubectl.run("get", "ksvc", code=0).err == f"No resources found in {kubectl.flags[1]} namespace.\n"


def test_get_w(kubectl: Client, tmp_path: Path) -> None:
    with kubectl.start("get", "ksvc", "-w") as watching:
        path = file(tmp_path, service("hello"))
        kubectl.out("apply", "-f", path)
        assert "URL" in line_of(watching, lambda line: "NAME" in line)
        line_of(watching, lambda line: "hello-00001" in line and "True" in line)
        watching.terminate()
    with kubectl.start("get", "ksvc", "hello", "-w", "-o", "jsonpath={.metadata.labels.x}{'\\n'}") as watching:
        line_of(watching, lambda line: line == "\n")  # how it is; kubectl drops what comes with the watch's beginning
        kubectl.out("label", "ksvc", "hello", "x=seen")
        line_of(watching, lambda line: line.strip() == "seen")
        watching.terminate()


def test_get_raw(kubectl: Client, kemu: Kemu) -> None:
    # Up to 1.33 kubectl takes --raw for the whole path and forgets the one that the kubeconfig gives.
    root = "" if kubectl.minor >= 34 else f"/{kemu.state.prefix}"
    assert kubectl.at().out("get", "--raw", f"{root}/healthz") == "ok"
    assert kubectl.at().out("get", "--raw", f"{root}/readyz?verbose").strip().endswith("ok")


def test_describe(hello: Client) -> None:
    said = hello.out("describe", "ksvc", "hello")
    assert plain(said).splitlines()[0] == "Name:  hello"
    assert "Latest Ready Revision Name:" in said
    events = said[said.index("\nEvents:") :]
    assert table(events)[1] == ["Type", "Reason", "Age", "From", "Message"]
    assert 'Created Configuration "hello"' in events
    pod = hello.out("get", "pods", "-o", "name").strip()
    said = hello.out("describe", pod)
    for text in ("\nStatus:", "\nControlled By:", "\n  user-container:", "\n  queue-proxy:", "\nEvents:"):
        assert text in said
    assert "Pulled" in said
    hello.out("create", "configmap", "c", "--from-literal=a=b")
    for each in ("revision/hello-00001", "deployment/hello-00001-deployment", "configmaps"):
        assert "Name:" in hello.out("describe", each)


def test_explain(kubectl: Client) -> None:
    said = plain(kubectl.out("explain", "ksvc.spec.template.spec"))
    assert "containerConcurrency" in said
    assert "KIND:" in said
    assert "timeoutSeconds" in kubectl.out("explain", "ksvc", "--recursive")
    assert "containerPort" in kubectl.out("explain", "pods.spec.containers.ports")


def test_api_resources_and_versions(kubectl: Client) -> None:
    rows = table(kubectl.at().out("api-resources"))
    assert rows[0][0] == "NAME"
    assert ["services", "kservice,ksvc", "serving.knative.dev/v1", "true", "Service"] in rows
    assert ["configmaps", "cm", "v1", "true", "ConfigMap"] in rows
    names = kubectl.at().out("api-resources", "-o", "name", "--api-group=eventing.knative.dev").split()
    assert {"brokers.eventing.knative.dev", "triggers.eventing.knative.dev"} <= set(names)
    assert {"serving.knative.dev/v1", "v1", "apps/v1"} <= set(kubectl.at().out("api-versions").split())


def test_auth_can_i(kubectl: Client) -> None:
    assert kubectl.out("auth", "can-i", "create", "ksvc") == "yes\n"
    assert kubectl.out("auth", "can-i", "delete", "pods") == "yes\n"
    assert "Resources" in kubectl.out("auth", "can-i", "--list").splitlines()[0]
    if kubectl.minor >= 28:
        assert "kubernetes-admin" in kubectl.at().out("auth", "whoami")


def test_events(hello: Client) -> None:
    rows = table(hello.out("get", "events"))
    assert rows[0] == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert "service/hello" in [row[3] for row in rows]
    if hello.minor >= 26:
        assert table(hello.out("events"))[0] == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
        assert "Service/hello" in hello.out("events", "--for", "ksvc/hello")


def test_a_closed_pipe_ends_a_watch(hello: Client, kemu: Kemu) -> None:
    with hello.start("get", "ksvc", "-w") as watching:
        line_of(watching, lambda line: "hello" in line)
        watching.terminate()
        assert isinstance(watching, subprocess.Popen)
    assert hello.out("get", "ksvc", "-o", "name")
