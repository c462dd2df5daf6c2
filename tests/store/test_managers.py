"""Entries of managedFields: read, written, ordered and kept few."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.store.fieldsets import FieldSet
from emulator.store.managers import Entry, Key, capped, decoded_or_none, encoded

RAW = {
    "manager": "kubectl",
    "operation": "Update",
    "apiVersion": "v1",
    "time": "2026-01-02T03:04:05Z",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:data": {"f:a": {}}},
}


@pytest.mark.parametrize(
    "raw",
    [RAW, {**RAW, "subresource": "status"}, {k: v for k, v in RAW.items() if k != "time"}],
    ids=["plain", "of a part", "without a time"],
)
def test_what_is_read_is_written_again(raw: dict[str, Any]) -> None:
    assert encoded(decoded_or_none([raw])) == [raw]


@pytest.mark.parametrize(
    "change", [{"operation": "Other"}, {"apiVersion": ""}, {"fieldsType": "FieldsV2"}, {"fieldsV1": {"f:a": 1}}]
)
def test_of_what_cannot_be_read_nothing_is_kept(change: dict[str, Any]) -> None:
    assert decoded_or_none([RAW, {**RAW, **change}]) == {}
    assert decoded_or_none(None) == {}


def test_an_applier_is_the_same_in_all_versions() -> None:
    applied = [{**RAW, "operation": "Apply", "apiVersion": version} for version in ("v1", "v2")]
    assert list(decoded_or_none(applied)) == [Key("kubectl", "Apply", "", "")]
    assert len(decoded_or_none([RAW, {**RAW, "apiVersion": "v2"}])) == 2


def test_appliers_come_first_then_the_oldest() -> None:
    late, early = {**RAW, "manager": "late"}, {**RAW, "manager": "early", "time": "2026-01-01T00:00:00Z"}
    applied = {**RAW, "manager": "applier", "operation": "Apply"}
    assert [e["manager"] for e in encoded(decoded_or_none([late, applied, early]))] == ["applier", "early", "late"]


def test_the_oldest_of_too_many_updaters_become_one() -> None:
    entries = {
        Key(f"m{number:02}", "Update", "v1", ""): Entry("v1", FieldSet.of((f"f:{number}",)), f"2026-01-{number:02}")
        for number in range(1, 13)
    }
    applier = Key("a", "Apply", "", "")
    found = capped({**entries, applier: Entry("v1", FieldSet.of(("f:x",)))})
    assert len(found) == 11
    assert applier in found
    ancient = found[Key("ancient-changes", "Update", "v1", "")]
    assert ancient.fields == FieldSet.of(("f:1",), ("f:2",), ("f:3",))
    assert ancient.time == "2026-01-03"
    assert capped(dict(list(entries.items())[:10])) == dict(list(entries.items())[:10])
