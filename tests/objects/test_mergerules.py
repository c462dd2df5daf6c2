"""Which lists are maps or sets: Kubernetes' own kinds as its struct tags say, Knative's as its CRDs do."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Kind
from emulator.objects.mergerules import MergeRule, rule_of, rule_of_schema
from emulator.serving.kinds import REVISION, SERVICE
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.pods import POD

_POD = "spec.template.spec"


def _at(kind: Kind[Any], path: str) -> MergeRule:
    rule = rule_of(kind)
    for part in path.split("."):
        rule = rule.of_item() if part == "[]" else rule.of_field(part)
    return rule


@pytest.mark.parametrize(
    ("kind", "path", "keys", "patch_key", "strategies"),
    [
        (POD, "spec.containers", ("name",), "name", {"merge"}),
        (POD, "spec.containers.[].ports", ("containerPort", "protocol"), "containerPort", {"merge"}),
        (POD, "spec.containers.[].volumeMounts", ("mountPath",), "mountPath", {"merge"}),
        (POD, "spec.volumes", ("name",), "name", {"merge", "retainKeys"}),
        (POD, "spec.hostAliases", ("ip",), "ip", {"merge"}),
        (POD, "spec.topologySpreadConstraints", ("topologyKey", "whenUnsatisfiable"), "topologyKey", {"merge"}),
        (POD, "status.conditions", ("type",), "type", {"merge"}),
        (POD, "metadata.ownerReferences", ("uid",), "uid", {"merge"}),
        (DEPLOYMENT, f"{_POD}.initContainers.[].env", ("name",), "name", {"merge"}),
        (DEPLOYMENT, f"{_POD}.imagePullSecrets", ("name",), "name", {"merge"}),
        (SERVICE, f"{_POD}.volumes", ("name",), "", set()),
        (SERVICE, f"{_POD}.imagePullSecrets", ("name",), "name", {"merge"}),
        (CONFIG_MAP, "metadata.ownerReferences", ("uid",), "uid", {"merge"}),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_these_lists_are_maps(
    kind: Kind[Any], path: str, keys: tuple[str, ...], patch_key: str, strategies: set[str]
) -> None:
    rule = _at(kind, path)
    assert (rule.list_type, rule.keys, rule.patch_key, {*rule.strategies}) == ("map", keys, patch_key, strategies)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (POD, "spec.tolerations"),
        (POD, "spec.containers.[].args"),
        (POD, "spec.containers.[].envFrom"),
        (SERVICE, f"{_POD}.containers"),
        (REVISION, "spec.containers"),
        (REVISION, "status.conditions"),
        (SERVICE, "spec.traffic"),
        (DEPLOYMENT, "spec.nobody.knows"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_these_lists_are_one_value(kind: Kind[Any], path: str) -> None:
    rule = _at(kind, path)
    assert (rule.list_type, rule.strategies) == ("atomic", frozenset())


@pytest.mark.parametrize(
    ("path", "is_atomic"),
    [
        ("spec.selector", True),
        (f"{_POD}.nodeSelector", True),
        (f"{_POD}.containers.[].env.[].valueFrom.secretKeyRef", True),
        (f"{_POD}.containers.[].env.[].valueFrom", False),
        ("metadata.labels", False),
        ("metadata.ownerReferences.[]", True),
    ],
)
def test_some_maps_are_one_value(path: str, is_atomic: bool) -> None:
    assert _at(DEPLOYMENT, path).is_atomic_map is is_atomic


def test_finalizers_are_a_set_and_a_strategy_is_a_union() -> None:
    finalizers = _at(POD, "metadata.finalizers")
    assert (finalizers.list_type, {*finalizers.strategies}, finalizers.patch_key) == ("set", {"merge"}, "")
    assert _at(DEPLOYMENT, "spec.strategy").strategies == {"retainKeys"}


def test_a_port_without_a_protocol_is_a_tcp_port() -> None:
    assert _at(POD, "spec.containers.[].ports.[].protocol").default == "TCP"


def test_a_schema_declares_lists_as_a_model_does() -> None:
    rule = rule_of_schema(
        {
            "type": "object",
            "properties": {
                "hosts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string", "default": "a"}}},
                },
                "by": {"type": "object", "additionalProperties": {"type": "array", "x-kubernetes-list-type": "set"}},
                "ref": {"type": "object", "x-kubernetes-map-type": "atomic"},
            },
        }
    )
    hosts = rule.of_field("hosts")
    assert (hosts.list_type, hosts.keys, hosts.of_item().of_field("name").default) == ("map", ("name",), "a")
    assert rule.of_field("by").of_field("anything").list_type == "set"
    assert rule.of_field("ref").is_atomic_map
