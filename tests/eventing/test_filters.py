"""Which events a Trigger wants: one row a rule of eventing §4.3."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.eventing.cloudevents import Event
from emulator.eventing.filters import exact_type, matcher, problems_of, uses_cesql

EVENT = Event({b"specversion": b"1.0", b"id": b"1", b"source": b"/a/b", b"type": b"com.x", b"ext": b"v"}, b"", None)


@pytest.mark.parametrize(
    ("spec", "matches"),
    [
        ({}, True),
        ({"filter": {}}, True),
        ({"filter": {"attributes": {"type": "com.x"}}}, True),
        ({"filter": {"attributes": {"type": "com.X"}}}, False),
        ({"filter": {"attributes": {"type": "com.x", "ext": "w"}}}, False),
        ({"filter": {"attributes": {"ext": ""}}}, True),
        ({"filter": {"attributes": {"subject": ""}}}, False),
        ({"filters": [], "filter": {"attributes": {"type": "other"}}}, False),
        ({"filters": [{"exact": {"type": "com.x"}}], "filter": {"attributes": {"type": "other"}}}, True),
        ({"filters": [{"prefix": {"source": "/a"}}]}, True),
        ({"filters": [{"suffix": {"source": "/a"}}]}, False),
        ({"filters": [{"exact": {"type": "com.x"}}, {"exact": {"ext": "w"}}]}, False),
        ({"filters": [{"any": [{"exact": {"ext": "w"}}, {"exact": {"ext": "v"}}]}]}, True),
        ({"filters": [{"all": [{"exact": {"ext": "w"}}, {"exact": {"ext": "v"}}]}]}, False),
        ({"filters": [{"not": {"exact": {"nothere": "x"}}}]}, True),
        ({"filters": [{"prefix": {"nothere": "x"}}]}, False),
        ({"filters": [{}]}, True),
        ({"filters": [{"exact": {"nothere": ""}}]}, True),
        ({"filters": [{"exact": {"nothere": "", "type": "other"}}]}, False),
        ({"filters": [{"cesql": "type = 'com.x'"}]}, False),
    ],
)
def test_a_filter_decides(spec: dict[str, Any], matches: bool) -> None:
    assert matcher(spec)(EVENT) is matches


@pytest.mark.parametrize(
    ("spec", "type_"),
    [
        ({"filter": {"attributes": {"type": "t", "ext": "v"}}}, b"t"),
        ({"filter": {"attributes": {"type": ""}}}, None),
        ({"filters": [{"exact": {"ext": "v"}}, {"exact": {"type": "t"}}]}, b"t"),
        ({"filters": [{"any": [{"exact": {"type": "t"}}]}]}, None),
        ({}, None),
    ],
)
def test_the_one_type_that_can_match_is_known(spec: dict[str, Any], type_: bytes | None) -> None:
    assert exact_type(spec) == type_


def test_faults_name_the_attribute_and_the_rule() -> None:
    spec = {"filter": {"attributes": {"Source": "x"}}, "filters": [{"exact": {"a": "b"}, "suffix": {"a": "b"}}]}
    first, second = problems_of(spec)
    assert str(first).startswith(
        'filter.attributes: invalid key name "Source" (Attribute name must start with a letter'
    )
    assert str(second) == "filters[0]: multiple dialects found, filters can have only one dialect set"


def test_cesql_is_found_wherever_it_stands() -> None:
    assert uses_cesql({"filters": [{"not": {"any": [{"cesql": "x"}]}}]})
    assert not uses_cesql({"filters": [{"exact": {"type": "x"}}]})
