"""What `env` and `envFrom` come to."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.environment import ConfigFault, environment_of, secret_text
from tests.workloads.pods import Configs, pod


def environment(**container: Any) -> dict[str, str]:
    made = pod(**container)
    return environment_of(made.spec.containers[0], made, Configs())


def ref(kind: str, **fields: Any) -> dict[str, Any]:
    return {"name": "A", "valueFrom": {kind: fields}}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        pytest.param({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, {"A": "2"}, id="later wins"),
        pytest.param({"env": [{"name": "A"}]}, {"A": ""}, id="no value is empty"),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(C)-$$(A)"}]},
            {"A": "1", "B": "1-$(C)-$(A)"},
            id="references see what came before",
        ),
        pytest.param(
            {"envFrom": [{"configMapRef": {"name": "settings"}}], "env": [{"name": "LEVEL", "value": "8"}]},
            {"LEVEL": "8", "FILE": "text"},
            id="env comes after envFrom",
        ),
        pytest.param(
            {"envFrom": [{"prefix": "X_", "secretRef": {"name": "keys"}}]}, {"X_TOKEN": "s3cret"}, id="a prefix"
        ),
        pytest.param({"envFrom": [{"secretRef": {"name": "no", "optional": True}}]}, {}, id="an optional import"),
        pytest.param({"env": [ref("configMapKeyRef", name="settings", key="LEVEL")]}, {"A": "7"}, id="a key"),
        pytest.param({"env": [ref("secretKeyRef", name="keys", key="TOKEN")]}, {"A": "s3cret"}, id="a secret key"),
        pytest.param(
            {"env": [ref("secretKeyRef", name="keys", key="NO", optional=True)]}, {}, id="an optional key is left out"
        ),
        pytest.param({"env": [ref("fieldRef", fieldPath="metadata.name")]}, {"A": "p"}, id="the Pod's name"),
        pytest.param({"env": [ref("fieldRef", fieldPath="metadata.namespace")]}, {"A": "default"}, id="namespace"),
        pytest.param({"env": [ref("fieldRef", fieldPath="metadata.labels['app']")]}, {"A": "x"}, id="one label"),
        pytest.param({"env": [ref("fieldRef", fieldPath="metadata.labels['no']")]}, {"A": ""}, id="no such label"),
        pytest.param({"env": [ref("resourceFieldRef", resource="limits.cpu")]}, {"A": "4"}, id="the node's CPUs"),
        pytest.param({"env": [ref("fieldRef", fieldPath="status.hostIP")]}, {"A": "127.0.0.1"}, id="the host"),
    ],
)
def test_an_environment_is_put_together_as_the_kubelet_does(
    container: dict[str, Any], expected: dict[str, str]
) -> None:
    assert environment(**container) == expected


@pytest.mark.parametrize(
    ("container", "text"),
    [
        ({"envFrom": [{"configMapRef": {"name": "no"}}]}, 'configmap "no" not found in namespace "default"'),
        ({"envFrom": [{"secretRef": {"name": "no"}}]}, 'secret "no" not found in namespace "default"'),
        ({"env": [ref("configMapKeyRef", name="no", key="K")]}, 'configmap "no" not found in namespace "default"'),
        (
            {"env": [ref("configMapKeyRef", name="settings", key="K")]},
            "couldn't find key K in ConfigMap default/settings",
        ),
        ({"env": [ref("secretKeyRef", name="keys", key="K")]}, "couldn't find key K in Secret default/keys"),
        ({"env": [ref("resourceFieldRef", resource="limits.gpu")]}, "unsupported container resource : limits.gpu"),
        ({"env": [ref("fieldRef", fieldPath="spec.none")]}, "unsupported fieldPath: spec.none"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_fault_in_kubernetes_words(container: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        environment(**container)
    assert str(caught.value) == text


def test_a_secret_that_is_no_text_keeps_its_bytes() -> None:
    assert secret_text("/w==").encode(errors="surrogateescape") == b"\xff"
