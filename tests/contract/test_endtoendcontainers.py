"""Probes, containers beside each other, volumes and security as Knative's test/e2e has them (serving §9).

Followed: knative/serving test/e2e (98e5ef9), readiness_test.go, multicontainerprobing, initcontainers, pvc,
securedefaults, image_pull_error_test.go, service_validation_test.go, gc, logging_test.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.cluster import Cluster, Refused, app
from tests.contract.contract import may, must, should
from tests.scenarios.harness import IMAGE, eventually
from tests.scenarios.speaking import H2C, ONLY_HTTP2, PROTOCOLS

pytestmark = pytest.mark.engine
PYTHON = "kemu.test/pyfunc"
KEPT = {"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "1"}
SERVER = "from http.server import *;from socketserver import ThreadingTCPServer as S\n"
"""Not http.server's own: that one asks DNS for the host's name before it listens."""
TWO_PORTS = (
    f"import threading;{SERVER}"
    "class H(BaseHTTPRequestHandler):\n"
    " def do_GET(s):\n"
    "  at=s.server.server_address[1];s.send_response(404 if at==8077 and s.path!='/readiness' else 200)\n"
    "  s.end_headers();s.wfile.write(str(at).encode())\n"
    "threading.Thread(target=S(('',8080),H).serve_forever).start();S(('',8077),H).serve_forever()"
)
UNREADY_WHEN_ASKED = (
    f"import os;{SERVER}open('/tmp/ready','w')\n"
    "class H(BaseHTTPRequestHandler):\n"
    " def do_GET(s): os.unlink('/tmp/ready');s.send_response(200);s.end_headers()\n"
    "S(('',8881),H).serve_forever()"
)
WRITES = "open('/data/f', 'w').write('From file in a volume!')"
SERVES = f"{SERVER}S(('',8080),SimpleHTTPRequestHandler).serve_forever()"


def http(port: int, path: str, **more: Any) -> dict[str, Any]:
    return {"httpGet": {"port": port, "path": path}, "periodSeconds": 1, **more}


def beside(name: str, port: int, **fields: Any) -> dict[str, Any]:
    """A container beside the one that serves."""
    env = [{"name": "PORT", "value": str(port)}, {"name": "MESSAGE", "value": name}]
    return {"name": name, "image": IMAGE, "env": [*env, *fields.pop("env", [])], **fields}


def front(**fields: Any) -> dict[str, Any]:
    return {"name": "front", "image": IMAGE, "ports": [{"containerPort": 8080}], **fields}


def served(cluster: Cluster, containers: list[dict[str, Any]], annotations: Any = None, **spec: Any) -> str:
    """A Service of these containers, once it is ready; its name."""
    name = cluster.name()
    template = {"metadata": {"annotations": annotations or {}}, "spec": {"containers": containers, **spec}}
    cluster.create("Service", name, {"template": template})
    cluster.ready("services", name)
    return name


def restarts(cluster: Cluster, name: str) -> int:
    """How often all containers of a Service's one Pod were restarted."""
    [pod] = cluster.pods(f"{name}-00001")
    return sum(int(each["restartCount"]) for each in pod["status"]["containerStatuses"])


@pytest.fixture(scope="module")
def flags(cluster: Cluster) -> Iterator[None]:
    """What is off in Knative until somebody turns it on."""
    on = "enabled"
    with cluster.configured(
        "config-features",
        multi_container_probing=on,
        kubernetes__podspec_init_containers=on,
        kubernetes__podspec_persistent_volume_claim=on,
        kubernetes__podspec_persistent_volume_write=on,
    ):
        yield


# -- probes


@must("e2e/TestReadinessAlternatePort")
def test_readiness_may_be_asked_on_another_port(cluster: Cluster) -> None:
    container = {"image": PYTHON, "command": ["python3", "-c", TWO_PORTS], "ports": [{"containerPort": 8080}]}
    name = cluster.serve({**container, "readinessProbe": http(8077, "/readiness")})
    assert cluster.text(name) == "8080"


@must("e2e/TestReadinessPathAndQuery")
def test_a_probes_path_may_have_a_query(cluster: Cluster) -> None:
    # Without its query this path is not found.
    name = cluster.serve(app("hello", readinessProbe={"httpGet": {"path": "/file?path=/scriptable"}}))
    assert cluster.text(name) == "hello"


@must("e2e/TestReadinessGRPCProbe")
def test_readiness_may_be_asked_by_grpc(cluster: Cluster) -> None:
    env = [{"name": name, "value": value} for name, value in ONLY_HTTP2.items()]
    name = cluster.serve({"image": PROTOCOLS, "env": env, **H2C, "readinessProbe": {"grpc": {"port": 8080}}})
    assert cluster.request(name).status == 200


