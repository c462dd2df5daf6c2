from dataclasses import replace
from itertools import pairwise

import pytest

from emulator.serving.autoscaler import DeciderState, Decision, Load, decide
from emulator.serving.metrics import LoadWindows
from emulator.serving.scalespec import ScaleSpec

TEN = ScaleSpec(target=10.0, total=10.0)


def desired(spec: ScaleSpec, load: Load, state: DeciderState | None = None, now: float = 1000.0) -> int:
    return decide(spec, load, state or DeciderState(), now)[0].desired


@pytest.mark.parametrize(
    ("spec", "load", "wanted"),
    [
        pytest.param(TEN, Load(0, 0, 1), 0, id="no load"),
        pytest.param(TEN, Load(0.01, 0, 0), 1, id="any load needs one"),
        pytest.param(TEN, Load(10, 10, 1), 1, id="exactly the target"),
        pytest.param(TEN, Load(10.001, 10, 1), 2, id="above the target"),
        pytest.param(ScaleSpec(), Load(71, 71, 1), 2, id="the default target is 70"),
        pytest.param(TEN, Load(35, 0, 10), 5, id="at most halved at once"),
        pytest.param(replace(TEN, max_scale_down_rate=4), Load(0, 0, 10), 2, id="or as the rate says"),
        pytest.param(TEN, Load(0, 0, 1), 0, id="half of one is none"),
        pytest.param(replace(TEN, is_reachable=False), Load(0, 0, 10), 0, id="unreachable falls at once"),
        pytest.param(replace(TEN, max_scale_up_rate=1.1), Load(50, 0, 2), 3, id="grows by one at least"),
        pytest.param(replace(TEN, max_scale_up_rate=2), Load(500, 0, 3), 6, id="at most doubled"),
        pytest.param(replace(TEN, max_scale_up_rate=2), Load(500, 0, 0), 2, id="none ready counts as one"),
        pytest.param(replace(TEN, activation_scale=3), Load(1, 0, 0), 3, id="activation scale"),
        pytest.param(replace(TEN, activation_scale=3), Load(0, 0, 0), 0, id="no load, no activation scale"),
        pytest.param(replace(TEN, activation_scale=3), Load(45, 0, 3), 5, id="beyond the activation scale"),
        pytest.param(TEN, Load(15, 100, 6), 3, id="a burst below the threshold is not panic"),
        pytest.param(TEN, Load(15, 20, 1), 2, id="panic takes the larger of both"),
        pytest.param(TEN, Load(60, 20, 1), 6, id="even if that is the stable one"),
        pytest.param(replace(TEN, activation_scale=4), Load(0, 20, 1), 4, id="activation scale in panic"),
        pytest.param(replace(TEN, panic_threshold=5), Load(15, 40, 1), 2, id="a higher threshold"),
    ],
)
def test_the_scale_follows_the_load(spec: ScaleSpec, load: Load, wanted: int) -> None:
    assert desired(spec, load) == wanted


@pytest.mark.parametrize(
    ("burst", "load", "excess"),
    [
        (0, Load(0, 500, 1), 0),
        (-1, Load(0, 0, 9), -1),
        (211, Load(0, 0, 2), -11),
        (211, Load(0, 0, 3), 89),
        (211, Load(0, 89.5, 3), -1),
        (211, Load(0, 0, 0), -211),
    ],
)
def test_excess_burst_capacity_is_what_ready_replicas_leave_over(burst: float, load: Load, excess: int) -> None:
    decision, _ = decide(ScaleSpec(target_burst_capacity=burst), load, DeciderState(), 0)
    assert decision.excess_burst_capacity == excess


def test_without_data_the_last_decision_stands() -> None:
    state = DeciderState(Decision(3, -5))
    assert decide(TEN, Load(0, 0, 3, is_known=False), state, 5) == (Decision(3, -5), state)


def test_a_fresh_revision_is_undecided() -> None:
    fresh = DeciderState.fresh(ScaleSpec(initial_scale=3), 1, 0)
    assert fresh.last == Decision(-1, 89, False)
    assert DeciderState.fresh(ScaleSpec(target_burst_capacity=-1), 0, 0).last.excess_burst_capacity == -1


def test_with_several_replicas_ready_it_starts_in_panic_and_keeps_them() -> None:
    fresh = DeciderState.fresh(TEN, 4, 1000)
    assert fresh.last.is_panicking
    assert desired(TEN, Load(1, 1, 4), fresh, 1059) == 4
    assert desired(TEN, Load(1, 1, 4), fresh, 1061) == 2


