"""What a PodSpec cannot do without, and what is said where it is missing."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.configrefs import ConfigRef, config_refs, fault_of
from emulator.objects.podspec import PodSpec
from emulator.objects.problems import dotted


def refs(spec: dict[str, Any]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    found = config_refs(PodSpec.model_validate({"containers": [{"image": "app"}], **spec}))
    return [(ref.kind, ref.name, dotted(ref.path), ref.keys) for ref in found]


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"image": "app", **fields}]}


def variable(**source: Any) -> dict[str, Any]:
    return container(env=[{"name": "A", "value": "1"}, {"name": "B", "valueFrom": source}])


def volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


ITEMS = [{"key": "a", "path": "x"}, {"key": "b", "path": "y"}]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            variable(configMapKeyRef={"name": "c", "key": "k"}),
            [("ConfigMap", "c", "containers[0].env[1].valueFrom.configMapKeyRef", ("k",))],
            id="a variable of a ConfigMap",
        ),
        pytest.param(
            variable(secretKeyRef={"name": "s", "key": "k"}),
            [("Secret", "s", "containers[0].env[1].valueFrom.secretKeyRef", ("k",))],
            id="a variable of a Secret",
        ),
        pytest.param(variable(secretKeyRef={"name": "s", "key": "k", "optional": True}), [], id="optional"),
        pytest.param(variable(fieldRef={"fieldPath": "metadata.name"}), [], id="a field of the Pod"),
        pytest.param(
            container(envFrom=[{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]),
            [
                ("ConfigMap", "c", "containers[0].envFrom[0].configMapRef", ()),
                ("Secret", "s", "containers[0].envFrom[1].secretRef", ()),
            ],
            id="imports",
        ),
        pytest.param(
            {"initContainers": [{"image": "app", "envFrom": [{"secretRef": {"name": "s"}}]}]},
            [("Secret", "s", "initContainers[0].envFrom[0].secretRef", ())],
            id="an init container",
        ),
        pytest.param(
            volume(configMap={"name": "c", "items": ITEMS}),
            [("ConfigMap", "c", "volumes[0].configMap", ("a", "b"))],
            id="a ConfigMap's files",
        ),
        pytest.param(
            volume(secret={"secretName": "s"}), [("Secret", "s", "volumes[0].secret", ())], id="a Secret's files"
        ),
        pytest.param(
            volume(projected={"sources": [{"downwardAPI": {}}, {"secret": {"name": "s", "items": ITEMS}}]}),
            [("Secret", "s", "volumes[0].projected.sources[1].secret", ("a", "b"))],
            id="projected",
        ),
        pytest.param(volume(configMap={"name": "c", "optional": True}), [], id="optional files"),
        pytest.param(volume(emptyDir={}), [], id="an empty volume"),
    ],
)
def test_every_reference_that_must_lead_somewhere_is_found(
    spec: dict[str, Any], expected: list[tuple[str, str, str, tuple[str, ...]]]
) -> None:
    assert refs(spec) == expected


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (None, 'configmap "c" not found in namespace "shop"'),
        ({"a": "1"}, "couldn't find key b in ConfigMap shop/c"),
        ({"a": "1", "b": "2"}, None),
    ],
    ids=["no object", "no key", "all there"],
)
def test_a_fault_is_told_in_the_kubelets_words(data: dict[str, str] | None, fault: str | None) -> None:
    assert fault_of(ConfigRef("ConfigMap", "c", (), ("a", "b")), data, "shop") == fault
