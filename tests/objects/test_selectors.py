"""Label selectors."""

from __future__ import annotations

import pytest

from emulator.objects.selectors import LabelSelector, Selector


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("a=1", True),
        ("a==1,b=2", True),
        ("a!=1", False),
        ("c!=1", True),
        ("a", True),
        ("!a", False),
        ("!c", True),
        ("a in (1, 3)", True),
        ("a notin (1)", False),
        ("c in (1)", False),
    ],
)
def test_a_selector_matches(text: str, matches: bool) -> None:
    assert Selector.parse(text).matches({"a": "1", "b": "2"}) is matches


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "b", "operator": "NotIn", "values": ["1"]}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "a", "operator": "DoesNotExist"}, False),
    ],
)
def test_the_map_form_is_read(expression: dict[str, object], fits: bool) -> None:
    selector = LabelSelector.model_validate({"matchExpressions": [expression]}).selector()
    assert selector.matches({"a": "1"}) is fits
    assert Selector.parse(str(selector)) == selector


def test_a_selector_is_shown_as_kubectl_does() -> None:
    expressions = [
        {"key": "b", "operator": "In", "values": ["y", "x"]},
        {"key": "c", "operator": "DoesNotExist"},
        {"key": "d", "operator": "NotIn", "values": ["z"]},
    ]
    read = LabelSelector.model_validate({"matchLabels": {"a": "1"}, "matchExpressions": expressions})
    assert str(read.selector()) == "a=1,b in (x,y),!c,d notin (z)"
