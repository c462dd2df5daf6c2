"""Schemas made from the models of the kinds."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.app import KINDS
from emulator.eventing.kinds import BROKER
from emulator.objects.kind import Kind
from emulator.objects.modelschemas import structural, texts
from emulator.objects.structural import PRESERVE
from emulator.serving.kinds import SERVICE
from emulator.workloads.configs import CONFIG_MAP


def at(kind: Kind[Any], *path: str) -> dict[str, object]:
    schema = structural(kind)
    for part in path:
        schema = schema["items"] if part == "[]" else schema["properties"][part]
    return dict(schema)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.qualified)
def test_every_kind_says_what_it_is_and_has_a_schema_without_references(kind: Kind[Any]) -> None:
    schema = structural(kind)
    assert schema["description"]
    assert "$ref" not in str(schema)
    assert {"apiVersion", "kind", "metadata"} <= set(schema["properties"])


def test_types_formats_and_marks_come_from_the_model() -> None:
    container = ("spec", "template", "spec", "containers", "[]")
    assert at(SERVICE, *container, "image")["type"] == "string"
    assert at(SERVICE, *container, "env")["x-kubernetes-list-map-keys"] == ["name"]
    assert at(SERVICE, "spec", "template", "spec", "timeoutSeconds")["format"] == "int64"
    assert at(CONFIG_MAP, "data")["additionalProperties"] == {"type": "string"}


def test_a_field_without_effect_says_so_where_people_look_it_up() -> None:
    said = str(at(SERVICE, "spec", "template", "spec", "nodeSelector")["description"])
    assert "without effect in kemu: there is one node, this computer" in said


def test_a_status_is_never_pruned() -> None:
    assert at(BROKER, "status")[PRESERVE] is True


def test_every_text_belongs_to_something_that_is_there() -> None:
    known = {kind.qualified for kind in KINDS}
    served = [name for name in texts()["statuses"] if name in known]
    assert served
