"""What `/scale` shows of an object."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.kubeapi.scales import scale_of
from emulator.objects.kind import Scale
from emulator.objects.resource import Resource
from emulator.workloads.deployments import DEPLOYMENT

METADATA = {"name": "a", "namespace": "default", "uid": "u", "resourceVersion": "1", "creationTimestamp": ""}
TIER = {"key": "tier", "operator": "NotIn", "values": ["y", "x"]}


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        pytest.param({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2", id="labels"),
        pytest.param({"matchLabels": {"a": "1"}, "matchExpressions": [TIER]}, "a=1,tier notin (x,y)", id="expressions"),
        pytest.param("a in (b,c)", "a in (b,c)", id="text"),
        pytest.param(None, None, id="none"),
        pytest.param({"some": "thing"}, None, id="something else"),
    ],
)
def test_a_selector_is_shown_as_text(selector: Any, shown: str | None) -> None:
    about: Resource[Any] = Resource(
        DEPLOYMENT, {"metadata": METADATA, "spec": {"replicas": 2, "selector": selector}}, None
    )
    scale = scale_of(about, Scale())
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"].get("selector") == shown
