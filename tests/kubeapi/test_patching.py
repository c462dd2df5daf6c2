"""Patches over real HTTP."""

from __future__ import annotations

import json
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
    assert (status, container["image"], container["env"]) == (200, "app", [{"name": "A", "value": "1"}])


async def test_other_kinds_say_which_patches_they_take(running: Api) -> None:
    await running.ask("POST", SERVICES, service())
    status, said = await running.ask("PATCH", f"{SERVICES}/a", {}, **STRATEGIC)
    assert (status, said["reason"]) == (415, "UnsupportedMediaType")
    assert said["message"].endswith(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )


@pytest.mark.parametrize("body", [b"nonsense", b"[1]", b'"text"'])
async def test_what_is_no_patch_is_a_bad_request(running: Api, body: Any) -> None:
    running.store.create(config_map("a"))
    assert (await running.ask("PATCH", f"{MAPS}/a", body, **JSON_PATCH))[0] == 400


APPLY = {"Content_Type": "application/apply-patch+yaml"}


def applied(**data: str) -> bytes:
    """As YAML, which is JSON, too."""
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}).encode()


async def test_a_configuration_makes_an_object_and_changes_it(running: Api) -> None:
    status, made = await running.ask("PATCH", f"{MAPS}/a?fieldManager=one", applied(x="1", y="1"), **APPLY)
    assert (status, made["data"]) == (201, {"x": "1", "y": "1"})
    status, changed = await running.ask("PATCH", f"{MAPS}/a?fieldManager=one", applied(x="2"), **APPLY)
    assert (status, changed["data"]) == (200, {"x": "2"})
    (entry,) = changed["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["fieldsV1"]) == ("one", "Apply", {"f:data": {"f:x": {}}})


async def test_a_configuration_may_be_yaml(running: Api) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: '1'\n"
    status, made = await running.ask("PATCH", f"{MAPS}/a?fieldManager=one", body, **APPLY)
    assert (status, made["data"]) == (201, {"x": "1"})


async def test_the_same_configuration_again_writes_nothing(running: Api) -> None:
    body = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", **service()}
    _, made = await running.ask("PATCH", f"{SERVICES}/a?fieldManager=one", body, **APPLY)
    version = running.store.version
    _, again = await running.ask("PATCH", f"{SERVICES}/a?fieldManager=one", body, **APPLY)
    assert (again["metadata"], running.store.version) == (made["metadata"], version)


async def test_a_conflict_names_who_owns_the_field_until_it_is_forced(running: Api) -> None:
    await running.ask("POST", f"{MAPS}?fieldManager=one", config_map("a", x="1"))
    status, said = await running.ask("PATCH", f"{MAPS}/a?fieldManager=two", applied(x="2"), **APPLY)
    assert (status, said["message"]) == (409, 'Apply failed with 1 conflict: conflict with "one" using v1: .data.x')
    status, forced = await running.ask("PATCH", f"{MAPS}/a?fieldManager=two&force=true", applied(x="2"), **APPLY)
    assert (status, forced["data"]) == (200, {"x": "2"})


async def test_a_dry_run_applies_nothing(running: Api) -> None:
    status, made = await running.ask("PATCH", f"{MAPS}/a?fieldManager=one&dryRun=All", applied(x="1"), **APPLY)
    assert (status, made["data"]) == (201, {"x": "1"})
    assert (await running.ask("GET", f"{MAPS}/a"))[0] == 404


async def test_a_configuration_needs_a_manager(running: Api) -> None:
    status, said = await running.ask("PATCH", f"{MAPS}/a", applied(), **APPLY)
    assert (status, said["details"]["causes"][0]["field"]) == (422, "fieldManager")
    assert said["message"].endswith("fieldManager: Required value: is required for apply patch")
    running.store.create(config_map("a"))
    merge = {"Content_Type": "application/merge-patch+json"}
    assert (await running.ask("PATCH", f"{MAPS}/a?force=true", {}, **merge))[0] == 422


async def test_a_field_that_the_kind_does_not_have_cannot_be_applied(running: Api) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
    body["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    status, said = await running.ask("PATCH", f"{DEPLOYMENTS}/a?fieldManager=one", body, **APPLY)
    assert (status, said["message"]) == (
        500,
        "failed to create typed patch object (default/a; apps/v1, Kind=Deployment): "
        '.spec.template.spec.containers[name="c"].imagee: field not declared in schema',
    )


async def test_writers_are_told_apart_by_what_they_call_themselves(running: Api) -> None:
    await running.ask("POST", MAPS, config_map("a", x="1"), User_Agent="kn/1.15 linux")
    merge = {"Content_Type": "application/merge-patch+json"}
    _, changed = await running.ask("PATCH", f"{MAPS}/a?fieldManager=me", {"data": {"y": "1"}}, **merge)
    assert [entry["manager"] for entry in changed["metadata"]["managedFields"]] == ["kn", "me"]


async def test_what_is_not_the_clients_to_write_is_nobodys(running: Api) -> None:
    _, made = await running.ask("POST", f"{SERVICES}?fieldManager=one", {**service(), "status": {"url": "x"}})
    (entry,) = made["metadata"]["managedFields"]
    assert set(entry["fieldsV1"]) == {"f:spec"}


async def test_a_scale_is_patched(running: Api) -> None:
    await running.ask("POST", DEPLOYMENTS, deployment())
    path = f"{DEPLOYMENTS}/a/scale?fieldManager=one"
    status, scale = await running.ask("PATCH", path, {"spec": {"replicas": 3}}, **STRATEGIC)
    assert (status, scale["spec"]) == (200, {"replicas": 3})
    _, changed = await running.ask("GET", f"{DEPLOYMENTS}/a")
    (mine,) = (entry for entry in changed["metadata"]["managedFields"] if entry["manager"] == "one")
    assert (mine["subresource"], mine["fieldsV1"]) == ("scale", {"f:spec": {"f:replicas": {}}})


async def test_a_scale_is_applied(running: Api) -> None:
    await running.ask(
        "POST", f"{DEPLOYMENTS}?fieldManager=maker", {**deployment(), "spec": {**deployment()["spec"], "replicas": 1}}
    )
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "a"}, "spec": {"replicas": 4}}
    path = f"{DEPLOYMENTS}/a/scale?fieldManager=scaler"
    status, said = await running.ask("PATCH", path, scale, **APPLY)
    assert (status, said["message"]) == (
        409,
        'Apply failed with 1 conflict: conflict with "maker" using apps/v1: .spec.replicas',
    )
    status, answer = await running.ask("PATCH", f"{path}&force=true", scale, **APPLY)
    assert (status, answer["kind"], answer["spec"]) == (200, "Scale", {"replicas": 4})
    _, changed = await running.ask("GET", f"{DEPLOYMENTS}/a")
    mine, theirs = changed["metadata"]["managedFields"]
    assert (mine["manager"], mine["operation"], mine["subresource"]) == ("scaler", "Apply", "scale")
    assert "f:replicas" not in theirs["fieldsV1"]["f:spec"]
    assert (await running.ask("PATCH", path.replace("/a/", "/b/"), scale, **APPLY))[0] == 404


