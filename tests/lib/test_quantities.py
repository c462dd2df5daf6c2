from fractions import Fraction

import pytest

from emulator.lib.quantities import Quantity, canonical


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Fraction(0)),
        ("100m", Fraction(1, 10)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("128Mi", Fraction(128 * 2**20)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("2k", Fraction(2000)),
        ("1e3", Fraction(1000)),
        ("1E3", Fraction(1000)),
        ("1E", Fraction(10**18)),
        ("5e-1", Fraction(1, 2)),
        ("-3M", Fraction(-3_000_000)),
        ("0.1n", Fraction(1, 10**9)),
    ],
)
def test_a_quantity_is_read_exactly(text: str, value: Fraction) -> None:
    assert Quantity.parse(text).value == value


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1000m", "1"),
        ("1.5", "1500m"),
        ("0.25", "250m"),
        ("1500", "1500"),
        ("10000", "10k"),
        ("1000000", "1M"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000Ki", "1000Ki"),
        ("0.5Ki", "512"),
        ("0.3Mi", "314572800m"),
        ("0Ki", "0"),
        ("1e3", "1e3"),
        ("15e2", "1500"),
        ("1500e3", "1500e3"),
        ("-1000m", "-1"),
        ("2Ei", "2Ei"),
    ],
)
def test_the_canonical_form_is_what_an_api_server_writes(text: str, written: str) -> None:
    assert canonical(text) == written
    assert canonical(written) == written


@pytest.mark.parametrize("text", ["", " 1", "1 ", "Mi", ".", "1,5", "--1", "1_0"])
def test_a_text_of_another_shape_is_refused_naming_the_shape(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        Quantity.parse(text)


@pytest.mark.parametrize("text", ["1K", "1mi", "1e", "1kk", "1Mi1"])
def test_an_unknown_suffix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse quantity's suffix"):
        Quantity.parse(text)


def test_whole_units_round_away_from_zero() -> None:
    assert Quantity.parse("100m").to_int() == 1
    assert Quantity.parse("-1500m").to_int() == -2
    assert Quantity.parse("64Mi").to_int() == 64 * 2**20


def test_a_share_is_a_float() -> None:
    assert Quantity.parse("250m").to_float() == 0.25


def test_an_amount_is_capped_at_what_an_int64_holds() -> None:
    assert Quantity.parse("100E").to_int() == 2**63 - 1
