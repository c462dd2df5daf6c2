"""PodSpecs: every field is taken, and $(VAR) expands as Kubernetes has it."""

from __future__ import annotations

import pytest

from emulator.objects.model import written_fidelity
from emulator.objects.podspec import PodSpec, expand_env


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)", "x1y2"),
        ("$(C)", "$(C)"),
        ("$$(A)", "$(A)"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("100$", "100$"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert expand_env(text, {"A": "1", "B": "2"}) == expanded


def test_what_has_no_effect_says_why() -> None:
    spec = PodSpec.model_validate({"containers": [{"image": "x", "resizePolicy": []}], "nodeSelector": {"a": "b"}})
    found = {path: why for path, _, why in written_fidelity(spec)}
    assert found[("nodeSelector",)] == "there is one node, this computer"
    assert ("containers", 0, "resizePolicy") in found


def test_the_odd_names_of_kubernetes_are_taken() -> None:
    spec = PodSpec.model_validate({"hostIPC": True, "hostPID": True, "setHostnameAsFQDN": False, "dnsPolicy": "None"})
    assert spec.host_ipc
