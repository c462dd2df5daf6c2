"""Names: what Kubernetes accepts, what Knative generates."""

from __future__ import annotations

import pytest

from emulator.objects.names import (
    child_name,
    dns1035_faults,
    dns1123_subdomain_faults,
    generated_name,
    path_segment_faults,
    qualified_name_faults,
)


@pytest.mark.parametrize(
    ("name", "is_good"), [("a-1", True), ("1a", False), ("A", False), ("a.b", False), ("a" * 64, False)]
)
def test_dns_1035(name: str, is_good: bool) -> None:
    assert (dns1035_faults(name) == []) is is_good


@pytest.mark.parametrize(("name", "is_good"), [("a.b-1", True), ("1a", True), ("-a", False), ("a..b", False)])
def test_dns_1123_subdomain(name: str, is_good: bool) -> None:
    assert (dns1123_subdomain_faults(name) == []) is is_good


@pytest.mark.parametrize(
    ("name", "beginnings"),
    [
        ("hello-00001", []),
        ("A.b_c", []),
        ("example.com/name", []),
        ("r_", ["name part must consist of alphanumeric characters"]),
        ("x" * 64, ["name part must be no more than 63 characters"]),
        ("A/b", ["prefix part a lowercase RFC 1123 subdomain must consist"]),
        ("a/b/c", ["a valid label key must consist of alphanumeric characters"]),
    ],
)
def test_a_qualified_name(name: str, beginnings: list[str]) -> None:
    faults = qualified_name_faults(name)
    assert len(faults) == len(beginnings)
    assert all(fault.startswith(text) for fault, text in zip(faults, beginnings, strict=True))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pod.Sent.1", []),
        ("system:controller:x", []),
        ("..", ["may not be '..'"]),
        ("a/b%", ["may not contain '/'", "may not contain '%'"]),
    ],
)
def test_what_need_only_fit_into_a_path(name: str, said: list[str]) -> None:
    assert path_segment_faults(name) == said


def test_a_short_child_name_is_a_concatenation() -> None:
    assert child_name("hello-00001", "-deployment") == "hello-00001-deployment"


def test_a_long_one_is_cut_and_hashed_to_63_characters() -> None:
    name = child_name("x" * 63, "-deployment")
    assert len(name) == 63
    assert name.startswith("x" * 20)
    assert name.endswith("-deployment")
    assert child_name("x" * 62 + "y", "-deployment") != name


def test_generated_names_end_in_five_letters_and_differ() -> None:
    assert len({generated_name("a-") for _ in range(50)}) > 45
    assert all(len(generated_name("a-")) == 7 for _ in range(5))


def test_generated_names_have_63_characters_at_most() -> None:
    made = generated_name("a" * 70 + "-")
    assert (len(made), made[:58]) == (63, "a" * 58)
