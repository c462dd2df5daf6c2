"""How one Revision wants to be scaled: its `autoscaling.knative.dev/` annotations over `config-autoscaler`.

`validate_annotations` judges what a user wrote, in Knative's words; `ScaleSpec.of` then reads it (what is invalid
counts as not written) into the one frozen value that the Autoscaler decides by. Camel-case aliases are read after the
official spelling. No decision is made here.

Followed: knative/serving pkg/apis/autoscaling/{register,annotation_validation}.go, v1alpha1/pa_lifecycle.go,
pkg/reconciler/autoscaling/resources/{target,metric}.go and kpa/resources/decider.go (98e5ef9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from emulator.lib.durations import SECOND, format_go, parse_go
from emulator.lib.gonumbers import INT32_MAX, OutOfRange, format_float, parse_float, parse_int32
from emulator.objects.problems import Problem, invalid_value, out_of_range
from emulator.serving.autoscalerconfig import (
    HPA,
    KPA,
    PANIC_THRESHOLD_PERCENTAGE,
    PANIC_WINDOW_PERCENTAGE,
    TARGET_MIN,
    WINDOW_MAX_NS,
    WINDOW_MIN_NS,
    AutoscalerConfig,
)
from emulator.serving.deploymentconfig import PROGRESS_DEADLINE_S

T = TypeVar("T")
Annotations = Mapping[str, str]
Metric = Literal["concurrency", "rps"]

_GROUP = "autoscaling.knative.dev/"
# Each setting's keys, the first one found counts.
CLASS = (_GROUP + "class",)
METRIC = (_GROUP + "metric",)
TARGET = (_GROUP + "target",)
UTILIZATION = (_GROUP + "target-utilization-percentage", _GROUP + "targetUtilizationPercentage")
BURST_CAPACITY = (_GROUP + "target-burst-capacity", _GROUP + "targetBurstCapacity")
MIN_SCALE = (_GROUP + "min-scale", _GROUP + "minScale")
MAX_SCALE = (_GROUP + "max-scale", _GROUP + "maxScale")
INITIAL_SCALE = (_GROUP + "initial-scale", _GROUP + "initialScale")
ACTIVATION_SCALE = (_GROUP + "activation-scale",)
SCALE_DOWN_DELAY = (_GROUP + "scale-down-delay", _GROUP + "scaleDownDelay")
WINDOW = (_GROUP + "window",)
PANIC_WINDOW = (_GROUP + "panic-window-percentage", _GROUP + "panicWindowPercentage")
PANIC_THRESHOLD = (_GROUP + "panic-threshold-percentage", _GROUP + "panicThresholdPercentage")
RETENTION = (_GROUP + "scale-to-zero-pod-retention-period", _GROUP + "scaleToZeroPodRetentionPeriod")
AGGREGATION = (_GROUP + "metric-aggregation-algorithm", _GROUP + "metricAggregationAlgorithm")
# kemu's own: what `up` finds at its start is rolled out already and asleep.
ASLEEP = ("kemu.dev/start", "asleep")

_WEIGHTED = ("weighted-exponential", "weightedExponential")
# config.go: the utilization for every metric but concurrency.
_RPS_UTILIZATION = 0.7
# scaler.go activationTimeoutBuffer: the Deployment may first say why it made no progress.
_ACTIVATION_BUFFER_S = 30.0


@dataclass(frozen=True, kw_only=True)
class ScaleSpec:
    """Everything that decides the scale of one Revision. Times in seconds, 0 for `max_scale` is no bound.

    `frozen_s` is how long the last replica is kept frozen (`freezing.py`); 0: it is stopped at once.
    """

    autoscaler_class: str = KPA
    metric: Metric = "concurrency"
    target: float = 70.0
    total: float = 100.0
    target_burst_capacity: float = 211.0
    min_scale: int = 0
    max_scale: int = 0
    initial_scale: int = 1
    activation_scale: int = 0
    scale_down_delay_s: int = 0
    stable_window_s: int = 60
    panic_window_s: int = 6
    panic_threshold: float = 2.0
    retention_s: float = 0.0
    frozen_s: float = 0.0
    grace_s: float = 30.0
    is_weighted: bool = False
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    enable_scale_to_zero: bool = True
    activation_timeout_s: float = PROGRESS_DEADLINE_S + _ACTIVATION_BUFFER_S
    is_reachable: bool = True

    @classmethod
    def of(
        cls,
        annotations: Annotations,
        container_concurrency: int = 0,
        config: AutoscalerConfig | None = None,
        *,
        is_reachable: bool = True,
        progress_deadline_s: float = PROGRESS_DEADLINE_S,
    ) -> ScaleSpec:
        """The spec of a Revision with these annotations.

        `progress_deadline_s` is its Deployment's. A Revision that no Route reaches has no minimum and no retention.
        """
        config = config or AutoscalerConfig()
        metric: Metric = "rps" if _get(annotations, METRIC) == "rps" else "concurrency"
        target, total = _target(annotations, metric, container_concurrency, config)
        window_ns = _read(annotations, WINDOW, parse_go, config.stable_window_ns)
        panic_window = _read(annotations, PANIC_WINDOW, parse_float, config.panic_window_percentage)
        panic_threshold = _read(annotations, PANIC_THRESHOLD, parse_float, config.panic_threshold_percentage)
        return cls(
            autoscaler_class=_get(annotations, CLASS) or config.autoscaler_class,
            metric=metric,
            target=target,
            total=total,
            target_burst_capacity=_read(annotations, BURST_CAPACITY, parse_float, config.target_burst_capacity),
            min_scale=_read(annotations, MIN_SCALE, parse_int32, config.min_scale) if is_reachable else 0,
            max_scale=_read(annotations, MAX_SCALE, parse_int32, config.max_scale),
            initial_scale=_initial_scale(annotations, config),
            activation_scale=_read(annotations, ACTIVATION_SCALE, parse_int32, 0),
            scale_down_delay_s=_read(annotations, SCALE_DOWN_DELAY, parse_go, config.scale_down_delay_ns) // SECOND,
            stable_window_s=window_ns // SECOND,
            panic_window_s=max(1, _round_half_up(window_ns / SECOND * panic_window / 100.0)),
            panic_threshold=panic_threshold / 100.0,
            retention_s=_read(annotations, RETENTION, parse_go, config.retention_ns) / SECOND if is_reachable else 0.0,
            grace_s=config.grace_ns / SECOND,
            is_weighted=_get(annotations, AGGREGATION) in _WEIGHTED,
            max_scale_up_rate=config.max_scale_up_rate,
            max_scale_down_rate=config.max_scale_down_rate,
            enable_scale_to_zero=config.enable_scale_to_zero,
            activation_timeout_s=progress_deadline_s + _ACTIVATION_BUFFER_S,
            is_reachable=is_reachable,
        )

    @property
    def is_kpa(self) -> bool:
        """Whether Knative's own autoscaler scales it, so that it can go to zero."""
        return self.autoscaler_class == KPA


