"""What Knative fills into a RevisionSpec (serving §2.3-2.6, config-defaults)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.serving.features import Features
from emulator.serving.revisionspec import set_defaults


def completed(spec: dict[str, Any], **config: str) -> dict[str, Any]:
    set_defaults(spec, {key.replace("_", "-"): value for key, value in config.items()}, Features({}), {})
    return spec


def test_a_minimal_spec_is_completed_as_on_a_cluster() -> None:
    assert completed({"containers": [{"image": "app"}]}) == {
        "containerConcurrency": 0,
        "containers": [
            {
                "image": "app",
                "name": "user-container",
                "readinessProbe": {"successThreshold": 1, "tcpSocket": {"port": 0}},
                "resources": {},
            }
        ],
        "enableServiceLinks": False,
        "timeoutSeconds": 300,
    }


@pytest.mark.parametrize(
    ("spec", "config", "field", "value"),
    [
        pytest.param({"timeoutSeconds": 0}, {}, "timeoutSeconds", 300, id="zero is no timeout"),
        pytest.param({}, {"revision_timeout_seconds": "60"}, "timeoutSeconds", 60, id="timeout"),
        pytest.param({"timeoutSeconds": 600}, {}, "responseStartTimeoutSeconds", 300, id="shown when shorter"),
        pytest.param({"timeoutSeconds": 200}, {}, "responseStartTimeoutSeconds", None, id="not when longer"),
        pytest.param(
            {}, {"revision_response_start_timeout_seconds": "0"}, "responseStartTimeoutSeconds", None, id="switched off"
        ),
        pytest.param({}, {}, "idleTimeoutSeconds", None, id="no idle timeout"),
        pytest.param({}, {"revision_idle_timeout_seconds": "9"}, "idleTimeoutSeconds", 9, id="idle timeout"),
        pytest.param(
            {"timeoutSeconds": 5}, {"revision_idle_timeout_seconds": "9"}, "idleTimeoutSeconds", None, id="idle longer"
        ),
        pytest.param({}, {"container_concurrency": "7"}, "containerConcurrency", 7, id="concurrency"),
        pytest.param({"containerConcurrency": 0}, {"container_concurrency": "7"}, "containerConcurrency", 0, id="zero"),
        pytest.param({}, {"enable_service_links": "TRUE"}, "enableServiceLinks", True, id="links"),
        pytest.param({}, {"enable_service_links": "default"}, "enableServiceLinks", None, id="left to Kubernetes"),
        pytest.param({"enableServiceLinks": True}, {}, "enableServiceLinks", True, id="as written"),
    ],
)
def test_a_field(spec: dict[str, Any], config: dict[str, str], field: str, value: object) -> None:
    assert completed({"containers": [{"image": "app"}], **spec}, **config).get(field) == value


@pytest.mark.parametrize(
    ("containers", "init_containers", "names"),
    [
        (["", ""], [], ["user-container-0", "user-container-1"]),
        (["a", ""], [], ["a", "user-container-0"]),
        (["user-container-0", ""], [], ["user-container-0", "user-container-1"]),
        ([""], [""], ["user-container", "init-container"]),
        ([""], ["", "x"], ["user-container", "init-container-0", "x"]),
        ([""], ["user-container"], ["user-container-0", "user-container"]),
    ],
)
def test_nameless_containers_get_names_that_are_free(
    containers: list[str], init_containers: list[str], names: list[str]
) -> None:
    spec = completed(
        {"containers": [{"name": n} for n in containers], "initContainers": [{"name": n} for n in init_containers]}
    )
    assert [c["name"] for c in (*spec["containers"], *spec["initContainers"])] == names


@pytest.mark.parametrize(
    ("probe", "filled"),
    [
        ({"httpGet": {"path": "/x"}}, {"httpGet": {"path": "/x"}, "successThreshold": 1}),
        (
            {"periodSeconds": 5},
            {
                "periodSeconds": 5,
                "successThreshold": 1,
                "tcpSocket": {"port": 0},
                "failureThreshold": 3,
                "timeoutSeconds": 1,
            },
        ),
        (
            {"grpc": {"port": 1}, "successThreshold": 2},
            {"grpc": {"port": 1, "service": ""}, "successThreshold": 2},
        ),
    ],
)
def test_a_readiness_probe_is_completed(probe: dict[str, Any], filled: dict[str, Any]) -> None:
    spec = completed({"containers": [{"image": "app", "readinessProbe": probe}]})
    assert spec["containers"][0]["readinessProbe"] == filled


def test_a_sidecar_gets_no_probe_and_its_own_only_a_threshold() -> None:
    probe = {"tcpSocket": {"port": 1}}
    spec = completed({"containers": [{"ports": [{}]}, {}, {"readinessProbe": probe}]})
    assert "readinessProbe" in spec["containers"][0]
    assert "readinessProbe" not in spec["containers"][1]
    assert spec["containers"][2]["readinessProbe"] == {**probe, "successThreshold": 1}


def test_other_probes_stay_as_written() -> None:
    spec = completed({"containers": [{"livenessProbe": {"periodSeconds": 1}, "startupProbe": {"httpGet": {}}}]})
    assert spec["containers"][0]["livenessProbe"] == {"periodSeconds": 1}
    assert spec["containers"][0]["startupProbe"] == {"httpGet": {}}


def test_resources_are_filled_one_by_one() -> None:
    given = {"limits": {"cpu": "2"}, "requests": None}
    config = {"revision_cpu_limit": "1", "revision_memory_limit": "1Gi", "revision_cpu_request": "100m"}
    spec = completed({"containers": [{"resources": given}]}, **config)
    assert spec["containers"][0]["resources"] == {
        "limits": {"cpu": "2", "memory": "1Gi"},
        "requests": {"cpu": "100m"},
    }


def test_mounts_are_read_only_but_those_of_volumes_to_write_to() -> None:
    kinds = ("emptyDir", "persistentVolumeClaim", "ephemeral", "configMap", "secret", "projected", "hostPath")
    mounts = [{"name": kind.lower(), "mountPath": f"/{kind}"} for kind in kinds]
    volumes = [{"name": kind.lower(), kind: {}} for kind in kinds]
    spec = completed({"containers": [{"volumeMounts": mounts}], "volumes": volumes})
    read_only = {m["name"] for m in spec["containers"][0]["volumeMounts"] if m.get("readOnly")}
    assert read_only == {"configmap", "secret", "projected", "hostpath"}


SECURE = {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize(
    ("flag", "container", "pod", "made"),
    [
        pytest.param("Disabled", {}, {}, None, id="off"),
        pytest.param("AllowRootBounded", {}, {}, {**SECURE, "capabilities": {"drop": ["ALL"]}}, id="root is allowed"),
        pytest.param(
            "Enabled", {}, {}, {**SECURE, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}, id="root is not"
        ),
        pytest.param(
            "AllowRootBounded",
            {"ports": [{"containerPort": 80}]},
            {},
            {**SECURE, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
            id="a low port",
        ),
        pytest.param(
            "Enabled",
            {"securityContext": {"allowPrivilegeEscalation": True, "capabilities": {}, "runAsNonRoot": False}},
            {"seccompProfile": {"type": "Unconfined"}, "runAsNonRoot": True},
            {"allowPrivilegeEscalation": True, "capabilities": {}, "runAsNonRoot": False},
            id="what is written stands",
        ),
    ],
)
def test_secure_pod_defaults(
    flag: str, container: dict[str, Any], pod: dict[str, Any], made: dict[str, Any] | None
) -> None:
    spec: dict[str, Any] = {"containers": [{"image": "app", **container}], "securityContext": pod}
    set_defaults(spec, {}, Features({"secure-pod-defaults": flag}), {})
    assert spec["containers"][0].get("securityContext") == made


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{.Name}}-app", "hello-app"),
        ("{{.Namespace}}-{{.Labels.tier}}", "default-front"),
        ("{{index .Labels `tier`}}", "front"),
        ("{{.Nothing}}", ""),
    ],
)
def test_a_containers_name_is_made_of_its_parent(template: str, name: str) -> None:
    spec: dict[str, Any] = {"containers": [{"image": "app"}]}
    metadata = {"name": "hello", "namespace": "default", "labels": {"tier": "front"}}
    set_defaults(spec, {"container-name-template": template}, Features({}), metadata)
    assert spec["containers"][0]["name"] == name
