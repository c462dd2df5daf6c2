"""The verbs from a second terminal, against a kemu that runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine


@pytest.fixture
def hello(kemu: Kemu) -> Kemu:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "hi"}))
    kemu.up()
    kemu.request("hello")
    return kemu


def test_get_ksvc_prints_knatives_columns(hello: Kemu) -> None:
    header, row = hello.run("get", "ksvc").out.splitlines()
    assert header.split() == ["NAME", "URL", "LATESTCREATED", "LATESTREADY", "READY", "REASON"]
    assert row.split() == ["hello", f"http://hello.default.localhost:{hello.state.port}", *["hello-00001"] * 2, "True"]


@pytest.mark.parametrize("kind", ["revisions", "routes", "pods", "configurations", "deployments", "kpa", "namespaces"])
def test_get_prints_every_kind_in_every_way(hello: Kemu, kind: str) -> None:
    name = hello.run("get", kind, "-o", "name").out.split()[0].rpartition("/")[2]
    assert name in hello.run("get", kind).out
    assert name in hello.run("get", kind, "-o", "wide").out
    assert name in hello.run("get", kind, "-A").out
    assert json.loads(hello.run("get", kind, name, "-o", "json").out)["metadata"]["name"] == name
    assert yaml.safe_load(hello.run("get", kind, name, "-o", "yaml").out)["metadata"]["name"] == name


def test_get_of_what_is_not_there_lists_what_is(hello: Kemu) -> None:
    said = hello.run("get", "ksvc", "helo")
    assert said.code == 1
    assert 'services.serving.knative.dev "helo" not found; there are: hello' in said.err
    said = hello.run("get", "things")
    assert 'there is no kind "things"; did you mean "' in said.err or "; there are: " in said.err


def test_get_w_follows_changes(hello: Kemu) -> None:
    command = hello.command("get", "ksvc", "-w")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.stdout.readline()
        hello.write("hello.yaml", service("hello", env={"MESSAGE": "changed"}))
        seen = watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
    assert seen.startswith("hello")


def test_describe_shows_conditions_children_and_events(hello: Kemu) -> None:
    said = hello.run("describe", "ksvc", "hello").out
    assert "ConfigurationsReady" in said
    assert "Configuration   hello" in said
    assert "Deployment" in hello.run("describe", "revision", "hello-00001").out
    assert "LatestReadyUpdate" in hello.run("describe", "configuration", "hello").out
    events = said.partition("Events:\n")[2]
    assert "Revision/hello-00001" in events
    assert "Configuration/hello" in events
    assert said.partition("Traffic:\n")[2].split("\n")[1].split() == ["100%", "hello-00001", "yes"]


def test_ps_shows_replicas_state_and_cold_start(hello: Kemu) -> None:
    header, row = hello.run("ps").out.splitlines()[1:]
    assert header.split()[:5] == ["NAMESPACE", "SERVICE", "REVISION", "REPLICAS", "STATE"]
    assert row.split()[:6] == ["default", "hello", "hello-00001", "1", "running", "1"]
    assert re.search(r"started in \d+ ms$", row)
    wide = hello.run("ps", "-o", "wide").out.splitlines()[2]
    assert re.search(r"cold start \d+ ms: queued .* image .* create .* start .* port .* probe .* first byte", wide)
    (found,) = json.loads(hello.run("ps", "-o", "json").out)
    assert (found["revision"], found["state"], found["started"]["count"]) == ("hello-00001", "running", 1)


def test_stats_show_how_long_requests_and_starts_took(hello: Kemu) -> None:
    assert hello.request("hello", "/status?code=500").status == 500
    header, row = hello.run("stats", "hello").out.splitlines()
    assert header.split()[:5] == ["REVISION", "REQUESTS", "ERRORS", "P50", "P95"]
    assert row.split()[:3] == ["hello-00001", "2", "1"]
    (found,) = json.loads(hello.run("stats", "hello-00001", "-o", "json").out)
    assert (found["requests"]["count"], found["requests"]["errors"]) == (2, 1)
    assert found["started"]["count"] == 1
    assert 0 < found["requests"]["p50Ms"] < found["started"]["p50Ms"]
    assert found["thawed"] == {"count": 0, "p50Ms": None, "p95Ms": None}
    said = hello.run("stats", "helo")
    assert (said.code, 'did you mean "hello"?' in said.err) == (1, True)


def test_logs_show_output_also_of_what_is_gone(hello: Kemu) -> None:
    assert "listening on 8080" in hello.run("logs", "hello").out
    assert len(hello.run("logs", "hello", "--tail", "1").out.splitlines()) == 1
    assert "listening on 8080" in hello.run("logs", "hello-00001", "--since", "5m").out
    said = hello.run("logs", "nobody")
    assert (said.code, "there are the Services: hello" in said.err) == (1, True)


def test_logs_f_follows(hello: Kemu) -> None:
    with subprocess.Popen(hello.command("logs", "hello", "-f"), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        hello.request("hello", "/follow-me")
        lines = iter(following.stdout.readline, "")
        assert any("GET /follow-me" in line for line in lines)
        following.send_signal(signal.SIGINT)


def test_apply_and_delete_change_a_running_kemu(hello: Kemu, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(service("other", env={"MESSAGE": "other"}))
    assert hello.run("apply", "-f", str(file)).out == "service.serving.knative.dev/other created\n"
    eventually(lambda: hello.request("other").status == 200, "the new Service answers")
    assert hello.run("apply", "-f", str(file)).out == "service.serving.knative.dev/other unchanged\n"
    assert hello.run("delete", "ksvc", "other").out == 'service.serving.knative.dev "other" deleted\n'
    eventually(lambda: hello.request("other").status == 404, "it is gone")
    file.write_text(service("other").replace('"image"', '"imagee"'))
    said = hello.run("apply", "-f", str(file))
    assert (said.code, "imagee" in said.err) == (1, True)


def test_apply_tells_the_place_of_every_fault_and_applies_the_rest(hello: Kemu, tmp_path: Path) -> None:
    good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n"
    file = tmp_path / "all.yaml"
    bad = good.replace("good", "bad") + "data:\n  a: 1\n"
    odd = service("odd", annotations={"autoscaling.knative.dev/min-scale": "x"})
    file.write_text("---\n".join((bad, good, good.replace("Map", "Mapp"), odd + "\n")))
    said = hello.run("apply", "-f", str(file))
    assert (said.code, said.out) == (1, "configmap/good created\n")
    lines = said.err.splitlines()
    assert lines[0] == "kemu: 3 faults"
    assert lines[1] == f'{file}:5:3 data.a: must be a string, not 1; write it in quotes: "1"'
    assert lines[2].startswith(f'{file}:12:1 kind: no matches for kind "ConfigMapp" in version "v1"; did you mean')
    field = "spec.template.metadata.annotations.autoscaling.knative.dev/min-scale"
    assert re.fullmatch(rf"{file}:15:\d+ {field}: invalid value: x", lines[3]), lines[3]


def test_apply_tells_what_is_no_object_and_what_is_none(hello: Kemu, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: a\n")
    for verb in ("apply", "delete"):
        said = hello.run(verb, "-f", str(file))
        assert (said.code, f"{file}:3:1 metadata: must be a map with a name" in said.err) == (1, True)
    file.write_text("---\n")
    said = hello.run("apply", "-f", str(file))
    assert (said.code, said.err) == (1, f"kemu: no objects in {file}\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "web"}')
    (folder / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: found}\n")
    said = hello.run("apply", "-f", str(folder))
    assert (said.code, said.out) == (0, "configmap/found created\n")
    assert said.err == f"kemu: skipped 1 file without apiVersion and kind: {folder}/package.json\n"


def test_apply_of_an_item_without_its_colon_says_so(hello: Kemu, tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    odd = yaml.safe_load(service("odd"))
    odd["spec"]["template"]["spec"]["containers"] = ["image app"]
    file.write_text(yaml.safe_dump(odd))
    said = hello.run("apply", "-f", str(file))
    field = r"spec\.template\.spec\.containers\[0\]"
    assert re.search(rf'{file}:\d+:\d+ {field}: .*; is a colon missing: "image: app"\?', said.err), said.err


def test_send_names_the_sinks_that_there_are_and_judges_json(hello: Kemu) -> None:
    said = hello.run("send", "foo", "--type", "x")
    words = said.err.strip().partition("one of: ")[2].split(", ")
    assert "broker:NAME" in words
    for word in (word.partition(":")[0] for word in words):
        assert f"there is no {word}" in hello.run("send", f"{word}:none", "--type", "x").err
    said = hello.run("send", "ksvc:hello", "--type", "x", "--data", "{bad")
    assert (said.code, "--data is no JSON: " in said.err) == (1, True)
    said = hello.run("send", "ksvc:hello", "--type", "x", "--data", "{bad", "--content-type", "text/plain", "--id", "a")
    assert (said.code, said.out.splitlines()[0][:11]) == (0, "x a → http:")


def test_down_stops_kemu_and_waits(hello: Kemu) -> None:
    pid = hello.state.pid
    assert hello.run("down").out == f"stopped kemu (pid {pid})\n"
    assert hello.process is not None
    assert hello.process.wait(10) == 0
    assert hello.containers(running_only=False) == []
    assert hello.run("down").code == 3


def test_the_state_file_is_for_its_owner_only(hello: Kemu) -> None:
    assert os.stat(hello.data / "state.json").st_mode & 0o777 == 0o600


def test_an_unknown_verb_is_answered_with_the_one_that_was_meant(kemu: Kemu) -> None:
    said = kemu.run("gett")
    assert said.code == 2
    assert 'there is no verb "gett"; did you mean "get"?' in said.err
