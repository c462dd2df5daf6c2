import pytest

from emulator.lib.durations import HOUR, MILLISECOND, MINUTE, SECOND, format_go, parse_go, parse_iso


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("6s", 6 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1h", HOUR),
        ("1.5h", HOUR + 30 * MINUTE),
        (".5s", 500 * MILLISECOND),
        ("1.s", SECOND),
        ("-10ms", -10 * MILLISECOND),
        ("+3us", 3_000),
        ("3µs", 3_000),
        ("1h2m3.5s", HOUR + 2 * MINUTE + 3 * SECOND + 500 * MILLISECOND),
        ("1s1s", 2 * SECOND),
        ("0.9999999999s", 999_999_999),
    ],
)
def test_go_durations_are_read_exactly(text: str, nanoseconds: int) -> None:
    assert parse_go(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("s", 'time: invalid duration "s"'),
        ("60", 'time: missing unit in duration "60"'),
        ("1h30", 'time: missing unit in duration "1h30"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1 s", 'time: unknown unit " s" in duration "1 s"'),
        ("300y", 'time: unknown unit "y" in duration "300y"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
    ],
)
def test_what_is_no_go_duration_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^time: ") as fault:
        parse_go(text)
    assert str(fault.value) == message


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (1_500_000, "1.5ms"),
        (6 * SECOND, "6s"),
        (61 * SECOND + 250 * MILLISECOND, "1m1.25s"),
        (HOUR, "1h0m0s"),
        (-90 * SECOND, "-1m30s"),
    ],
)
def test_go_durations_are_printed_as_go_does(nanoseconds: int, text: str) -> None:
    assert format_go(nanoseconds) == text
    assert parse_go(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT5S", 5.0),
        ("PT0.2S", 0.2),
        ("PT0.25S", 0.2),
        ("PT0.05S", 0.0),
        ("PT0,5S", 0.5),
        ("PT1.S", 1.0),
        ("P1M", 730 * 3600 + 29 * 60 + 6.0),
        ("PT1M", 60.0),
        ("P1DT12H", 129_600.0),
        ("P1W", 604_800.0),
        ("P1DT", 86_400.0),
        ("PT5S1H", 3_605.0),
        ("-PT5S", -5.0),
        ("+PT5S", 5.0),
        ("P0", 0.0),
        ("PT100000S", 100_000.0),
    ],
)
def test_iso_durations_are_read_with_the_librarys_quirks(text: str, seconds: float) -> None:
    assert parse_iso(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    ["", "-", "+", "5s", "pt1s", "P", "PT", "PT5", "PT1H1H", "PT1S1TS", "PT1D", "P1H", "PT.5S", "PT0.5H0.5S", "P4000Y"],
)
def test_what_is_no_iso_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        parse_iso(text)
