"""How many Pods their use of CPU and memory calls for."""

from __future__ import annotations

import pytest

from emulator.workloads.horizontal import Bounds, Metric, PodFigures, Recommendations, Unmeasured, propose

CPU = Metric("cpu", "Utilization", 50.0)
MEMORY = Metric("memory", "AverageValue", 100.0)


def pods(*used: float | None, ready: bool = True, resource: str = "cpu", asked: float | None = 1.0) -> list[PodFigures]:
    requested = {} if asked is None else {resource: asked}
    return [
        PodFigures(
            f"p{number}",
            ready,
            None if use is None else {"c": {resource: use}},
            {"c": requested},
        )
        for number, use in enumerate(used)
    ]


@pytest.mark.parametrize(
    ("metric", "given", "expected"),
    [
        pytest.param(CPU, pods(0.5), 1, id="as aimed at"),
        pytest.param(CPU, pods(0.55), 1, id="within the tolerance"),
        pytest.param(CPU, pods(0.56), 2, id="above it"),
        pytest.param(CPU, pods(1.0), 2, id="twice the target"),
        pytest.param(CPU, pods(0.9, 0.7, 0.8), 5, id="the mean of several: 80/50 of 3"),
        pytest.param(CPU, pods(0.2, 0.1, 0.1, 0.1), 1, id="a quarter of the target: 12/50 of 4"),
        pytest.param(CPU, [*pods(1.0), *pods(None)], 2, id="not measured counts as idle before growing"),
        pytest.param(CPU, [*pods(0.1, 0.1), *pods(None)], 3, id="and as full before shrinking"),
        pytest.param(CPU, [*pods(1.0), *pods(None, ready=False)], 2, id="what starts counts as idle"),
        pytest.param(CPU, [*pods(0.1), *pods(None, ready=False)], 1, id="but does not hold up shrinking"),
        pytest.param(MEMORY, pods(250.0, resource="memory", asked=None), 3, id="an amount needs no request"),
        pytest.param(MEMORY, pods(90.0, 20.0, resource="memory", asked=None), 2, id="110/2 of 100"),
        pytest.param(MEMORY, pods(30.0, 20.0, resource="memory", asked=None), 1, id="50/2 of 100"),
    ],
)
def test_the_use_in_proportion_to_the_target(metric: Metric, given: list[PodFigures], expected: int) -> None:
    assert propose(metric, given, len(given)).replicas == expected


def test_the_figures_are_told() -> None:
    proposal = propose(CPU, pods(0.9, 0.7), 2)
    assert (proposal.percent, round(proposal.mean, 3)) == (80, 0.8)
    assert propose(MEMORY, pods(250.0, resource="memory"), 1).percent is None


def test_one_container_may_be_the_only_one_that_counts() -> None:
    pod = PodFigures("p", True, {"a": {"cpu": 1.0}, "b": {"cpu": 9.0}}, {"a": {"cpu": 1.0}, "b": {}})
    assert propose(Metric("cpu", "Utilization", 50.0, "a"), [pod], 1).replicas == 2


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (pods(1.0, asked=None), "missing request for cpu in container c of Pod p0"),
        (pods(None), "did not receive metrics for targeted pods"),
        ([], "did not receive metrics for targeted pods"),
    ],
    ids=["no request", "not measured", "no Pods"],
)
def test_what_cannot_be_compared_is_told(given: list[PodFigures], text: str) -> None:
    with pytest.raises(Unmeasured, match=text):
        propose(CPU, given, 1)


def test_scaling_down_waits_until_the_whole_window_calls_for_less() -> None:
    past, held = Recommendations(((0.0, 4),)), 4
    seen = []
    for now, wanted in ((15, 4), (30, 1), (300, 1), (314, 1), (315, 1), (330, 1)):
        held, past = past.stabilized(wanted, held, Bounds(1, 10), float(now))
        seen.append(held)
    assert seen == [4, 4, 4, 4, 1, 1]


def test_scaling_up_waits_only_if_its_window_says_so() -> None:
    at_once, _ = Recommendations().stabilized(3, 1, Bounds(1, 10), 0.0)
    waits = Bounds(1, 10, stable_up_s=30.0)
    late, past = Recommendations(((0.0, 1),)).stabilized(3, 1, waits, 15.0)
    later, _ = past.stabilized(3, 1, waits, 30.0)
    assert (at_once, late, later) == (3, 1, 3)


@pytest.mark.parametrize(
    ("current", "wanted", "expected"),
    [(1, 50, 5), (3, 50, 7), (6, 50, 12), (6, 9, 9), (6, 50, 12)],
    ids=["by four", "by four", "twice", "as wanted", "twice again"],
)
def test_it_grows_by_four_or_to_twice_at_once(current: int, wanted: int, expected: int) -> None:
    assert Recommendations().stabilized(wanted, current, Bounds(1, 100), 0.0)[0] == expected


def test_the_bounds_hold() -> None:
    assert Recommendations().stabilized(9, 8, Bounds(2, 7), 0.0)[0] == 7
    assert Recommendations().stabilized(1, 8, Bounds(2, 7), 0.0)[0] == 2
