"""client-go's informers, as operators use them: lists that are streamed or not, and whatever happens after."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.client import Client, binary, line_of
from tests.clients.conftest import KUBECTLS
from tests.clients.manifests import config_map, file, service

PACKAGE = "client-go"
SPACE = "default"  # of the namespace that the program watches

pytestmark = pytest.mark.engine


@pytest.fixture
def kubectl_of_default(kubeconfig: Path, home: Path) -> Client:
    return Client(binary(KUBECTLS[-1]), kubeconfig, home, ("-n", SPACE))


def test_informer_with_streamed_lists(kubectl_of_default: Client, tmp_path: Path) -> None:
    _sees_everything(kubectl_of_default, tmp_path, "streaming")


def test_informer_with_plain_lists(kubectl_of_default: Client, tmp_path: Path) -> None:
    _sees_everything(kubectl_of_default, tmp_path, "plain")


def _sees_everything(kubectl: Client, folder: Path, way: str) -> None:
    kubectl.out("apply", "-f", file(folder, config_map("before"), service("early")))
    environ = kubectl.environ(KUBE_FEATURE_WatchListClient=str(way == "streaming").lower())
    command = [str(binary("informer"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
    ) as informer:
        seen: list[str] = []
        _until(informer, seen, lambda: _synced(seen))
        asked = [line for line in seen if line.startswith("watch")]
        assert all(line.startswith(f"watch {way} /") for line in asked), asked
        assert {path for path in PATHS for line in asked if line.endswith(path)} == set(PATHS)
        assert {"add ConfigMap before", "add Service early"} <= set(seen)
        kubectl.out("apply", "-f", file(folder, config_map("later")))
        kubectl.out("apply", "-f", file(folder, service("early", target="b")))
        kubectl.out("delete", "configmap/before", "configmap/later", "ksvc/early")
        gone = {"delete ConfigMap before", "delete ConfigMap later", "delete Service early"}
        _until(informer, seen, lambda: gone <= set(seen))
        assert {"add ConfigMap later", "update Service early"} <= set(seen)
        assert [line for line in seen if "add" in line and "before" in line] == ["add ConfigMap before"]
        assert informer.stdin is not None
        informer.stdin.close()
        assert informer.wait(30) == 0


PATHS = (f"/api/v1/namespaces/{SPACE}/configmaps", f"/apis/serving.knative.dev/v1/namespaces/{SPACE}/services")


def _synced(seen: list[str]) -> bool:
    return {line.split()[1] for line in seen if line.startswith("synced")} == {"Service", "ConfigMap"}


def _until(informer: subprocess.Popen[str], seen: list[str], is_done: Callable[[], bool]) -> None:
    """Read lines until what was seen is enough."""
    while not is_done():
        seen.append(line_of(informer, bool).strip())
