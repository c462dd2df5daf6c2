import pytest

from emulator.serving.metrics import LoadWindows, Window, smoothing
from emulator.serving.scalespec import ScaleSpec


def filled(values: list[float], length_s: int, *, start: int = 100, weighted: bool = False) -> Window:
    """One value a second from `start` on."""
    window = Window(length_s, weighted=weighted)
    for second, value in enumerate(values, start):
        window.record(second + 0.25, value)
    return window


@pytest.mark.parametrize(
    ("values", "length_s", "now", "average"),
    [
        ([], 6, 100, 0.0),
        ([5, 5, 5], 6, 102.9, 5.0),  # young: over the three seconds that there are
        ([6, 0, 0], 6, 102, 2.0),
        ([1, 2, 3, 4, 5, 6, 7, 8], 6, 107, 5.5),  # full: the last six
        ([6, 6, 6, 6, 6, 6], 6, 108, 6.0),  # silent for three seconds: over the rest
        ([1, 2, 3, 4, 5, 6], 6, 108, 5.0),
        ([4, 8], 6, 104, 6.0),  # young and silent: over the two
        ([6, 6, 6, 6, 6, 6], 6, 111, 0.0),  # silent for the whole window
        ([1, 0, 0], 3, 102, 0.333333),  # six decimals
    ],
)
def test_a_linear_average_is_over_the_seconds_that_are_known(
    values: list[float], length_s: int, now: float, average: float
) -> None:
    assert filled(values, length_s).average(now) == average


def test_a_gap_shorter_than_the_window_counts_as_zeros() -> None:
    window = filled([6], 6)
    window.record(105, 6)
    assert window.average(105) == 2.0


def test_a_window_that_heard_nothing_for_its_length_starts_afresh() -> None:
    window = filled([9, 9, 9], 6)
    window.record(108, 4)
    assert window.average(108) == 4.0


def test_values_of_one_second_add_up_and_late_ones_find_their_second() -> None:
    window = filled([1, 1, 1], 3)
    window.record(102.9, 3)
    window.record(101, 1)
    assert window.average(102) == 2.333333
    window.record(98, 50)
    assert window.average(102) == 2.333333


def test_an_earlier_record_makes_the_window_older() -> None:
    window = filled([4], 6)
    window.record(98, 2)
    assert window.average(100) == 2.0


@pytest.mark.parametrize(("now", "empty"), [(100, False), (106, False), (107, True)])
def test_a_window_is_empty_when_silent_for_longer_than_its_length(now: float, empty: bool) -> None:
    assert filled([1], 6).is_empty(now) is empty
    assert Window(6).is_empty(now)


def test_smoothing_depends_on_the_number_of_buckets_and_has_a_floor() -> None:
    assert smoothing(6) == pytest.approx(1 - 0.0001 ** (1 / 6))
    assert smoothing(60) == 0.2


def test_a_weighted_average_favours_the_newest() -> None:
    k = smoothing(4)
    rising = filled([5, 5, 10, 10], 4, weighted=True).average(103)
    falling = filled([10, 10, 5, 5], 4, weighted=True).average(103)
    assert rising == pytest.approx(k * (10 + 10 * (1 - k) + 5 * (1 - k) ** 2 + 5 * (1 - k) ** 3), abs=1e-6)
    assert falling < 7.5 < rising


def test_a_weighted_average_counts_silent_seconds_as_zeros() -> None:
    k = smoothing(4)
    assert filled([8], 4, weighted=True).average(102) == pytest.approx(8 * k * (1 - k) ** 2, abs=1e-6)
    assert filled([8], 4, weighted=True).average(104) == 0.0


def test_both_windows_of_a_revision_are_filled_together() -> None:
    windows = LoadWindows(ScaleSpec(stable_window_s=10, panic_window_s=2))
    for second in range(100, 110):
        windows.record(second, second - 100)
    assert (windows.stable.average(109), windows.panic.average(109)) == (4.5, 8.5)
    assert windows.fits(ScaleSpec(stable_window_s=10, panic_window_s=2))
    assert not windows.fits(ScaleSpec(stable_window_s=10, panic_window_s=2, is_weighted=True))
