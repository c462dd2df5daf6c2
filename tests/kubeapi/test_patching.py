"""Patches over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubeapi.conftest import MAPS, SERVICES, Api, config_map
from tests.kubeapi.test_decoding import DEPLOYMENTS, deployment, service

JSON_PATCH = {"Content_Type": "application/json-patch+json"}
STRATEGIC = {"Content_Type": "application/strategic-merge-patch+json"}


async def test_a_json_patch_changes_an_object_of_any_kind(running: Api) -> None:
    await running.ask("POST", SERVICES, service())
    patch = [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]
    status, changed = await running.ask("PATCH", f"{SERVICES}/a", patch, **JSON_PATCH)
    assert (status, changed["metadata"]["labels"]) == (200, {"a": "b"})


async def test_an_operation_that_fails_leaves_the_object_alone(running: Api) -> None:
    running.store.create(config_map("a", x="1"))
    patch = [{"op": "replace", "path": "/data/x", "value": "2"}, {"op": "test", "path": "/data/y", "value": "3"}]
    status, said = await running.ask("PATCH", f"{MAPS}/a", patch, **JSON_PATCH)
    assert (status, said["reason"], said["message"]) == (
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
    )
    assert (await running.ask("GET", f"{MAPS}/a"))[1]["data"] == {"x": "1"}


async def test_kubernetes_own_kinds_take_strategic_patches(running: Api) -> None:
    await running.ask("POST", DEPLOYMENTS, deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}}}}
    status, changed = await running.ask("PATCH", f"{DEPLOYMENTS}/a", patch, **STRATEGIC)
    (container,) = changed["spec"]["template"]["spec"]["containers"]
    assert (status, container["image"], container["env"]) == (200, "x", [{"name": "A", "value": "1"}])


async def test_other_kinds_say_which_patches_they_take(running: Api) -> None:
    await running.ask("POST", SERVICES, service())
    status, said = await running.ask("PATCH", f"{SERVICES}/a", {}, **STRATEGIC)
    assert (status, said["reason"]) == (415, "UnsupportedMediaType")
    assert said["message"].endswith("application/json-patch+json, application/merge-patch+json")


@pytest.mark.parametrize("body", [b"nonsense", b"[1]", b'"text"'])
async def test_what_is_no_patch_is_a_bad_request(running: Api, body: Any) -> None:
    running.store.create(config_map("a"))
    assert (await running.ask("PATCH", f"{MAPS}/a", body, **JSON_PATCH))[0] == 400
