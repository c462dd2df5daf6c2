"""Names: what Kubernetes accepts, what Knative generates."""

from __future__ import annotations

import pytest

from emulator.objects.names import child_name, dns1035_faults, dns1123_subdomain_faults, random_suffix


@pytest.mark.parametrize(
    ("name", "is_good"), [("a-1", True), ("1a", False), ("A", False), ("a.b", False), ("a" * 64, False)]
)
def test_dns_1035(name: str, is_good: bool) -> None:
    assert (dns1035_faults(name) == []) is is_good


@pytest.mark.parametrize(("name", "is_good"), [("a.b-1", True), ("1a", True), ("-a", False), ("a..b", False)])
def test_dns_1123_subdomain(name: str, is_good: bool) -> None:
    assert (dns1123_subdomain_faults(name) == []) is is_good


def test_a_short_child_name_is_a_concatenation() -> None:
    assert child_name("hello-00001", "-deployment") == "hello-00001-deployment"


def test_a_long_one_is_cut_and_hashed_to_63_characters() -> None:
    name = child_name("x" * 63, "-deployment")
    assert len(name) == 63
    assert name.startswith("x" * 20)
    assert name.endswith("-deployment")
    assert child_name("x" * 62 + "y", "-deployment") != name


def test_random_suffixes_have_five_letters_and_differ() -> None:
    assert len({random_suffix() for _ in range(50)}) > 45
    assert all(len(random_suffix()) == 5 for _ in range(5))
