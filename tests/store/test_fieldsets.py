"""Sets of fields: their algebra, and FieldsV1."""

from __future__ import annotations

import random

import pytest

from emulator.store.fieldsets import FieldPath, FieldSet, key_element, text_of, value_element

_ELEMENTS = ["f:a", "f:b", key_element({"name": "x"}), value_element("v"), "i:0"]


def _random(seed: int) -> FieldSet:
    dice = random.Random(seed)
    return FieldSet.of(*(tuple(dice.choices(_ELEMENTS, k=dice.randint(1, 3))) for _ in range(dice.randint(0, 8))))


def _paths(fields: FieldSet) -> set[FieldPath]:
    return set(fields)


@pytest.mark.parametrize("seed", range(40))
def test_the_algebra_is_that_of_sets_of_paths(seed: int) -> None:
    one, other = _random(seed), _random(seed + 1000)
    assert _paths(one.union(other)) == _paths(one) | _paths(other)
    assert _paths(one.intersection(other)) == _paths(one) & _paths(other)
    assert _paths(one.difference(other)) == _paths(one) - _paths(other)
    below = {p for p in _paths(one) if not any(p[: len(q)] == q for q in _paths(other))}
    assert _paths(one.without(other)) == below
    leaves = {p for p in _paths(one) if not any(q[: len(p)] == p and q != p for q in _paths(one))}
    assert _paths(one.leaves()) == leaves


@pytest.mark.parametrize("seed", range(40))
def test_fields_v1_reads_as_it_was_written(seed: int) -> None:
    fields = _random(seed)
    assert FieldSet.from_json(fields.to_json()) == fields


def test_fields_v1_marks_a_member_that_has_others_below() -> None:
    fields = FieldSet.of(("f:b",), ("f:a", "f:x"), ("f:a",), ("f:c", 'k:{"n":1}'))
    assert fields.to_json() == {"f:a": {".": {}, "f:x": {}}, "f:b": {}, "f:c": {'k:{"n":1}': {}}}


def test_elements_are_known_in_whatever_way_they_are_written() -> None:
    fields = FieldSet.from_json({"f:ports": {'k:{"protocol": "TCP", "containerPort": 80}': {}}, "x:unknown": {}})
    assert [*fields] == [("f:ports", 'k:{"containerPort":80,"protocol":"TCP"}')]


@pytest.mark.parametrize("bad", [{"f:a": 1}, {"k:[]": {}}, {"v:{": {}}, {"i:x": {}}])
def test_what_is_no_fields_v1_is_told(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        FieldSet.from_json(bad)


def test_a_field_is_named_as_conflicts_name_it() -> None:
    path = ("f:spec", "f:ports", key_element({"port": 80, "name": "x"}), "f:x", value_element("a"), "i:3")
    assert text_of(path) == '.spec.ports[name="x",port=80].x[="a"][3]'
