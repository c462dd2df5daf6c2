"""What becomes of the last replica of a Revision that asks for it to be frozen. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.serving.annotations import IDLE
from emulator.serving.freezing import Idle, frozen_plan, surplus, with_idle
from emulator.serving.scalebounds import NO_TRAFFIC, Plan, ScaleState
from emulator.serving.scalespec import ScaleSpec

SPEC = ScaleSpec(frozen_s=60.0)
ONE = ScaleState(NO_TRAFFIC, 0.0, 1, is_initialized=True)
FROZEN = replace(ONE, frozen_since=100.0)
STOP, KEEP = Plan(0, 0), Plan(0, 1)


@pytest.mark.parametrize(
    ("said", "default", "frozen_s"),
    [
        pytest.param({}, "stop", 0, id="nobody asks"),
        pytest.param({}, "freeze", 600, id="all are"),
        pytest.param({IDLE: "freeze"}, "stop", 600, id="this one is"),
        pytest.param({IDLE: "stop"}, "freeze", 0, id="this one is not"),
    ],
)
def test_the_annotation_counts_and_then_the_option(said: dict[str, str], default: Idle, frozen_s: float) -> None:
    assert with_idle(ScaleSpec(), said, default).frozen_s == frozen_s


def test_the_retention_period_is_how_long_it_is_kept_frozen_from_the_windows_end_on() -> None:
    spec = with_idle(ScaleSpec(retention_s=90.0), {IDLE: "freeze"}, "stop")
    assert (spec.frozen_s, spec.retention_s, spec.grace_s) == (90.0, 0.0, 0.0)


def test_what_no_route_reaches_is_not_kept() -> None:
    assert with_idle(ScaleSpec(is_reachable=False), {IDLE: "freeze"}, "freeze").frozen_s == 0


@pytest.mark.parametrize(
    ("spec", "made", "before", "ready", "in_flight", "plan", "since"),
    [
        pytest.param(ScaleSpec(), STOP, ONE, 1, 0, STOP, None, id="nobody asks for it"),
        pytest.param(SPEC, STOP, ONE, 1, 0, KEEP, 110, id="the last one is frozen"),
        pytest.param(SPEC, STOP, FROZEN, 0, 0, KEEP, 100, id="it stays so"),
        pytest.param(SPEC, STOP, replace(ONE, frozen_since=50.0), 0, 0, STOP, None, id="until its time is over"),
        pytest.param(SPEC, STOP, replace(ONE, replicas=3), 3, 0, KEEP, None, id="of several one is kept at first"),
        pytest.param(SPEC, STOP, ONE, 2, 0, KEEP, None, id="and frozen when the others are gone"),
        pytest.param(SPEC, STOP, ONE, 1, 1, KEEP, None, id="not while a request is under way"),
        pytest.param(SPEC, STOP, FROZEN, 0, 1, KEEP, None, id="one that came meanwhile thaws it"),
        pytest.param(SPEC, STOP, ONE, 0, 0, STOP, None, id="one that is not ready is not worth it"),
        pytest.param(SPEC, Plan(1, 1), FROZEN, 0, 0, Plan(1, 1), None, id="wanted again"),
        pytest.param(SPEC, Plan(0, 1), ONE, 1, 0, Plan(0, 1), None, id="not to be stopped yet"),
        pytest.param(SPEC, Plan(0, 1), FROZEN, 0, 0, KEEP, 100, id="frozen, and not to be stopped yet"),
        pytest.param(ScaleSpec(), Plan(0, 1), FROZEN, 0, 0, STOP, None, id="frozen, and not to be any more"),
        pytest.param(SPEC, STOP, replace(ONE, replicas=0), 0, 0, STOP, None, id="at zero"),
    ],
)
def test_the_last_replica(
    spec: ScaleSpec, made: Plan, before: ScaleState, ready: int, in_flight: int, plan: Plan, since: float | None
) -> None:
    after = replace(before, replicas=made.replicas)
    found, state = frozen_plan(spec, made, before, after, 110.0, ready=ready, in_flight=in_flight)
    assert (found, state.replicas, state.frozen_since) == (plan, plan.replicas, since)


def test_beyond_the_most_the_oldest_are_too_many() -> None:
    assert surplus({"a": 3.0, "b": 1.0, "c": 2.0}, 1) == ["b", "c"]
    assert surplus({"a": 3.0}, 8) == []
