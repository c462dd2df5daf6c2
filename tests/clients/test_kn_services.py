"""kn with Services, Revisions and Routes: what it prints is what it prints on a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.client import Client, plain, table
from tests.clients.manifests import HELLO, SCRIPTABLE, file, service
from tests.scenarios.harness import Kemu

pytestmark = pytest.mark.engine


@pytest.fixture
def hello(kn: Client) -> Client:
    """A Service `hello`, made by kn."""
    kn.out("service", "create", "hello", "--image", HELLO, "--env", "TARGET=World")
    return kn


def live(kn: Client, name: str = "hello") -> Any:
    return json.loads(kn.out("service", "describe", name, "-o", "json"))


def said_of(text: str) -> tuple[str, list[str]]:
    """First line of a command that waits, and its last ones; what it says meanwhile depends on the moment."""
    lines = plain(text).splitlines()
    waiting = [line for line in lines if line.startswith("  TIME ")]
    assert waiting[-1:] in ([], ["  TIME Ready to serve."])  # none where it is ready at once
    return lines[0], lines[-2:]


def test_service_create_of_the_article(kn: Client, kemu: Kemu) -> None:
    said = kn.at().out("service", "create", "hello", "--image", "gcr.io/knative-samples/helloworld-go")
    first, last = said_of(said)
    url = "http://hello.default.localhost:PORT"
    assert first == "Creating service 'hello' in namespace 'default':"
    assert last == ["Service 'hello' created to latest revision 'hello-00001' is available at URL:", url]
    assert kemu.request("hello").status == 200
    assert kn.at().out("service", "delete", "hello") == "Service 'hello' successfully deleted in namespace 'default'.\n"


def test_service_create_says_what_fails(kn: Client) -> None:
    said = kn.run("service", "create", "no", "--image", "dev.local/there-is-none", "--wait-timeout", "20")
    assert said.code != 0
    assert 'RevisionFailed: Revision "no-00001" failed' in said.err
    said = kn.run("service", "create", "Bad_Name", "--image", HELLO)
    assert "not a DNS 1035 label" in said.err


def test_service_create_twice(hello: Client) -> None:
    said = hello.err("service", "create", "hello", "--image", HELLO)
    assert "cannot create service 'hello' in namespace" in said
    assert "because the service already exists" in said
    forced = hello.out("service", "create", "hello", "--image", HELLO, "--force")
    assert said_of(forced)[1][0].startswith("Service 'hello' replaced to latest revision 'hello-00002'")


def test_service_create_from_a_file(kn: Client, tmp_path: Path) -> None:
    said = kn.out("service", "create", "-f", file(tmp_path, service("hello")))
    assert said_of(said)[1][0] == "Service 'hello' created to latest revision 'hello-00001' is available at URL:"


def test_service_create_without_waiting(kn: Client) -> None:
    said = kn.out("service", "create", "hello", "--image", HELLO, "--no-wait")
    assert said == f"Service 'hello' created in namespace '{kn.flags[1]}'.\n"
    assert "Ready to serve." in kn.out("service", "wait", "hello") or kn.minor >= 15


def test_service_list_and_describe(hello: Client) -> None:
    url = f"http://hello.{hello.flags[1]}.localhost:PORT"
    assert table(hello.out("service", "list")) == [
        ["NAME", "URL", "LATEST", "AGE", "CONDITIONS", "READY", "REASON"],
        ["hello", url, "hello-00001", "AGE", "3 OK / 3", "True"],
    ]
    assert table(hello.at().out("service", "list", "-A"))[0][0] == "NAMESPACE"
    said = plain(hello.out("service", "describe", "hello")).splitlines()
    assert said[:4] == ["Name:  hello", f"Namespace:  {hello.flags[1]}", "Age:  AGE", f"URL:  {url}"]
    assert "  100%  @latest (hello-00001) [1] (AGE)" in said
    assert [line.split()[1] for line in said if line.startswith("  ++ ")] == [
        "Ready",
        "ConfigurationsReady",
        "RoutesReady",
    ]
    assert plain(hello.out("service", "describe", "hello", "-o", "url")).strip() == url
    assert "Cluster:" in hello.out("service", "describe", "hello", "-v")


def test_service_update(hello: Client) -> None:
    first, last = said_of(hello.out("service", "update", "hello", "--env", "TARGET=Two"))
    assert first == f"Updating Service 'hello' in namespace '{hello.flags[1]}':"
    assert last[0] == "Service 'hello' updated to latest revision 'hello-00002' is available at URL:"
    _, last = said_of(hello.out("service", "update", "hello", "--tag", "@latest=new"))
    assert last[0] == "Service 'hello' with latest revision 'hello-00002' (unchanged) is available at URL:"


def test_traffic_split_and_tags(kn: Client, kemu: Kemu) -> None:
    hello = kn
    hello.out("service", "create", "hello", "--image", SCRIPTABLE, "--env", "MESSAGE=one")
    hello.out("service", "update", "hello", "--env", "MESSAGE=two", "--tag", "@latest=new")
    hello.out("service", "update", "hello", "--traffic", "hello-00001=30,@latest=70")
    said = plain(hello.out("service", "describe", "hello"))
    assert "   70%  @latest (hello-00002) #new [2] (AGE)" in said
    assert "   30%  hello-00001 [1] (AGE)" in said
    said = plain(hello.out("route", "describe", "hello"))
    assert f"URL:  http://new-hello.{hello.flags[1]}.localhost:PORT" in said
    hello.out("service", "update", "hello", "--traffic", "hello-00001=0,new=100")
    host = f"hello.{hello.flags[1]}.localhost"
    assert {kemu.request(host).body.strip() for _ in range(10)} == {"two"}
    hello.out("service", "update", "hello", "--untag", "new")
    assert "#new" not in hello.out("service", "describe", "hello")


def test_traffic_to_a_revision_that_is_not_there(hello: Client) -> None:
    said = hello.run("service", "update", "hello", "--traffic", "nope=100", "--wait-timeout", "20")
    assert said.code != 0
    assert 'RevisionMissing: Revision "nope" referenced in traffic not found.' in said.err
    assert said_of(hello.out("service", "update", "hello", "--traffic", "@latest=100"))[1]


def test_service_apply_twice(kn: Client) -> None:
    words = ["service", "apply", "hello", "--image", HELLO, "--env", "TARGET=a"]
    first, last = said_of(kn.out(*words))
    assert first == f"Creating service 'hello' in namespace '{kn.flags[1]}':"
    assert last[0] == "Service 'hello' created to latest revision 'hello-00001' is available at URL:"
    said = plain(kn.out(*words)).splitlines()
    assert said[0] == "No changes to apply to service 'hello'."
    assert said[1] == "Service 'hello' with latest revision 'hello-00001' (unchanged) is available at URL:"
    first, last = said_of(kn.out(*words[:-1], "TARGET=b"))
    assert first == f"Applying service 'hello' in namespace '{kn.flags[1]}':"
    assert last[0] == "Service 'hello' applied to latest revision 'hello-00002' is available at URL:"


def test_service_export_and_import(kn: Client, tmp_path: Path) -> None:
    kn.out("service", "create", "hello", "--image", HELLO, "--revision-name", "one", "--env", "TARGET=1")
    kn.out("service", "update", "hello", "--revision-name", "two", "--env", "TARGET=2")
    kn.out("service", "update", "hello", "--traffic", "hello-one=50,hello-two=50")
    exported = kn.out("service", "export", "hello", "--with-revisions", "--mode", "export", "-o", "yaml")
    assert yaml.safe_load(exported)["kind"] == "Export"
    replay = kn.out("service", "export", "hello", "--with-revisions", "--mode", "replay", "-o", "yaml")
    assert [item["kind"] for item in yaml.safe_load(replay)["items"]] == ["Service", "Service"]
    kn.out("service", "delete", "hello", "--wait")
    path = tmp_path / "exported.yaml"
    path.write_text(exported)
    said = kn.out("service", "import", str(path))
    assert "Service 'hello' created to latest revision 'hello-two' is available at URL" in said or "hello" in said
    assert {row[0] for row in table(kn.out("revision", "list"))[1:]} == {"hello-one", "hello-two"}


def test_service_delete_and_wait(hello: Client) -> None:
    assert hello.out("service", "delete", "hello", "--wait") == (
        f"Service 'hello' successfully deleted in namespace '{hello.flags[1]}'.\n"
    )
    assert hello.out("service", "list") == "No services found.\n"
    assert 'services.serving.knative.dev "hello" not found' in hello.err("service", "delete", "hello")


def test_service_delete_all(hello: Client) -> None:
    hello.out("service", "create", "other", "--image", HELLO, "--no-wait")
    said = hello.out("service", "delete", "--all", "--wait")
    assert sorted(line.split("'")[1] for line in said.splitlines()) == ["hello", "other"]


def test_revision_list_describe_delete(hello: Client) -> None:
    hello.out("service", "update", "hello", "--env", "TARGET=Two")
    rows = table(hello.out("revision", "list"))
    assert rows[0] == [
        "NAME", "SERVICE", "TRAFFIC", "TAGS", "GENERATION", "AGE", "CONDITIONS", "READY", "REASON",
    ]  # fmt: skip
    assert rows[1] == ["hello-00002", "hello", "100%", "2", "AGE", "4 OK / 4", "True"]
    assert rows[2][:3] == ["hello-00001", "hello", "1"]
    assert len(table(hello.out("revision", "list", "-s", "hello"))) == 3
    said = plain(hello.out("revision", "describe", "hello-00001"))
    assert f"Image:  {HELLO}" in said
    assert "Env:  TARGET=World" in said
    assert "  ++ ResourcesAvailable  AGE" in said
    deleted = hello.out("revision", "delete", "hello-00001", "--wait")
    assert deleted == f"Revision 'hello-00001' deleted in namespace '{hello.flags[1]}'.\n"
    hello.out("service", "update", "hello", "--env", "TARGET=Three")
    assert "Revision 'hello-00002' deleted" in hello.out("revision", "delete", "--prune", "hello")


def test_route_list_and_describe(hello: Client) -> None:
    url = f"http://hello.{hello.flags[1]}.localhost:PORT"
    assert table(hello.out("route", "list")) == [["NAME", "URL", "READY"], ["hello", url, "True"]]
    said = plain(hello.out("route", "describe", "hello"))
    assert "  100%  @latest (hello-00001)" in said
    assert "Service:  hello" in said


def test_secrets_and_config_maps(kn: Client) -> None:
    assert f"Secret 'key' created in namespace '{kn.flags[1]}'" in kn.out(
        "secret", "create", "key", "--from-literal", "A=1"
    )
    assert table(kn.out("secret", "list"))[1][0] == "key"
    kn.out(
        "service",
        "create",
        "hello",
        "--image",
        SCRIPTABLE,
        "--env-from",
        "secret:key",
        "--mount",
        "/etc/key=secret:key",
    )
    assert live(kn)["status"]["conditions"][0]["status"] == "True"
    kn.out("secret", "delete", "key")
    assert "key" not in kn.out("secret", "list")


def test_version(kn: Client) -> None:
    assert f"v1.{kn.minor}.0" in kn.at().out("version")