def test_panic_never_scales_down_and_ends_a_stable_window_after_the_last_burst() -> None:
    state, seen = DeciderState(), []
    for now, load in (
        (0, Load(5, 20, 1)),
        (2, Load(5, 60, 2)),
        (30, Load(5, 10, 6)),
        (62, Load(5, 10, 6)),
        (62.1, Load(5, 10, 6)),
        (64, Load(5, 10, 3)),
    ):
        decision, state = decide(TEN, load, state, now)
        seen.append((decision.desired, decision.is_panicking))
    assert seen == [(2, True), (6, True), (6, True), (6, True), (3, False), (1, False)]


def test_a_burst_prolongs_the_panic() -> None:
    _, state = decide(TEN, Load(5, 20, 1), DeciderState(), 0)
    _, state = decide(TEN, Load(5, 40, 2), state, 50)
    decision, _ = decide(TEN, Load(5, 5, 4), state, 100)
    assert decision.is_panicking


def test_scale_down_delay_holds_the_largest_of_its_window() -> None:
    spec, state, seen = replace(TEN, scale_down_delay_s=6), DeciderState(), []
    for now, load in ((0, 40.0), (2, 20.0), (4, 10.0), (6, 10.0), (8, 10.0), (10, 30.0), (12, 0.0)):
        decision, state = decide(spec, Load(load, 0, 4 if load else 1), state, now)
        seen.append(decision.desired)
    # Ready 4 lets it fall to 2 at once; four ticks ago no longer counts.
    assert seen == [4, 4, 4, 2, 2, 3, 3]


def test_two_decisions_in_one_tick_keep_the_larger() -> None:
    spec = replace(TEN, scale_down_delay_s=2)
    _, state = decide(spec, Load(30, 0, 1), DeciderState(), 10)
    assert desired(spec, Load(10, 0, 1), state, 11) == 3
    assert desired(spec, Load(10, 0, 1), state, 12) == 1


def test_an_unreachable_revision_does_not_wait_for_the_delay() -> None:
    spec = replace(TEN, scale_down_delay_s=60)
    _, state = decide(spec, Load(30, 0, 3), DeciderState(), 0)
    assert desired(spec, Load(0, 0, 3), state, 2) == 3
    assert desired(replace(spec, is_reachable=False), Load(0, 0, 3), state, 2) == 0


def test_silence_is_unknown_unless_the_activator_sees_every_request() -> None:
    spec = ScaleSpec(stable_window_s=6)
    windows = LoadWindows(spec)
    assert not Load.of(spec, windows, 0, 100).is_known
    windows.record(100, 3)
    assert Load.of(spec, windows, 0, 106) == Load(0, 0, 0, True)
    assert not Load.of(spec, windows, 0, 107).is_known
    assert Load.of(replace(spec, target_burst_capacity=-1), windows, 0, 107).is_known


def simulate(spec: ScaleSpec, curve: list[float], ready: int = 0) -> list[int]:
    """Desired every two seconds when the load per second is `curve` and replicas follow at once."""
    windows, state, seen = LoadWindows(spec), DeciderState.fresh(spec, ready, 0), []
    for second, value in enumerate(curve):
        windows.record(second, value)
        if second % 2 == 1:
            decision, state = decide(spec, Load.of(spec, windows, ready, second), state, second)
            ready = decision.desired
            seen.append(decision.desired)
    return seen


def test_a_steady_load_settles_at_its_scale_and_falls_to_zero_a_window_after_it_ends() -> None:
    seen = simulate(replace(TEN, stable_window_s=20, panic_window_s=2), [25.0] * 40 + [0.0] * 30)
    assert set(seen[:20]) == {3}
    first_zero = seen.index(0)
    assert 59 <= first_zero * 2 + 1 <= 61
    assert all(later <= earlier for earlier, later in pairwise(seen[19:]))


def test_a_burst_is_answered_within_the_panic_window_and_held() -> None:
    seen = simulate(replace(TEN, stable_window_s=60, panic_window_s=6), [5.0] * 60 + [100.0] * 10 + [5.0] * 100)
    assert set(seen[:30]) == {1}
    # Six seconds into the burst the panic window is full of it; the stable one would still say 3.
    assert seen[32] == 10
    assert seen[60] == 10
    assert seen[-1] == 1
