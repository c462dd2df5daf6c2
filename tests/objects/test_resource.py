"""A Resource: the view of one stored object."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.objects.kind import Kind
from emulator.objects.model import Model
from emulator.objects.resource import Key, Resource


class Spec(Model):
    size: int = 0


THING = Kind(group="test.dev", version="v1", name="Thing", plural="things", spec=Spec)


def resource(status: dict[str, Any] | None = None, **metadata: Any) -> Resource[Spec]:
    meta = {"name": "a", "namespace": "ns", "uid": "1", "resourceVersion": "7", "generation": 2, **metadata}
    return Resource(THING, {"metadata": meta, **({"status": status} if status else {})}, Spec())


def condition(value: str, observed: int | None = 2) -> dict[str, Any]:
    seen = {} if observed is None else {"observedGeneration": observed}
    return {"conditions": [{"type": "Ready", "status": value}], **seen}


@pytest.mark.parametrize(
    ("status", "is_ready", "has_failed"),
    [
        pytest.param(None, False, False, id="nothing said yet"),
        pytest.param(condition("True"), True, False, id="true"),
        pytest.param(condition("False"), False, True, id="false"),
        pytest.param(condition("Unknown"), False, False, id="unknown"),
        pytest.param(condition("True", 1), False, False, id="true of an older generation"),
        pytest.param(condition("False", 1), False, False, id="false of an older generation"),
        pytest.param(condition("True", None), True, False, id="of a kind that observes nothing"),
    ],
)
def test_readiness_speaks_of_the_present_generation(
    status: dict[str, Any] | None, is_ready: bool, has_failed: bool
) -> None:
    found = resource(status)
    assert (found.is_ready, found.has_failed) == (is_ready, has_failed)


def test_a_condition_that_nobody_stated_is_unknown() -> None:
    assert resource().condition("Ready") == {"type": "Ready", "status": "Unknown"}


def test_metadata_are_read_with_their_types() -> None:
    found = resource(creationTimestamp="2026-01-02T03:04:05Z", labels={"a": "b"})
    assert (found.resource_version, found.generation, found.labels["a"]) == (7, 2, "b")
    assert found.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert not found.annotations
    assert not found.is_deleting
    assert resource(deletionTimestamp="2026-01-02T03:04:05Z").is_deleting


def test_a_key_reads_as_people_say_it() -> None:
    assert str(resource().key) == "Thing ns/a"
    assert str(Key(THING, "", "a")) == "Thing a"
    assert repr(resource()) == "<Thing ns/a rv=7>"


def test_the_controller_is_the_one_owner_that_says_so() -> None:
    owner = resource()
    other = {"apiVersion": "v1", "kind": "K", "name": "o", "uid": "9"}
    child = resource(uid="2", ownerReferences=[other, owner.owner_reference()])
    assert child.is_controlled_by(owner)
    assert not child.is_controlled_by(child)
    assert resource(ownerReferences=[other]).controller is None
