import pytest

from emulator.lib.gonumbers import OutOfRange, format_float, parse_bool, parse_float, parse_int32


def test_truth_values_are_gos() -> None:
    assert [parse_bool(text) for text in ("1", "t", "True", "0", "FALSE")] == [True, True, True, False, False]
    with pytest.raises(ValueError, match='parsing "yes": invalid syntax'):
        parse_bool("yes")


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("+7", 7), ("-1", -1), ("2147483647", 2**31 - 1)])
def test_whole_numbers_are_read(text: str, value: int) -> None:
    assert parse_int32(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1_000", "1.0", "0x10", "٣"])
def test_what_python_would_take_as_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        parse_int32(text)


def test_a_number_too_large_is_told_apart() -> None:
    with pytest.raises(OutOfRange, match="value out of range"):
        parse_int32("2147483648")
    with pytest.raises(OutOfRange, match="value out of range"):
        parse_float("1e999")


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), (".5", 0.5), ("1.", 1.0), ("-1e2", -100.0), ("+0.01", 0.01)])
def test_floats_are_read(text: str, value: float) -> None:
    assert parse_float(text) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1_0.5", " 1", "70%"])
def test_what_means_no_setting_is_no_float(text: str) -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        parse_float(text)


def test_floats_are_printed_without_an_idle_fraction() -> None:
    assert [format_float(value) for value in (1.0, 0.01, 110.0, 2.5)] == ["1", "0.01", "110", "2.5"]
