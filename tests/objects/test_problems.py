"""Faults in Knative's words, and "did you mean"."""

from __future__ import annotations

from pydantic import Field, ValidationError

from emulator.objects.model import Model
from emulator.objects.problems import both, from_validation, invalid_value, knative_text, missing, neither, under


class Inner(Model):
    image: str
    count: int | None = None


class Outer(Model):
    inner: list[Inner] = Field(default_factory=list)


def problems(value: object) -> list[str]:
    try:
        Outer.model_validate(value)
    except ValidationError as error:
        return [str(problem) for problem in from_validation(error, Outer)]
    return []


def test_all_faults_are_told_with_their_paths() -> None:
    found = problems({"inner": [{"imagee": "x"}, {"image": 5}]})
    assert 'inner[0].imagee: unknown field; did you mean "image"?' in found
    assert any(text.startswith("inner[1].image: ") for text in found)


def test_null_counts_as_not_written() -> None:
    assert problems({"inner": [{"image": "x", "count": None}]}) == []


def test_equal_messages_are_merged_and_sorted_as_the_webhook_does() -> None:
    found = under([missing("b"), missing("a"), invalid_value("x", "c", details="because")], "spec")
    assert knative_text(found) == "invalid value: x: spec.c\nbecause\nmissing field(s): spec.a, spec.b"


def test_one_of_faults_name_all_places() -> None:
    assert str(neither(("b",), ("a",))) == "a, b: expected exactly one, got neither"
    assert str(both(("b",), ("a",))) == "a, b: expected exactly one, got both"
