import pytest

from emulator.lib.durations import SECOND
from emulator.serving.autoscalerconfig import KPA, AutoscalerConfig, InvalidConfig


def test_an_empty_config_map_gives_knatives_defaults() -> None:
    config = AutoscalerConfig.of({})
    assert config == AutoscalerConfig()
    assert (config.autoscaler_class, config.enable_scale_to_zero, config.stable_window_ns) == (KPA, True, 60 * SECOND)
    assert (config.target_fraction, config.concurrency_target, config.rps_target) == (0.7, 100.0, 200.0)


def test_every_key_is_read() -> None:
    written = {
        "pod-autoscaler-class": " mine ",
        "enable-scale-to-zero": "false",
        "allow-zero-initial-scale": "true",
        "max-scale-up-rate": "10",
        "max-scale-down-rate": "4",
        "container-concurrency-target-percentage": "80",
        "container-concurrency-target-default": "50",
        "requests-per-second-target-default": "20",
        "target-burst-capacity": "-1",
        "panic-window-percentage": "20",
        "activator-capacity": "5",
        "panic-threshold-percentage": "300",
        "initial-scale": "0",
        "min-scale": "1",
        "max-scale": "3",
        "max-scale-limit": "4",
        "stable-window": "30s",
        "scale-down-delay": "15s",
        "scale-to-zero-grace-period": "1m",
        "scale-to-zero-pod-retention-period": "90s",
        "_example": "ignored",
        "tick-interval": "2s",
    }
    assert AutoscalerConfig.of(written) == AutoscalerConfig(
        autoscaler_class="mine",
        enable_scale_to_zero=False,
        allow_zero_initial_scale=True,
        max_scale_up_rate=10.0,
        max_scale_down_rate=4.0,
        target_percentage=80.0,
        concurrency_target=50.0,
        rps_target=20.0,
        target_burst_capacity=-1.0,
        panic_window_percentage=20.0,
        activator_capacity=5.0,
        panic_threshold_percentage=300.0,
        initial_scale=0,
        min_scale=1,
        max_scale=3,
        max_scale_limit=4,
        stable_window_ns=30 * SECOND,
        scale_down_delay_ns=15 * SECOND,
        grace_ns=60 * SECOND,
        retention_ns=90 * SECOND,
    )


@pytest.mark.parametrize(("text", "fraction"), [("70", 0.7), ("0.7", 0.7), ("1", 1.0), ("1.5", 0.015), ("100", 1.0)])
def test_a_target_percentage_up_to_one_is_a_fraction(text: str, fraction: float) -> None:
    config = AutoscalerConfig.of({"container-concurrency-target-percentage": text})
    assert config.target_fraction == pytest.approx(fraction)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"scale-to-zero-grace-period": "0s"}, "scale-to-zero-grace-period must be positive, was: 0s"),
        ({"scale-down-delay": "-1s"}, "scale-down-delay cannot be negative, was: -1s"),
        ({"scale-down-delay": "1.5s"}, "scale-down-delay = 1.5s, must be specified with at most second precision"),
        (
            {"scale-to-zero-pod-retention-period": "-1m"},
            "scale-to-zero-pod-retention-period cannot be negative, was: -1m0s",
        ),
        (
            {"target-burst-capacity": "-2"},
            "target-burst-capacity must be either non-negative or -1 (for unlimited), was: -2.000000",
        ),
        (
            {"container-concurrency-target-percentage": "101"},
            "container-concurrency-target-percentage = 1.010000 is outside of valid range of (0, 100]",
        ),
        (
            {"container-concurrency-target-default": "0.001"},
            "container-concurrency-target-percentage and container-concurrency-target-default yield target "
            "concurrency of 0.0007, can't be less than 0.01",
        ),
        (
            {"requests-per-second-target-default": "0"},
            "requests-per-second-target-default must be at least 0.01, was: 0",
        ),
        ({"activator-capacity": "0.5"}, "activator-capacity = 0.5, must be at least 1"),
        ({"max-scale-up-rate": "1"}, "max-scale-up-rate = 1, must be greater than 1.0"),
        ({"max-scale-down-rate": "0.5"}, "max-scale-down-rate = 0.5, must be greater than 1.0"),
        ({"stable-window": "5s"}, "stable-window = 5s, must be in [6s; 1h0m0s] range"),
        ({"stable-window": "61m"}, "stable-window = 1h1m0s, must be in [6s; 1h0m0s] range"),
        ({"stable-window": "6.5s"}, "stable-window = 6.5s, must be specified with at most second precision"),
        ({"panic-window-percentage": "0.5"}, "panic-window-percentage = 0.5, must be in [1, 100] interval"),
        (
            {"initial-scale": "0"},
            "initial-scale = 0, must be at least 0 (or at least 1 when allow-zero-initial-scale is false)",
        ),
        ({"min-scale": "-1"}, "min-scale = -1, must be at least 0"),
        ({"max-scale": "-1"}, "max-scale = -1, must be in [0, max-scale-limit(0)] range"),
        ({"max-scale-limit": "5"}, "max-scale = 0, must be in [1, max-scale-limit(5)] range"),
        ({"max-scale-limit": "5", "max-scale": "6"}, "max-scale = 6, must be in [1, max-scale-limit(5)] range"),
        ({"max-scale-limit": "-1"}, "max-scale-limit = -1, must be at least 0"),
        ({"min-scale": "4", "max-scale": "3"}, "min-scale (4) must be less than max-scale (3)"),
        (
            {"stable-window": "60"},
            'failed to parse data: failed to parse "stable-window": time: missing unit in duration "60"',
        ),
        (
            {"initial-scale": "one"},
            'failed to parse data: failed to parse "initial-scale": strconv.ParseInt: parsing "one": invalid syntax',
        ),
    ],
)
def test_a_faulty_config_map_is_refused_in_knatives_words(data: dict[str, str], fault: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        AutoscalerConfig.of(data)
    assert refused.value.faults == [fault]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidConfig) as refused:
        AutoscalerConfig.of({"stable-window": "5s", "min-scale": "x", "max-scale-up-rate": "1"})
    assert len(refused.value.faults) == 3
    assert all(fault in str(refused.value) for fault in refused.value.faults)
