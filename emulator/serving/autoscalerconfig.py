"""ConfigMap `config-autoscaler` (namespace knative-serving), read and judged.

One frozen value per ConfigMap state, with Knative's defaults for what is not written. All faults are reported at once,
each in the words of Knative's webhook, which refuses such a ConfigMap; unknown keys are ignored there and here. What a
Revision's annotations make of these defaults is decided in `scalespec.py`.

Followed: knative/serving pkg/autoscaler/config/config.go (98e5ef9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from emulator.lib.durations import HOUR, SECOND, format_go, parse_go
from emulator.lib.gonumbers import format_float, parse_bool, parse_float, parse_int32

KPA = "kpa.autoscaling.knative.dev"
HPA = "hpa.autoscaling.knative.dev"

# pkg/apis/autoscaling/register.go
TARGET_MIN = 0.01
WINDOW_MIN_NS = 6 * SECOND
WINDOW_MAX_NS = HOUR
PANIC_WINDOW_PERCENTAGE = (1.0, 100.0)
PANIC_THRESHOLD_PERCENTAGE = (110.0, 1000.0)


class InvalidConfig(ValueError):
    """The ConfigMap cannot be used; `faults` says each reason."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def _key(name: str, default: Any, read: Callable[[str], Any]) -> Any:
    return field(default=default, metadata={"key": name, "read": read})


def _text(text: str) -> str:
    # knative/pkg configmap/parser/parse.go trims strings, and nothing else.
    return text.strip()


@dataclass(frozen=True)
class AutoscalerConfig:
    """The autoscaler's cluster-wide settings. Durations are in nanoseconds (`…_ns`), percentages as written."""

    autoscaler_class: str = _key("pod-autoscaler-class", KPA, _text)
    enable_scale_to_zero: bool = _key("enable-scale-to-zero", True, parse_bool)
    allow_zero_initial_scale: bool = _key("allow-zero-initial-scale", False, parse_bool)
    max_scale_up_rate: float = _key("max-scale-up-rate", 1000.0, parse_float)
    max_scale_down_rate: float = _key("max-scale-down-rate", 2.0, parse_float)
    target_percentage: float = _key("container-concurrency-target-percentage", 70.0, parse_float)
    concurrency_target: float = _key("container-concurrency-target-default", 100.0, parse_float)
    rps_target: float = _key("requests-per-second-target-default", 200.0, parse_float)
    target_burst_capacity: float = _key("target-burst-capacity", 211.0, parse_float)
    panic_window_percentage: float = _key("panic-window-percentage", 10.0, parse_float)
    activator_capacity: float = _key("activator-capacity", 100.0, parse_float)
    panic_threshold_percentage: float = _key("panic-threshold-percentage", 200.0, parse_float)
    initial_scale: int = _key("initial-scale", 1, parse_int32)
    min_scale: int = _key("min-scale", 0, parse_int32)
    max_scale: int = _key("max-scale", 0, parse_int32)
    max_scale_limit: int = _key("max-scale-limit", 0, parse_int32)
    stable_window_ns: int = _key("stable-window", 60 * SECOND, parse_go)
    scale_down_delay_ns: int = _key("scale-down-delay", 0, parse_go)
    grace_ns: int = _key("scale-to-zero-grace-period", 30 * SECOND, parse_go)
    retention_ns: int = _key("scale-to-zero-pod-retention-period", 0, parse_go)

    @classmethod
    def of(cls, data: Mapping[str, str]) -> AutoscalerConfig:
        """The settings that a ConfigMap's `data` makes; InvalidConfig listing every fault."""
        faults: list[str] = []
        written: dict[str, Any] = {}
        for setting in fields(cls):
            text = data.get(setting.metadata["key"])
            if text is None:
                continue
            try:
                written[setting.name] = setting.metadata["read"](text)
            except ValueError as error:
                faults.append(f'failed to parse data: failed to parse "{setting.metadata["key"]}": {error}')
        config = cls(**written)
        faults += _faults(config)
        if faults:
            raise InvalidConfig(faults)
        return config

    @classmethod
    def in_force(cls, data: Mapping[str, str]) -> AutoscalerConfig:
        """As `of`, with the defaults instead of settings that are at fault; the Scaler tells of those."""
        try:
            return cls.of(data)
        except InvalidConfig:
            return cls()

    @property
    def target_fraction(self) -> float:
        """Share of the target to aim at; up to 1 the percentage is read as a fraction already."""
        return self.target_percentage / 100.0 if self.target_percentage > 1.0 else self.target_percentage


