"""What is refused of a RevisionSpec: one row a rule, with the webhook's own text (serving §2.3-2.7).

Each row is admitted as a whole Service, so defaults are filled in first, as on a cluster.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.admission import AT, C0, container, pod, refusal


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        pytest.param(pod(), "", id="minimal"),
        pytest.param({"containers": []}, f"missing field(s): {AT}.containers", id="no container"),
        pytest.param(pod(timeoutSeconds=600), "", id="longest timeout"),
        pytest.param(pod(timeoutSeconds=0), "", id="no timeout is the default"),
        pytest.param(pod(timeoutSeconds=700), f"expected 0 <= 700 <= 600: {AT}.timeoutSeconds", id="long timeout"),
        pytest.param(pod(timeoutSeconds=-1), f"expected 0 <= -1 <= 600: {AT}.timeoutSeconds", id="negative timeout"),
        pytest.param(pod(responseStartTimeoutSeconds=9999, idleTimeoutSeconds=9999), "", id="other timeouts"),
        pytest.param(
            pod(containerConcurrency=1001), f"expected 0 <= 1001 <= 1000: {AT}.containerConcurrency", id="concurrency"
        ),
        pytest.param(
            pod(automountServiceAccountToken=True),
            f"must not set the field(s): {AT}.automountServiceAccountToken",
            id="token",
        ),
        pytest.param(pod(automountServiceAccountToken=False), "", id="no token"),
        pytest.param(pod(affinity=None, hostNetwork=False, nodeName=""), "", id="unset is not written"),
        pytest.param(pod(enableServiceLinks=True, imagePullSecrets=[{"name": "x"}]), "", id="allowed fields"),
        *(
            pytest.param(pod(**{field: value}), f"must not set the field(s): {AT}.{field}", id=field)
            for field, value in (
                ("restartPolicy", "Never"),
                ("terminationGracePeriodSeconds", 5),
                ("nodeName", "x"),
                ("hostname", "x"),
                ("priority", 1),
            )
        ),
    ],
)
def test_the_pod_level(spec: dict[str, Any], text: str) -> None:
    assert refusal(spec) == text


def test_a_service_account_has_kubernetes_text() -> None:
    text = refusal(pod(serviceAccountName="foo@bar.baz"))
    assert text.startswith(f"invalid value: foo@bar.baz: {AT}.serviceAccountName\na lowercase RFC 1123 subdomain must")


@pytest.mark.parametrize(
    ("field", "value", "flag"),
    [
        ("affinity", {}, "affinity"),
        ("topologySpreadConstraints", [], "topologyspreadconstraints"),
        ("hostAliases", [], "hostaliases"),
        ("nodeSelector", {"a": "b"}, "nodeselector"),
        ("runtimeClassName", "x", "runtimeclassname"),
        ("tolerations", [], "tolerations"),
        ("securityContext", {}, "securitycontext"),
        ("shareProcessNamespace", True, "shareprocessnamespace"),
        ("hostIPC", True, "hostipc"),
        ("hostPID", True, "hostpid"),
        ("hostNetwork", True, "hostnetwork"),
        ("priorityClassName", "x", "priorityclassname"),
        ("schedulerName", "x", "schedulername"),
        ("dnsPolicy", "None", "dnspolicy"),
        ("dnsConfig", {}, "dnsconfig"),
    ],
)
def test_a_field_behind_a_flag(field: str, value: object, flag: str) -> None:
    spec = pod(**{field: value})
    assert refusal(spec) == f"must not set the field(s): {AT}.{field}"
    for word in ("Enabled", "allowed"):
        assert refusal(spec, {f"kubernetes.podspec-{flag}": word}) == ""


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({"image": ""}, f"missing field(s): {C0}.image", id="no image"),
        pytest.param(
            {"image": "a b"},
            f'Failed to parse image reference: {C0}.image\nimage: "a b", error: could not parse reference: a b',
            id="image",
        ),
        pytest.param({"name": "queue-proxy"}, f'"queue-proxy" is a reserved container name: {C0}.name', id="name"),
        pytest.param({"lifecycle": {}}, f"must not set the field(s): {C0}.lifecycle", id="lifecycle"),
        pytest.param({"stdin": True}, f"must not set the field(s): {C0}.stdin", id="stdin"),
        pytest.param({"stdin": False, "tty": None}, "", id="unset"),
        pytest.param(
            {"ports": [{"name": "web"}]},
            f"Port name web is not allowed: {C0}.ports\nName must be empty, or one of: 'h2c', 'http1'",
            id="port name",
        ),
        pytest.param({"ports": [{"name": "h2c", "protocol": "TCP"}]}, "", id="h2c"),
        pytest.param(
            {"ports": [{"containerPort": 8012}]},
            f"invalid value: 8012 is a reserved port: {C0}.ports.containerPort\n"
            "8012 is a reserved port, please use a different value",
            id="reserved port",
        ),
        pytest.param(
            {"ports": [{"containerPort": 65536}]}, f"expected 0 <= 65536 <= 65535: {C0}.ports.containerPort", id="port"
        ),
        pytest.param({"ports": [{"protocol": "UDP"}]}, f"invalid value: UDP: {C0}.ports.protocol", id="protocol"),
        pytest.param({"ports": [{"hostPort": 1}]}, f"must not set the field(s): {C0}.ports.hostPort", id="host port"),
        pytest.param(
            {"ports": [{"containerPort": 1}, {"containerPort": 2}]},
            f"more than one container port is set: {AT}.containers[*].ports\n"
            "Only a single port is allowed across all containers",
            id="two ports",
        ),
        *(
            pytest.param(
                {"env": [{"name": "A"}, {"name": name}]},
                f'"{name}" is a reserved environment variable: {C0}.env[1].name',
                id=name,
            )
            for name in ("PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION")
        ),
        pytest.param({"env": [{"name": ""}]}, f"missing field(s): {C0}.env[0].name", id="env without a name"),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
            f"must not set the field(s): {C0}.env[0].valueFrom.fieldRef",
            id="fieldRef",
        ),
        pytest.param(
            {"envFrom": [{"prefix": "A"}]},
            f"expected exactly one, got neither: {C0}.envFrom.configMapRef, {C0}.envFrom.secretRef",
            id="envFrom of nothing",
        ),
        pytest.param(
            {"envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "a"}}]},
            f"expected exactly one, got both: {C0}.envFrom.configMapRef, {C0}.envFrom.secretRef",
            id="envFrom of both",
        ),
        pytest.param(
            {"resources": {"claims": [{"name": "a"}]}}, f"must not set the field(s): {C0}.resources.claims", id="claims"
        ),
        pytest.param(
            {"terminationMessagePolicy": "x"}, f"invalid value: x: {C0}.terminationMessagePolicy", id="message policy"
        ),
        pytest.param(
            {"securityContext": {"runAsUser": -1}},
            f"expected 0 <= -1 <= 2147483647: {C0}.securityContext.runAsUser",
            id="user",
        ),
        pytest.param(
            {"securityContext": {"privileged": True, "procMount": "x", "seLinuxOptions": {}, "windowsOptions": {}}},
            "must not set the field(s): "
            + ", ".join(
                f"{C0}.securityContext.{field}"
                for field in ("privileged", "procMount", "seLinuxOptions", "windowsOptions")
            ),
            id="security",
        ),
        pytest.param({"securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}}}, "", id="secure"),
        pytest.param(
            {"securityContext": {"capabilities": {"add": ["X"]}}},
            f"must not set the field(s): {C0}.securityContext.capabilities.add",
            id="capabilities",
        ),
    ],
)
def test_a_container(fields: dict[str, Any], text: str) -> None:
    assert refusal(container(**fields)) == text


SIDECAR = {"containers": [{"image": "app", "ports": [{"containerPort": 80}]}, {"image": "helper"}]}
INIT = "kubernetes.podspec-init-containers"


@pytest.mark.parametrize(
    ("spec", "features", "text"),
    [
        pytest.param(SIDECAR, {}, "", id="a sidecar"),
        pytest.param(SIDECAR, {"multi-container": "nonsense"}, "", id="an unknown word is the default"),
        *(
            pytest.param(
                SIDECAR,
                {"multi-container": word},
                "multi-container is off, but found 2 containers: ",
                id=f"multi-container {word}",
            )
            for word in ("Disabled", "Allowed")
        ),
        pytest.param(
            {"containers": [{"image": "app"}, {"image": "bar"}]},
            {},
            f"missing field(s): {AT}.containers[*].ports",
            id="nobody serves",
        ),
        pytest.param(
            {"containers": [{"image": "app", "name": "x", "ports": [{}]}, {"image": "bar", "name": "x"}]},
            {},
            f'duplicate container name "x": {AT}.containers[1].name',
            id="one name twice",
        ),
        pytest.param(
            {"containers": [{"image": "app", "ports": [{}]}, {"image": "bar", "env": [{"name": "PORT"}]}]},
            {},
            "",
            id="a sidecar may have PORT",
        ),
        pytest.param(
            pod(initContainers=[{"image": "app"}]),
            {},
            f"must not set the field(s): {AT}.initContainers\n"
            "pod spec support for init-containers is off, but found 1 init containers: ",
            id="init containers are off",
        ),
        pytest.param(
            pod(initContainers=[{"image": "app", "ports": [{}]}]), {INIT: "enabled"}, "", id="init containers"
        ),
        pytest.param(
            pod(initContainers=[{"image": "app", "name": "user-container"}]),
            {INIT: "enabled"},
            "",
            id="a name that is free, since the other one gives way",
        ),
        pytest.param(
            pod(initContainers=[{"image": "app", "name": "x"}, {"image": "app", "name": "x"}]),
            {INIT: "enabled"},
            f'duplicate container name "x": {AT}.containers[1].name',
            id="init containers of one name",
        ),
    ],
)
def test_several_containers(spec: dict[str, Any], features: dict[str, str], text: str) -> None:
    assert refusal(spec, features) == text


@pytest.mark.parametrize(
    ("spec", "features", "text"),
    [
        pytest.param(
            container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]),
            {"kubernetes.podspec-fieldref": "Enabled"},
            "",
            id="fieldRef",
        ),
        pytest.param(
            container(securityContext={"capabilities": {"add": ["X"]}}),
            {"kubernetes.containerspec-addcapabilities": "Enabled"},
            "",
            id="capabilities",
        ),
        pytest.param(
            container(securityContext={"capabilities": {"add": ["NET_BIND_SERVICE"]}}),
            {"secure-pod-defaults": "AllowRootBounded"},
            "",
            id="low ports",
        ),
        pytest.param(
            pod(securityContext={"sysctls": [], "fsGroup": -1, "supplementalGroups": [1, -1]}),
            {"kubernetes.podspec-securitycontext": "Enabled"},
            f"expected 0 <= -1 <= 2147483647: {AT}.securityContext.fsGroup, "
            f"{AT}.securityContext.supplementalGroups[1]\nmust not set the field(s): {AT}.securityContext.sysctls",
            id="the Pod's security",
        ),
        pytest.param(
            pod(securityContext={"runAsUser": 1, "seccompProfile": {"type": "Unconfined"}}),
            {"secure-pod-defaults": "Enabled"},
            f"must not set the field(s): {AT}.securityContext.runAsUser",
            id="only the profile with secure defaults",
        ),
    ],
)
def test_what_a_flag_opens(spec: dict[str, Any], features: dict[str, str], text: str) -> None:
    assert refusal(spec, features) == text


@pytest.mark.parametrize(
    ("spec", "defaults", "text"),
    [
        (pod(timeoutSeconds=700), {"max-revision-timeout-seconds": "900"}, ""),
        (pod(containerConcurrency=5), {"container-concurrency-max-limit": "4"}, "expected 0 <= 5 <= 4"),
        (pod(containerConcurrency=0), {"allow-container-concurrency-zero": "false"}, "expected 1 <= 0 <= 1000"),
    ],
)
def test_config_defaults_moves_the_bounds(spec: dict[str, Any], defaults: dict[str, str], text: str) -> None:
    assert refusal(spec, defaults=defaults).partition(":")[0] == text


@pytest.mark.parametrize("amount", ["lots", "1 Gi", "12Zi", ""])
def test_an_amount_that_is_none_is_refused_where_it_stands(amount: str) -> None:
    text = refusal(container(resources={"limits": {"memory": amount}}))
    assert f"{C0}.resources.limits" in text
    assert 'such as "500m" or "128Mi"' in text


@pytest.mark.parametrize("amount", ["500m", "128Mi", "1e3", 2, 0.5])
def test_an_amount_is_taken(amount: object) -> None:
    assert refusal(container(resources={"limits": {"memory": amount}})) == ""
