"""Objects field by field: comparison, merge and removal keep to each other."""

from __future__ import annotations

import random
from typing import Any

import pytest

from emulator.objects.mergerules import MergeRule, rule_of
from emulator.store.fieldsets import FieldSet, text_of
from emulator.store.fieldwise import Untyped, compared, fields_of, merged, removed
from emulator.workloads.pods import POD

RULE = rule_of(POD)


def _pod(dice: random.Random) -> dict[str, Any]:
    names = dice.sample("abc", dice.randint(1, 3))
    containers = [{"name": name, "image": dice.choice("xy"), "args": dice.choice([["1"], ["2"]])} for name in names]
    labels = {key: dice.choice("12") for key in dice.sample("lmn", dice.randint(1, 3))}
    metadata = {"labels": labels, "finalizers": dice.sample(["a/a", "b/b"], 1)}
    return {"metadata": metadata, "spec": {"containers": containers}}


@pytest.mark.parametrize("seed", range(30))
def test_a_merge_states_all_that_was_merged_and_changes_nothing_more_the_second_time(seed: int) -> None:
    dice = random.Random(seed)
    live, config = _pod(dice), _pod(dice)
    both = merged(live, config, RULE)
    assert merged(both, config, RULE) == both
    assert not fields_of(config, RULE).difference(fields_of(both, RULE))
    changes = compared(both, merged(both, live, RULE), RULE)
    assert not changes.added and not changes.removed


@pytest.mark.parametrize("seed", range(30))
def test_each_difference_is_told_once_and_the_other_way_round(seed: int) -> None:
    dice = random.Random(seed)
    old, new = _pod(dice), _pod(dice)
    there, back = compared(old, new, RULE), compared(new, old, RULE)
    assert (there.added, there.removed, there.modified) == (back.removed, back.added, back.modified)
    assert not there.added.intersection(there.modified) and not there.added.intersection(there.removed)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_removed_is_gone_and_the_rest_stays(seed: int) -> None:
    pod = _pod(random.Random(seed))
    leaves = [path for path in fields_of(pod, RULE).leaves() if path[-1] != "f:name"]
    gone = FieldSet.of(*random.Random(seed).sample(leaves, 2))
    left = fields_of(removed(pod, gone, RULE), RULE)
    assert not left.intersection(gone)
    assert all(left.has(path) for path in leaves if not gone.has(path))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"a": 1}, {"a": {"b": 1}}, ["M .a", "A .a.b"]),
        ({"a": {"b": 1}}, {"a": [1]}, ["M .a", "R .a.b"]),
        ({}, {"a": {}}, ["A .a"]),
        ({"a": {}}, {"a": {"b": 1}}, ["A .a.b"]),
        ({"a": [1]}, {"a": [2]}, ["M .a"]),
        ({"a": {"b": 1}}, {}, ["R .a", "R .a.b"]),
    ],
)
def test_what_nothing_is_known_of_is_told_apart_by_its_value(old: Any, new: Any, said: list[str]) -> None:
    changes = compared(old, new, MergeRule())
    sets = (("M", changes.modified), ("A", changes.added), ("R", changes.removed))
    assert [f"{mark} {text_of(path)}" for mark, fields in sets for path in fields] == said


def test_an_item_that_a_list_has_twice_is_one_value() -> None:
    one, two = {"name": "c", "image": "x"}, {"name": "c", "image": "y"}
    changes = compared({"spec": {"containers": [one, one]}}, {"spec": {"containers": [one, two]}}, RULE)
    assert [text_of(path) for path in changes.modified] == ['.spec.containers[name="c"]']
    with pytest.raises(Untyped, match="duplicate entries"):
        fields_of({"spec": {"containers": [one, two]}}, RULE)
