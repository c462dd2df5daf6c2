"""Events in both of their groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubeapi.conftest import Api

CORE = "/api/v1/namespaces/default/events"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
ABOUT = {"kind": "Pod", "name": "p", "namespace": "default"}
OLD: dict[str, Any] = {"involvedObject": ABOUT, "message": "said", "reason": "Why", "type": "Normal", "count": 2}
NEW: dict[str, Any] = {"regarding": ABOUT, "note": "said", "reason": "Why", "type": "Normal", "deprecatedCount": 2}


@pytest.mark.parametrize(("path", "body"), [(CORE, OLD), (EVENTS, NEW)], ids=["core", "events.k8s.io"])
async def test_an_event_written_in_one_shape_is_read_in_both(running: Api, path: str, body: dict[str, Any]) -> None:
    status, _ = await running.ask("POST", path, {"metadata": {"generateName": "e-"}, **body})
    assert status == 201
    for where, version, expected in ((CORE, "v1", OLD), (EVENTS, "events.k8s.io/v1", NEW)):
        _, listed = await running.ask("GET", where)
        assert listed["apiVersion"] == version
        (found,) = listed["items"]
        assert found["apiVersion"] == version
        assert {name: found.get(name) for name in expected} == expected


async def test_both_groups_are_found_by_discovery(running: Api) -> None:
    _, groups = await running.ask("GET", "/apis")
    assert "events.k8s.io" in [group["name"] for group in groups["groups"]]
    _, found = await running.ask("GET", "/apis/events.k8s.io/v1")
    assert [entry["name"] for entry in found["resources"]] == ["events"]


async def test_events_of_the_newer_group_are_watched_in_their_shape(running: Api) -> None:
    await running.ask("POST", CORE, {"metadata": {"name": "e"}, **OLD})
    (event,) = await running.watch(f"{EVENTS}?watch=true", 1)
    assert event["object"]["note"] == "said"
