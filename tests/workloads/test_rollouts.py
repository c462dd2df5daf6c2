"""How large each ReplicaSet should be: plain arithmetic, step by step."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.resource import Resource
from emulator.workloads.replicasets import REPLICA_SET
from emulator.workloads.rollouts import DESIRED, MOST, Bounds, Sets, recreated, rolled, scaled, was_scaled
from tests.world import World, obj

LABELS = {"app": "d"}


def replica_set(
    world: World, name: str, size: int, available: int | None = None, told: dict[str, str] | None = None
) -> Resource[Any]:
    """One of `size`, of which so many are available (all, if not said), with what its Deployment told it."""
    world.clock.advance(1)
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
    spec = {"replicas": size, "selector": {"matchLabels": LABELS}, "template": template}
    made = world.create(obj(REPLICA_SET, name, spec, annotations=told or {}))
    count = size if available is None else available
    return world.store.update_status(made.key, {"replicas": size, "availableReplicas": count})


def sets(new: tuple[int, int] | None, *old: tuple[int, int]) -> Sets:
    """The ReplicaSets as (size, available): `new`, then `old-0`, `old-1` …, oldest first."""
    world = World()
    others = [replica_set(world, f"old-{at}", *each) for at, each in enumerate(old)]
    return Sets("new", replica_set(world, "new", *new) if new is not None else None, others)


@pytest.mark.parametrize(
    ("spec", "bounds"),
    [
        ({"replicas": 10}, (10, 3, 2)),
        ({"replicas": 1}, (1, 1, 0)),
        ({"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}}, (3, 0, 1)),
        ({"replicas": 2, "strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 5}}}, (2, 1, 2)),
        ({"replicas": 4, "strategy": {"type": "Recreate"}}, (4, 0, 0)),
    ],
    ids=["defaults", "of one", "neither", "more than there are", "recreate"],
)
def test_percents_surge_up_and_miss_down(spec: dict[str, Any], bounds: tuple[int, int, int]) -> None:
    found = Bounds.of(spec)
    assert (found.replicas, found.surge, found.unavailable) == bounds
    assert (found.most, found.least) == (bounds[0] + bounds[1], bounds[0] - bounds[2])


@pytest.mark.parametrize(
    ("new", "old", "bounds", "sizes"),
    [
        (None, [(3, 3)], Bounds(3, 1, 0), {"new": 1, "old-0": 3}),
        ((1, 1), [(3, 3)], Bounds(3, 1, 0), {"new": 1, "old-0": 2}),
        ((1, 0), [(3, 3)], Bounds(3, 1, 0), {"new": 1, "old-0": 3}),
        ((0, 0), [(4, 4)], Bounds(4, 0, 1), {"new": 0, "old-0": 3}),
        ((1, 0), [(2, 0), (2, 2)], Bounds(4, 1, 2), {"new": 1, "old-0": 0, "old-1": 2}),
        ((5, 5), [(0, 0)], Bounds(3, 1, 0), {"new": 3, "old-0": 0}),
        ((3, 3), [(1, 1)], Bounds(3, 1, 0), {"new": 3, "old-0": 0}),
    ],
    ids=["first", "one may go", "not yet", "no surge", "the broken go first", "too large", "last"],
)
def test_a_rolling_update_goes_step_by_step(
    new: tuple[int, int] | None, old: list[tuple[int, int]], bounds: Bounds, sizes: dict[str, int]
) -> None:
    assert rolled(sets(new, *old), bounds) == sizes


@pytest.mark.parametrize(("gone", "sizes"), [(False, {"new": 0, "old-0": 0}), (True, {"new": 3, "old-0": 0})])
def test_recreated_all_old_ones_go_before_a_new_one_comes(gone: bool, sizes: dict[str, int]) -> None:
    assert recreated(sets((0, 0), (3, 3)), Bounds(3, 0, 0), old_are_gone=gone) == sizes


@pytest.mark.parametrize(
    ("new", "old", "bounds", "is_rolling", "sizes"),
    [
        ((2, 2), [(0, 0)], Bounds(5, 1, 0), True, {"new": 5, "old-0": 0}),
        ((0, 0), [(2, 2)], Bounds(5, 1, 0), True, {"new": 0, "old-0": 5}),
        ((5, 5), [(5, 5)], Bounds(20, 0, 0), True, {"new": 10, "old-0": 10}),
        ((5, 5), [(5, 5)], Bounds(20, 0, 0), False, {"new": 5, "old-0": 5}),
        ((2, 2), [(8, 8)], Bounds(5, 0, 0), True, {"new": 1, "old-0": 4}),
    ],
    ids=["only the new one", "only an old one", "in parts", "not a rolling update", "fewer"],
)
def test_a_new_size_is_shared_by_those_that_are_there(
    new: tuple[int, int], old: list[tuple[int, int]], bounds: Bounds, is_rolling: bool, sizes: dict[str, int]
) -> None:
    world = World()
    told = {DESIRED: "10", MOST: "10"}
    olds = [replica_set(world, f"old-{at}", *each, told) for at, each in enumerate(old)]
    present = Sets("new", replica_set(world, "new", *new, told), olds)
    assert scaled(present, bounds, is_rolling=is_rolling) == sizes


def test_a_new_size_is_known_by_what_the_sets_were_told() -> None:
    world = World()
    told = Sets(
        "new", replica_set(world, "new", 2, told={DESIRED: "2"}), [replica_set(world, "old", 0, told={DESIRED: "9"})]
    )
    assert not was_scaled(told, 2)
    assert was_scaled(told, 3)
    assert not was_scaled(sets((2, 2)), 3), "nobody was told anything"
