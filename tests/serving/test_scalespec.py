from dataclasses import replace

import pytest

from emulator.lib.durations import SECOND
from emulator.objects.problems import dotted, knative_text, under
from emulator.serving.autoscalerconfig import HPA, KPA, AutoscalerConfig
from emulator.serving.scalespec import ScaleSpec, validate_annotations

DEFAULTS = AutoscalerConfig()


def keyed(**annotations: str) -> dict[str, str]:
    """`min_scale="1"` becomes `autoscaling.knative.dev/min-scale: "1"`; other spellings are given in full."""
    return {f"autoscaling.knative.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}


def texts(annotations: dict[str, str], config: AutoscalerConfig = DEFAULTS) -> list[str]:
    """Each fault as `path: message`, the group left out of the path."""
    return [
        f"{', '.join(dotted(p).removeprefix('autoscaling.knative.dev/') for p in (f.path, *f.others))}: {f.message}"
        for f in validate_annotations(annotations, config)
    ]


def test_a_plain_revision_aims_at_seventy_of_a_hundred() -> None:
    assert ScaleSpec.of({}) == ScaleSpec()
    assert (ScaleSpec().target, ScaleSpec().total) == (70.0, 100.0)


@pytest.mark.parametrize(
    ("annotations", "concurrency", "target", "total"),
    [
        ({}, 0, 70.0, 100.0),
        ({}, 10, 7.0, 10.0),
        (keyed(target="5"), 0, 3.5, 5.0),
        (keyed(target="50"), 10, 7.0, 10.0),
        (keyed(target="5"), 10, 3.5, 5.0),
        (keyed(metric="rps"), 0, 140.0, 200.0),
        (keyed(metric="rps"), 10, 140.0, 200.0),
        (keyed(metric="rps", target="50"), 10, 35.0, 50.0),
        (keyed(target_utilization_percentage="90"), 10, 9.0, 10.0),
        (keyed(metric="rps", target_utilization_percentage="50"), 0, 100.0, 200.0),
        (keyed(target="0.01"), 0, 0.01, 0.01),
        ({"autoscaling.knative.dev/targetUtilizationPercentage": "80"}, 0, 80.0, 100.0),
    ],
)
def test_the_target_follows_concurrency_annotation_and_utilization(
    annotations: dict[str, str], concurrency: int, target: float, total: float
) -> None:
    spec = ScaleSpec.of(annotations, concurrency)
    assert spec.target == pytest.approx(target)
    assert spec.total == total


def test_utilization_of_requests_per_second_is_not_the_configured_one() -> None:
    config = replace(DEFAULTS, target_percentage=50.0)
    assert ScaleSpec.of({}, 0, config).target == 50.0
    assert ScaleSpec.of(keyed(metric="rps"), 0, config).target == 140.0


def test_every_annotation_is_read() -> None:
    spec = ScaleSpec.of(
        keyed(
            target_burst_capacity="-1",
            min_scale="1",
            max_scale="5",
            initial_scale="2",
            activation_scale="3",
            scale_down_delay="30s",
            window="40s",
            panic_window_percentage="20",
            panic_threshold_percentage="150",
            scale_to_zero_pod_retention_period="1m30s",
            metric_aggregation_algorithm="weighted-exponential",
        )
        | {"autoscaling.knative.dev/class": HPA}
    )
    assert spec == ScaleSpec(
        autoscaler_class=HPA,
        target_burst_capacity=-1.0,
        min_scale=1,
        max_scale=5,
        initial_scale=2,
        activation_scale=3,
        scale_down_delay_s=30,
        stable_window_s=40,
        panic_window_s=8,
        panic_threshold=1.5,
        retention_s=90.0,
        is_weighted=True,
    )
    assert not spec.is_kpa


def test_aliases_count_where_the_official_spelling_is_absent() -> None:
    alias = "autoscaling.knative.dev/minScale"
    assert ScaleSpec.of({alias: "4"}).min_scale == 4
    assert ScaleSpec.of({alias: "4", **keyed(min_scale="2")}).min_scale == 2


def test_what_is_invalid_counts_as_not_written() -> None:
    assert ScaleSpec.of(keyed(min_scale="many", window="soon", target="high")) == ScaleSpec()


def test_the_config_map_gives_what_no_annotation_says() -> None:
    config = AutoscalerConfig(min_scale=1, max_scale=3, stable_window_ns=30 * SECOND, enable_scale_to_zero=False)
    spec = ScaleSpec.of({}, 0, config, progress_deadline_s=60)
    assert (spec.min_scale, spec.max_scale, spec.stable_window_s, spec.panic_window_s) == (1, 3, 30, 3)
    assert (spec.enable_scale_to_zero, spec.activation_timeout_s) == (False, 90.0)


def test_an_unreachable_revision_has_no_minimum_and_no_retention() -> None:
    annotations = keyed(min_scale="2", scale_to_zero_pod_retention_period="1m")
    spec = ScaleSpec.of(annotations, is_reachable=False)
    assert (spec.min_scale, spec.retention_s, spec.is_reachable) == (0, 0.0, False)


@pytest.mark.parametrize(("allowed", "initial"), [(False, 1), (True, 0)])
def test_an_initial_scale_of_zero_needs_the_clusters_leave(allowed: bool, initial: int) -> None:
    config = AutoscalerConfig(allow_zero_initial_scale=allowed)
    assert ScaleSpec.of(keyed(initial_scale="0"), 0, config).initial_scale == initial


@pytest.mark.parametrize(("window", "percentage", "seconds"), [("6s", "10", 1), ("25s", "10", 3), ("60s", "1", 1)])
def test_the_panic_window_is_a_whole_number_of_seconds_at_least_one(window: str, percentage: str, seconds: int) -> None:
    assert ScaleSpec.of(keyed(window=window, panic_window_percentage=percentage)).panic_window_s == seconds


@pytest.mark.parametrize(
    ("annotations", "fault"),
    [
        (keyed(**{"class": "foo.knative.dev"}), "class: invalid value: foo.knative.dev"),
        (keyed(metric="cpu"), "metric: invalid value: cpu"),
        (keyed(metric="", **{"class": HPA}), "metric: invalid value: "),
        (keyed(target="0"), "target: target 0 should be at least 0.01"),
        (keyed(target="many"), "target: invalid value: many"),
        (keyed(target_utilization_percentage="0"), "target-utilization-percentage: expected 1 <= 0 <= 100"),
        (
            {"autoscaling.knative.dev/targetUtilizationPercentage": "101"},
            "targetUtilizationPercentage: expected 1 <= 101 <= 100",
        ),
        (keyed(target_burst_capacity="-2"), "target-burst-capacity: invalid value: -2"),
        (keyed(min_scale="-1"), "min-scale: expected 0 <= -1 <= 2147483647"),
        (keyed(min_scale="2147483648"), "min-scale: expected 0 <= 2147483648 <= 2147483647"),
        ({"autoscaling.knative.dev/maxScale": "x"}, "maxScale: invalid value: x"),
        (keyed(min_scale="3", max_scale="2"), "max-scale, min-scale: max-scale=2 is less than min-scale=3"),
        (keyed(activation_scale="1"), "activation-scale: activation-scale=1 must be greater than 1"),
        (keyed(activation_scale="x"), "activation-scale: invalid value: x"),
        (
            keyed(activation_scale="2", min_scale="3"),
            "activation-scale: min-scale=3 is greater than activation-scale=2",
        ),
        (keyed(activation_scale="5", max_scale="4"), "activation-scale: max-scale=4 is less than activation-scale=5"),
        (keyed(initial_scale="x"), "initial-scale: invalid value: x"),
        (keyed(initial_scale="-1"), "initial-scale must be greater than 0: invalid value: -1"),
        (keyed(initial_scale="0"), "initial-scale=0 not allowed by cluster: invalid value: 0"),
        (keyed(scale_down_delay="2h"), "scale-down-delay: expected 0s <= 2h <= 1h0m0s"),
        (keyed(scale_down_delay="1.5s"), "scale-down-delay: must be specified with at most second precision"),
        (keyed(scale_down_delay="5"), "scale-down-delay: invalid value: 5"),
        (keyed(window="5s"), "window: expected 6s <= 5s <= 1h0m0s"),
        (keyed(window="6500ms"), "window: must be specified with at most second precision"),
        (keyed(panic_window_percentage="0.5"), "panic-window-percentage: expected 1 <= 0.5 <= 100"),
        (keyed(panic_threshold_percentage="109"), "panic-threshold-percentage: expected 110 <= 109 <= 1000"),
        (
            keyed(scale_to_zero_pod_retention_period="-1s"),
            "scale-to-zero-pod-retention-period: expected 0s <= -1s <= 1h0m0s",
        ),
        (
            keyed(metric_aggregation_algorithm="median", **{"class": KPA}),
            "metric-aggregation-algorithm: invalid value: median",
        ),
    ],
)
def test_a_faulty_annotation_is_refused_in_knatives_words(annotations: dict[str, str], fault: str) -> None:
    assert texts(annotations) == [fault]


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        keyed(**{"class": "example.com/mine"}, metric="anything"),
        keyed(**{"class": HPA}, metric="memory"),
        keyed(target_burst_capacity="-1", scale_to_zero_pod_retention_period="1.5s"),
        keyed(metric_aggregation_algorithm="median"),
        keyed(metric_aggregation_algorithm="weightedExponential", **{"class": KPA}),
        keyed(min_scale="1", max_scale="1", activation_scale="2") | keyed(max_scale="0"),
        keyed(window="6s", scale_down_delay="0s", initial_scale="3"),
    ],
)
def test_valid_annotations_pass(annotations: dict[str, str]) -> None:
    assert texts(annotations) == []


def test_a_limit_on_max_scale_binds_the_annotation() -> None:
    config = AutoscalerConfig(max_scale=3, max_scale_limit=3)
    assert texts(keyed(max_scale="4"), config) == ["max-scale: expected 1 <= 4 <= 3"]
    assert texts(keyed(max_scale="0"), config) == ["max-scale: max-scale=0 (unlimited), must be less than 3"]


def test_the_class_in_force_decides_on_the_metric() -> None:
    assert texts(keyed(metric="cpu"), AutoscalerConfig(autoscaler_class=HPA)) == []


def test_the_webhooks_text_is_knatives() -> None:
    problems = under(
        validate_annotations(keyed(initial_scale="0", min_scale="3", max_scale="2")),
        *("spec", "template", "metadata", "annotations"),
    )
    place = "spec.template.metadata.annotations.autoscaling.knative.dev"
    assert knative_text(problems) == (
        f"invalid value: 0: {place}/initial-scale=0 not allowed by cluster\n"
        f"max-scale=2 is less than min-scale=3: {place}/max-scale, {place}/min-scale"
    )
