"""Scale as a user sees it: rollouts at the start, bounds kept under load, and no request lost on the way."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


def test_the_table_at_the_start_says_what_a_rollout_does(kemu: Kemu, tmp_path: Path) -> None:
    kemu.write("hello.yaml", service("hello"))
    shown = tmp_path / "shown"
    with shown.open("wb") as out:
        command = kemu.command("up", str(kemu.manifests), "--port", "0", "--rollout")
        kemu.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        eventually(lambda: "Ctrl-C stops." in shown.read_text(), "the table")
        assert kemu.stop() == 0
    said = shown.read_text()
    assert re.search(r"hello +http://hello.default.localhost:\d+ +(starting|resolvingdigests|ready)\n", said), said
    assert "Each Service is started once, as a cluster does; then it sleeps until a request comes." in said


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


def test_an_edit_takes_over_only_when_its_initial_scale_is_ready(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "one"}))
    kemu.up()
    assert kemu.request("hello").body == "one\n"
    two = {"MESSAGE": "two", "START_DELAY_MS": "300"}
    kemu.write("hello.yaml", service("hello", env=two, annotations={f"{A}initial-scale": "3"}))
    most = 0
    while kemu.request("hello").body == "one\n":
        most = max(most, len(kemu.containers("hello-00002")))
    assert len(kemu.containers("hello-00002")) == 3
    assert most > 0, "the old Revision answered while the new one came up"
    is_ready(kemu, "hello")


def test_an_initial_scale_of_zero_is_ready_without_a_container(kemu: Kemu) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-autoscaler", "namespace": "knative-serving"},
        "data": {"allow-zero-initial-scale": "true"},
    }
    kemu.write("a-config.yaml", json.dumps(config))
    kemu.up()
    kemu.write("hello.yaml", service("hello", annotations={f"{A}initial-scale": "0"}))
    kemu.said("Service hello created")
    is_ready(kemu, "hello")
    assert kemu.containers(running_only=False) == []
    assert kemu.condition("revision", "hello-00001", "Active")["reason"] == "NoTraffic"
    assert kemu.request("hello").status == 200


def test_an_edit_that_never_starts_misses_its_deadline_and_the_old_revision_serves_on(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "one"}))
    kemu.up()
    assert kemu.request("hello").body == "one\n"
    deadline = {"serving.knative.dev/progress-deadline": "2s"}
    kemu.write("hello.yaml", service("hello", env={"NEVER_LISTEN": "1"}, annotations=deadline))
    eventually(lambda: kemu.condition("ksvc", "hello").get("status") == "False", "the deadline is missed")
    assert kemu.condition("revision", "hello-00002")["reason"] == "ProgressDeadlineExceeded"
    assert kemu.request("hello").body == "one\n"


def test_kemu_killed_in_mid_scale_starts_anew_and_scales_again(kemu: Kemu) -> None:
    annotations = {f"{A}window": "6s", f"{A}max-scale": "3"}
    kemu.write("hello.yaml", service("hello", annotations=annotations, spec={"containerConcurrency": 1}))
    kemu.up()

    def load() -> list[int]:
        with ThreadPoolExecutor(6) as pool:
            return list(pool.map(lambda _: kemu.request("hello", "/sleep?ms=600").status, range(18)))

    assert set(load()) == {200}
    assert len(kemu.containers("hello")) == 3
    old = {container.id for container in kemu.containers("hello")}
    kemu.kill()
    kemu.up()
    kemu.said("container(s) that a killed kemu left")
    assert set(load()) == {200}
    assert not old & {container.id for container in kemu.containers("hello", running_only=False)}
    eventually(lambda: not kemu.containers("hello", running_only=False), "back at zero", 60.0)


def test_prometheus_reads_what_requests_took(kemu: Kemu) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-observability", "namespace": "knative-serving"},
        "data": {"request-metrics-protocol": "prometheus"},
    }
    kemu.write("a-config.yaml", json.dumps(config))
    kemu.write("hello.yaml", service("hello"))
    state = kemu.up()
    for _ in range(3):
        assert kemu.request("hello").status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{state.api_port}/{state.prefix}/metrics") as answer:
        said = answer.read().decode()
    count = next(line for line in said.splitlines() if line.startswith("kn_serving_invocation_duration_seconds_count"))
    assert 'http_response_status_code="200"' in count
    assert 'kn_service_name="hello"' in count
    assert count.endswith(" 3")
    assert 'kn_revision_pods_count{k8s_namespace_name="default"' in said


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
