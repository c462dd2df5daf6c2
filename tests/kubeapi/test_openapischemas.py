"""The schemas of an OpenAPI document: names, references, and what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.kubeapi.openapischemas import GROUP_VERSION_KIND, REFERENCE, Schemas, package
from emulator.objects.kind import Kind
from emulator.objects.refs import ObjectMeta
from emulator.serving.kinds import SERVICE
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.pods import POD


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("", "io.k8s.api.core.v1"),
        ("apps", "io.k8s.api.apps.v1"),
        ("networking.k8s.io", "io.k8s.api.networking.v1"),
        ("serving.knative.dev", "dev.knative.serving.v1"),
        ("caching.internal.knative.dev", "dev.knative.internal.caching.v1"),
    ],
)
def test_a_groups_schemas_are_named_as_its_go_package(group: str, name: str) -> None:
    assert package(group, "v1") == name


def schemas(*kinds: Kind[Any]) -> dict[str, Any]:
    made = Schemas()
    for kind in kinds:
        made.add(kind, kind.version)
    return made.named


@pytest.mark.parametrize("kind", [DEPLOYMENT, SERVICE, CONFIG_MAP], ids=lambda kind: str(kind.name))
def test_every_reference_leads_somewhere(kind: Kind[Any]) -> None:
    named = schemas(kind)
    found = {part.partition('"')[0] for part in json.dumps(named).split(REFERENCE)[1:]}
    assert found <= named.keys()
    own = f"{package(kind.group, kind.version)}.{kind.name}"
    assert {own, f"{own}List"} <= named.keys()
    said = [{"group": kind.group, "version": kind.version, "kind": kind.name}]
    assert named[own][GROUP_VERSION_KIND] == said


def test_kubernetes_own_kinds_are_made_of_parts_and_others_are_one_tree() -> None:
    spec = schemas(DEPLOYMENT)["io.k8s.api.apps.v1.Deployment"]["properties"]["spec"]
    assert spec["allOf"] == [{"$ref": f"{REFERENCE}io.k8s.api.apps.v1.DeploymentSpec"}]
    tree = schemas(SERVICE)["dev.knative.serving.v1.Service"]["properties"]["spec"]
    assert "template" in tree["properties"]


def test_a_part_that_several_have_is_there_once() -> None:
    named = schemas(POD, DEPLOYMENT)
    assert [name for name in named if name.endswith(".PodSpec")] == ["io.k8s.api.core.v1.PodSpec"]


def test_numbers_that_may_be_texts_are_schemas_of_their_own() -> None:
    named = schemas(DEPLOYMENT)
    assert "io.k8s.apimachinery.pkg.util.intstr.IntOrString" in named
    assert "io.k8s.apimachinery.pkg.api.resource.Quantity" in named


def test_what_has_no_status_has_none_here() -> None:
    assert "status" not in schemas(CONFIG_MAP)["io.k8s.api.core.v1.ConfigMap"]["properties"]
    assert "status" in schemas(POD)["io.k8s.api.core.v1.Pod"]["properties"]


def test_a_scale_and_a_question_are_added_by_name() -> None:
    made = Schemas()
    assert made.add_scale() == "io.k8s.api.autoscaling.v1.Scale"
    name = made.add_review("authorization.k8s.io/v1", "SelfSubjectAccessReview")
    assert name == "io.k8s.api.authorization.v1.SelfSubjectAccessReview"
    assert {"io.k8s.api.autoscaling.v1.Scale", name} <= made.named.keys()
    assert made.reference(ObjectMeta) == {"$ref": f"{REFERENCE}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
