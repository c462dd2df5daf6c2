"""The mark of what was there at the start."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.manifests.asleep import as_found, as_made


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
