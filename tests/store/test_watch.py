"""Watches replay what happened since a version and then follow, in order; what is forgotten is 410."""

from __future__ import annotations

import asyncio

import pytest

from emulator.objects.errors import Gone
from emulator.store.watch import Change, ChangeType, History
from emulator.workloads.configs import CONFIG_MAP, SECRET
from tests.world import World

BEGUN = 100


def change(version: int, kind: str = "ConfigMap", namespace: str = "default", type: ChangeType = "ADDED") -> Change:
    """A change to an object that is named after its version."""
    metadata = {"name": f"n{version}", "namespace": namespace}
    return Change(type, World().create({"apiVersion": "v1", "kind": kind, "metadata": metadata}), version)


def history(*versions: int, limit: int = 10) -> History:
    made = History(limit, BEGUN)
    for version in versions:
        made.append(change(version))
    return made


async def versions(found: History, since: int) -> list[int]:
    """What a Watch would tell at once."""
    watch = found.watch(None, None, since)
    found.append(change(999))
    return [told.version for told in await watch.batch()]


@pytest.mark.parametrize(
    ("since", "told"), [(100, [101, 102, 105, 999]), (101, [102, 105, 999]), (104, [105, 999]), (105, [999])]
)
async def test_what_came_after_a_version_is_told_again(since: int, told: list[int]) -> None:
    assert await versions(history(101, 102, 105), since) == told


async def test_a_version_yet_to_come_is_waited_for() -> None:
    found = history(101)
    watch = found.watch(None, None, 103)
    for version in (102, 103, 104):
        found.append(change(version))
    assert [told.version for told in await watch.batch()] == [104]


@pytest.mark.parametrize("since", [0, 99])
def test_what_happened_before_the_store_began_is_gone(since: int) -> None:
    with pytest.raises(Gone, match=rf"too old resource version: {since} \(100\)"):
        history(101).watch(None, None, since)


def test_what_a_full_history_has_dropped_is_gone_and_the_rest_is_not() -> None:
    found = history(101, 102, 103, limit=2)
    found.watch(None, None, 101)
    with pytest.raises(Gone):
        found.watch(None, None, 100)


async def test_only_the_kind_and_the_namespace_that_were_asked_for_are_told() -> None:
    found = History(10, BEGUN)
    watch = found.watch(CONFIG_MAP, "here", BEGUN)
    everywhere = found.watch(SECRET, "", BEGUN)
    for number, (kind, namespace) in enumerate([("ConfigMap", "there"), ("Secret", "here"), ("ConfigMap", "here")]):
        found.append(change(101 + number, kind, namespace))
    assert [told.version for told in await watch.batch()] == [103]
    assert [told.version for told in await everywhere.batch()] == [102]


async def test_a_reader_that_waits_is_woken_by_the_next_change() -> None:
    found = history()
    async with found.watch(None, None, BEGUN) as watch:
        told: list[int] = []

        async def read() -> None:
            told.append((await anext(aiter(watch))).version)

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(read())
            await asyncio.sleep(0)
            assert told == []
            found.append(change(101))
        assert told == [101]


async def test_a_closed_watch_is_told_nothing_more() -> None:
    found = history()
    async with found.watch(None, None, BEGUN):
        assert len(found.watches) == 1
    assert not found.watches


async def test_what_happens_while_no_changes_are_kept_is_forgotten() -> None:
    found = history(101)
    found.keep(False, 101)
    found.append(change(102))
    with pytest.raises(Gone):
        found.watch(None, None, 101)
    found.keep(True, 102)
    found.append(change(103))
    assert await versions(found, 102) == [103, 999]
