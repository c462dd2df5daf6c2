"""kubectl with what runs: run and logs. Streams (exec, cp, port-forward, attach) are in test_streams.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.client import Client, line_of
from tests.clients.manifests import SCRIPTABLE, file, service

pytestmark = pytest.mark.engine
PYTHON = "kemu.test/pyfunc"


@pytest.fixture
def pod(kubectl: Client) -> str:
    """A Pod of an image that has a shell and tar."""
    kubectl.out("run", "shell", f"--image={PYTHON}", "--image-pull-policy=IfNotPresent")
    kubectl.out("wait", "--for=condition=Ready", "pod/shell", "--timeout=30s")
    return "shell"


def test_run(kubectl: Client) -> None:
    assert kubectl.out("run", "once", f"--image={SCRIPTABLE}") == "pod/once created\n"
    assert kubectl.out("wait", "--for=condition=Ready", "pod/once", "--timeout=30s") == "pod/once condition met\n"
    rows = kubectl.out("get", "pods").split()
    assert rows[:9] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "once", "1/1", "Running", "0"]
    assert 'pod "once" ' in kubectl.out("delete", "pod", "once")


def test_logs(kubectl: Client, tmp_path: Path) -> None:
    kubectl.out("apply", "-f", file(tmp_path, service("hello", image=SCRIPTABLE)))
    kubectl.out("wait", "--for=condition=Ready", "ksvc/hello", "--timeout=30s")
    selector = ["-l", "serving.knative.dev/service=hello", "-c", "user-container"]
    said = kubectl.out("logs", *selector, "--tail=1")
    assert len(said.splitlines()) == 1
    assert kubectl.out("logs", "deployment/hello-00001-deployment", "-c", "user-container").endswith(said)
    stamped = kubectl.out("logs", *selector, "--tail=1", "--timestamps")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ", stamped)
    pod = kubectl.out("get", "pods", "-o", "name").strip()
    said = kubectl.err("logs", pod, "-c", "odd")
    assert "container odd is not valid for pod" in said


def test_logs_f(kubectl: Client, pod: str) -> None:
    with kubectl.start("logs", "-f", pod) as following:
        kubectl.out("exec", pod, "--", "sh", "-c", "echo more >/proc/1/fd/1")
        line_of(following, lambda line: line == "more\n")
        kubectl.out("delete", "pod", pod, "--now")
        assert following.wait(30) == 0
