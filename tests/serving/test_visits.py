"""Whoever is inside a Pod finds it thawed and keeps it so (virtual time)."""

from __future__ import annotations

import asyncio

import pytest

from emulator.objects.errors import BadRequest
from emulator.objects.podmarks import FROZEN
from emulator.serving.visits import Visits
from emulator.workloads.pods import POD
from tests.serving.test_scaler import Freezing, freezing

__all__ = ["freezing"]
pytestmark = pytest.mark.looptime


async def test_a_visitor_thaws_a_frozen_pod_and_keeps_it_awake(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(70)
    visits = Visits(freezing.store, freezing.scaler)
    async with asyncio.TaskGroup() as tasks:
        coming = tasks.create_task(freezing.after(5))
        async with visits.awake(freezing.store.get(POD, "r-0", "default")):
            assert freezing.frozen == []
            await coming
            await freezing.after(500)
            assert (freezing.frozen, freezing.replicas) == ([], 1)
    await freezing.after(5)
    assert freezing.frozen == ["r-0"]


async def test_a_visitor_of_a_pod_that_nobody_thaws_is_told(freezing: Freezing) -> None:
    freezing.revision()
    await freezing.after(3)
    pod = freezing.store.get(POD, "r-0", "default")
    freezing.store.update_status(pod.key, {"reason": "Frozen"})
    freezing.store.patch_metadata(pod.key, annotations={FROZEN: "2026-01-01T00:00:00Z"})
    with pytest.raises(BadRequest, match="pod r-0 is frozen and was not thawed within 10 s: is the container engine"):
        async with Visits(freezing.store, freezing.scaler).awake(freezing.store.get(POD, "r-0", "default")):
            pass


async def test_pods_of_nobodys_revision_are_just_visited(freezing: Freezing) -> None:
    spec = {"containers": [{"name": "c", "image": "app"}]}
    pod = freezing.store.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": spec})
    async with Visits(freezing.store, freezing.scaler).awake(pod):
        assert freezing.frozen == []
