"""config-features: which words switch a flag, and which checks are content with Allowed."""

from __future__ import annotations

import pytest

from emulator.objects.errors import Denied
from emulator.serving.features import Features
from emulator.serving.kinds import SERVICE
from tests.world import World, obj


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


@pytest.mark.parametrize(
    ("more", "flag"),
    [
        ({"nodeSelector": {"a": "b"}}, "kubernetes.podspec-nodeselector"),
        ({"initContainers": [{"image": "app"}]}, "kubernetes.podspec-init-containers"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}, "kubernetes.podspec-volumes-hostpath"),
    ],
)
def test_who_is_refused_is_told_the_flag_and_where_it_is_set(more: dict[str, object], flag: str) -> None:
    spec = {"containers": [{"image": "app"}], **more}
    with pytest.raises(Denied) as refused:
        World().create(obj(SERVICE, "hello", {"template": {"spec": spec}}))
    hint = f"set {flag}: enabled in ConfigMap config-features of namespace knative-serving"
    assert hint in {problem.hint for problem in refused.value.problems}