async def test_a_status_is_applied(running: Api) -> None:
    await running.ask("POST", SERVICES, service())
    part = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "status": {"url": "http://x"}}
    status, changed = await running.ask("PATCH", f"{SERVICES}/a/status?fieldManager=one", part, **APPLY)
    assert (status, changed["status"]["url"]) == (200, "http://x")
    (entry,) = (entry for entry in changed["metadata"]["managedFields"] if entry["manager"] == "one")
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:url": {}}})


@pytest.mark.parametrize(
    ("query", "body", "code", "said"),
    [
        ("one", b"a: b: c", 400, "error converting YAML to JSON: yaml: "),
        ("one", b"kind: Secret\napiVersion: v1", 400, "invalid object type: /v1, Kind=Secret"),
        ("one", b"data: {}", 400, "invalid object type: /, Kind="),
        (
            "one&fieldValidation=Strict",
            b'{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"1","x":"2"}}',
            400,
            'error strict decoding patch: strict decoding error: duplicate field "data.x"',
        ),
        (
            "one",
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"uid":"u"}}',
            409,
            'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid u, ',
        ),
        (
            "x" * 129,
            applied(),
            422,
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
        ),
    ],
    ids=["no YAML", "another kind", "no kind", "doubled field", "uid of nothing", "long manager"],
)
async def test_what_cannot_be_applied_is_told(running: Api, query: str, body: bytes, code: int, said: str) -> None:
    status, answer = await running.ask("PATCH", f"{MAPS}/a?fieldManager={query}", body, **APPLY)
    assert (status, answer["message"][: len(said)]) == (code, said)


async def test_doubled_fields_of_a_configuration_are_warned_about(running: Api) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"1","x":"2"}}'
    status, made = await running.ask("PATCH", f"{MAPS}/a?fieldManager=one&fieldValidation=Warn", body, **APPLY)
    assert (status, made["data"]) == (201, {"x": "2"})
    assert running.headers["warning"] == '299 - "duplicate field \\"data.x\\""'


async def test_every_write_checks_the_name_of_its_manager(running: Api) -> None:
    status, said = await running.ask("POST", f"{MAPS}?fieldManager=a%07b", config_map("a"))
    assert (status, said["message"]) == (
        422,
        'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\u0007b": '
        "invalid character U+0007 (at position 1)",
    )
