"""Ready follows from the rest."""

from __future__ import annotations

from emulator.objects.conditions import Condition, summarize

NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:01:00Z"


def ready(*conditions: Condition) -> dict[str, str]:
    return next(c for c in summarize(conditions, (), NOW) if c["type"] == "Ready")


def test_all_true_is_ready() -> None:
    assert ready(Condition.true("A"), Condition.true("B"))["status"] == "True"


def test_a_false_wins_over_an_unknown_and_lends_its_reason() -> None:
    found = ready(Condition.unknown("A", "Wait"), Condition.false("B", "Broken", "it broke"))
    assert (found["status"], found["reason"], found["message"]) == ("False", "Broken", "it broke")


def test_an_info_condition_does_not_count() -> None:
    assert ready(Condition.true("A"), Condition("B", "False", "NoTraffic", severity="Info"))["status"] == "True"


def test_a_kind_without_dependents_states_ready_itself() -> None:
    assert ready(Condition.false("Ready", "Own"))["reason"] == "Own"


def test_the_transition_time_moves_only_with_the_condition() -> None:
    before = summarize([Condition.true("A")], (), NOW)
    assert summarize([Condition.true("A")], before, LATER) == before
    changed = summarize([Condition.false("A", "R")], before, LATER)
    assert {c["lastTransitionTime"] for c in changed} == {LATER}
