"""Who of several replicas gets the next request."""

from __future__ import annotations

from collections import Counter

import pytest

from emulator.serving.balancing import (
    Policy,
    RoundRobin,
    activator_policy,
    first_available,
    least_loaded,
    random_choice_of_two,
)


class Taker:
    """A replica, as far as a policy knows one."""

    def __init__(self, in_flight: int = 0) -> None:
        self.in_flight = in_flight


def takers(*in_flight: int) -> list[Taker]:
    return [Taker(number) for number in in_flight]


@pytest.mark.parametrize(("concurrency", "expected"), [(1, "first"), (3, "first"), (4, "robin"), (100, "robin")])
def test_the_concurrency_decides_on_the_rule(concurrency: int, expected: str) -> None:
    policy: Policy[Taker] = activator_policy(concurrency)
    assert ("robin" if isinstance(policy, RoundRobin) else "first") == expected
    assert activator_policy(0) is random_choice_of_two


def test_of_two_replicas_the_less_loaded_one_is_taken_always() -> None:
    both = takers(3, 2)
    assert {both.index(random_choice_of_two(both, 0)) for _ in range(50)} == {1}  # type: ignore[arg-type]


def test_two_of_many_are_picked_by_chance_and_the_fullest_is_never_taken() -> None:
    many = takers(0, 0, 0, 9)
    chosen = Counter(many.index(random_choice_of_two(many, 0)) for _ in range(2000))  # type: ignore[arg-type]
    assert set(chosen) == {0, 1, 2}
    assert all(500 < times < 850 for times in chosen.values()), chosen


def test_a_single_replica_is_no_choice() -> None:
    (only,) = takers(7)
    assert random_choice_of_two([only], 0) is only


def test_the_first_with_a_free_slot_is_taken() -> None:
    some = takers(2, 1, 0)
    assert first_available(some, 2) is some[1]
    assert first_available(takers(2, 2), 2) is None


def test_each_gets_its_turn_and_full_ones_are_left_out() -> None:
    some, policy = takers(0, 5, 0), RoundRobin()
    assert [policy(some, 5) for _ in range(4)] == [some[0], some[2], some[0], some[2]]
    assert policy(takers(5, 5), 5) is None


def test_the_turn_begins_anew_when_there_are_fewer() -> None:
    some, policy = takers(0, 0, 0), RoundRobin()
    assert [policy(some, 5) for _ in range(3)] == some
    assert policy(some[:2], 5) is some[0]


def test_the_least_loaded_is_taken_unless_it_is_full() -> None:
    some = takers(3, 1, 2)
    assert least_loaded(some, 0) is some[1]
    assert least_loaded(some, 1) is None
