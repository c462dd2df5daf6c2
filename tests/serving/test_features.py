"""config-features: which words switch a flag, and which checks are content with Allowed."""

from __future__ import annotations

import pytest

from emulator.serving.features import Features


@pytest.mark.parametrize(
    ("word", "is_on", "is_enabled"),
    [
        ("Enabled", True, True),
        ("enabled", True, True),
        ("Allowed", True, False),
        ("Disabled", False, False),
        ("true", False, False),
        ("", False, False),
    ],
)
def test_a_flag_that_is_off_by_default(word: str, is_on: bool, is_enabled: bool) -> None:
    features = Features({"kubernetes.podspec-fieldref": word})
    assert features.is_on("kubernetes.podspec-fieldref") is is_on
    assert features.is_enabled("kubernetes.podspec-fieldref") is is_enabled


@pytest.mark.parametrize("flag", ["multi-container", "kubernetes.podspec-volumes-emptydir"])
def test_a_flag_that_is_on_by_default(flag: str) -> None:
    assert Features({}).is_enabled(flag)
    assert Features({flag: "off"}).is_enabled(flag)
    assert not Features({flag: "DISABLED"}).is_on(flag)


@pytest.mark.parametrize(
    ("word", "has"), [("Enabled", True), ("AllowRootBounded", True), ("Allowed", False), ("Disabled", False)]
)
def test_secure_defaults_let_the_pods_security_context_through(word: str, has: bool) -> None:
    features = Features({"secure-pod-defaults": word})
    assert features.has_secure_defaults is has
    assert features.lets_through("securityContext") is has


def test_what_is_no_podspec_field_of_knative_is_never_let_through() -> None:
    assert Features({}).lets_through("containers")
    assert not Features({"kubernetes.podspec-nodename": "Enabled"}).lets_through("nodeName")
