"""StatefulSets and DaemonSets with real containers: names and data that stay, over Pods and over kemu."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.harness import Kemu, eventually
from tests.scenarios.test_containers import python

pytestmark = pytest.mark.engine

APPEND = (
    "import socket, time; open('/data/lines', 'a').write('x');"
    "print(socket.gethostname(), open('/data/lines').read(), flush=True); time.sleep(600)"
)


def workload(kind: str, name: str, container: dict[str, Any], **spec: Any) -> str:
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    whole = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return json.dumps({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": whole})


def ready(kemu: Kemu, kind: str) -> dict[str, Any]:
    (found,) = kemu.objects(kind)
    return dict(found["status"])


def test_numbered_pods_keep_their_names_and_data(kemu: Kemu) -> None:
    claims = [
        {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ]
    container = python(APPEND, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    kemu.write("web.yaml", workload("StatefulSet", "web", container, replicas=2, volumeClaimTemplates=claims))
    kemu.up()
    eventually(lambda: ready(kemu, "sts").get("readyReplicas") == 2, "both are ready")
    assert [m for m in kemu.messages() if m.startswith("web-")] == ["web-0 x", "web-1 x"]
    assert kemu.run("delete", "pod", "web-0").code == 0
    kemu.said("web-0 xx")
    assert kemu.stop() == 0
    kemu.up()
    kemu.said("web-0 xxx")
    kemu.said("web-1 xx")
    assert sorted(claim["metadata"]["name"] for claim in kemu.objects("pvc")) == ["data-web-0", "data-web-1"]


def test_a_daemon_set_runs_one_pod(kemu: Kemu) -> None:
    kemu.write("agent.yaml", workload("DaemonSet", "agent", python("import time; print('here'); time.sleep(600)")))
    kemu.up()
    eventually(lambda: ready(kemu, "ds").get("numberReady") == 1, "it is ready")
    assert len(kemu.containers("agent")) == 1
