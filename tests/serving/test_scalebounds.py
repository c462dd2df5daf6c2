from dataclasses import replace

import pytest

from emulator.serving.autoscaler import Decision
from emulator.serving.scalebounds import (
    ACTIVE,
    NO_TRAFFIC,
    QUEUED,
    TIMED_OUT,
    Plan,
    ScaleState,
    ZeroStep,
    active_condition,
    bounded,
    fixed_plan,
    mode_of,
    plan,
    scale_to_zero,
)
from emulator.serving.scalespec import ScaleSpec

SPEC = ScaleSpec()
RUNNING = ScaleState(ACTIVE, 0.0, 1, is_initialized=True)
STOPPED = replace(RUNNING, active=NO_TRAFFIC, replicas=0)
NEW = ScaleState.fresh(SPEC, 0.0)


@pytest.mark.parametrize(
    ("spec", "desired", "state", "scale"),
    [
        pytest.param(ScaleSpec(min_scale=2), 0, RUNNING, 2, id="minimum"),
        pytest.param(ScaleSpec(max_scale=3), 5, RUNNING, 3, id="maximum"),
        pytest.param(ScaleSpec(max_scale=0), 500, RUNNING, 500, id="no maximum"),
        pytest.param(ScaleSpec(min_scale=2), -1, RUNNING, -1, id="unknown stays unknown"),
        pytest.param(ScaleSpec(min_scale=2), -1, NEW, 2, id="a minimum holds before there is data"),
        pytest.param(ScaleSpec(), -1, NEW, 0, id="while activating unknown is none"),
        pytest.param(ScaleSpec(initial_scale=3), 1, NEW, 3, id="initial scale until first reached"),
        pytest.param(ScaleSpec(initial_scale=3), 5, NEW, 5, id="load beyond the initial scale"),
        pytest.param(ScaleSpec(initial_scale=3), 1, RUNNING, 1, id="reached once, it no longer counts"),
        pytest.param(ScaleSpec(initial_scale=1), 0, NEW, 0, id="an initial scale of one is no minimum"),
        pytest.param(ScaleSpec(initial_scale=3, is_reachable=False), 0, NEW, 0, id="unreachable ignores it"),
    ],
)
def test_the_wish_is_bounded(spec: ScaleSpec, desired: int, state: ScaleState, scale: int) -> None:
    assert bounded(spec, desired, state) == scale


@pytest.mark.parametrize(
    ("spec", "state", "now", "step"),
    [
        pytest.param(ScaleSpec(enable_scale_to_zero=False), RUNNING, 999, ZeroStep(1, True), id="switched off"),
        pytest.param(SPEC, RUNNING, 59, ZeroStep(1, True), id="active for less than the window"),
        pytest.param(SPEC, RUNNING, 60, ZeroStep(0, False), id="active for the window"),
        pytest.param(SPEC, STOPPED, 29, ZeroStep(0, False), id="the grace is not over"),
        pytest.param(SPEC, STOPPED, 30, ZeroStep(0, True), id="the grace is over"),
        pytest.param(
            SPEC, replace(STOPPED, active_since=60.0), 62, ZeroStep(0, True), id="the activator was in the path anyway"
        ),
        pytest.param(
            SPEC,
            replace(STOPPED, active_since=60.0, mode_since=60.0),
            62,
            ZeroStep(0, False),
            id="it is there only now",
        ),
        pytest.param(
            SPEC, replace(STOPPED, active_since=60.0, mode="Serve"), 62, ZeroStep(0, False), id="it is not there at all"
        ),
        pytest.param(
            ScaleSpec(retention_s=90),
            replace(STOPPED, active_since=60.0),
            149,
            ZeroStep(0, False),
            id="retention is not over",
        ),
        pytest.param(
            ScaleSpec(retention_s=90),
            replace(STOPPED, active_since=60.0),
            150,
            ZeroStep(0, True),
            id="retention is over",
        ),
        pytest.param(
            ScaleSpec(retention_s=5),
            replace(STOPPED, active_since=60.0),
            65,
            ZeroStep(0, True),
            id="a retention below the grace",
        ),
        pytest.param(SPEC, NEW, 630, ZeroStep(-1, False), id="activating"),
        pytest.param(SPEC, NEW, 630.5, ZeroStep(0, True), id="activating for too long"),
    ],
)
def test_the_last_replica_goes_in_steps(spec: ScaleSpec, state: ScaleState, now: float, step: ZeroStep) -> None:
    assert scale_to_zero(spec, 0, state, now) == step


def test_any_other_wish_is_applied_and_an_unknown_one_is_not() -> None:
    assert scale_to_zero(SPEC, 3, RUNNING, 0) == ZeroStep(3, True)
    assert scale_to_zero(SPEC, -1, STOPPED, 0) == ZeroStep(-1, False)


@pytest.mark.parametrize(
    ("desired", "excess", "mode"),
    [(1, 0, "Serve"), (3, 89, "Serve"), (1, -1, "Proxy"), (0, 89, "Proxy"), (-1, 89, "Proxy")],
)
def test_the_activator_leaves_the_path_when_a_burst_is_covered(desired: int, excess: int, mode: str) -> None:
    assert mode_of(desired, excess) == mode


