"""Admission: completed, decoded, judged; all faults at once, and nothing of what was given is changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from emulator.objects.errors import BadRequest, Denied, Invalid
from emulator.objects.kind import Registry
from emulator.serving.kinds import SERVICE
from emulator.store.admission import Faulty, Request, admit, examine, kind_of
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.namespaces import NAMESPACE


def no_config(name: str, namespace: str) -> Mapping[str, str]:
    return {}


REQUEST = Request(None, "me", no_config)
SPEC = {"template": {"spec": {"containers": [{"image": "app"}]}}}


def service(spec: Any = SPEC, **metadata: Any) -> dict[str, Any]:
    named = {"name": "hello", **metadata}
    return {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": named, "spec": spec}


def faults(obj: dict[str, Any]) -> list[tuple[str, str]]:
    kind = kind_of(obj, Registry([SERVICE, CONFIG_MAP, NAMESPACE]))
    with pytest.raises(Faulty) as caught:
        examine(kind, obj, REQUEST)
    return [(p.field, f"{p.message}; {p.hint}" if p.hint else p.message) for p in caught.value.problems]


def test_what_was_given_stays_as_it_was() -> None:
    given = service()
    before = copy.deepcopy(given)
    made = admit(SERVICE, given, REQUEST)
    assert given == before
    assert made.namespace == "default"
    assert made.obj["spec"]["template"]["spec"]["timeoutSeconds"] == 300


def test_a_name_is_generated_and_an_empty_field_of_metadata_left_out() -> None:
    made = admit(SERVICE, service(name=None, generateName="hello-", labels=None), REQUEST)
    assert made.name.startswith("hello-")
    assert len(made.name) > len("hello-")
    assert "labels" not in made.metadata


def test_what_has_no_namespace_gets_none() -> None:
    made = admit(NAMESPACE, {"metadata": {"name": "shop", "namespace": "default"}}, REQUEST)
    assert made.namespace == ""


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            {**service(), "metadata": None},
            [("metadata.name", "name is required; add metadata.name")],
            id="no metadata",
        ),
        pytest.param(
            service(name=None),
            [("metadata.name", "name or generateName is required; add metadata.name")],
            id="no name",
        ),
        pytest.param(
            {**service(), "template": {}},
            [("template", 'unknown field; it belongs under "spec"; is the indentation right?')],
            id="a field of the spec beside it",
        ),
        pytest.param({**service(), "x": 1}, [("x", "unknown field")], id="a field of nobody"),
        pytest.param(
            service({"template": {"spec": {"containers": [{"imagee": "app"}], "timeoutSeconds": "1"}}}, label={}),
            [
                ("metadata.label", 'unknown field; did you mean "labels"?'),
                ("spec.template.spec.containers[0].imagee", 'unknown field; did you mean "image"?'),
                ("spec.template.spec.timeoutSeconds", 'must be an integer, not the string "1"'),
            ],
            id="all faults of shape at once",
        ),
    ],
)
def test_a_fault_of_shape_says_where_and_what_was_meant(obj: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert sorted(faults(obj)) == expected


def test_rules_are_judged_once_the_shape_is_right() -> None:
    wrong: Any = {"template": {"spec": {"containers": [{"image": "app", "namee": "x"}], "containerConcurrency": -1}}}
    assert [field for field, _ in faults(service(wrong))] == ["spec.template.spec.containers[0].namee"]
    wrong["template"]["spec"]["containers"][0].pop("namee")
    assert [field for field, _ in faults(service(wrong))] == ["spec.template.spec.containerConcurrency"]


def test_a_broken_rule_of_knative_is_told_by_its_webhook() -> None:
    with pytest.raises(Denied, match=r"validation\.webhook\.serving\.knative\.dev"):
        admit(SERVICE, service({"template": {"spec": {"containers": []}}}), REQUEST)


def test_any_other_fault_is_an_invalid_object() -> None:
    with pytest.raises(Invalid, match=r'Service\.serving\.knative\.dev "hello" is invalid: spec\.x: unknown field'):
        admit(SERVICE, service({**SPEC, "x": 1}), REQUEST)
    with pytest.raises(Invalid, match=r'ConfigMap "A" is invalid: metadata\.name: Invalid value: "A"'):
        admit(CONFIG_MAP, {"metadata": {"name": "A"}}, REQUEST)


@pytest.mark.parametrize("obj", [{"apiVersion": "v1", "kind": "Nothing"}, {"kind": "Service"}, {}])
def test_an_object_of_no_kind_is_a_bad_request(obj: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="no matches for kind"):
        kind_of(obj, Registry([SERVICE]))
