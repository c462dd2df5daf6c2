"""What was probably meant by a name that there is not."""

from __future__ import annotations

import pytest

from emulator.lib.guesses import did_you_mean, near_names, nearest

KINDS = ["Broker", "Channel", "Configuration", "Job", "Pod", "Route", "Service", "Trigger"]


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("Servce", KINDS, 'did you mean "Service"?'),
        ("enviroment", ["env", "envFrom"], 'did you mean "env"?'),
        ("POD", KINDS, 'did you mean "Pod"?'),
        ("Xyz", KINDS, ""),
        ("a", [], ""),
    ],
)
def test_a_near_name_is_guessed(name: str, known: list[str], said: str) -> None:
    assert did_you_mean(name, known) == said


def test_a_guess_comes_before_a_list() -> None:
    assert near_names("Servce", KINDS) == 'did you mean "Service"?'


def test_without_a_guess_a_few_are_listed() -> None:
    said = near_names("Zoute-like", KINDS, "kinds of v1: ")
    assert said.startswith("kinds of v1: ")
    assert "Route" in said
    assert said.endswith(", …")
    assert near_names("Xyz", ["Pod", "Job"]) == "there are: Job, Pod"


def test_the_nearest_are_chosen_where_there_are_too_many() -> None:
    names = [f"service-{number}" for number in range(30)] + ["hello.default.localhost"]
    found, more = nearest("helo.default.localhost", names, 5)
    assert "hello.default.localhost" in found
    assert (len(found), more) == (5, 26)
    assert nearest("x", ["b", "a"], 5) == (["a", "b"], 0)
