"""Watches over real HTTP: replay, synthetic events, streaming lists, selectors, forms, and what is too old."""

from __future__ import annotations

from typing import Any

from emulator.workloads.configs import CONFIG_MAP
from tests.kubeapi.conftest import MAPS, Api, config_map
from tests.waiting import until


def seen(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


async def test_a_watch_replays_and_follows(running: Api) -> None:
    created = running.store.create(config_map("a", x="1"))
    running.store.update(config_map("a", x="2"))
    running.store.delete(CONFIG_MAP, "a", "default")
    events = await running.watch(f"{MAPS}?watch=true&resourceVersion={created.resource_version - 1}", 3)
    assert [(e["type"], e["object"]["data"]["x"]) for e in events] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("DELETED", "2"),
    ]
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
    assert versions == sorted(set(versions))


async def test_a_watch_from_nowhere_tells_what_is_there_first(running: Api) -> None:
    running.store.create(config_map("a"))
    for query in ("watch=1", "watch=true&resourceVersion=0"):
        assert seen(await running.watch(f"{MAPS}?{query}", 1)) == [("ADDED", "a")]


async def test_more_than_a_slice_is_told_whole_and_in_order(running: Api) -> None:
    names = [f"m{number:03}" for number in range(120)]
    since = running.store.version
    for name in names:
        running.store.create(config_map(name))
    for query in ("watch=1", f"watch=1&resourceVersion={since}"):
        assert seen(await running.watch(f"{MAPS}?{query}", 120)) == [("ADDED", name) for name in names]


async def test_a_streaming_list_ends_with_an_annotated_bookmark(running: Api) -> None:
    running.store.create(config_map("a"))
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = await running.watch(f"{MAPS}?{query}", 2)
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert events[1]["object"]["metadata"]["resourceVersion"] == str(running.store.version)


async def test_a_watch_from_before_this_kemu_hears_that_it_is_too_old(running: Api) -> None:
    (event,) = await running.watch(f"{MAPS}?watch=true&resourceVersion=17", 9)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 17 (")


async def test_leaving_and_entering_a_selection_are_deletion_and_addition(running: Api) -> None:
    since = running.store.create(config_map("a")).resource_version
    for label in ("b", "c", "b"):
        obj = config_map("a")
        running.store.update({**obj, "metadata": {**obj["metadata"], "labels": {"app": label}}})
    events = await running.watch(f"{MAPS}?watch=true&resourceVersion={since}&labelSelector=app=b", 3)
    assert [event["type"] for event in events] == ["ADDED", "DELETED", "ADDED"]


async def test_only_the_named_object_is_watched(running: Api) -> None:
    since = running.store.version
    for name in ("a", "b"):
        running.store.create(config_map(name))
    query = f"watch=true&fieldSelector=metadata.name%3Db&resourceVersion={since}"
    assert seen(await running.watch(f"{MAPS}?{query}", 1)) == [("ADDED", "b")]


async def test_rows_can_be_watched(running: Api) -> None:
    running.store.create(config_map("a", x="1"))
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    (event,) = await running.watch(f"{MAPS}?watch=true", 1, Accept=accept)
    assert event["object"]["rows"][0]["cells"][:2] == ["a", 1]


async def test_a_watch_ends_at_its_time(running: Api) -> None:
    assert await running.watch(f"{MAPS}?watch=true&timeoutSeconds=1", 9) == []


async def test_a_watcher_that_leaves_is_forgotten(running: Api) -> None:
    running.store.create(config_map("a"))
    await running.watch(f"{MAPS}?watch=true", 1)
    await until(lambda: not running.store._history.watches)
