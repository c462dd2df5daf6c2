"""Traffic: defaults, and one row a rule with the webhook's own text (serving §2.8)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import Denied
from emulator.serving.kinds import ROUTE, SERVICE
from emulator.serving.traffic import set_traffic_defaults
from tests.world import World, obj

T0 = "spec.traffic[0]"
TEMPLATE = {"template": {"spec": {"containers": [{"image": "app"}]}}}
LATEST = {"latestRevision": True, "percent": 100}


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        pytest.param(None, [LATEST], id="none"),
        pytest.param([], [LATEST], id="an empty list"),
        pytest.param([{"percent": 100}], [LATEST], id="no revision means the latest"),
        pytest.param(
            [{"revisionName": "a", "percent": 100}, {"tag": "t"}],
            [{"revisionName": "a", "percent": 100, "latestRevision": False}, {"tag": "t", "latestRevision": True}],
            id="each by itself",
        ),
    ],
)
def test_defaults(given: Any, completed: list[Any]) -> None:
    spec = {"traffic": given}
    set_traffic_defaults(spec)
    assert spec["traffic"] == completed


@pytest.mark.parametrize(
    ("traffic", "text"),
    [
        pytest.param([{"percent": 90}], "Traffic targets sum to 90, want 100: spec.traffic", id="too little"),
        pytest.param(
            [{"percent": 101}, {"percent": -1}],
            f"expected 0 <= -1 <= 100: spec.traffic[1].percent\nexpected 0 <= 101 <= 100: {T0}.percent",
            id="percents",
        ),
        pytest.param([LATEST, {"tag": "t"}], "", id="a tag without percent"),
        pytest.param(
            [{**LATEST, "tag": "t"}, {"tag": "t"}],
            f'Multiple definitions for "t": {T0}.tag, spec.traffic[1].tag',
            id="one tag twice",
        ),
        pytest.param(
            [{**LATEST, "revisionName": "a"}],
            f'may not set revisionName "a" when latestRevision is true: {T0}.latestRevision',
            id="latest and named",
        ),
        pytest.param(
            [{"latestRevision": False, "percent": 100}],
            f'may not set revisionName "" when latestRevision is false: {T0}.latestRevision',
            id="neither latest nor named",
        ),
        pytest.param(
            [{**LATEST, "configurationName": "a"}],
            f"must not set the field(s): {T0}.configurationName",
            id="configuration",
        ),
        pytest.param([{**LATEST, "url": "http://a"}], f"must not set the field(s): {T0}.url", id="url"),
    ],
)
def test_a_service(traffic: list[Any], text: str) -> None:
    assert World().refusal(obj(SERVICE, "hello", {**TEMPLATE, "traffic": traffic})) == text


def test_a_tags_fault_stands_at_the_odd_place_that_knative_gives_it_and_people_are_shown_the_true_one() -> None:
    service = obj(SERVICE, "hello", {**TEMPLATE, "traffic": [{**LATEST, "tag": "1"}]})
    text = World().refusal(service)
    assert text.startswith("invalid value: not a DNS 1035 label: [a DNS-1035 label must consist of")
    assert text.endswith("]: spec.traffic.tag[0]")
    with pytest.raises(Denied) as refused:
        World().create(service)
    assert [problem.field for problem in refused.value.problems] == ["spec.traffic[0].tag"]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"configurationName": "a"}, ""),
        ({"revisionName": "a"}, ""),
        ({}, f"expected exactly one, got neither: {T0}.configurationName, {T0}.revisionName"),
        (
            {"configurationName": "a", "revisionName": "b"},
            f"expected exactly one, got both: {T0}.configurationName, {T0}.revisionName",
        ),
    ],
)
def test_a_routes_target_names_a_configuration_or_a_revision(target: dict[str, Any], text: str) -> None:
    assert World().refusal(obj(ROUTE, "r", {"traffic": [{**target, "percent": 100}]})) == text


def test_names_of_revisions_and_configurations_are_asked_for_their_form() -> None:
    for field in ("revisionName", "configurationName"):
        text = World().refusal(obj(ROUTE, "r", {"traffic": [{field: "a_", "percent": 100}]}))
        assert text.startswith(f'invalid key name "a_": {T0}.{field}\nname part must consist of')
