"""kopf, operators in Python: one that labels Services runs as its users run it and follows what becomes of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.client import Client, binary, line_of
from tests.clients.conftest import KUBECTLS
from tests.clients.manifests import file, service

pytest.importorskip("kopf")
PACKAGE = "kopf"

pytestmark = pytest.mark.engine

OPERATOR = """
import kopf

KIND = ("serving.knative.dev", "v1", "services")

@kopf.on.create(*KIND)
def created(name, patch, **_):
    patch.metadata.labels["seen-by"] = "operator"
    print("saw create", name, flush=True)
    return "done"

@kopf.on.update(*KIND, field="spec")
def updated(name, patch, **_):
    patch.metadata.annotations["example.org/updated"] = "yes"
    print("saw update", name, flush=True)

@kopf.on.delete(*KIND)
def deleted(name, **_):
    print("saw delete", name, flush=True)
"""


@pytest.fixture
def kubectl_of_space(kubeconfig: Path, home: Path, space: str) -> Client:
    return Client(binary(KUBECTLS[-1]), kubeconfig, home, ("-n", space))


@pytest.fixture
def operator(kubectl_of_space: Client, space: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A running operator."""
    (tmp_path / "labelling.py").write_text(OPERATOR)
    command = [sys.executable, "-m", "kopf", "run", str(tmp_path / "labelling.py"), "-n", space, "--standalone"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=kubectl_of_space.environ(),
        cwd=tmp_path,
    ) as process:
        yield process
        process.terminate()


def test_operator(operator: subprocess.Popen[str], kubectl_of_space: Client, tmp_path: Path) -> None:
    kubectl = kubectl_of_space
    kubectl.out("apply", "-f", file(tmp_path, service("hello")))
    line_of(operator, lambda line: line == "saw create hello\n")
    kubectl.out("wait", "--for=jsonpath={.metadata.labels.seen-by}=operator", "ksvc/hello", "--timeout=30s")
    assert kubectl.out("get", "ksvc/hello", "-o", "jsonpath={.metadata.finalizers}") != ""
    kubectl.out("wait", "--for=condition=Ready", "ksvc/hello", "--timeout=30s")
    kubectl.out("apply", "-f", file(tmp_path, service("hello", target="b")))
    line_of(operator, lambda line: line == "saw update hello\n")
    updated = "jsonpath={.metadata.annotations.example\\.org/updated}=yes"
    kubectl.out("wait", f"--for={updated}", "ksvc/hello", "--timeout=30s")
    kubectl.out("delete", "ksvc/hello", "--wait=false")
    line_of(operator, lambda line: line == "saw delete hello\n")
    kubectl.out("wait", "--for=delete", "ksvc/hello", "--timeout=30s")
