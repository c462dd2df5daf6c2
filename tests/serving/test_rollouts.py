"""Gradual rollout, step by step; expected shares follow from the formulas of serving §4.8."""

from __future__ import annotations

import pytest

from emulator.lib.durations import SECOND
from emulator.serving.rollouts import Pace, Shift, next_due, read, stepped, written

NOW = 1_000 * SECOND


def goal(revision: str, percent: int = 100, tag: str = "") -> Shift:
    return Shift("hello", tag, percent, ((revision, percent),))


def run(duration_s: int, before: list[Shift], newest: Shift, ticks: int = 10_000) -> list[tuple[float, Shift]]:
    """(seconds, state) of each step from the moment that `newest` is there, each taken when it is due."""
    now, states = NOW, before
    found: list[tuple[float, Shift]] = []
    for _ in range(ticks):
        states = stepped([newest], states, duration_s, now)
        found.append(((now - NOW) / SECOND, states[0]))
        due = next_due(states)
        if due is None:
            return found
        now = due
    raise AssertionError("the rollout does not end")


def test_the_first_revision_has_all_at_once() -> None:
    assert stepped([goal("r1")], [], 60, NOW) == [goal("r1")]


def test_without_a_duration_a_new_revision_has_all_at_once() -> None:
    assert stepped([goal("r2")], [goal("r1")], 0, NOW) == [goal("r2")]


def test_a_new_revision_gets_one_percent_at_once_and_the_rest_in_equal_steps() -> None:
    steps = run(5, [goal("r1")], goal("r2"))
    assert [seconds for seconds, _ in steps] == [0, 1, 2, 3, 4]
    assert [dict(shift.revisions).get("r2") for _, shift in steps] == [1, 26, 51, 76, 100]
    assert steps[-1][1] == goal("r2")


def test_a_long_rollout_moves_a_percent_a_step() -> None:
    steps = run(600, [goal("r1")], goal("r2"))
    assert len(steps) == 100
    assert all(sum(percent for _, percent in shift.revisions) == 100 for _, shift in steps)
    assert steps[-1][0] == pytest.approx(599, abs=0.01)


def test_nothing_moves_before_its_time() -> None:
    begun = stepped([goal("r2")], [goal("r1")], 60, NOW)
    assert stepped([goal("r2")], begun, 60, NOW + SECOND // 2) == begun


def test_a_newer_revision_stacks_and_the_newest_of_the_older_gives_first() -> None:
    half = Shift("hello", "", 100, (("r1", 60), ("r2", 40)), Pace(NOW, NOW + 1, SECOND, 10))
    (begun,) = stepped([goal("r3")], [half], 5, NOW)
    assert begun.revisions == (("r1", 60), ("r2", 39), ("r3", 1))
    shares = [shift.revisions for _, shift in run(5, [half], goal("r3"))]
    assert shares[1:] == [
        (("r1", 60), ("r2", 14), ("r3", 26)),
        (("r1", 49), ("r3", 51)),
        (("r1", 24), ("r3", 76)),
        (("r3", 100),),
    ]


@pytest.mark.parametrize(
    ("percent", "shares"),
    [
        pytest.param(100, (("r1", 40), ("r2", 60)), id="more goes to the newest"),
        pytest.param(60, (("r1", 20), ("r2", 40)), id="less is taken from the oldest"),
        pytest.param(30, (("r2", 30),), id="who has nothing left goes"),
        pytest.param(1, (("r2", 1),), id="one percent is not rolled out"),
    ],
)
def test_a_changed_share_of_the_whole(percent: int, shares: tuple[tuple[str, int], ...]) -> None:
    half = Shift("hello", "", 80, (("r1", 40), ("r2", 40)), Pace(NOW, NOW + SECOND, SECOND, 10))
    (after,) = stepped([goal("r2", percent)], [half], 60, NOW)
    assert after.revisions == shares


def test_each_tag_and_configuration_rolls_out_for_itself() -> None:
    before = [goal("r1"), goal("r1", 100, "latest")]
    after = stepped([goal("r2", 100, "latest"), goal("r2")], before, 60, NOW)
    assert [(shift.tag, shift.revisions) for shift in after] == [
        ("", (("r1", 99), ("r2", 1))),
        ("latest", (("r1", 99), ("r2", 1))),
    ]


def test_the_annotation_has_knatives_form_and_is_read_back() -> None:
    begun = stepped([goal("r2")], [goal("r1")], 60, NOW)
    text = written(begun)
    assert text.startswith('{"configurations":[{"configurationName":"hello","percent":100,"revisions":[')
    assert '"stepParams":{"starttime":1000000000000,"nextStepTime":1001000000000,' in text
    assert read(text) == begun


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"configurations": [{"percent": 7}]}', written([Shift("c", "", 9, (("r", 8),))])]
)
def test_an_annotation_that_is_none_is_no_rollout(text: str) -> None:
    assert read(text) == []
