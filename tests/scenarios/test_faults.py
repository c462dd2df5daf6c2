"""What users break: each gives one clear message and loses nothing."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import docker
import pytest

from tests.scenarios.harness import Kemu, eventually, service
from tests.scenarios.severable import Severable

pytestmark = pytest.mark.engine

GOOD = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
spec:
  template:
    spec:
      containers:
        - image: kemu.test/scriptable
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            GOOD.replace("image:", "imagee:"),
            'bad.yaml:9:11 spec.template.spec.containers[0].imagee: unknown field; did you mean "image"?',
            id="a typo in a field",
        ),
        pytest.param(
            GOOD.replace("  name: hello", "\tname: hello"),
            "bad.yaml:4:1 a tab where YAML wants spaces; indent with spaces",
            id="a tab",
        ),
        pytest.param(
            GOOD.replace("  name: hello", "  labels: {a: b}"),
            "bad.yaml:3:1 metadata.name: name or generateName is required; add metadata.name",
            id="a missing name",
        ),
        pytest.param(
            GOOD.replace("kind: Service", "kind: Servize"),
            'bad.yaml:2:1 kind: unknown kind "Servize" in "serving.knative.dev/v1"; did you mean "Service"?',
            id="an unknown kind",
        ),
        pytest.param(
            GOOD + "      timeoutSeconds: 700\n",
            "bad.yaml:10:7 spec.template.spec.timeoutSeconds: expected 0 <= 700 <= 600",
            id="a value out of range",
        ),
    ],
)
def test_a_bad_manifest_is_refused_with_file_line_and_cure(kemu: Kemu, text: str, message: str) -> None:
    kemu.write("bad.yaml", text)
    said = kemu.run("up", str(kemu.manifests), "--port", "0")
    assert said.code == 1
    assert message in said.err
    assert "1 fault; nothing was started" in said.err


def test_two_faults_in_two_files_are_told_together(kemu: Kemu) -> None:
    kemu.write("a.yaml", GOOD.replace("image:", "imagee:"))
    kemu.write("b.yaml", GOOD.replace("kind: Service", "kind: Thing"))
    said = kemu.run("up", str(kemu.manifests), "--port", "0")
    assert said.code == 1
    assert "2 faults" in said.err
    assert "a.yaml:9:11" in said.err
    assert "b.yaml:2:1" in said.err


def test_a_path_that_is_not_there_is_told(kemu: Kemu) -> None:
    said = kemu.run("up", str(kemu.manifests / "nowhere"), "--port", "0")
    assert said.code == 1
    assert "nowhere: there is no such file or folder" in said.err


def test_an_image_that_exists_nowhere_is_told_at_once(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", image="kemu.test/does-not-exist:1"))
    kemu.up()
    said = kemu.said('image "kemu.test/does-not-exist:1" is not in the engine', within_s=60)
    assert "build it under this name (docker build -t kemu.test/does-not-exist:1 …)" in said
    ready = eventually(lambda: _failed(kemu, "hello"), "Ready is False")
    assert 'Unable to fetch image "kemu.test/does-not-exist:1"' in str(ready["message"])
    assert kemu.condition("revision", "hello-00001")["reason"] == "ContainerMissing"


def test_a_function_that_exits_at_start_is_shown_as_crash_loop_with_its_last_lines(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"EXIT_AT_START": "3"}, spec={"timeoutSeconds": 3}))
    kemu.up()
    reply = kemu.request("hello")
    assert (reply.status, reply.body) == (504, "activator request timeout")
    said = kemu.said("container exited with code 3", "hello-00001")
    assert "exit 3 at start, as EXIT_AT_START says" in said
    assert "(CrashLoopBackOff)" in kemu.said("CrashLoopBackOff", "hello-00001")
    healthy = kemu.condition("revision", "hello-00001", "ContainerHealthy")
    assert (healthy["status"], healthy["reason"]) == ("False", "ExitCode3")
    assert "EXIT_AT_START" in healthy["message"]
    (pod,) = kemu.objects("pods")
    (status,) = [s for s in pod["status"]["containerStatuses"] if s["name"] == "user-container"]
    assert status["restartCount"] >= 1
    assert "CrashLoopBackOff" in kemu.run("get", "pods").out


def test_a_function_that_never_listens_gets_advice(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"NEVER_LISTEN": "1"}, spec={"timeoutSeconds": 2}))
    kemu.up()
    assert kemu.request("hello").status == 504
    said = kemu.said("not ready after 10 s", "hello-00001")
    assert "nothing answers on port 8080; the function must listen on 0.0.0.0:$PORT" in said


def test_a_readiness_probe_that_fails_is_not_taken_for_a_port_that_nobody_listens_on(kemu: Kemu) -> None:
    container = {"readinessProbe": {"httpGet": {"path": "/healthz"}}}
    hello = service("hello", env={"READY_AFTER_MS": "900000"}, container=container, spec={"timeoutSeconds": 2})
    kemu.write("hello.yaml", hello)
    kemu.up()
    assert kemu.request("hello").status == 504
    assert "its readiness probe fails (GET /healthz on port 8080)" in kemu.said("not ready after 10 s", "hello-00001")


def test_a_port_in_use_is_told_with_who_holds_it(kemu: Kemu) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = kemu.run("up", str(kemu.manifests), "--port", str(port))
    assert said.code == 1
    assert f"port {port} on 127.0.0.1 is in use by" in said.err
    assert "choose another with --port N" in said.err


def test_without_an_engine_kemu_says_what_to_start(tmp_path: Path, engine: docker.DockerClient) -> None:
    kemu = Kemu(tmp_path, engine, {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"})
    said = kemu.run("up", str(kemu.manifests), "--port", "0")
    assert said.code == 3
    assert "does not answer: there is no socket of that name" in said.err
    assert "start Docker" in said.err


def test_a_second_up_beside_the_first_is_refused_and_the_first_goes_on(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    state = kemu.up()
    said = kemu.run("up", str(kemu.manifests), "--port", "0")
    assert said.code == 1
    assert f"kemu is already running with the data directory {kemu.data} (pid {state.pid}, {state.url})" in said.err
    assert "kemu down" in said.err
    assert kemu.request("hello").status == 200


def test_verbs_without_a_running_kemu_say_so(kemu: Kemu) -> None:
    said = kemu.run("get", "ksvc")
    assert said.code == 3
    assert "no kemu is running" in said.err


def test_after_kill_9_down_removes_what_was_left_and_says_so(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    assert kemu.request("hello").status == 200
    kemu.kill()
    said = kemu.run("down")
    assert (said.code, said.out.endswith("; removed 1 container that a killed one left\n")) == (0, True), said
    said = kemu.run("down")
    assert (said.code, said.out) == (3, "")
    assert said.err == f"kemu: no kemu is running with the data directory {kemu.data}\n"


def test_after_kill_9_the_next_up_removes_what_was_left_and_serves(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    assert kemu.request("hello").status == 200
    kemu.kill()
    (left,) = kemu.containers("hello")
    assert kemu.run("get", "ksvc").code == 3
    kemu.up()
    kemu.said("removed 1 container(s) that a killed kemu left")
    assert left.id not in {c.id for c in kemu.containers(running_only=False)}
    assert kemu.request("hello").status == 200
    assert kemu.stop() == 0
    assert kemu.containers(running_only=False) == []


def test_a_lost_engine_is_told_once_requests_wait_and_all_goes_on(tmp_path: Path, engine: docker.DockerClient) -> None:
    with Severable(tmp_path / "engine.sock") as line:
        kemu = Kemu(tmp_path, engine, {"DOCKER_HOST": line.url})
        try:
            _lose_and_find_the_engine(kemu, line)
        finally:
            kemu.clean()


def _lose_and_find_the_engine(kemu: Kemu, line: Severable) -> None:
    kemu.write("warm.yaml", service("warm"))
    kemu.write("cold.yaml", service("cold"))
    kemu.up()
    assert kemu.request("warm").status == 200
    line.cut()
    assert "Requests are held until it is back" in kemu.said("was lost")
    assert kemu.request("warm").status == 200  # its container still runs
    begun = time.monotonic()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(lambda: kemu.request("cold"))
        eventually(lambda: "scaled 0 → 1" in kemu.messages("cold-00001"), "the request is held")
        line.mend()
        assert held.result().status == 200
    assert time.monotonic() - begun < 30
    kemu.said("container engine is back")
    assert len([m for m in kemu.messages("kemu") if "was lost" in m]) == 1
    assert kemu.request("warm").status == 200


@pytest.mark.parametrize(("signals", "within_s"), [(1, 25.0), (2, 6.0)], ids=["once", "in a hurry"])
def test_an_engine_that_hangs_does_not_keep_kemu_from_ending(
    tmp_path: Path, engine: docker.DockerClient, signals: int, within_s: float
) -> None:
    with Severable(tmp_path / "engine.sock") as line:
        kemu = Kemu(tmp_path, engine, {"DOCKER_HOST": line.url})
        try:
            kemu.write("warm.yaml", service("warm"))
            kemu.up()
            assert kemu.request("warm").status == 200
            line.hang()
            assert kemu.process is not None
            for _ in range(signals):
                kemu.process.send_signal(signal.SIGINT)
                time.sleep(0.1)  # two at once would be one
            assert kemu.process.wait(within_s) == 0
            kemu.said("the container engine has not removed all in time; the next start removes what is left")
        finally:
            kemu.clean()


def test_a_container_that_somebody_removes_is_started_again(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    kemu.request("hello")
    (container,) = kemu.containers("hello")
    container.remove(force=True)
    kemu.said("container exited with code 137", "hello-00001")
    assert kemu.request("hello").status == 200


def _failed(kemu: Kemu, name: str) -> dict[str, object] | None:
    ready = kemu.condition("ksvc", name)
    return ready if ready.get("status") == "False" else None