def _faults(config: AutoscalerConfig) -> Iterator[str]:
    yield from _duration_faults(config)
    yield from _target_faults(config)
    yield from _rate_faults(config)
    yield from _scale_faults(config)


def _duration_faults(config: AutoscalerConfig) -> Iterator[str]:
    if config.grace_ns <= 0:
        yield f"scale-to-zero-grace-period must be positive, was: {format_go(config.grace_ns)}"
    delay, retention = config.scale_down_delay_ns, config.retention_ns
    if delay < 0:
        yield f"scale-down-delay cannot be negative, was: {format_go(delay)}"
    if delay % SECOND:
        yield f"scale-down-delay = {format_go(delay)}, must be specified with at most second precision"
    if retention < 0:
        yield f"scale-to-zero-pod-retention-period cannot be negative, was: {format_go(retention)}"
    window = config.stable_window_ns
    if not WINDOW_MIN_NS <= window <= WINDOW_MAX_NS:
        bounds = f"[{format_go(WINDOW_MIN_NS)}; {format_go(WINDOW_MAX_NS)}]"
        yield f"stable-window = {format_go(window)}, must be in {bounds} range"
    if window % SECOND:
        yield f"stable-window = {format_go(window)}, must be specified with at most second precision"


def _target_faults(config: AutoscalerConfig) -> Iterator[str]:
    burst = config.target_burst_capacity
    if burst < 0 and burst != -1:
        yield f"target-burst-capacity must be either non-negative or -1 (for unlimited), was: {burst:f}"
    fraction = config.target_fraction
    if not 0 < fraction <= 1:
        yield f"container-concurrency-target-percentage = {fraction:f} is outside of valid range of (0, 100]"
    target = fraction * config.concurrency_target
    if target < TARGET_MIN:
        yield (
            "container-concurrency-target-percentage and container-concurrency-target-default yield target "
            f"concurrency of {format_float(target)}, can't be less than {format_float(TARGET_MIN)}"
        )
    if config.rps_target < TARGET_MIN:
        yield (
            f"requests-per-second-target-default must be at least {format_float(TARGET_MIN)}, "
            f"was: {format_float(config.rps_target)}"
        )
    if config.activator_capacity < 1:
        yield f"activator-capacity = {format_float(config.activator_capacity)}, must be at least 1"


def _rate_faults(config: AutoscalerConfig) -> Iterator[str]:
    for key, rate in (
        ("max-scale-up-rate", config.max_scale_up_rate),
        ("max-scale-down-rate", config.max_scale_down_rate),
    ):
        if rate <= 1.0:
            yield f"{key} = {format_float(rate)}, must be greater than 1.0"
    low, high = PANIC_WINDOW_PERCENTAGE
    if not low <= config.panic_window_percentage <= high:
        yield (
            f"panic-window-percentage = {format_float(config.panic_window_percentage)}, "
            f"must be in [{format_float(low)}, {format_float(high)}] interval"
        )


def _scale_faults(config: AutoscalerConfig) -> Iterator[str]:
    initial, limit = config.initial_scale, config.max_scale_limit
    if initial < 0 or (initial == 0 and not config.allow_zero_initial_scale):
        yield (f"initial-scale = {initial}, must be at least 0 (or at least 1 when allow-zero-initial-scale is false)")
    if config.min_scale < 0:
        yield f"min-scale = {config.min_scale}, must be at least 0"
    lowest = 1 if limit > 0 else 0
    if config.max_scale < lowest or 0 < limit < config.max_scale:
        yield f"max-scale = {config.max_scale}, must be in [{lowest}, max-scale-limit({limit})] range"
    if limit < 0:
        yield f"max-scale-limit = {limit}, must be at least 0"
    if 0 < config.max_scale < config.min_scale:
        yield f"min-scale ({config.min_scale}) must be less than max-scale ({config.max_scale})"