def metric_name(annotations: Annotations, default: str) -> str:
    """The metric that is written, whatever the class makes of it."""
    return _get(annotations, METRIC) or default


def written_target(annotations: Annotations) -> float | None:
    """The target, if one is written that can be read."""
    return None if _get(annotations, TARGET) is None else _read(annotations, TARGET, parse_float, None)


def written_window_ns(annotations: Annotations) -> int | None:
    """The window in nanoseconds, if one is written that can be read."""
    return None if _get(annotations, WINDOW) is None else _read(annotations, WINDOW, parse_go, None)


def validate_annotations(annotations: Annotations, config: AutoscalerConfig | None = None) -> list[Problem]:
    """Every fault of a template's autoscaling annotations, with the key as path, in Knative's words."""
    config = config or AutoscalerConfig()
    return [
        *_class_faults(annotations),
        *_bound_faults(annotations, config),
        *_activation_faults(annotations),
        *_float_faults(annotations),
        *_duration_faults(annotations),
        *_metric_faults(annotations, config),
        *_initial_faults(annotations, config),
    ]


def _get(annotations: Annotations, keys: tuple[str, ...]) -> str | None:
    return next((annotations[key] for key in keys if key in annotations), None)


def _find(annotations: Annotations, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The key that counts and its value, if any is there."""
    key = next((key for key in keys if key in annotations), None)
    if key is not None:
        yield key, annotations[key]


def _read(annotations: Annotations, keys: tuple[str, ...], parse: Callable[[str], T], default: T) -> T:
    text = _get(annotations, keys)
    try:
        return default if text is None else parse(text)
    except ValueError:
        return default


def _target(
    annotations: Annotations, metric: Metric, concurrency: int, config: AutoscalerConfig
) -> tuple[float, float]:
    """(value to aim at per pod, most that a pod should take): ResolveMetricTarget."""
    if metric == "rps":
        total, utilization = config.rps_target, _RPS_UTILIZATION
    else:
        total, utilization = float(concurrency or config.concurrency_target), config.target_fraction
    wanted = _read(annotations, TARGET, parse_float, -1.0)
    if wanted >= 0:
        total = min(wanted, concurrency) if metric == "concurrency" and concurrency else wanted
    percentage = _read(annotations, UTILIZATION, parse_float, utilization * 100)
    # Not through the percentage when none is written: 0.7 * 100 / 100 is not 0.7.
    if _get(annotations, UTILIZATION) is not None:
        utilization = percentage / 100
    return max(TARGET_MIN, total * utilization), float(total)


def _initial_scale(annotations: Annotations, config: AutoscalerConfig) -> int:
    wanted = _read(annotations, INITIAL_SCALE, parse_int32, config.initial_scale)
    return config.initial_scale if wanted == 0 and not config.allow_zero_initial_scale else wanted


def _round_half_up(value: float) -> int:
    return int(value + 0.5)


def _class_faults(annotations: Annotations) -> Iterator[Problem]:
    for key, value in _find(annotations, CLASS):
        if value.endswith(".knative.dev") and value not in (KPA, HPA):
            yield invalid_value(value, key)


def _scale(annotations: Annotations, keys: tuple[str, ...]) -> tuple[int, list[Problem]]:
    """A scale annotation's value (0 when absent or faulty) and its fault."""
    for key, text in _find(annotations, keys):
        try:
            value = parse_int32(text)
        except OutOfRange:
            return 0, [out_of_range(text, 0, INT32_MAX, key)]
        except ValueError:
            return 0, [invalid_value(text, key)]
        return (value, []) if value >= 0 else (0, [out_of_range(text, 0, INT32_MAX, key)])
    return 0, []


def _bound_faults(annotations: Annotations, config: AutoscalerConfig) -> Iterator[Problem]:
    low, low_faults = _scale(annotations, MIN_SCALE)
    high, high_faults = _scale(annotations, MAX_SCALE)
    yield from low_faults
    yield from high_faults
    if high != 0 and high < low:
        text = f"max-scale={high} is less than min-scale={low}"
        yield Problem((MAX_SCALE[0],), text, others=((MIN_SCALE[0],),))
    limit = config.max_scale_limit
    for key, _ in _find(annotations, MAX_SCALE):
        if limit and high > limit:
            yield out_of_range(high, 1, limit, key)
        if limit and high == 0:
            yield Problem((key,), f"max-scale=0 (unlimited), must be less than {limit}")


def _activation_faults(annotations: Annotations) -> Iterator[Problem]:
    low, _ = _scale(annotations, MIN_SCALE)
    high, _ = _scale(annotations, MAX_SCALE)
    for key, text in _find(annotations, ACTIVATION_SCALE):
        try:
            scale = parse_int32(text)
        except ValueError:
            yield invalid_value(text, key)
            continue
        if low > scale:
            yield Problem((key,), f"min-scale={low} is greater than activation-scale={scale}")
        elif high != 0 and high < scale:
            yield Problem((key,), f"max-scale={high} is less than activation-scale={scale}")
        elif scale < 2:
            yield Problem((key,), f"activation-scale={scale} must be greater than 1")


def _float_faults(annotations: Annotations) -> Iterator[Problem]:
    for keys, (low, high) in (
        (PANIC_WINDOW, PANIC_WINDOW_PERCENTAGE),
        (PANIC_THRESHOLD, PANIC_THRESHOLD_PERCENTAGE),
        (UTILIZATION, (1.0, 100.0)),
    ):
        for key, text in _find(annotations, keys):
            value = _float(text)
            if value is None:
                yield invalid_value(text, key)
            elif not low <= value <= high:
                yield out_of_range(text, format_float(low), format_float(high), key)
    for key, text in _find(annotations, TARGET):
        value = _float(text)
        if value is None:
            yield invalid_value(text, key)
        elif value < TARGET_MIN:
            yield Problem((key,), f"target {text} should be at least {format_float(TARGET_MIN)}")
    for key, text in _find(annotations, BURST_CAPACITY):
        value = _float(text)
        if value is None or (value < 0 and value != -1):
            yield invalid_value(text, key)


def _float(text: str) -> float | None:
    try:
        return parse_float(text)
    except ValueError:
        return None


def _duration_faults(annotations: Annotations) -> Iterator[Problem]:
    for keys, low, whole_seconds in (
        (WINDOW, WINDOW_MIN_NS, True),
        (RETENTION, 0, False),
        (SCALE_DOWN_DELAY, 0, True),
    ):
        for key, text in _find(annotations, keys):
            try:
                value = parse_go(text)
            except ValueError:
                yield invalid_value(text, key)
                continue
            if not low <= value <= WINDOW_MAX_NS:
                yield out_of_range(text, format_go(low), format_go(WINDOW_MAX_NS), key)
            elif whole_seconds and value % SECOND:
                yield Problem((key,), "must be specified with at most second precision")


def _metric_faults(annotations: Annotations, config: AutoscalerConfig) -> Iterator[Problem]:
    in_force = _get(annotations, CLASS)
    for key, value in _find(annotations, METRIC):
        allowed = {KPA: value in ("concurrency", "rps"), HPA: value != ""}
        if not allowed.get(in_force if in_force is not None else config.autoscaler_class, True):
            yield invalid_value(value, key)
    # Only where the class is written: other autoscalers may know other algorithms.
    for key, value in _find(annotations, AGGREGATION):
        if in_force == KPA and value not in ("", "linear", *_WEIGHTED):
            yield invalid_value(value, key)


def _initial_faults(annotations: Annotations, config: AutoscalerConfig) -> Iterator[Problem]:
    for key, text in _find(annotations, INITIAL_SCALE):
        try:
            scale = parse_int32(text)
        except ValueError:
            yield invalid_value(text, key)
            continue
        # Knative puts the rest of the sentence behind the path.
        if scale < 0:
            yield invalid_value(text, key + " must be greater than 0")
        elif scale == 0 and not config.allow_zero_initial_scale:
            yield invalid_value(text, key + "=0 not allowed by cluster")