@must("e2e/TestLivenessProbeAwareOfStartupProbe")
def test_liveness_waits_for_the_start(cluster: Cluster) -> None:
    probes = {
        "startupProbe": http(8080, "/healthz", failureThreshold=20),
        "livenessProbe": http(8080, "/healthz", failureThreshold=1),
    }
    env = [{"name": "READY_AFTER_MS", "value": "2500"}]
    name = cluster.serve({"image": IMAGE, "env": env, **probes})
    assert cluster.request(name).status == 200
    assert restarts(cluster, name) == 0


# -- containers beside each other


@may("e2e/TestMultiContainerReadiness")
def test_a_service_is_ready_when_all_its_containers_are(cluster: Cluster, flags: None) -> None:
    name = served(
        cluster,
        [
            front(readinessProbe=http(8080, "/")),
            beside("one", 8882, readinessProbe=http(8882, "/")),
            beside("two", 8883, livenessProbe=http(8883, "/")),
            beside(
                "three",
                8884,
                env=[{"name": "READY_AFTER_MS", "value": "1500"}],
                readinessProbe=http(8884, "/healthz"),
                livenessProbe=http(8884, "/healthz", failureThreshold=3),
            ),
        ],
    )
    assert cluster.request(name, "/fetch?url=http://127.0.0.1:8884/healthz").status == 200
    assert [cluster.text(name, f"/fetch?url=http://127.0.0.1:{port}/") for port in (8882, 8883)] == ["one", "two"]


@may("e2e/TestMultiContainerReadinessDifferentProbeTypes")
def test_containers_beside_may_be_asked_in_every_way(cluster: Cluster, flags: None) -> None:
    tcp, grpc = ({kind: {"port": port}, "periodSeconds": 1} for kind, port in (("tcpSocket", 8881), ("grpc", 8883)))
    ask = "import urllib.request as u; u.urlopen('http://127.0.0.1:8882/')"
    name = served(
        cluster,
        [
            front(),
            beside("tcp", 8881, startupProbe=tcp, readinessProbe=tcp, livenessProbe=tcp),
            beside(
                "http",
                8882,
                image=PYTHON,
                startupProbe=http(8882, "/"),
                readinessProbe=http(8882, "/"),
                livenessProbe={"exec": {"command": ["python3", "-c", ask]}, "timeoutSeconds": 5},
            ),
            beside("grpc", 8883, image=PROTOCOLS, startupProbe=grpc, readinessProbe=grpc, livenessProbe=grpc),
        ],
    )
    assert cluster.request(name).status == 200
    assert restarts(cluster, name) == 0


@may("e2e/TestMultiContainerProbeStartFailingAfterReady")
def test_a_container_beside_that_gets_unready_takes_its_pod_out(cluster: Cluster, flags: None) -> None:
    probe = {"exec": {"command": ["python3", "-c", "open('/tmp/ready')"]}, "periodSeconds": 1, "failureThreshold": 1}
    side = beside("side", 8881, image=PYTHON, command=["python3", "-c", UNREADY_WHEN_ASKED], readinessProbe=probe)
    name = served(cluster, [front(), side], KEPT)
    private = f"{name}-00001-private"
    eventually(lambda: len(cluster.addresses(private)) == 1, "one Pod is ready")
    assert cluster.request(name, "/fetch?url=http://127.0.0.1:8881/").status == 200
    eventually(lambda: cluster.addresses(private) == [], "no Pod is ready")
    cluster.delete("services", name)


@may("e2e/TestInitContainers")
def test_an_init_container_fills_a_volume(cluster: Cluster, flags: None) -> None:
    mount = [{"name": "data", "mountPath": "/data"}]
    first = {"name": "first", "image": PYTHON, "command": ["python3", "-c", WRITES], "volumeMounts": mount}
    container = app(volumeMounts=mount)
    volumes = [{"name": "data", "emptyDir": {"sizeLimit": "100M"}}]
    name = served(cluster, [container], volumes=volumes, initContainers=[first])
    assert cluster.text(name, "/file?path=/data/f") == "From file in a volume!"
    assert [each["name"] for each in cluster.get("revisions", f"{name}-00001")["status"]["initContainerStatuses"]] == [
        "first"
    ]


@may("e2e/TestPersistentVolumeClaims")
def test_a_claim_may_be_written_by_another_user(cluster: Cluster, flags: None) -> None:
    claim = cluster.name()
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    cluster.core("PersistentVolumeClaim", claim, spec=spec)
    container = {
        "image": PYTHON,
        "command": ["python3", "-c", f"{WRITES}\n{SERVES}"],
        "workingDir": "/data",
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"runAsUser": 65532},
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim, "readOnly": False}}]
    with cluster.configured("config-features", kubernetes__podspec_securitycontext="enabled"):
        name = served(cluster, [container], volumes=volumes, securityContext={"fsGroup": 65532})
    assert cluster.text(name, "/f") == "From file in a volume!"


