"""What becomes of unknown, doubled and ill-typed fields, over real HTTP and as headers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.kubeapi.decoding import warning_headers
from tests.kubeapi.conftest import MAPS, SERVICES, Api

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def service(**container: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [{"image": "app", **container}]}}}}


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "app"}]}}
    whole = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    return {"metadata": {"name": "a"}, "spec": whole}


FIELD = "spec.template.spec.containers[0].imagee"


async def test_strict_refuses_unknown_fields(running: Api) -> None:
    status, said = await running.ask("POST", f"{SERVICES}?fieldValidation=Strict", service(imagee="y"))
    assert (status, said["reason"]) == (400, "BadRequest")
    assert said["message"] == (
        f'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "{FIELD}"'
    )


@pytest.mark.parametrize("mode", ["Warn", ""])
async def test_warn_drops_them_and_says_so(running: Api, mode: str) -> None:
    status, made = await running.ask("POST", f"{SERVICES}?fieldValidation={mode}", service(imagee="y"))
    assert status == 201
    assert "imagee" not in json.dumps(made)
    assert running.headers["warning"] == f'299 - "unknown field \\"{FIELD}\\""'


async def test_ignore_drops_them_without_a_word(running: Api) -> None:
    status, made = await running.ask("POST", f"{SERVICES}?fieldValidation=Ignore", service(imagee="y"))
    assert status == 201
    assert "imagee" not in json.dumps(made)
    assert "warning" not in running.headers


async def test_doubled_fields_are_told(running: Api) -> None:
    body = b'{"metadata": {"name": "a"}, "data": {"x": "1", "x": "2"}}'
    _, said = await running.ask("POST", f"{MAPS}?fieldValidation=Strict", body)
    assert said["message"].endswith('strict decoding error: duplicate field "data.x"')
    status, made = await running.ask("POST", f"{MAPS}?fieldValidation=Warn", body)
    assert (status, made["data"]) == (201, {"x": "2"})


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            DEPLOYMENTS,
            deployment(replicas="three"),
            'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go '
            "struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            MAPS,
            {"metadata": {"name": "a"}, "data": {"x": 1}},
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct '
            "field ConfigMap.data of type string",
        ),
        (
            SERVICES,
            service(env={"A": "b"}),
            'admission webhook "webhook.serving.knative.dev" denied the request: mutation failed: cannot decode '
            "incoming new object: json: cannot unmarshal object into Go struct field "
            "Container.spec.template.spec.containers.env of type []v1.EnvVar",
        ),
    ],
    ids=["built in", "map", "webhook"],
)
async def test_a_value_of_a_wrong_type_is_told_as_go_tells_it(running: Api, path: str, body: Any, said: str) -> None:
    status, found = await running.ask("POST", path, body)
    assert (status, found["message"]) == (400, said)


async def test_a_value_of_a_wrong_type_has_its_place_among_the_causes(running: Api) -> None:
    wrong = service()
    wrong["spec"]["template"]["spec"]["containers"] = ["image app"]
    _, found = await running.ask("POST", SERVICES, wrong)
    (cause,) = found["details"]["causes"]
    assert cause["field"] == "spec.template.spec.containers[0]"
    assert cause["message"] == 'must be a map, not the string "image app"; is a colon missing: "image: app"?'


async def test_a_patch_that_makes_an_unknown_field_is_refused_whole(running: Api) -> None:
    await running.ask("POST", SERVICES, service())
    patch = {"spec": {"nothing": 1}}
    headers = {"Content_Type": "application/merge-patch+json"}
    status, said = await running.ask("PATCH", f"{SERVICES}/a?fieldValidation=Strict", patch, **headers)
    assert (status, said["reason"]) == (422, "Invalid")
    assert 'strict decoding error: unknown field "spec.nothing"' in said["message"]


def test_warnings_are_quoted_and_each_told_once() -> None:
    assert warning_headers(['a "b"', 'a "b"', ""]) == [(b"warning", b'299 - "a \\"b\\""')]


def test_very_many_warnings_are_cut() -> None:
    found = warning_headers(f"{number} {'x' * 300}" for number in range(100))
    assert len(found) == 16
    assert all(len(text) < 300 for _, text in found)
