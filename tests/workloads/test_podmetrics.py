"""PodMetrics and NodeMetrics, measured when they are asked for (virtual time)."""

from __future__ import annotations

import pytest

from emulator.workloads.podmetrics import NODE_METRICS, POD_METRICS, refresh
from emulator.workloads.pods import POD
from tests.workloads.test_podscaling import LABELS, World, world

__all__ = ["world"]
pytestmark = pytest.mark.looptime


async def test_metrics_are_what_was_used_when_they_were_asked_for(world: World) -> None:
    world.deployment(2, cpu="500m")
    world.engine.cpu = 0.25
    world.store.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "kemu"}, "spec": {}})
    await refresh(world.store, world.meter)
    found = world.store.get(POD_METRICS, "d-0", "default")
    (container,) = found.obj["containers"]
    assert container == {"name": "c", "usage": {"cpu": "250000000n", "memory": f"{10 * 1024}Ki"}}
    assert found.labels == LABELS
    assert [c.cell(found) for c in POD_METRICS.columns] == ["250m", "10Mi", "1.0s"]
    total = world.store.get(NODE_METRICS, "kemu").obj["usage"]
    assert total == {"cpu": "500000000n", "memory": f"{20 * 1024}Ki"}
    world.store.delete(POD, "d-0", "default")
    await refresh(world.store, world.meter)
    assert [m.name for m in world.store.list(POD_METRICS)] == ["d-1"]
