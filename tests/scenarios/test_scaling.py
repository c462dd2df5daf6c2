"""Scale as a user sees it: rollouts at the start, bounds kept under load, and no request lost on the way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

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


def test_the_class_hpa_follows_the_cpu_that_containers_really_use(kemu: Kemu) -> None:
    annotations = {
        f"{A}class": "hpa.autoscaling.knative.dev",
        f"{A}metric": "cpu",
        f"{A}target": "50",
        f"{A}max-scale": "2",
    }
    container = {"resources": {"requests": {"cpu": "20m"}}}
    kemu.write("busy.yaml", service("busy", annotations=annotations, container=container))
    kemu.up()
    is_ready(kemu, "busy")
    has_containers(kemu, "busy", 1)
    stop = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(_keep_busy, kemu, stop) for _ in range(4)]
        try:
            eventually(lambda: len(kemu.containers("busy")) == 2, "a second container", 60.0)
        finally:
            stop.set()
        assert all(worker.result() for worker in workers)
    (autoscaler,) = kemu.objects("hpa")
    assert autoscaler["status"]["desiredReplicas"] == 2
    assert "of its request, aimed at 50 %: 1 → 2 replicas" in kemu.said("of its request", "busy-00001")


def _keep_busy(kemu: Kemu, stop: threading.Event) -> bool:
    """Requests that cost their container something; whether all were answered."""
    statuses = []
    while not stop.is_set():
        statuses.append(kemu.request("busy", "/bytes?n=2000000").status)
    return set(statuses) == {200}
