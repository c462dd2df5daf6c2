"""Containers that behave well and badly: what their Pods, the log and whoever asks are told, and that nothing stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine

PYTHON = "kemu.test/pyfunc"


def python(code: str, **fields: Any) -> dict[str, Any]:
    """A container that runs this program."""
    return {"name": "c", "image": PYTHON, "command": ["python3", "-c", code], **fields}


def bare(name: str, container: dict[str, Any], **spec: Any) -> str:
    """A Pod's YAML."""
    body = {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 1, **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body})


def state(kemu: Kemu, name: str, which: str = "state", word: str = "terminated") -> dict[str, Any]:
    """What the first container of a Pod is in, waiting for it."""

    def find() -> dict[str, Any] | None:
        said = kemu.run("get", "pod", name, "-o", "json")
        statuses = json.loads(said.out)["status"].get("containerStatuses", []) if said.code == 0 else []
        return statuses[0][which].get(word) if statuses else None

    return eventually(find, f"{name} is {word}")


def test_the_last_words_of_a_container_are_its_file_or_its_output(kemu: Kemu) -> None:
    writes = "open('/dev/termination-log', 'w').write('the disk is full'); print('not this'); exit(3)"
    fallback = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    kemu.write(
        "pods.yaml",
        "\n---\n".join(
            [
                bare("file", python(writes)),
                bare("output", python("exit('so it ends')", **fallback)),
                bare("silent", python("print('so'); exit(4)")),
            ]
        ),
    )
    kemu.up()
    found = {name: state(kemu, name) for name in ("file", "output", "silent")}
    said = {name: (ended["exitCode"], ended.get("message")) for name, ended in found.items()}
    assert said == {"file": (3, "the disk is full"), "output": (1, "so it ends"), "silent": (4, None)}


def test_a_container_that_must_not_be_root_and_is_waits_and_says_so(kemu: Kemu) -> None:
    kemu.write("pod.yaml", bare("root", python("", securityContext={"runAsNonRoot": True})))
    kemu.up()
    waiting = state(kemu, "root", word="waiting")
    waiting = eventually(lambda: _reason(kemu, "CreateContainerConfigError"), "it cannot be made")
    assert "container has runAsNonRoot and image will run as root" in waiting["message"]
    assert kemu.containers() == []


def _reason(kemu: Kemu, reason: str) -> dict[str, Any] | None:
    waiting = state(kemu, "root", word="waiting")
    return waiting if waiting["reason"] == reason else None


def test_a_service_that_eats_its_memory_is_told_to_have_done_so_and_serves_again(kemu: Kemu) -> None:
    hungry = "import os, http.server as h\nclass H(h.BaseHTTPRequestHandler):\n" + (
        " def do_GET(self):\n"
        "  if self.path == '/eat': x = b'x' * (256 << 20)\n"
        "  self.send_response(200); self.end_headers(); self.wfile.write(b'fed')\n"
        "h.HTTPServer(('', 8080), H).serve_forever()"
    )
    limits = {"limits": {"memory": "64Mi"}}
    container = {"image": PYTHON, "command": ["python3", "-c", hungry], "resources": limits}
    kemu.write("service.yaml", service("hungry", container=container))
    kemu.up()
    assert kemu.request("hungry").body == "fed"
    assert kemu.request("hungry", "/eat").status == 502
    kemu.said("OOMKilled: container used more than its memory limit of 64Mi (resources.limits.memory)", "hungry-00001")
    (pod,) = kemu.objects("pods")
    eventually(lambda: kemu.request("hungry").status == 200, "it serves again")
    last = state(kemu, pod["metadata"]["name"], "lastState")
    assert (last["exitCode"], last["reason"]) == (137, "OOMKilled")