@pytest.mark.parametrize(
    ("spec", "desired", "ready", "state", "condition"),
    [
        (SPEC, 0, 1, RUNNING, NO_TRAFFIC),
        (SPEC, 1, 0, RUNNING, QUEUED),
        (SPEC, 1, 1, RUNNING, ACTIVE),
        (SPEC, 1, 0, STOPPED, QUEUED),
        (SPEC, -1, 0, NEW, QUEUED),
        (SPEC, -1, 1, NEW, ACTIVE),
        (SPEC, -1, 0, RUNNING, QUEUED),
        (SPEC, -1, 0, STOPPED, NO_TRAFFIC),
        (SPEC, -1, 1, STOPPED, NO_TRAFFIC),
        (ScaleSpec(initial_scale=0), -1, 0, NEW, NO_TRAFFIC),
        (ScaleSpec(initial_scale=3), 3, 2, NEW, QUEUED),
        (ScaleSpec(initial_scale=3), 3, 3, NEW, ACTIVE),
        (ScaleSpec(initial_scale=3), 1, 1, RUNNING, ACTIVE),
        (ScaleSpec(min_scale=2), 2, 1, RUNNING, QUEUED),
        (SPEC, 0, 0, NEW, TIMED_OUT),
        (SPEC, 0, 0, replace(STOPPED, active=TIMED_OUT), TIMED_OUT),
        (SPEC, 1, 0, replace(STOPPED, active=TIMED_OUT), QUEUED),
    ],
)
def test_the_active_condition(spec: ScaleSpec, desired: int, ready: int, state: ScaleState, condition: object) -> None:
    assert active_condition(spec, desired, ready, state) == condition


def test_a_revision_goes_from_new_to_active_to_inactive_to_zero_and_back() -> None:
    spec, state, seen = ScaleSpec(stable_window_s=6), ScaleState.fresh(SPEC, 0.0), []
    for now, desired, ready in (
        (0, -1, 0),
        (1, -1, 1),
        (2, 1, 1),
        (6, 0, 1),
        (8, 0, 1),
        (10, 0, 1),
        (29, 0, 1),
        (30, 0, 1),
        (32, 0, 0),
        (40, 1, 0),
        (41, 1, 1),
    ):
        step, state = plan(spec, Decision(desired, -111), ready, state, now)
        seen.append((step.desired, step.replicas, state.active.status))
    assert seen == [
        (-1, 1, "Unknown"),
        (-1, 1, "True"),
        (1, 1, "True"),
        (1, 1, "True"),
        (0, 1, "False"),
        (0, 1, "False"),
        (0, 1, "False"),
        (0, 0, "False"),
        (0, 0, "False"),
        (1, 1, "Unknown"),
        (1, 1, "True"),
    ]


def test_taking_the_activator_out_and_in_restarts_the_grace() -> None:
    state = RUNNING
    _, state = plan(SPEC, Decision(3, 10), 3, state, 100)
    assert (state.mode, state.mode_since) == ("Serve", 100)
    _, state = plan(SPEC, Decision(3, 5), 3, state, 150)
    assert state.mode_since == 100
    _, state = plan(SPEC, Decision(1, -20), 1, state, 160)
    assert (state.mode, state.mode_since) == ("Proxy", 160)


def test_what_is_asleep_from_the_start_stays_so_and_owes_no_grace_afterwards() -> None:
    spec = ScaleSpec(initial_scale=0, stable_window_s=6)
    state, seen = ScaleState.fresh(spec, 0.0), []
    for now, desired, ready in ((0, -1, 0), (2, -1, 0), (4, 1, 0), (5, 1, 1), (11, 0, 1), (13, 0, 1)):
        step, state = plan(spec, Decision(desired, -211), ready, state, now)
        seen.append((step.replicas, state.active.status, state.is_initialized))
    assert seen == [
        (0, "False", True),
        (0, "False", True),
        (1, "Unknown", True),
        (1, "True", True),
        (1, "False", True),
        (0, "False", True),
    ]


def test_asleep_with_a_minimum_starts_the_minimum() -> None:
    spec = ScaleSpec(initial_scale=0, min_scale=2)
    assert plan(spec, Decision(), 0, ScaleState.fresh(spec, 0.0), 0)[0] == Plan(2, 2)


def test_an_activation_that_never_succeeds_is_given_up() -> None:
    state = ScaleState.fresh(SPEC, 0.0)
    _, state = plan(SPEC, Decision(-1, -111), 0, state, 0)
    assert (state.active, state.replicas) == (QUEUED, 1)
    step, state = plan(SPEC, Decision(-1, -111), 0, state, 631)
    assert (step, state.active, state.is_initialized) == (Plan(0, 0), TIMED_OUT, False)


def test_another_class_keeps_a_fixed_scale_and_is_always_active() -> None:
    spec = ScaleSpec(autoscaler_class="hpa.autoscaling.knative.dev", min_scale=2)
    step, state = fixed_plan(spec, None, 0, ScaleState.fresh(spec, 0.0), 5)
    assert (step, state.active, state.active_since, state.is_initialized) == (Plan(2, 2), ACTIVE, 5, False)
    step, state = fixed_plan(replace(spec, min_scale=0), None, 1, state, 9)
    assert (step, state.active_since, state.is_initialized) == (Plan(1, 1), 5, True)


@pytest.mark.parametrize(
    ("spec", "decided", "replicas"),
    [
        ({}, None, 1),
        ({"initial_scale": 3}, None, 3),
        ({"initial_scale": 0}, None, 1),
        ({"min_scale": 2}, 1, 2),
        ({}, 4, 4),
        ({"max_scale": 3}, 4, 3),
        ({"initial_scale": 3}, 1, 1),
    ],
    ids=["nothing", "initial", "asleep", "minimum", "decided", "maximum", "decided after the start"],
)
def test_another_class_follows_what_was_decided_within_its_bounds(
    spec: dict[str, int], decided: int | None, replicas: int
) -> None:
    hpa = ScaleSpec(autoscaler_class="hpa.autoscaling.knative.dev", **spec)  # type: ignore[arg-type]
    made, _ = fixed_plan(hpa, decided, 0, ScaleState.fresh(hpa, 0.0), 5)
    assert made == Plan(replicas, replicas)
