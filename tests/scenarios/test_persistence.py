"""What a kemu keeps from run to run: what came through the API, edits, and what the files said."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

import pytest
import yaml

from emulator.lib.instance import State
from tests.scenarios.harness import IMAGE, Kemu, eventually, service

pytestmark = pytest.mark.engine
MAPS = "/api/v1/namespaces/default/configmaps"


def ask(state: State, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", state.api_port, timeout=10)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, f"/{state.prefix}{path}", body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def ready(kemu: Kemu, name: str) -> dict[str, Any]:
    """The Service, once it is ready."""

    def find() -> dict[str, Any] | None:
        for one in kemu.objects("ksvc"):
            conditions = {c["type"]: c["status"] for c in one.get("status", {}).get("conditions", ())}
            if one["metadata"]["name"] == name and conditions.get("Ready") == "True":
                return dict(one)
        return None

    return eventually(find, f"Service {name} is ready")


def test_a_service_made_through_the_api_survives_kill_9_and_wakes(kemu: Kemu) -> None:
    kemu.up()
    made = kemu.manifests.parent / "made.json"
    made.write_text(service("made"))
    assert kemu.run("apply", "-f", str(made)).code == 0
    before = ready(kemu, "made")
    kemu.kill()
    kemu.up()
    after = ready(kemu, "made")
    for field in ("uid", "creationTimestamp", "generation"):
        assert after["metadata"][field] == before["metadata"][field]
    assert after["status"]["latestReadyRevisionName"] == before["status"]["latestReadyRevisionName"]
    assert kemu.containers() == []  # asleep
    assert kemu.request("made").status == 200


def test_every_write_that_was_answered_is_there_after_kill_9_in_the_middle_of_writes(kemu: Kemu) -> None:
    state = kemu.up()
    answered: dict[str, str] = {}
    deleted: set[str] = set()

    def write(writer: int) -> None:
        try:
            for number in range(10_000):
                name = f"w{writer}-{number}"
                body = {"metadata": {"name": name}, "data": {"text": str(number) * 500}}
                status, made = ask(state, "POST", MAPS, body)
                assert status == 201
                answered[name] = made["metadata"]["uid"]
                if number % 5 == 4:
                    assert ask(state, "DELETE", f"{MAPS}/{name}")[0] == 200
                    deleted.add(name)
        except (OSError, http.client.HTTPException):
            return  # killed

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    eventually(lambda: len(answered) > 200, "200 answered writes")
    kemu.kill()
    for writer in writers:
        writer.join()
    kemu.up()
    found = {one["metadata"]["name"]: one for one in kemu.objects("cm")}
    assert not deleted & set(found)
    # Of each writer one request may have been under way: that deletion need not have been answered to be done.
    missing = [name for name in answered if name not in deleted and name not in found]
    assert len(missing) <= len(writers)
    assert all(int(name.rpartition("-")[2]) % 5 == 4 for name in missing)
    assert all(found[name]["metadata"]["uid"] == uid for name, uid in answered.items() if name in found)
    ours = {name: one["data"]["text"] for name, one in found.items() if name.startswith("w")}
    assert ours == {name: name.rpartition("-")[2] * 500 for name in ours}


def test_an_edit_is_shown_and_kept_until_its_file_changes(kemu: Kemu) -> None:
    path = kemu.write("a.yaml", service("a", env={"VALUE": "file"}))
    kemu.up()
    ready(kemu, "a")
    edited = kemu.manifests.parent / "edited.json"
    edited.write_text(service("a", env={"VALUE": "edited"}))
    assert kemu.run("apply", "-f", str(edited)).code == 0

    def value() -> str:
        [one] = kemu.objects("ksvc")
        return str(one["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"])

    assert value() == "edited"
    kemu.kill()
    kemu.up()
    assert value() == "edited"
    shown = kemu.run("ps").out
    assert ", edited" in shown
    assert f"Service default/a edited: not as in {path}" in shown
    kemu.write("a.yaml", service("a", env={"VALUE": "another"}))
    eventually(lambda: value() == "another", "the changed file counts")
    assert "edited" not in kemu.run("ps").out


def test_what_left_the_files_is_gone_at_the_next_start_also_with_other_paths(kemu: Kemu) -> None:
    kemu.write("a.yaml", service("a"))
    kemu.write("b.yaml", service("b"))
    state = kemu.up()
    assert ask(state, "POST", MAPS, {"metadata": {"name": "by-api"}})[0] == 201
    assert kemu.stop() == 0
    elsewhere = kemu.manifests
    (elsewhere / "a.yaml").unlink()
    kemu.up()
    assert [one["metadata"]["name"] for one in kemu.objects("ksvc")] == ["b"]
    assert kemu.stop() == 0
    kemu.manifests = elsewhere.parent / "other"
    kemu.manifests.mkdir()
    kemu.up()
    assert kemu.objects("ksvc") == []
    assert "by-api" in [one["metadata"]["name"] for one in kemu.objects("cm")]


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "killed"])
def test_purge_forgets(kemu: Kemu, is_running: bool) -> None:
    kemu.write("a.yaml", service("a"))
    state = kemu.up()
    assert ask(state, "POST", MAPS, {"metadata": {"name": "by-api"}})[0] == 201
    assert kemu.request("a").status == 200
    if not is_running:
        kemu.kill()
    said = kemu.run("down", "--purge")
    assert said.code == 0, said.err
    assert not is_running or kemu.stop() == 0
    containers = "no container" if is_running else "1 container"
    assert f"removed what kemu kept in {kemu.data}: 2 objects, {containers}, 0 volumes and the kubeconfig\n" in said.out
    assert not kemu.data.exists()
    kemu.up()
    assert "by-api" not in [one["metadata"]["name"] for one in kemu.objects("cm")]
    assert [one["metadata"]["name"] for one in kemu.objects("ksvc")] == ["a"]


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "stopped"])
def test_bare_pods_are_started_again_and_what_has_ended_is_not(kemu: Kemu, is_killed: bool) -> None:
    pods = "/api/v1/namespaces/default/pods"
    env = [{"name": "EXIT_AT_START", "value": "0"}]
    state = kemu.up()
    for name, policy, own in (("server", "Always", []), ("once", "Never", env), ("cut-off", "Never", [])):
        container = {"name": "c", "image": IMAGE, "env": own}
        spec = {"containers": [container], "restartPolicy": policy, "terminationGracePeriodSeconds": 1}
        assert ask(state, "POST", pods, {"metadata": {"name": name}, "spec": spec})[0] == 201
    phases = {"server": "Running", "once": "Succeeded", "cut-off": "Running"}
    eventually(lambda: _phases(kemu) == phases, "they run")
    uids = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in kemu.objects("pods")}
    kemu.kill() if is_killed else kemu.stop()
    kemu.up()
    eventually(lambda: _phases(kemu) == {**phases, "cut-off": "Failed"}, "one of them runs again")
    found = {pod["metadata"]["name"]: pod for pod in kemu.objects("pods")}
    assert {name: pod["metadata"]["uid"] for name, pod in found.items()} == uids
    assert found["server"]["status"]["containerStatuses"][0]["restartCount"] == 1
    assert len(kemu.containers()) == 1
    assert kemu.run("delete", "pod", "server", "once", "cut-off").code == 0
    eventually(lambda: _phases(kemu) == {}, "they are gone")


def _phases(kemu: Kemu) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["status"]["phase"] for pod in kemu.objects("pods")}


def test_a_damaged_file_is_told_and_does_not_keep_kemu_from_starting(kemu: Kemu) -> None:
    kemu.write("a.yaml", service("a"))
    kemu.up()
    kemu.kill()
    for path in kemu.data.glob("objects.sqlite*"):
        path.write_bytes(b"not a database at all" * 500)
    kemu.up()
    kemu.said("is damaged")
    assert [one["metadata"]["name"] for one in kemu.objects("ksvc")] == ["a"]


def test_what_get_prints_can_be_run_and_is_the_same(kemu: Kemu) -> None:
    kemu.write(
        "a.yaml", service("a", env={"A": "yes", "B": "1e3"}, annotations={"autoscaling.knative.dev/window": "30s"})
    )
    kemu.write(
        "cm.yaml",
        json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "a\nb"}}),
    )
    kemu.up()
    ready(kemu, "a")
    printed = kemu.run("get", "ksvc,cm", "-o", "yaml").out
    assert kemu.stop() == 0
    for path in kemu.manifests.iterdir():
        path.unlink()
    kemu.write("all.yaml", printed)
    kemu.up()
    ready(kemu, "a")
    same = ("uid", "creationTimestamp", "generation", "annotations")
    again = kemu.run("get", "ksvc,cm", "-o", "yaml").out
    assert parts(again, *same) == parts(printed, *same)
    assert kemu.run("down", "--purge").code == 0
    assert kemu.stop() == 0
    kemu.up()
    ready(kemu, "a")
    assert parts(kemu.run("get", "ksvc,cm", "-o", "yaml").out) == parts(printed)


def parts(printed: str, *metadata: str) -> list[dict[str, Any]]:
    """What of printed objects does not depend on the time, and some of their metadata."""
    return [
        {key: one.get(key) for key in ("kind", "spec", "data")} | {key: one["metadata"].get(key) for key in metadata}
        for one in yaml.safe_load(printed)["items"]
    ]
