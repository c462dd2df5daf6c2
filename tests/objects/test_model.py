"""Models: strict, frozen, camelCase, and honest about what has no effect."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from emulator.objects.model import (
    ATOMIC_MAP,
    IntOrString,
    JsonObject,
    Model,
    Quantity,
    approximated,
    ignored,
    keyed,
    set_like,
    written_fidelity,
)


class Inner(Model):
    node_name: str | None = ignored("there is one node")


class Outer(Model):
    max_size: int = 0
    port: IntOrString = 0
    limit: Quantity | None = approximated("about so much")
    raw: JsonObject | None = None
    items: list[Inner] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ({"maxSize": 1}, True),
        ({"maxSize": None}, True),
        ({"max_size": 1}, False),
        ({"maxSize": "1"}, False),
        ({"maxSize": True}, False),
        ({"maxSize": 1.0}, False),
        ({"size": 1}, False),
        ({"port": 80}, True),
        ({"port": "http"}, True),
        ({"port": True}, False),
        ({"port": 1.5}, False),
        ({"limit": "500m"}, True),
        ({"limit": 0.5}, True),
        ({"limit": False}, False),
        ({"raw": {"any": ["thing"]}}, True),
        ({"raw": []}, False),
    ],
)
def test_only_what_fits_is_taken(given: dict[str, Any], is_taken: bool) -> None:
    if is_taken:
        Outer.model_validate(given)
        return
    with pytest.raises(ValidationError):
        Outer.model_validate(given)


def test_a_wrong_union_has_no_branch_in_its_path() -> None:
    with pytest.raises(ValidationError) as error:
        Outer.model_validate({"port": True, "limit": False})
    assert [item["loc"] for item in error.value.errors()] == [("port",), ("limit",)]


def test_a_model_cannot_be_changed() -> None:
    made = Outer.model_validate({"maxSize": 1})
    with pytest.raises(ValidationError):
        made.max_size = 2  # type: ignore[misc]


def test_what_was_written_without_full_effect_is_listed_with_its_reason() -> None:
    made = Outer.model_validate({"maxSize": 1, "limit": 1, "items": [{}, {"nodeName": "x"}]})
    assert sorted(written_fidelity(made), key=str) == [
        (("items", 1, "nodeName"), "ignored", "there is one node"),
        (("limit",), "approximated", "about so much"),
    ]


def test_marks_for_merging_stand_in_the_schema_under_kubernetes_names() -> None:
    class Pod(Model):
        volumes: list[Inner] = Field(default_factory=list, json_schema_extra=keyed("name", retain_keys=True))
        ports: list[Inner] | None = ignored("there is one node", marks=keyed("port", "protocol", strategic=False))
        finalizers: list[str] = Field(default_factory=list, json_schema_extra=set_like())
        selector: JsonObject | None = approximated("about so", marks=ATOMIC_MAP)

    marks = {
        name: {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
        for name, schema in Pod.model_json_schema()["properties"].items()
    }
    assert marks == {
        "volumes": {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-patch-strategy": "merge,retainKeys",
            "x-kubernetes-patch-merge-key": "name",
        },
        "ports": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]},
        "finalizers": {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"},
        "selector": {"x-kubernetes-map-type": "atomic"},
    }
    assert Pod.model_fields["ports"].json_schema_extra == marks["ports"] | {
        "fidelity": "ignored",
        "why": "there is one node",
    }


class Pair(Model):
    left: int | None = None
    right: int | None = None


def test_instances_share_what_they_know_of_the_fields_that_were_written() -> None:
    one, other = Pair.model_validate({"left": 1}), Pair.model_validate({"left": 2, "right": None})
    assert one.model_fields_set == {"left"}
    assert one.model_fields_set is other.model_fields_set


def test_a_copy_with_more_fields_leaves_the_others_as_they_are() -> None:
    one = Pair.model_validate({"left": 1})
    assert one.model_copy(update={"right": 2}).model_fields_set == {"left", "right"}
    assert Pair.model_validate({"left": 1}).model_fields_set == {"left"}
