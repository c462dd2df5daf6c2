"""Load curves replayed second by second against `decide` and `plan`, beside replica curves from the formulas.

Twice: curves small enough to work out by hand, whose changes of scale are written down here; and random ones, beside
`Formulas`, which knows nothing of the Autoscaler's ways: it keeps the whole past and applies the formulas of Knative's
autoscaler (serving §6.4-6.6) to it, as they are written.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.serving.autoscaler import TICK_S, DeciderState, Load, decide
from emulator.serving.metrics import LoadWindows
from emulator.serving.scalebounds import ScaleState, plan
from emulator.serving.scalespec import ScaleSpec

Curve = Callable[[int], float]
"""Requests at once (or in the second) by the second."""

TEN = ScaleSpec(target=10.0, total=10.0, initial_scale=0)
START = 1_000_000
"""Seconds at which simulations begin; those of the curves are counted from there."""


class Cluster:
    """Pods that become ready `start_s` after they are wanted, and go at once."""

    def __init__(self, start_s: int) -> None:
        self.start_s = start_s
        self.ready_at: list[int] = []

    def scale(self, now: int, replicas: int) -> None:
        self.ready_at = self.ready_at[:replicas]
        self.ready_at += [now + self.start_s] * (replicas - len(self.ready_at))

    def ready(self, now: int) -> int:
        return sum(at <= now for at in self.ready_at)


class Autoscaled:
    """The code under test, driven as the Scaler drives it."""

    def __init__(self, spec: ScaleSpec) -> None:
        self.spec = spec
        self.windows = LoadWindows(spec)
        self.decider = DeciderState.fresh(spec, 0, START)
        self.scale = ScaleState.fresh(spec, START)

    @property
    def is_asleep(self) -> bool:
        return self.scale.replicas == 0 and self.scale.active.status == "False"

    def record(self, now: int, value: float) -> None:
        self.windows.record(now, value)

    def decide(self, now: int, ready: int) -> int:
        load = Load.of(self.spec, self.windows, ready, now)
        decision, self.decider = decide(self.spec, load, self.decider, now)
        made, self.scale = plan(self.spec, decision, ready, self.scale, now)
        return made.replicas


class Formulas:
    """The formulas, applied to the whole past at each decision."""

    def __init__(self, spec: ScaleSpec) -> None:
        self.spec = spec
        self.values: dict[int, float] = {}
        self.overs: list[int] = []
        self.in_panic: list[int] = []
        self.wanted: list[tuple[int, int]] = []
        self.last = -1
        self.replicas = spec.initial_scale
        self.active, self.active_since = "Unknown", START
        self.proxy_since: int | None = START - int(spec.grace_s) if spec.initial_scale == 0 else START
        self.was_ready = False

    @property
    def is_asleep(self) -> bool:
        return self.replicas == 0 and self.active == "False"

    def record(self, now: int, value: float) -> None:
        self.values[now] = value

    def mean(self, now: int, length: int) -> float:
        """Of the last `length` seconds; of as many as there are where nothing was heard for a whole window before."""
        heard = sorted(at for at in self.values if at <= now)
        begin = heard[-1]
        for at in reversed(heard):
            if begin - at >= length:
                break
            begin = at
        first = max(begin, now - length + 1)
        seconds = range(now, first - 1, -1)
        if not self.spec.is_weighted:
            return round(sum(self.values.get(at, 0.0) for at in seconds) / len(seconds), 6)
        weight = max(0.2, 1 - math.pow(0.0001, 1 / length))
        shares = [weight * math.pow(1 - weight, age) for age in range(len(seconds))]
        return round(sum(self.values.get(at, 0.0) * share for at, share in zip(seconds, shares, strict=True)), 6)

    def decide(self, now: int, ready: int) -> int:
        spec = self.spec
        if self.values:
            self.last = self.desired(now, ready)
            panic = self.mean(now, spec.panic_window_s)
        else:
            panic = 0.0
        burst = spec.target_burst_capacity
        spare = burst if burst in (0, -1) else math.floor(ready * spec.total - burst - panic)
        return self.planned(now, ready, self.bounded(), spare)

    def desired(self, now: int, ready: int) -> int:
        spec, pods = self.spec, max(1, ready)
        up = math.ceil(spec.max_scale_up_rate * pods)
        down = math.floor(pods / spec.max_scale_down_rate) if spec.is_reachable else 0
        dspc = math.ceil(self.mean(now, spec.stable_window_s) / spec.target)
        dppc = math.ceil(self.mean(now, spec.panic_window_s) / spec.target)
        s, p = (min(max(count, down), up) for count in (dspc, dppc))
        if spec.activation_scale > 1:
            s = max(s, spec.activation_scale) if dspc > 0 else s
            p = max(p, spec.activation_scale) if dppc > 0 else p
        if dppc / pods >= spec.panic_threshold:
            self.overs.append(now)
        if self.overs and now - self.overs[-1] <= spec.stable_window_s:
            self.in_panic.append(max(s, p))
            wanted = max(self.in_panic)
        else:
            self.in_panic, self.overs = [], []
            wanted = s
        self.wanted.append((now, wanted))
        if not spec.is_reachable or not spec.scale_down_delay_s:
            return wanted
        ticks = math.ceil(spec.scale_down_delay_s / 2)
        return max(value for at, value in self.wanted if now // 2 - at // 2 < ticks)

    def bounded(self) -> int:
        spec, least = self.spec, self.spec.min_scale
        if spec.initial_scale > 1 and not self.was_ready and spec.is_reachable:
            least = max(least, spec.initial_scale)
        wanted = max(self.last, least) if self.last >= 0 or self.active == "Unknown" else self.last
        return min(wanted, spec.max_scale) if spec.max_scale else wanted

    def planned(self, now: int, ready: int, wanted: int, spare: float) -> int:
        spec, since = self.spec, now - self.active_since
        shown, applied = wanted, wanted > 0
        if wanted == 0:
            shown, applied = {
                "Unknown": (-1, False),
                "True": (1, True) if since < spec.stable_window_s else (0, False),
                "False": (0, self.may_go(now)),
            }[self.active]
        serves = shown > 0 and spare >= 0
        if serves:
            self.proxy_since = None
        elif self.proxy_since is None:
            self.proxy_since = now
        least = max(spec.min_scale, 1 if self.was_ready else spec.initial_scale)
        self.was_ready = self.was_ready or ready >= max(spec.min_scale, spec.initial_scale)
        if 0 in (shown, least) or (shown < 0 and self.active == "False"):
            active = "False"
        else:
            active = "True" if ready >= least else "Unknown"
        if active != self.active:
            self.active, self.active_since = active, now
        self.replicas = shown if applied else self.replicas
        return self.replicas

    def may_go(self, now: int) -> bool:
        spec, inactive = self.spec, now - self.active_since
        proxied = now - self.proxy_since if self.proxy_since is not None else 0
        return inactive >= max(spec.grace_s, spec.retention_s) or (
            inactive >= spec.retention_s and proxied >= spec.grace_s
        )


def replay(scaled: Autoscaled | Formulas, curve: Curve, length_s: int, start_s: int = 0) -> list[tuple[int, int]]:
    """The changes of scale as (second, replicas): a sample each second, a decision each two, and one for a poke."""
    cluster, replicas, changes = Cluster(start_s), 0, []
    for second in range(length_s):
        now, load = START + second, curve(second)
        if scaled.is_asleep and load == 0:
            continue
        is_poke = replicas == 0 and load > 0
        scaled.record(now, max(1.0, load) if is_poke else load)
        if is_poke or second % TICK_S == 0:
            wanted = scaled.decide(now, cluster.ready(now))
            cluster.scale(now, wanted)
            if wanted != replicas:
                changes.append((second, wanted))
                replicas = wanted
    return changes


def step(height: float, begin: int, end: int) -> Curve:
    return lambda second: height if begin <= second < end else 0.0


def burst(second: int) -> float:
    """10 at once, and 100 from 100 to 106."""
    return 100.0 if 100 <= second < 106 else 10.0 if second < 300 else 0.0


# After the end of a load of L with target 10, k seconds of the window's 60 are empty, and ceil(L/10 * (60-k)/60) is
# wanted. The decision of the second `end + j` has k = j + 1.
_FALL_OF_45 = [(126, 4), (140, 3), (154, 2), (166, 1)]
HAND_MADE = [
    pytest.param(
        TEN,
        step(45, 0, 120),
        # 45 call for 5 at once. At 120+60 nothing is left of them: inactive; with the next decision the last one goes.
        [(0, 5), *_FALL_OF_45, (182, 0)],
        id="a step of 45",
    ),
    pytest.param(
        replace(TEN, max_scale=3),
        step(45, 0, 120),
        [(0, 3), (154, 2), (166, 1), (182, 0)],
        id="max-scale 3",
    ),
    pytest.param(
        replace(TEN, activation_scale=4),
        step(15, 0, 120),
        # 15 call for 2, the activation scale for 4 as long as there is any load. When the window has emptied, 4 are
        # halved (the down rate), and so on; with 0 wanted at 184 it becomes inactive, and the last one goes at 186.
        [(0, 4), (180, 2), (182, 1), (186, 0)],
        id="activation-scale 4",
    ),
    pytest.param(
        replace(TEN, min_scale=2),
        step(45, 0, 120),
        [(0, 5), *_FALL_OF_45[:3]],
        id="min-scale 2",
    ),
    pytest.param(
        replace(TEN, scale_down_delay_s=30, max_scale_down_rate=10.0),
        step(45, 0, 120),
        # The last decision for the higher scale, 2 s before each fall, counts for 30 s: each fall comes 28 s later.
        [(0, 5), *((at + 28, replicas) for at, replicas in _FALL_OF_45), (210, 0)],
        id="scale-down-delay 30s",
    ),
    pytest.param(
        replace(TEN, retention_s=100.0),
        step(45, 0, 120),
        # Inactive at 180, kept for 100 more.
        [(0, 5), *_FALL_OF_45, (280, 0)],
        id="retention 100s",
    ),
    pytest.param(
        replace(TEN, target_burst_capacity=0.0),
        step(45, 0, 120),
        # Without the activator in the path before, grace (30 s) begins when it becomes inactive at 180.
        [(0, 5), *_FALL_OF_45, (210, 0)],
        id="grace",
    ),
    pytest.param(
        replace(TEN, stable_window_s=6, panic_window_s=1),
        step(45, 0, 120),
        # k of 6: 37.5, 22.5, 7.5 at k = 1, 3, 5; empty at 120 + 6; the panic of the start was over long before.
        [(0, 5), (120, 4), (122, 3), (124, 1), (128, 0)],
        id="window 6s",
    ),
    pytest.param(
        TEN,
        burst,
        # At 100, one of the panic window's six seconds is 100: (5*10 + 100)/6 = 25 call for 3, thrice the ready one.
        # At 102: (3*10 + 3*100)/6 = 55: 6. At 104: (10 + 500)/6 = 85: 9, panic as 9/3... is three times what is ready.
        # From 105 on it is 100, seen at 106 as (10 + 500)/6 = 85 again, so 9 is the most, kept until 60 s after the
        # last time that twice the ready ones were called for (102: 6 of 3; at 104 it was 9 of 6). At 164 the stable
        # window still holds the burst's last two seconds: (58*10 + 2*100)/60 = 13, so 2; half of 9 is 4 by the rate.
        [(0, 1), (100, 3), (102, 6), (104, 9), (164, 4), (166, 2), (168, 1), (362, 0)],
        id="a burst",
    ),
]


@pytest.mark.parametrize(("spec", "curve", "expected"), HAND_MADE)
def test_the_replicas_follow_the_curve_worked_out_by_hand(
    spec: ScaleSpec, curve: Curve, expected: list[tuple[int, int]]
) -> None:
    assert replay(Autoscaled(spec), curve, 400) == expected


def wandering(seed: int, length_s: int) -> Curve:
    """Calm, bursts and silence of random height and length."""
    chance = random.Random(seed)
    values: list[float] = []
    while len(values) < length_s:
        height = chance.choice((0.0, 0.0, 3.0, 12.5, 40.0, 77.7, 250.0))
        values += [height * chance.uniform(0.8, 1.2) for _ in range(chance.randrange(1, 90))]
    return lambda second: values[second]


SPECS = {
    "plain": TEN,
    "default": ScaleSpec(initial_scale=0),
    "bounds": replace(TEN, min_scale=1, max_scale=7),
    "initial scale": replace(TEN, initial_scale=3),
    "activation scale": replace(TEN, activation_scale=5),
    "delay": replace(TEN, scale_down_delay_s=45),
    "retention": replace(TEN, retention_s=37.0),
    "no burst": replace(TEN, target_burst_capacity=0.0),
    "always in path": replace(TEN, target_burst_capacity=-1.0),
    "short windows": replace(TEN, stable_window_s=10, panic_window_s=1),
    "eager panic": replace(TEN, panic_threshold=1.1, panic_window_s=12),
    "slow rates": replace(TEN, max_scale_up_rate=1.5, max_scale_down_rate=1.2),
    "unreachable": replace(TEN, is_reachable=False),
    "weighted": replace(TEN, is_weighted=True),
}


@pytest.mark.parametrize("start_s", [0, 3], ids=["ready at once", "ready after 3 s"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_the_replicas_follow_random_curves_as_the_formulas_say(spec: ScaleSpec, start_s: int) -> None:
    for seed in range(3):
        curve = wandering(seed, 700)
        expected = replay(Formulas(spec), curve, 700, start_s)
        assert expected
        assert replay(Autoscaled(spec), curve, 700, start_s) == expected, f"seed {seed}"
