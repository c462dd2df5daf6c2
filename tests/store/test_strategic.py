"""Strategic merge patches of a Deployment, by Kubernetes' rules."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from emulator.objects.errors import ApiError, BadRequest
from emulator.store.strategic import strategic_merge
from emulator.workloads.deployments import DEPLOYMENT
from tests.store.vectors import cases


def deployment(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "d"}, "spec": {**spec, "template": {"spec": {"containers": list(containers)}}}}


A = {"name": "a", "image": "x", "env": [{"name": "E", "value": "1"}, {"name": "F", "value": "2"}]}
B = {"name": "b", "image": "y"}


@pytest.mark.parametrize(
    ("patch", "containers"),
    [
        ([{"name": "a", "image": "z"}], [{**A, "image": "z"}, B]),
        ([{"name": "c", "image": "n"}], [{"name": "c", "image": "n"}, A, B]),
        (
            [{"name": "a", "env": [{"name": "E", "value": "9"}]}],
            [{**A, "env": [{"name": "E", "value": "9"}, A["env"][1]]}, B],
        ),
        ([{"name": "a", "env": [{"name": "E", "$patch": "delete"}]}], [{**A, "env": [A["env"][1]]}, B]),
        ([{"name": "b", "$patch": "delete"}], [A]),
        ([{"$patch": "replace"}, {"name": "n", "image": "n"}], [{"name": "n", "image": "n"}]),
        ([{"name": "a", "env": None}], [{"name": "a", "image": "x"}, B]),
    ],
    ids=["merge", "add", "inner", "inner delete", "delete", "replace", "null"],
)
def test_lists_of_maps_are_merged_by_their_key(patch: list[Any], containers: list[Any]) -> None:
    live = deployment(A, B)
    before = copy.deepcopy(live)
    merged = strategic_merge(live, {"spec": {"template": {"spec": {"containers": patch}}}}, DEPLOYMENT)
    assert merged["spec"]["template"]["spec"]["containers"] == containers
    assert live == before


def test_the_order_can_be_set() -> None:
    patch = {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}}}
    merged = strategic_merge(deployment(A, B), patch, DEPLOYMENT)
    assert merged["spec"]["template"]["spec"]["containers"] == [B, A]


def test_sets_are_joined_and_thinned() -> None:
    live = {"metadata": {"name": "d", "finalizers": ["a", "b"]}}
    joined = strategic_merge(live, {"metadata": {"finalizers": ["c"]}}, DEPLOYMENT)
    assert sorted(joined["metadata"]["finalizers"]) == ["a", "b", "c"]
    thinned = strategic_merge(live, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, DEPLOYMENT)
    assert thinned["metadata"]["finalizers"] == ["b"]


def test_only_the_keys_to_be_retained_stay() -> None:
    live = deployment(A, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge(live, patch, DEPLOYMENT)["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"spec": {"$patch": "dance"}}, "unknown patch type: dance in map"),
        (
            {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}},
            "does not contain declared merge key: name",
        ),
        ({"spec": {"template": {"spec": {"containers": ["x"]}}}}, "list element types are not identical"),
        ({"spec": {"strategy": {"$retainKeys": "type"}}}, "invalid patch format of retainKeys"),
    ],
)
def test_patches_that_make_no_sense_are_refused(patch: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        strategic_merge(deployment(A, strategy={}), patch, DEPLOYMENT)


@pytest.mark.parametrize("case", cases("strategic"), ids=lambda case: case["name"])
def test_a_patch_does_and_says_what_kubernetes_does(case: dict[str, Any]) -> None:
    try:
        made = strategic_merge(case["live"], case["patch"], DEPLOYMENT)
    except ApiError as error:
        assert error.message == case.get("error")
        return
    assert made == case.get("expected")
