"""Claims are bound at once."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.claims import CLAIM, reconcile
from tests.world import World, obj

ASKED: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def test_a_claim_has_what_it_asks_for() -> None:
    world = World()
    made = world.create(obj(CLAIM, "data", ASKED))
    outcome = reconcile(made, world.view())
    bound = world.store.update_status(made.key, dict(outcome.status))
    cells = {column.name: column.cell(bound) for column in CLAIM.columns}
    assert (cells["Status"], cells["Capacity"], cells["Access Modes"]) == ("Bound", "1Gi", "RWO")
    assert (cells["Volume"], cells["StorageClass"]) == (f"pvc-{made.uid}", "standard")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({**ASKED, "accessModes": []}, "at least 1 access mode is required"),
        ({**ASKED, "accessModes": ["Some"]}, 'Unsupported value: "Some"'),
        ({"accessModes": ["ReadWriteOnce"]}, "storage"),
    ],
    ids=["no mode", "unknown mode", "no size"],
)
def test_what_is_refused(spec: dict[str, Any], said: str) -> None:
    assert said in World().refusal(obj(CLAIM, "data", spec))
