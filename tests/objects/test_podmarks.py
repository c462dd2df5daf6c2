"""Which Pods take requests."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.podmarks import FROZEN, REASON, is_frozen, takes_requests
from emulator.objects.resource import Resource
from emulator.workloads.pods import POD

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


@pytest.mark.parametrize(
    ("metadata", "status", "takes"),
    [
        pytest.param({}, READY, True, id="ready"),
        pytest.param({}, {}, False, id="not ready"),
        pytest.param({"deletionTimestamp": "2026-01-01T00:00:00Z"}, READY, False, id="going"),
        pytest.param({"annotations": {FROZEN: "2026-01-01T00:00:00Z"}}, READY, False, id="about to be frozen"),
    ],
)
def test_a_pod_takes_requests(metadata: dict[str, Any], status: dict[str, Any], takes: bool) -> None:
    pod: Resource[Any] = Resource(POD, {"metadata": {"name": "p", **metadata}, "status": status}, None)
    assert takes_requests(pod) is takes


def test_a_pods_own_status_says_that_it_is_frozen() -> None:
    for status, expected in (({"reason": REASON}, True), (READY, False)):
        pod: Resource[Any] = Resource(POD, {"metadata": {}, "status": status}, None)
        assert is_frozen(pod) is expected
