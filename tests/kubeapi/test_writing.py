"""Writes over real HTTP: dry runs, generated names, parts of objects, deletions."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.configs import CONFIG_MAP
from tests.kubeapi.conftest import MAPS, SERVICES, Api, config_map
from tests.kubeapi.test_protobuf import body_of, put

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MERGE = {"Content_Type": "application/merge-patch+json"}


def service(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": [{"image": "app"}]}}}}


def deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "app"}]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}


async def test_a_dry_run_answers_as_if_and_changes_nothing(running: Api) -> None:
    status, made = await running.ask("POST", f"{MAPS}?dryRun=All", config_map("a", x="1"))
    assert (status, made["data"]) == (201, {"x": "1"})
    running.store.create(config_map("a", x="1"))
    version = running.store.version
    _, replaced = await running.ask("PUT", f"{MAPS}/a?dryRun=All", config_map("a", x="2"))
    assert replaced["data"] == {"x": "2"}
    assert (await running.ask("DELETE", f"{MAPS}/a?dryRun=All"))[1]["status"] == "Success"
    assert running.store.version == version


async def test_a_name_is_generated(running: Api) -> None:
    _, made = await running.ask("POST", MAPS, {"metadata": {"generateName": "a-"}})
    assert made["metadata"]["name"].startswith("a-")
    assert len(made["metadata"]["name"]) == 7


async def test_what_is_null_counts_as_not_written(running: Api) -> None:
    body = {"metadata": {"name": "a", "creationTimestamp": None, "labels": None}, "data": {"x": "1"}, "status": None}
    _, made = await running.ask("POST", MAPS, body)
    assert "labels" not in made["metadata"]
    assert made["metadata"]["creationTimestamp"]


async def test_yaml_is_read(running: Api) -> None:
    body = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {x: '1'}\n"
    assert (await running.ask("POST", MAPS, body, Content_Type="application/yaml"))[0] == 201


async def test_a_type_that_cannot_be_read_is_415(running: Api) -> None:
    assert (await running.ask("POST", MAPS, b"x", Content_Type="application/cbor"))[0] == 415


async def test_the_answer_to_a_write_comes_before_anything_is_reconciled(running: Api) -> None:
    status, made = await running.ask("POST", SERVICES, service("a"))
    assert (status, made["metadata"]["generation"], made["status"]) == (201, 1, {})


async def test_status_is_written_through_its_own_path_only(running: Api) -> None:
    await running.ask("POST", SERVICES, service("a"))
    _, whole = await running.ask("PATCH", f"{SERVICES}/a", {"status": {"url": "x"}}, **MERGE)
    assert "url" not in whole.get("status", {})
    _, part = await running.ask("PATCH", f"{SERVICES}/a/status", {"status": {"url": "x"}}, **MERGE)
    assert (part["status"]["url"], part["metadata"]["generation"]) == ("x", 1)


async def test_a_stale_status_is_a_conflict(running: Api) -> None:
    _, made = await running.ask("POST", SERVICES, service("a"))
    running.store.patch_metadata(
        next(iter(running.store.list(running.store.registry.named("ksvc")[0]))).key, labels={"x": "y"}
    )
    status, said = await running.ask("PUT", f"{SERVICES}/a/status", {**made, "status": {"url": "x"}})
    assert (status, said["reason"]) == (409, "Conflict")


async def test_a_deployment_is_scaled_by_its_part(running: Api) -> None:
    await running.ask("POST", DEPLOYMENTS, deployment("a"))
    _, scale = await running.ask("PATCH", f"{DEPLOYMENTS}/a/scale", {"spec": {"replicas": 3}}, **MERGE)
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 3}, "app=a")
    assert (await running.ask("GET", f"{DEPLOYMENTS}/a"))[1]["spec"]["replicas"] == 3
    status, _ = await running.ask("PUT", f"{DEPLOYMENTS}/a/scale", {"spec": {"replicas": -1}})
    assert status == 400


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
async def test_a_deletion_of_another_object_than_was_meant_is_a_conflict(running: Api, field: str) -> None:
    running.store.create(config_map("a"))
    status, said = await running.ask("DELETE", f"{MAPS}/a", {"preconditions": {field: "17"}})
    assert (status, said["reason"]) == (409, "Conflict")
    assert "Precondition failed" in said["message"]


async def test_an_object_with_finalizers_is_shown_as_deleting(running: Api) -> None:
    obj = config_map("a")
    running.store.create({**obj, "metadata": {**obj["metadata"], "finalizers": ["x.dev/hold"]}})
    _, gone = await running.ask("DELETE", f"{MAPS}/a")
    assert gone["metadata"]["deletionTimestamp"]
    status, said = await running.ask("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": ["x.dev/hold", "y"]}}, **MERGE)
    assert (status, said["reason"]) == (422, "Invalid")
    await running.ask("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, **MERGE)
    assert running.store.find(CONFIG_MAP, "a", "default") is None


async def test_a_collection_is_deleted_by_selector(running: Api) -> None:
    for name in "abc":
        running.store.create(config_map(name))
    _, gone = await running.ask("DELETE", f"{MAPS}?labelSelector=app!%3Db")
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a", "c"]
    assert [r.name for r in running.store.list(CONFIG_MAP)] == ["b"]


PROTOBUF = {"Content_Type": "application/vnd.kubernetes.protobuf", "Accept": "application/vnd.kubernetes.protobuf,*/*"}


async def test_protobuf_is_read_and_answered_in_json(running: Api) -> None:
    content = put(1, put(1, "a")) + put(2, put(1, "x") + put(2, "1"))
    status, made = await running.ask("POST", MAPS, body_of("ConfigMap", content), **PROTOBUF)
    assert (status, made["metadata"]["name"], made["data"]) == (201, "a", {"x": "1"})
    assert running.headers["content-type"] == "application/json"


async def test_a_long_protobuf_body_is_read_as_well(running: Api) -> None:
    content = put(1, put(1, "a")) + put(2, put(1, "x") + put(2, "1" * 200_000))
    assert (await running.ask("POST", MAPS, body_of("ConfigMap", content), **PROTOBUF))[0] == 201


async def test_a_deletion_may_say_its_options_in_protobuf(running: Api) -> None:
    running.store.create(config_map("a"))
    options = body_of("DeleteOptions", put(2, put(1, "another uid")))
    assert (await running.ask("DELETE", f"{MAPS}/a", options, **PROTOBUF))[0] == 409
    assert (await running.ask("DELETE", f"{MAPS}/a", body_of("DeleteOptions", b""), **PROTOBUF))[0] == 200


async def test_a_review_may_be_asked_for_in_protobuf(running: Api) -> None:
    content = put(2, put(1, put(2, "create") + put(5, "pods")))
    body = body_of("SelfSubjectAccessReview", content, "authorization.k8s.io/v1")
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    status, review = await running.ask("POST", path, body, **PROTOBUF)
    assert (status, review["status"]["allowed"]) == (201, True)


async def test_protobuf_that_cannot_be_read_is_a_bad_request(running: Api) -> None:
    status, refused = await running.ask("POST", MAPS, b"k8s\0\x0a\x7f", **PROTOBUF)
    assert (status, refused["reason"]) == (400, "BadRequest")
    assert "127 bytes are announced" in refused["message"]
