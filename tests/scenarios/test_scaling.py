"""Scale as a user sees it: rollouts at the start, bounds kept under load, and no request lost on the way."""

from __future__ import annotations

import pytest

from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine
A = "autoscaling.knative.dev/"


def is_ready(kemu: Kemu, name: str) -> None:
    eventually(lambda: kemu.condition("ksvc", name).get("status") == "True", f"{name} is ready")


def has_containers(kemu: Kemu, name: str, count: int) -> None:
    eventually(lambda: len(kemu.containers(name)) == count, f"{count} containers of {name}")


def test_a_rollout_starts_each_service_once_at_each_start(kemu: Kemu) -> None:
    kemu.write("first.yaml", service("first"))
    kemu.write("second.yaml", service("second", annotations={f"{A}min-scale": "2"}))
    for _ in range(2):
        kemu.up("--rollout")
        for name, count in (("first", 1), ("second", 2)):
            is_ready(kemu, name)
            has_containers(kemu, name, count)
        assert kemu.stop() == 0
    kemu.up()
    assert kemu.condition("ksvc", "first")["status"] == "True"
    assert kemu.containers("first") == []


def test_a_service_whose_image_never_listens_is_told_by_a_rollout(kemu: Kemu) -> None:
    kemu.write(
        "hello.yaml",
        service("hello", env={"EXIT_AT_START": "3"}, annotations={"serving.knative.dev/progress-deadline": "2s"}),
    )
    kemu.up("--rollout")
    found = eventually(
        lambda: (c := kemu.condition("ksvc", "hello")).get("status") == "False" and c, "the rollout has failed"
    )
    assert found["reason"] in ("RevisionFailed", "RevisionMissing")
