"""The paths of an OpenAPI document: what may be asked of a kind's objects."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.kubeapi.openapipaths import paths_of, review_path
from emulator.kubeapi.openapischemas import GROUP_VERSION_KIND, REFERENCE
from emulator.objects.kind import Kind
from emulator.serving.kinds import SERVICE
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.nodes import NODE_KIND
from emulator.workloads.pods import POD

MAPS = "/api/v1/namespaces/{namespace}/configmaps"


def methods(kind: Kind[Any]) -> dict[str, list[str]]:
    """HTTP's methods by path."""
    return {path: [m for m in item if m != "parameters"] for path, item in paths_of(kind, kind.version)}


@pytest.mark.parametrize(
    ("kind", "path", "known"),
    [
        (CONFIG_MAP, MAPS, ["get", "post", "delete"]),
        (CONFIG_MAP, "/api/v1/configmaps", ["get"]),
        (CONFIG_MAP, f"{MAPS}/{{name}}", ["get", "put", "patch", "delete"]),
        (NODE_KIND, "/api/v1/nodes/{name}", ["get", "put", "patch"]),
        (DEPLOYMENT, "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", ["get", "patch", "put"]),
        (
            SERVICE,
            "/apis/serving.knative.dev/v1/namespaces/{namespace}/services/{name}/status",
            ["get", "patch", "put"],
        ),
        (POD, "/api/v1/namespaces/{namespace}/pods/{name}/log", ["get"]),
    ],
    ids=["many", "everywhere", "one", "without a namespace", "scale", "status", "log"],
)
def test_a_path_has_the_methods_of_its_verbs(kind: Kind[Any], path: str, known: list[str]) -> None:
    assert methods(kind)[path] == known


def test_only_what_has_namespaces_is_asked_for_in_one() -> None:
    assert not any("{namespace}" in path for path in methods(NODE_KIND))


def test_a_patch_lists_what_kubectl_looks_for() -> None:
    patch = dict(paths_of(CONFIG_MAP, "v1"))[f"{MAPS}/{{name}}"]["patch"]
    assert {"fieldValidation", "dryRun", "force"} <= {each["name"] for each in patch["parameters"]}
    assert patch[GROUP_VERSION_KIND] == {"group": "", "version": "v1", "kind": "ConfigMap"}


@pytest.mark.parametrize(("kind", "strategic"), [(CONFIG_MAP, True), (DEPLOYMENT, True), (SERVICE, False)])
def test_strategic_patches_are_taken_of_kubernetes_own_kinds(kind: Kind[Any], strategic: bool) -> None:
    patches = [item["patch"] for path, item in paths_of(kind, kind.version) if path.endswith("{name}")]
    (content,) = [patch["requestBody"]["content"] for patch in patches]
    assert ("application/strategic-merge-patch+json" in content) is strategic


def test_a_list_answers_with_a_list_and_a_deletion_with_anything() -> None:
    many = dict(paths_of(CONFIG_MAP, "v1"))[MAPS]
    shown = {m: many[m]["responses"]["200"]["content"]["application/json"]["schema"] for m in ("get", "delete")}
    assert shown == {"get": {"$ref": f"{REFERENCE}io.k8s.api.core.v1.ConfigMapList"}, "delete": {"type": "object"}}
    assert {operation["operationId"] for operation in (many["get"], many["post"])} == {
        "listIoK8SApiCoreV1ConfigMap",
        "postIoK8SApiCoreV1ConfigMap",
    }


def test_a_question_is_posted() -> None:
    kind = "LocalSubjectAccessReview"
    path, item = review_path("authorization.k8s.io/v1", "localsubjectaccessreviews", kind, namespaced=True)
    assert path == "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
    assert list(item) == ["post", "parameters"]
