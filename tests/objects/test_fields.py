"""Fields that are unknown, and fields that are written twice."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.fields import known_fields, pruned, read_json, unknown_fields
from emulator.serving.kinds import SERVICE
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT


def service(container: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [container]}}}, **more}


@pytest.mark.parametrize(
    ("obj", "unknown"),
    [
        (service({"image": "x"}), []),
        (service({"imagee": "x"}), ["spec.template.spec.containers[0].imagee"]),
        (service({"env": [{"name": "A", "valu": "1"}]}), ["spec.template.spec.containers[0].env[0].valu"]),
        (service({"resources": {"limits": {"any/thing": 1}}}), []),
        (service({"image": "x"}, specc={}), ["specc"]),
        (service({"image": "x"}, status={"what": "ever"}), []),
        ({"metadata": {"name": "a", "lables": {}}}, ["metadata.lables"]),
        ({"metadata": {"name": "a", "labels": {"any": "thing"}}}, []),
    ],
)
def test_unknown_fields_are_named_by_their_path(obj: dict[str, Any], unknown: list[str]) -> None:
    assert unknown_fields(SERVICE, obj) == unknown


def test_what_is_unknown_is_left_out_and_all_else_kept() -> None:
    obj = service({"image": "x", "imagee": "y"})
    assert pruned(SERVICE, obj) == service({"image": "x"})
    assert pruned(SERVICE, service({"image": "x"})) == service({"image": "x"})


def test_kinds_without_a_spec_have_their_fields_at_the_top() -> None:
    known, unknown = known_fields(CONFIG_MAP, {"metadata": {"name": "a"}, "data": {"x": "1"}, "dat": {}})
    assert (known, unknown) == ({"metadata": {"name": "a"}, "data": {"x": "1"}}, ["dat"])


def test_what_a_model_takes_as_it_is_has_known_fields_all_the_same() -> None:
    pod = {"affinity": {"podAffinityy": {}}, "hostAliases": [{"ip": "1.2.3.4", "hosts": []}]}
    under = "spec.template.spec"
    found = unknown_fields(DEPLOYMENT, {"spec": {"template": {"spec": pod}}})
    assert found == [f"{under}.affinity.podAffinityy", f"{under}.hostAliases[0].hosts"]
    assert unknown_fields(SERVICE, {"spec": {"template": {"spec": pod}}}) == found


def test_nothing_in_a_status_is_unknown_at_any_depth() -> None:
    conditions = [{"type": "Available", "status": "True", "lastUpdateTime": "2020-01-01T00:00:00Z"}]
    assert unknown_fields(DEPLOYMENT, {"status": {"conditions": conditions, "more": {}}}) == []


def test_a_field_of_another_kind_is_unknown() -> None:
    assert unknown_fields(DEPLOYMENT, {"spec": {"traffic": []}}) == ["spec.traffic"]


@pytest.mark.parametrize(
    ("text", "value", "doubled"),
    [
        ('{"a": 1, "b": 2}', {"a": 1, "b": 2}, []),
        ('{"a": 1, "a": 2}', {"a": 2}, ["a"]),
        ('{"a": [{"b": 1, "b": 1, "b": 3}]}', {"a": [{"b": 3}]}, ["a[0].b"]),
        ('{"a": {"x": 1, "x": 2}, "b": {"y": 1, "y": 1}}', {"a": {"x": 2}, "b": {"y": 1}}, ["a.x", "b.y"]),
    ],
)
def test_doubled_fields_are_named_and_the_last_counts(text: str, value: Any, doubled: list[str]) -> None:
    assert read_json(text) == (value, doubled)
