"""The Node: its labels may be changed, and nothing that would keep Pods from this computer."""

from __future__ import annotations

import pytest

from emulator.objects.errors import Invalid
from emulator.objects.resource import Resource
from emulator.workloads.nodes import NODE_KIND, NodeSpec, node
from tests.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def made(world: World) -> Resource[NodeSpec]:
    return world.create(node())


def test_its_labels_may_be_changed(world: World, made: Resource[NodeSpec]) -> None:
    labels = {**made.labels, "disk": "fast"}
    world.store.update({**made.obj, "metadata": {**made.metadata, "labels": labels}})
    assert world.store.get(NODE_KIND, "kemu", "").labels["disk"] == "fast"


def test_it_cannot_be_cordoned(world: World, made: Resource[NodeSpec]) -> None:
    with pytest.raises(Invalid, match="spec: Forbidden: Pods run on this computer"):
        world.store.update({**made.obj, "spec": {"unschedulable": True}})