# -- security


def security(cluster: Cluster, context: dict[str, Any] | None = None) -> Any:
    """The securityContext that the Revision of a new Service has, under secure defaults."""
    with cluster.configured("config-features", secure_pod_defaults="enabled"):
        name = cluster.serve(app(securityContext={**(context or {}), "runAsUser": 1000}))
        return cluster.get("revisions", f"{name}-00001")["spec"]["containers"][0]["securityContext"]


@may("e2e/TestSecureDefaults")
def test_what_is_not_said_is_secure_where_that_is_wanted(cluster: Cluster) -> None:
    found = security(cluster)
    assert found["capabilities"]["drop"] == ["ALL"]
    assert found["allowPrivilegeEscalation"] is False
    assert found["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found["runAsNonRoot"] is True


@may("e2e/TestUnsafePermitted")
def test_what_is_said_holds(cluster: Cluster) -> None:
    unsafe = {
        "capabilities": {"drop": []},
        "runAsNonRoot": False,
        "allowPrivilegeEscalation": True,
        "seccompProfile": {"type": "Unconfined"},
    }
    found = security(cluster, unsafe)
    assert found["capabilities"].get("drop", []) == []
    assert {key: found[key] for key in unsafe if key != "capabilities"} == {
        key: value for key, value in unsafe.items() if key != "capabilities"
    }


# -- errors


@must("e2e/TestImagePullError")
def test_an_image_that_cannot_be_pulled_is_told(cluster: Cluster) -> None:
    name = cluster.name()
    image = f"kemu.test/ubuntu@sha256:{'0' * 64}"
    cluster.create("Configuration", name, {"template": {"spec": {"containers": [{"image": image}]}}})
    cluster.ready("configurations", name, "False")
    assert cluster.condition("configurations", name)["reason"] == "RevisionFailed"
    assert cluster.condition("revisions", f"{name}-00001")["reason"] in ("ImagePullBackOff", "ErrImagePull")


@must("e2e/TestServiceDryRunValidationWithInvalidPodSpec")
def test_a_dry_run_tells_that_the_pod_would_be_refused(cluster: Cluster) -> None:
    name = cluster.serve(app())
    path = f"{cluster.path('services', name)}?dryRun=All"
    rename = {"op": "add", "path": "/spec/template/spec/containers/0/name", "value": "&Invalid"}
    with pytest.raises(Refused, match="validation callback failed"):
        cluster.ask("PATCH", path, [rename], "application/json-patch+json")


@may("e2e/TestRevisionGC")
def test_a_revision_that_nobody_needs_goes(cluster: Cluster) -> None:
    at_once = {
        "retain_since_create_time": "disabled",
        "retain_since_last_active_time": "disabled",
        "min_non_active_revisions": "0",
        "max_non_active_revisions": "0",
    }
    with cluster.configured("config-gc", **at_once):
        name = cluster.serve(app("one"))
        assert (
            cluster.get("revisions", f"{name}-00001")["metadata"]["labels"]["serving.knative.dev/routingState"]
            == "active"
        )
        message = "/spec/template/spec/containers/0/env/0/value"
        cluster.patch("services", name, {"op": "replace", "path": message, "value": "two"})
        assert cluster.ready("services", name)["status"]["latestReadyRevisionName"] == f"{name}-00002"

        def is_gone() -> bool:
            try:
                cluster.get("revisions", f"{name}-00001")
            except Refused as refused:
                return bool(refused.status["code"] == 404)
            return False

        eventually(is_gone, "the first Revision is gone")


@should("e2e/TestRequestLogs")
def test_requests_and_probes_have_lines_in_the_queue_proxys_log(cluster: Cluster) -> None:
    template = '{"url": "{{js .Request.RequestURI}}", "agent": "{{js .Request.UserAgent}}"}'
    wanted = {
        "logging__enable_request_log": "true",
        "logging__enable_probe_request_log": "true",
        "logging__request_log_template": template,
    }
    with cluster.configured("config-observability", **wanted):
        name = cluster.serve(app(readinessProbe=http(8080, "/")), annotations=KEPT)
        assert cluster.request(name, User_Agent="me").status == 200
        [pod] = cluster.pods(f"{name}-00001")
        path = f"{cluster.path('pods', pod['metadata']['name'], api='/api/v1')}/log?container=queue-proxy"

        def agents() -> set[str]:
            lines = [json.loads(line) for line in cluster.lines(path) if line.startswith("{")]
            return {line["agent"].split("/")[0] for line in lines if line.get("url") == "/"}

        eventually(lambda: {"me", "kube-probe"} <= agents(), "both have lines")
    cluster.delete("services", name)