def test_hooks_run_after_the_start_and_before_the_end(kemu: Kemu) -> None:
    def says(text: str) -> dict[str, Any]:
        return {"exec": {"command": ["python3", "-c", f"open('/proc/1/fd/1', 'w').write('{text}\\n')"]}}

    hooks = {"postStart": says("hello from the hook"), "preStop": says("farewell from the hook")}
    waits = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); signal.pause()"
    kemu.write("pod.yaml", bare("polite", python(waits, lifecycle=hooks), terminationGracePeriodSeconds=5))
    kemu.up()
    kemu.said("hello from the hook", "polite")
    kemu.write("pod.yaml", "")
    kemu.said("farewell from the hook", "polite")
    eventually(lambda: not kemu.containers(running_only=False), "nothing is left")


def test_a_container_that_ignores_sigterm_is_killed_and_told(kemu: Kemu) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    kemu.write("pod.yaml", bare("stubborn", python(stubborn)))
    kemu.up()
    kemu.said("up", "stubborn")
    kemu.write("pod.yaml", "")
    kemu.said("container c did not end within 1 s of SIGTERM and was killed", "stubborn")
    eventually(lambda: not kemu.containers(running_only=False), "nothing is left")


def test_a_probe_of_a_container_beside_asks_that_container(kemu: Kemu) -> None:
    serve = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=9090)"
    probe = {"httpGet": {"port": 9090, "path": "/etc/hostname"}}
    side = {**python(serve), "name": "side", "readinessProbe": probe, "workingDir": "/"}
    main = python("import time; time.sleep(600)")
    kemu.write("pod.yaml", bare("two", main, containers=[main, side]))
    kemu.up()
    eventually(lambda: _ready(kemu, "two") == [True, True], "both are ready")


def _ready(kemu: Kemu, name: str) -> list[bool]:
    said = kemu.run("get", "pod", name, "-o", "json")
    return [s["ready"] for s in json.loads(said.out)["status"].get("containerStatuses", [])] if said.code == 0 else []


def test_a_container_that_starts_processes_without_end_is_held(kemu: Kemu) -> None:
    bomb = (
        "import threading, os\nthreading.stack_size(32768)\nn = 0\ntry:\n while True:\n"
        "  threading.Thread(target=threading.Event().wait, daemon=True).start(); n += 1\n"
        "except RuntimeError:\n print('held at', n, flush=True); os._exit(5)\n"
    )
    kemu.write("pod.yaml", bare("bomb", python(bomb)))
    kemu.up()
    assert 4000 < int(kemu.said("held at").split()[-1]) < 4096
    assert state(kemu, "bomb")["exitCode"] == 5


def test_what_a_claim_holds_outlives_pods_and_kemu_until_its_volumes_are_removed(kemu: Kemu) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    container = python(
        "open('/data/lines', 'a').write('x'); print('lines', open('/data/lines').read(), flush=True)",
        volumeMounts=[{"name": "data", "mountPath": "/data"}],
        securityContext={"runAsUser": 1234},
    )
    kemu.write("claim.yaml", json.dumps(claim))
    kemu.write("pod.yaml", bare("first", container, volumes=[volume]))
    kemu.up()
    kemu.said("lines x")
    assert kemu.objects("pvc")[0]["status"]["phase"] == "Bound"
    kemu.write("pod.yaml", bare("second", container, volumes=[volume]))
    kemu.said("lines xx")
    assert kemu.stop() == 0
    kemu.write("pod.yaml", bare("third", container, volumes=[volume]))
    kemu.up()
    kemu.said("lines xxx")
    assert kemu.run("down", "--volumes").out.splitlines()[-1] == "removed 1 volume"
    assert kemu.stop() == 0
    said = len([m for m in kemu.messages() if m.startswith("lines")])
    kemu.write("pod.yaml", bare("fourth", container, volumes=[volume]))
    kemu.up()
    found = eventually(lambda: [m for m in kemu.messages() if m.startswith("lines")][said:], "it runs")
    assert found == ["lines x"]


def test_a_pod_waits_for_its_claim(kemu: Kemu) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "none"}}
    kemu.write("pod.yaml", bare("waits", python(""), volumes=[volume]))
    kemu.up()
    kemu.said('persistentvolumeclaim "none" not found')
