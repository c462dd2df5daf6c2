"""Models: strict, frozen, camelCase, and honest about what has no effect."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from emulator.objects.model import IntOrString, JsonObject, Model, Quantity, approximated, ignored, written_fidelity


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
