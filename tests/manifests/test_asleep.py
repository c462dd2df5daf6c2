"""The mark of what was there at the start."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.manifests.asleep import Starts, as_found, as_made, as_rolled_out


def obj(kind: str, group: str = "serving.knative.dev", **annotations: str) -> dict[str, Any]:
    api_version = f"{group}/v1" if group else "v1"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "annotations": annotations}}


@pytest.mark.parametrize(
    ("one", "made", "found"),
    [
        (obj("Service"), True, True),
        (obj("Configuration"), True, True),
        (obj("Revision"), False, True),
        (obj("Route"), False, False),
        (obj("Service", ""), False, False),
        (obj("Deployment", "apps"), False, False),
    ],
    ids=lambda value: f"{value['apiVersion']} {value['kind']}" if isinstance(value, dict) else None,
)
def test_what_can_run_is_marked(one: dict[str, Any], made: bool, found: bool) -> None:
    for mark, expected in ((as_made, made), (as_found, found)):
        assert ("kemu.dev/start" in mark(one)["metadata"]["annotations"]) is expected
    assert one["metadata"]["annotations"] == {}


def test_an_object_may_say_otherwise_itself() -> None:
    assert as_made(obj("Service", **{"kemu.dev/start": "awake"}))["metadata"]["annotations"] == {
        "kemu.dev/start": "awake"
    }


@pytest.mark.parametrize("kind", ["Service", "Configuration"])
def test_a_rollout_takes_the_mark_of_an_earlier_run_away(kind: str) -> None:
    asleep = obj(kind, **{"kemu.dev/start": "asleep", "mine": "1"})
    assert as_rolled_out(asleep)["metadata"]["annotations"] == {"mine": "1"}


@pytest.mark.parametrize(("state", "is_awake"), [("active", True), ("reserve", False), ("pending", False)])
def test_of_revisions_a_rollout_wakes_those_that_a_route_leads_to(state: str, is_awake: bool) -> None:
    one = obj("Revision", **{"kemu.dev/start": "asleep"})
    one["metadata"]["labels"] = {"serving.knative.dev/routingState": state}
    assert ("kemu.dev/start" not in as_rolled_out(one)["metadata"]["annotations"]) is is_awake


def test_a_rollout_marks_nothing_that_files_bring() -> None:
    one = obj("Service")
    assert Starts.of(is_rollout=True).made(one) is one
    assert Starts.of(is_rollout=False).made(one) == as_made(one)
