"""What is refused of probes: one row a rule, with the webhook's own text (serving §2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.admission import AT, C0, container, pod, refusal

READY, LIVE = f"{C0}.readinessProbe", f"{C0}.livenessProbe"
MAX = 2147483647
PROBING = {"multi-container-probing": "Enabled"}


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        pytest.param({}, "", id="without handler"),
        pytest.param({"httpGet": {"path": "/"}, "periodSeconds": 5}, "", id="http"),
        pytest.param({"exec": {"command": ["x"]}}, "", id="exec"),
        pytest.param({"grpc": {"port": 80}}, "", id="grpc"),
        pytest.param({"httpGet": {"port": 9000}}, "", id="another port"),
        pytest.param(
            {"httpGet": {}, "tcpSocket": {}},
            f"expected exactly one, got both: {READY}.httpGet, {READY}.tcpSocket",
            id="two handlers",
        ),
        pytest.param(
            {"httpGet": {"port": "web"}},
            f"invalid value: web: {READY}.httpGet.port\nProbe port must match container port",
            id="named port",
        ),
        pytest.param({"httpGet": {"port": "http"}}, "", id="the name of a port without name"),
        pytest.param(
            {"tcpSocket": {"port": "8080"}},
            f"invalid value: 8080: {READY}.tcpSocket.port\nProbe port must match container port",
            id="number as text",
        ),
        pytest.param({"periodSeconds": -1}, f"expected 0 <= -1 <= {MAX}: {READY}.periodSeconds", id="period"),
        pytest.param(
            {"initialDelaySeconds": -1}, f"expected 0 <= -1 <= {MAX}: {READY}.initialDelaySeconds", id="delay"
        ),
        pytest.param(
            {"successThreshold": -1}, f"expected 1 <= -1 <= {MAX}: {READY}.successThreshold", id="success threshold"
        ),
        pytest.param({"successThreshold": 0}, "", id="a success threshold of zero is the default"),
        pytest.param(
            {"failureThreshold": 2},
            f"failureThreshold is disallowed when periodSeconds is zero: {READY}.failureThreshold",
            id="failures without a period",
        ),
        pytest.param(
            {"timeoutSeconds": 2},
            f"timeoutSeconds is disallowed when periodSeconds is zero: {READY}.timeoutSeconds",
            id="timeout without a period",
        ),
        pytest.param(
            {"periodSeconds": 1, "timeoutSeconds": -1, "failureThreshold": -1},
            f"expected 1 <= -1 <= {MAX}: {READY}.failureThreshold, {READY}.timeoutSeconds",
            id="with a period",
        ),
    ],
)
def test_a_readiness_probe(probe: dict[str, Any], text: str) -> None:
    assert refusal(container(readinessProbe=probe)) == text


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        pytest.param({"httpGet": {"path": "/"}, "failureThreshold": 2, "successThreshold": 0}, "", id="numbers"),
        pytest.param(
            {"periodSeconds": 1},
            f"expected exactly one, got neither: {LIVE}.exec, {LIVE}.grpc, {LIVE}.httpGet, {LIVE}.tcpSocket",
            id="without handler",
        ),
    ],
)
def test_a_liveness_probe(probe: dict[str, Any], text: str) -> None:
    assert refusal(container(livenessProbe=probe)) == text


@pytest.mark.parametrize(
    ("probe", "features", "text"),
    [
        pytest.param(
            {"livenessProbe": {"httpGet": {}, "periodSeconds": 1}},
            {},
            f"must not set the field(s): {AT}.containers[1].livenessProbe, "
            f"{AT}.containers[1].livenessProbe.periodSeconds",
            id="off",
        ),
        pytest.param({"livenessProbe": {"httpGet": {"port": 1}}}, PROBING, "", id="on"),
        pytest.param(
            {"startupProbe": {"tcpSocket": {}}},
            PROBING,
            f"invalid value: 0: {AT}.containers[1].startupProbe.tcpSocket.port\nProbe port must be specified",
            id="no port",
        ),
        pytest.param({"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1}}, PROBING, "", id="defaults"),
    ],
)
def test_a_sidecars_probe(probe: dict[str, Any], features: dict[str, str], text: str) -> None:
    spec = {"containers": [{"image": "app", "ports": [{"containerPort": 80}]}, {"image": "side", **probe}]}
    assert refusal(spec, features) == text


@pytest.mark.parametrize("field", ["livenessProbe", "readinessProbe", "startupProbe"])
def test_an_init_container_has_no_probes(field: str) -> None:
    spec = pod(initContainers=[{"image": "app", field: {"tcpSocket": {"port": 1}}}])
    text = refusal(spec, {"kubernetes.podspec-init-containers": "Enabled"})
    assert text == f"field not allowed in an init container: {AT}.containers[0].{field}"
