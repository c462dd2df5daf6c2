"""Which Revisions go, and when: the table of serving §1.12, and a Configuration that lives through days of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.lib.clock import LoopClock, rfc3339
from emulator.lib.tasks import Tasks
from emulator.serving.annotations import NAMESPACE, NO_GC, ROUTING_STATE, ROUTING_STATE_MODIFIED
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE
from emulator.serving.revisiongc import GcConfig, collected
from emulator.workloads.kubeevents import KUBE_EVENT
from tests.world import NOW, World, obj

POD = {"containers": [{"image": "app"}]}
HOUR = 3600.0
NEVER = {"retain-since-create-time": "disabled", "retain-since-last-active-time": "disabled"}


def revisions(world: World, *unused_h: float, **more: str) -> None:
    """Revisions of a hundred hours in reserve, unused for so many."""
    world.clock.at = NOW - timedelta(hours=100)
    for number, hours in enumerate(unused_h, len(world.store.list(REVISION)) + 1):
        modified = {ROUTING_STATE_MODIFIED: rfc3339(NOW - timedelta(hours=hours)), **more}
        world.create(obj(REVISION, f"r{number}", POD, labels={ROUTING_STATE: "reserve"}, annotations=modified))
    world.clock.at = NOW


def gone(world: World, ready: str = "", **config: str) -> Sequence[str]:
    data = {key.replace("_", "-"): value for key, value in config.items()}
    return sorted(collected(world.store.list(REVISION), ready, GcConfig.of(data), NOW).names)


def test_by_default_twenty_stay_and_older_ones_go_when_long_unused() -> None:
    world = World()
    revisions(world, *range(50, 28, -1))
    assert gone(world) == ["r1", "r2"]


@pytest.mark.parametrize(
    ("config", "names"),
    [
        pytest.param({}, ["r1", "r2"], id="both limits passed"),
        pytest.param({"retain_since_last_active_time": "40h"}, ["r1"], id="unused for longer"),
        pytest.param({"retain_since_create_time": "200h"}, [], id="not old enough"),
        pytest.param({"retain_since_create_time": "disabled"}, ["r1", "r2"], id="age does not count"),
        pytest.param({"retain_since_last_active_time": "disabled"}, ["r1", "r2", "r3"], id="use does not count"),
        pytest.param({"min_non_active_revisions": "2"}, ["r1"], id="two stay"),
        pytest.param({"max_non_active_revisions": "0"}, ["r1", "r2", "r3"], id="none more"),
        pytest.param({"retain_since_last_active_time": "soon"}, ["r1", "r2"], id="no duration"),
        pytest.param(
            {key.replace("-", "_"): value for key, value in NEVER.items()}, [], id="time does not count, and few"
        ),
        pytest.param(
            {**{key.replace("-", "_"): value for key, value in NEVER.items()}, "max_non_active_revisions": "1"},
            ["r1", "r2"],
            id="only the number counts",
        ),
        pytest.param({"max_non_active_revisions": "disabled"}, ["r1", "r2"], id="no greatest number"),
    ],
)
def test_the_keys(config: dict[str, str], names: list[str]) -> None:
    world = World()
    revisions(world, 50, 30, 1)
    assert gone(world, **{"min_non_active_revisions": "0", **config}) == names


def test_what_is_ready_asked_for_or_not_in_reserve_stays() -> None:
    world = World()
    revisions(world, 50, 50)
    revisions(world, 50, **{NO_GC: "True"})
    active = world.create(obj(REVISION, "active", POD, labels={ROUTING_STATE: "active"}))
    pending = world.create(obj(REVISION, "pending", POD))
    assert {active.name, pending.name} <= {revision.name for revision in world.store.list(REVISION)}
    assert gone(world, "r2", min_non_active_revisions="0", max_non_active_revisions="0") == ["r1"]


def test_the_next_moment_is_known() -> None:
    world = World()
    revisions(world, 14, 10, 1)
    config = GcConfig.of({"min-non-active-revisions": "2"})
    assert collected(world.store.list(REVISION), "", config, NOW).next_s == HOUR
    assert collected(world.store.list(REVISION), "", GcConfig(), NOW).next_s is None


@pytest.mark.looptime
async def test_a_configurations_old_revisions_go_in_their_time() -> None:
    world = World()
    world.store.clock = LoopClock(NOW)
    world.config("config-gc", NAMESPACE, {"min-non-active-revisions": "1"})
    reconcilers = {kind: world.reconcilers[kind] for kind in (CONFIGURATION,)}
    controller = Controller(world.store, reconcilers, Recorder(world.store, KUBE_EVENT), Addresses())

    async with Tasks() as tasks:
        worker = tasks.spawn(controller.run(), "controller")
        made = world.create(obj(CONFIGURATION, "hello", {"template": {"spec": POD}}))
        for image in ("app-b", "app-c", "app-d"):
            await asyncio.sleep(HOUR)
            world.edit(made, spec={"template": {"spec": {"containers": [{"image": image}]}}})
        await asyncio.sleep(1)
        for name in ("hello-00001", "hello-00002", "hello-00003"):
            key = world.store.get(REVISION, name, "default").key
            modified = {ROUTING_STATE_MODIFIED: world.store.now()}
            world.store.patch_metadata(key, labels={ROUTING_STATE: "reserve"}, annotations=modified)
        await asyncio.sleep(44 * HOUR)
        assert len(world.store.list(REVISION)) == 4
        await asyncio.sleep(1.5 * HOUR)
        assert [r.name for r in world.store.list(REVISION)] == ["hello-00002", "hello-00003", "hello-00004"]
        await asyncio.sleep(100 * HOUR)
        assert [r.name for r in world.store.list(REVISION)] == ["hello-00003", "hello-00004"]
        worker.cancel()


def test_one_that_a_route_has_just_named_stays() -> None:
    world = World()
    world.config("config-gc", NAMESPACE, {**NEVER, "min-non-active-revisions": "0", "max-non-active-revisions": "0"})
    parent = world.create(obj(CONFIGURATION, "hello", {"template": {"spec": POD}}))
    for name in ("hello-00001", "hello-old"):
        world.create(obj(REVISION, name, POD, labels={ROUTING_STATE: "reserve"}), parent)
    assert world.reconcile(parent).keeps == []
    world.create(obj(ROUTE, "hello", {"traffic": [{"revisionName": "hello-old", "percent": 100}]}))
    assert [key.name for key in world.reconcile(parent).keeps] == ["hello-old"]
