"""Containers and their volumes as Knative's test/conformance/api has them (serving §8.2).

Followed: knative/serving test/conformance/api/v1 (98e5ef9).
"""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from tests.contract.cluster import Cluster, app
from tests.contract.contract import must
from tests.scenarios.harness import IMAGE

pytestmark = pytest.mark.engine

PYTHON = "kemu.test/pyfunc"
EAT = (
    "import os;from http.server import *;from socketserver import ThreadingTCPServer as S\n"
    "class H(BaseHTTPRequestHandler):\n"
    " def do_GET(s):\n"
    "  kept=bytearray(os.urandom(1))*(int(s.path[1:] or 1)<<20);s.send_response(200);s.end_headers()\n"
    "S(('',8080),H).serve_forever()"
)


# -- containers that fail


@must("api/TestContainerErrorMsg")
def test_an_image_that_is_nowhere(cluster: Cluster) -> None:
    name = cluster.name()
    cluster.create("Service", name, {"template": {"spec": {"containers": [{"image": "kemu.test/nowhere"}]}}})
    cluster.ready("services", name, "False")
    for type_ in ("Ready", "ConfigurationsReady", "RoutesReady"):
        assert cluster.condition("services", name, type_)["status"] == "False", type_
    configuration = cluster.condition("configurations", name)
    revision = cluster.condition("revisions", f"{name}-00001")
    assert configuration["reason"] == "RevisionFailed"
    assert revision["reason"] == "ContainerMissing"
    assert configuration["message"]
    assert revision["message"]


@must("api/TestContainerExitingMsg")
def test_a_container_that_exits(cluster: Cluster) -> None:
    name = cluster.name()
    container = {"image": IMAGE, "env": [{"name": "EXIT_AT_START", "value": "5"}]}
    cluster.create("Service", name, {"template": {"spec": {"containers": [container]}}})
    cluster.ready("services", name, "False")
    for type_ in ("Ready", "ConfigurationsReady", "RoutesReady"):
        assert cluster.condition("services", name, type_)["status"] == "False", type_
    assert cluster.condition("configurations", name)["reason"] == "RevisionFailed"
    assert cluster.condition("revisions", f"{name}-00001")["reason"] == "ExitCode5"


@must("api/TestCustomResourcesLimits")
def test_a_memory_limit_holds(cluster: Cluster) -> None:
    limits = {"limits": {"memory": "150Mi"}}
    name = cluster.serve({"image": PYTHON, "command": ["python3", "-c", EAT], "resources": limits})
    assert cluster.request(name, "/50").status == 200
    assert cluster.request(name, "/400").status != 200


@must("api/TestRevisionTimeout")
@must("e2e/TestRevisionTimeout")
def test_a_timeout_cuts_only_what_has_not_begun_to_answer(cluster: Cluster) -> None:
    name = cluster.serve(app(), timeoutSeconds=1)
    assert cluster.request(name, "/sleep?ms=100").status == 200
    assert cluster.request(name, "/sleep?ms=3000").status == 504


@must("api/TestSingleConcurrency")
def test_one_at_a_time_means_that(cluster: Cluster) -> None:
    name = cluster.serve(app(), annotations={"autoscaling.knative.dev/max-scale": "1"}, containerConcurrency=1)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(cluster.request(name, "/sleep?ms=30").status))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert cluster.request(name, "/stats").json["max_concurrency"] == 1


# -- volumes


@must("api/TestConfigMapVolume")
@must("api/TestSecretVolume")
@must("api/TestProjectedConfigMapVolume")
@must("api/TestProjectedSecretVolume")
@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
@pytest.mark.parametrize("projected", [False, True], ids=["by itself", "projected"])
def test_a_file_of_a_volume_is_read(cluster: Cluster, kind: str, projected: bool) -> None:
    source = cluster.name()
    text = "in a file"
    data = {"other": text} if kind == "ConfigMap" else {"other": base64.b64encode(text.encode()).decode()}
    cluster.core(kind, source, data=data)
    field = "configMap" if kind == "ConfigMap" else "secret"
    items = [{"key": "other", "path": "sub/file"}]
    if projected:
        volume: dict[str, Any] = {"projected": {"sources": [{field: {"name": source, "items": items}}]}}
    else:
        volume = {field: {"name" if kind == "ConfigMap" else "secretName": source, "items": items}}
    absent = {"configMap": {"name": "absent", "optional": True}}
    mounts = [{"name": "v", "mountPath": "/etc/v"}, {"name": "absent", "mountPath": "/etc/absent"}]
    volumes = [{"name": "v", **volume}, {"name": "absent", **absent}]
    name = cluster.serve(app(volumeMounts=mounts), volumes=volumes)
    assert cluster.text(name, "/file?path=/etc/v/sub/file") == text


@must("api/TestProjectedComplex")
def test_a_later_source_wins(cluster: Cluster) -> None:
    source = cluster.name()
    cluster.core("ConfigMap", source, data={"file": "map", "own": "mine"})
    cluster.core("Secret", source, data={"file": base64.b64encode(b"secret").decode()})
    sources = [
        {"configMap": {"name": source}},
        {"secret": {"name": source, "items": [{"key": "file", "path": "file"}]}},
        {"configMap": {"name": "absent", "optional": True}},
    ]
    volumes = [{"name": "v", "projected": {"sources": sources}}]
    name = cluster.serve(app(volumeMounts=[{"name": "v", "mountPath": "/etc/v"}]), volumes=volumes)
    assert cluster.text(name, "/file?path=/etc/v/file") == "secret"
    assert cluster.text(name, "/file?path=/etc/v/own") == "mine"


@must("api/TestProjectedServiceAccountToken")
def test_a_token_of_the_service_account(cluster: Cluster) -> None:
    token = {"serviceAccountToken": {"audience": "api", "expirationSeconds": 3600, "path": "token"}}
    volumes = [{"name": "v", "projected": {"sources": [token]}}]
    mount = {"name": "v", "mountPath": "/var/run/secrets/tokens"}
    name = cluster.serve(app(volumeMounts=[mount]), volumes=volumes)
    text = cluster.text(name, "/file?path=/var/run/secrets/tokens/token")
    assert len(text.strip().split(".")) == 3
