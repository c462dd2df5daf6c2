"""What a Pod is made of: several containers, volumes, configuration, probes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.harness import IMAGE, Kemu, eventually, service

pytestmark = pytest.mark.engine

CONFIG = {"kind": "ConfigMap", "metadata": {"name": "config"}, "data": {"colour": "blue", "deep.txt": "text"}}
SECRET = {"kind": "Secret", "metadata": {"name": "secret"}, "stringData": {"password": "s3cret"}}
FEATURES = {
    "kind": "ConfigMap",
    "metadata": {"name": "config-features", "namespace": "knative-serving"},
    "data": {"kubernetes.podspec-init-containers": "enabled", "kubernetes.podspec-fieldref": "enabled"},
}


def write(kemu: Kemu, *objects: dict[str, Any] | str) -> None:
    texts = [o if isinstance(o, str) else json.dumps({"apiVersion": "v1", **o}) for o in objects]
    kemu.write("all.yaml", "\n---\n".join(texts))


def test_values_and_files_come_from_config_maps_and_secrets(kemu: Kemu) -> None:
    container = {
        "image": IMAGE,
        "env": [
            {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "colour"}}},
            {"name": "SAID", "value": "$(COLOUR) it is"},
        ],
        "envFrom": [{"prefix": "SEC_", "secretRef": {"name": "secret"}}],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/config"},
            {"name": "all", "mountPath": "/etc/all"},
            {"name": "room", "mountPath": "/room"},
        ],
    }
    both = [
        {"secret": {"name": "secret"}},
        {"configMap": {"name": "config", "items": [{"key": "colour", "path": "c"}]}},
    ]
    volumes = [
        {"name": "config", "configMap": {"name": "config", "items": [{"key": "deep.txt", "path": "a/b.txt"}]}},
        {"name": "all", "projected": {"sources": both}},
        {"name": "room", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    ]
    write(kemu, CONFIG, SECRET, service("hello", container=container, spec={"volumes": volumes}))
    kemu.up()
    found = kemu.request("hello", "/env").json
    assert (found["COLOUR"], found["SAID"], found["SEC_password"]) == ("blue", "blue it is", "s3cret")
    for path, text in (("/etc/config/a/b.txt", "text"), ("/etc/all/password", "s3cret"), ("/etc/all/c", "blue")):
        assert kemu.request("hello", f"/file?path={path}").body == text, path
    assert not any("s3cret" in json.dumps(line) for line in kemu.log())


def test_files_of_a_config_map_follow_it_and_variables_do_not(kemu: Kemu) -> None:
    container = {
        "image": IMAGE,
        "envFrom": [{"configMapRef": {"name": "config"}}],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/config"},
            {"name": "config", "mountPath": "/colour", "subPath": "colour"},
            {"name": "secret", "mountPath": "/etc/secret"},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": "config"}},
        {"name": "secret", "secret": {"secretName": "secret", "defaultMode": 0o400}},
    ]
    hello = service("hello", container=container, spec={"volumes": volumes})
    write(kemu, CONFIG, SECRET, hello)
    kemu.up()
    assert kemu.request("hello", "/file?path=/etc/config/colour").body == "blue"
    red = {**CONFIG, "data": {"colour": "red", "new": "key"}}
    write(kemu, red, {**SECRET, "stringData": {"password": "other"}}, hello)
    for path, text in (("config/colour", "red"), ("config/new", "key"), ("secret/password", "other")):
        ask = f"/file?path=/etc/{path}"
        eventually(lambda ask=ask, text=text: kemu.request("hello", ask).body == text, path)  # type: ignore[misc]
    assert kemu.request("hello", "/file?path=/etc/config/deep.txt").status == 404
    assert kemu.request("hello", "/file?path=/colour").body == "blue", "what is mounted by subPath stays"
    assert kemu.request("hello", "/env").json["colour"] == "blue"


def test_a_container_is_told_its_resources_and_gets_a_folder_of_a_volume(kemu: Kemu) -> None:
    cpus = {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}
    memory = {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}
    container = {
        "image": IMAGE,
        "resources": {"limits": {"cpu": "1500m"}},
        "env": [{"name": "CPUS", "valueFrom": cpus}, {"name": "MEMORY", "valueFrom": memory}],
        "volumeMounts": [
            {"name": "config", "mountPath": "/colour", "subPath": "colour"},
            {"name": "room", "mountPath": "/room", "subPath": "deep/inside"},
        ],
    }
    volumes = [{"name": "config", "configMap": {"name": "config"}}, {"name": "room", "emptyDir": {}}]
    write(kemu, FEATURES, CONFIG, service("hello", container=container, spec={"volumes": volumes}))
    kemu.up()
    found = kemu.request("hello", "/env").json
    assert found["CPUS"] == "1500"
    assert int(found["MEMORY"]) > 64
    assert kemu.request("hello", "/file?path=/colour").body == "blue"


def test_a_missing_config_map_is_told_at_the_start_and_its_coming_makes_the_service_ready(kemu: Kemu) -> None:
    container = {"image": IMAGE, "envFrom": [{"configMapRef": {"name": "config"}}]}
    write(kemu, service("hello", container=container))
    kemu.up()
    told = kemu.said('configmap "config" not found in namespace "default"', "hello-00001")
    assert "spec.template.spec.containers[0].envFrom[0].configMapRef names it: create it" in told
    (shown,) = kemu.objects("ksvc")
    (ready,) = (c for c in shown["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "RevisionFailed")
    write(kemu, CONFIG, service("hello", container=container))
    eventually(lambda: kemu.request("hello", "/env").status == 200, "the Service is ready")
    assert kemu.request("hello", "/env").json["colour"] == "blue"
    kemu.said("what was missing is there now", "hello-00001")


def test_a_pod_that_waits_for_its_config_map_starts_soon_after_its_coming(kemu: Kemu) -> None:
    container = {"image": IMAGE, "envFrom": [{"configMapRef": {"name": "config"}}]}
    write(kemu)
    kemu.up()
    write(kemu, service("hello", container=container))
    kemu.said("CreateContainerConfigError", "hello-00001")
    write(kemu, CONFIG, service("hello", container=container))
    eventually(lambda: kemu.request("hello").status == 200, "the Pod has its ConfigMap", 5.0)


def test_containers_of_a_pod_share_their_network_and_restart_together(kemu: Kemu) -> None:
    env = [{"name": "LISTEN", "value": "9090"}, {"name": "MESSAGE", "value": "from the side"}]
    side = {"name": "side", "image": IMAGE, "env": env}
    user = {"name": "user", "image": IMAGE, "ports": [{"containerPort": 8080}]}
    write(kemu, service("hello", container=user).replace('"containers": [', f'"containers": [{json.dumps(side)}, '))
    kemu.up()
    assert kemu.request("hello", "/fetch?url=http://127.0.0.1:9090").body == "from the side\n"
    assert len(kemu.containers("hello")) == 2
    assert kemu.request("hello", "/exit?code=4").status == 200
    kemu.said("container user exited with code 4", "hello-00001")
    eventually(lambda: kemu.request("hello", "/fetch?url=http://127.0.0.1:9090").status == 200, "both are back")
    (pod,) = kemu.objects("pods")
    counts = {status["name"]: status["restartCount"] for status in pod["status"]["containerStatuses"]}
    assert counts["user"] == 1


def test_init_containers_run_to_their_end_first(kemu: Kemu) -> None:
    init = {"name": "first", "image": IMAGE, "env": [{"name": "EXIT_AT_START", "value": "0"}]}
    write(kemu, FEATURES, service("hello", spec={"initContainers": [init]}))
    kemu.up()
    assert kemu.request("hello").status == 200
    assert "exit 0 at start" in kemu.said("exit 0 at start", "hello-00001")
    (pod,) = kemu.objects("pods")
    (status,) = pod["status"]["initContainerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0


def test_a_readiness_probe_holds_requests_until_it_succeeds(kemu: Kemu) -> None:
    probe = {"httpGet": {"path": "/healthz"}, "periodSeconds": 1}
    container = {"image": IMAGE, "readinessProbe": probe, "env": [{"name": "READY_AFTER_MS", "value": "700"}]}
    write(kemu, service("hello", container=container))
    kemu.up()
    assert kemu.request("hello").status == 200
    kemu.said("cold start")
    (line,) = (line for line in kemu.log() if line["message"].startswith("cold start"))
    assert line["port"] + line["probe"] >= 600


def test_a_command_as_readiness_probe_waits_for_the_port_too(kemu: Kemu) -> None:
    late = "import time, http.server as h; time.sleep(1); h.test(h.SimpleHTTPRequestHandler, port=8080)"
    command = ["python3", "-c", late]
    container = {"image": "kemu.test/pyfunc", "command": command, "readinessProbe": {"exec": {"command": ["true"]}}}
    write(kemu, service("hello", container=container))
    kemu.up()
    assert kemu.request("hello").status == 200


def test_a_failing_liveness_probe_restarts_the_container(kemu: Kemu) -> None:
    probe = {"httpGet": {"path": "/status?code=500"}, "periodSeconds": 1, "failureThreshold": 1}
    write(kemu, service("hello", container={"image": IMAGE, "livenessProbe": probe}))
    kemu.up()
    assert kemu.request("hello").status == 200
    kemu.said("liveness probe failed: container user-container is restarted", "hello-00001")
