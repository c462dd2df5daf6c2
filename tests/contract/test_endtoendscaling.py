"""Timeouts, scale, and the end of Pods as Knative's test/e2e has them (serving §9).

What takes minutes there is in tests/serving/test_scaler.py, in virtual time. Followed: knative/serving test/e2e
(98e5ef9), timeout_test.go, activator_test.go, autoscale_test.go, destroypod_test.go, initial_scale_test.go,
minscale_readiness_test.go, grpc_test.go.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.contract.cluster import Cluster, Refused, app
from tests.contract.contract import may, must
from tests.scenarios.harness import eventually
from tests.scenarios.speaking import H2C, ONLY_HTTP2, PROTOCOLS, channel, method

pytestmark = pytest.mark.engine
A = "autoscaling.knative.dev/"
WINDOW = {f"{A}window": "6s"}
ALWAYS = {f"{A}target-burst-capacity": "-1"}
"""The activator is in the path, and need not come there before the last Pod may go."""
SIX = {f"{A}target": "6", f"{A}target-utilization-percentage": "70"}


@pytest.fixture
def grace(cluster: Cluster) -> Iterator[float]:
    """Seconds that the activator must have been in the path before the last Pod may go: the fewest there may be."""
    with cluster.configured("config-autoscaler", scale_to_zero_grace_period="6s"):
        yield 6.0


def configuration(cluster: Cluster, name: str, container: dict[str, Any], **annotations: str) -> None:
    notes = {**WINDOW, **{A + key.replace("_", "-"): value for key, value in annotations.items()}}
    template = {"metadata": {"annotations": notes}, "spec": {"containers": [container]}}
    cluster.create("Configuration", name, {"template": template})


def route(cluster: Cluster, name: str, to: str) -> None:
    cluster.create("Route", name, {"traffic": [{"configurationName": to, "percent": 100}]})


def scale(cluster: Cluster, revision: str) -> int:
    """How many Pods are ready, as clients find it."""
    return len(cluster.addresses(f"{revision}-private"))


def reaches(cluster: Cluster, revision: str, count: int, within_s: float = 30.0) -> None:
    eventually(lambda: scale(cluster, revision) == count, f"{count} of {revision}", within_s)


def asked(pool: ThreadPoolExecutor, cluster: Cluster, name: str, path: str) -> Future[int]:
    return pool.submit(lambda: cluster.request(name, path).status)


# -- timeouts


@must("e2e/TestRevisionTimeout")
@pytest.mark.parametrize(
    ("field", "in_time"),
    [("responseStartTimeoutSeconds", "/sleep?ms=300"), ("idleTimeoutSeconds", "/stream?n=4&ms=500")],
)
def test_a_response_must_begin_and_go_on_in_time(cluster: Cluster, field: str, in_time: str) -> None:
    timeouts: dict[str, Any] = {"timeoutSeconds": 10, field: 1}
    name = cluster.serve(app(), **timeouts)
    with ThreadPoolExecutor(2) as pool:
        good, late = (asked(pool, cluster, name, path) for path in (in_time, "/sleep?ms=3000"))
        assert (good.result(), late.result()) == (200, 504)


# -- cold start, and the end of Pods


@must("e2e/TestActivatorOverload")
def test_a_hundred_requests_at_once_are_all_answered_one_by_one(cluster: Cluster) -> None:
    annotations = {**ALWAYS, f"{A}max-scale": "10"}
    name = cluster.serve(app(), annotations=annotations, containerConcurrency=1)
    with ThreadPoolExecutor(100) as pool:
        statuses = [asked(pool, cluster, name, "/sleep?ms=100") for _ in range(100)]
        assert {status.result() for status in statuses} == {200}
    assert cluster.request(name, "/stats").json["max_concurrency"] == 1
    cluster.delete("services", name)


@must("e2e/TestDestroyPodInflight")
def test_a_request_outlives_its_configuration(cluster: Cluster) -> None:
    name = cluster.name()
    route(cluster, name, name)
    configuration(cluster, name, app())
    cluster.ready("routes", name)
    assert cluster.request(name).status == 200
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: cluster.text(name, "/sleep?ms=2000"))
        eventually(lambda: cluster.request(name, "/stats").json["in_flight"] == 1, "it is in flight")
        cluster.delete("configurations", name)
        assert answer.result() == "slept"


@must("e2e/TestDestroyPodTimely")
@must("e2e/TestDestroyPodWithRequests")
def test_a_deleted_pod_goes_when_its_requests_have_ended(cluster: Cluster) -> None:
    name = cluster.serve(app(), timeoutSeconds=300)
    assert cluster.request(name).status == 200
    [pod] = cluster.pods(f"{name}-00001")
    path = cluster.path("pods", pod["metadata"]["name"], api="/api/v1")
    with ThreadPoolExecutor(6) as pool:
        statuses = []
        for _ in range(6):
            statuses.append(asked(pool, cluster, name, "/sleep?ms=1500"))
            time.sleep(0.1)
        begun = time.monotonic()
        cluster.ask("DELETE", path)
        assert [status.result() for status in statuses] == [200] * 6

    def is_gone() -> bool:
        try:
            found = cluster.ask("GET", path)
        except Refused as refused:
            return bool(refused.status["code"] == 404)
        return not any("running" in each["state"] for each in found["status"]["containerStatuses"])

    eventually(is_gone, "the Pod is gone")
    assert time.monotonic() - begun < 15  # of the 300 s that it would have had


# -- up, down, up


@contextmanager
def busy(cluster: Cluster, name: str, count: int) -> Iterator[None]:
    """So many requests at once while the block runs; all must be answered."""
    done = threading.Event()

    def ask() -> set[int]:
        statuses = set()
        while not done.is_set():
            statuses.add(cluster.request(name, "/sleep?ms=200").status)
        return statuses

    with ThreadPoolExecutor(count) as pool:
        workers = [pool.submit(ask) for _ in range(count)]
        try:
            yield
        finally:
            done.set()
        assert {status for worker in workers for status in worker.result()} == {200}


@contextmanager
def calling(cluster: Cluster, name: str, count: int) -> Iterator[None]:
    """So many calls by gRPC at once while the block runs."""
    done = threading.Event()

    def words() -> Iterator[bytes]:
        yield b"first"
        done.wait(60)
        yield b"last"

    with channel(cluster.kemu.state.port, name) as calls, ThreadPoolExecutor(count) as pool:
        chat = method(calls, "stream_stream", "Chat")
        workers = [pool.submit(lambda: list(chat(words(), timeout=60, wait_for_ready=True))) for _ in range(count)]
        try:
            yield
        finally:
            done.set()
        assert [worker.result() for worker in workers] == [[b"first", b"last"]] * count


@must("e2e/TestAutoscaleUpDownUp")
@must("e2e/TestGRPCAutoscaleUpDownUp")
@must("e2e/TestFastScaleToZero")
@must("e2e/TestTargetBurstCapacityMinusOne")
@must("e2e/TestActivationScale")
@must("e2e/TestInitScalePositive")
def test_replicas_come_with_load_go_without_it_and_come_again(cluster: Cluster, grace: float) -> None:
    initial = cluster.name()
    configuration(cluster, initial, app(), initial_scale="3")
    eventually(lambda: len(cluster.pods(f"{initial}-00001")) == 3, "3 Pods to begin with")
    speaks = {"image": PROTOCOLS, "env": [{"name": key, "value": value} for key, value in ONLY_HTTP2.items()], **H2C}
    up = cluster.serve(app(), annotations={**WINDOW, **SIX})
    grpc = cluster.serve(speaks, annotations={**WINDOW, **SIX, **ALWAYS})
    fast = cluster.serve(app(), annotations={**WINDOW, **SIX, **ALWAYS})
    five = cluster.serve(app(), annotations={**WINDOW, **SIX, f"{A}activation-scale": "5"})
    cluster.activated(f"{fast}-00001")
    cluster.ready("configurations", initial)
    loads = ((up, busy), (grpc, calling))

    def under_load() -> None:
        with ExitStack() as load:
            for name, kind in loads:
                load.enter_context(kind(cluster, name, 8))
            for name, _ in loads:
                reaches(cluster, f"{name}-00001", 2)

    under_load()
    for name in (up, grpc, fast, five):
        reaches(cluster, f"{name}-00001", 0, grace + 15)
    assert scale(cluster, f"{initial}-00001") < 3
    assert cluster.request(five).status == 200
    eventually(lambda: cluster.get("revisions", f"{five}-00001")["status"].get("desiredReplicas") == 5, "5 are wanted")
    under_load()
    for name in (up, grpc, fast, five):
        cluster.delete("services", name)


# -- bounds


@may("e2e/TestInitScaleZero")
def test_a_revision_may_begin_at_zero(cluster: Cluster) -> None:
    name = cluster.name()
    with cluster.configured("config-autoscaler", allow_zero_initial_scale="true"):
        configuration(cluster, name, app(), initial_scale="0")
        cluster.ready("configurations", name)
        assert cluster.pods(f"{name}-00001") == []


@must("e2e/TestMinScale")
def test_a_revision_is_ready_with_its_minimum_and_loses_it_with_its_traffic(cluster: Cluster) -> None:
    config, name = cluster.name(), cluster.name()
    route(cluster, name, config)
    configuration(cluster, config, app(), min_scale="2")
    first, second = f"{config}-00001", f"{config}-00002"
    cluster.ready("configurations", config)
    reaches(cluster, first, 2)
    change = {"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "two"}
    cluster.patch("configurations", config, change)
    eventually(lambda: cluster.condition("revisions", second).get("status") == "True", "the second is ready")
    reaches(cluster, second, 2)
    assert cluster.get("revisions", second)["status"]["actualReplicas"] == 2
    eventually(lambda: scale(cluster, first) < 2, "the first has less than its minimum")
    cluster.delete("routes", name)
    eventually(lambda: scale(cluster, second) < 2, "the second has less than its minimum")


READY_AS_TOLD = (
    "import os,signal,socket;from http.server import *;from socketserver import ThreadingTCPServer as S\n"
    "class H(BaseHTTPRequestHandler):\n"
    " def do_GET(s):\n"
    "  text=open('/s/ready').read()+os.environ['MESSAGE']\n"
    "  s.send_response(200 if 'all' in text or socket.gethostname() in text else 503);s.end_headers()\n"
    "signal.signal(signal.SIGTERM, lambda *_: os._exit(0));S(('',8080),H).serve_forever()"
)


@must("e2e/TestMinScaleTransition")
@must("e2e/TestMinScaleAnnotationChange")
def test_a_minimum_is_handed_over_when_all_are_ready_and_follows_its_annotation(cluster: Cluster, grace: float) -> None:
    state, config, name = cluster.name(), cluster.name(), cluster.name()
    cluster.core("ConfigMap", state, data={"ready": ""})
    container = {
        **app("all", image="kemu.test/pyfunc", command=["python3", "-c", READY_AS_TOLD]),
        "readinessProbe": {"httpGet": {"path": "/"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "state", "mountPath": "/s"}],
    }
    notes = {**WINDOW, **ALWAYS, f"{A}min-scale": "2"}
    spec = {"containers": [container], "volumes": [{"name": "state", "configMap": {"name": state}}]}
    route(cluster, name, config)
    cluster.create("Configuration", config, {"template": {"metadata": {"annotations": notes}, "spec": spec}})
    first, second = f"{config}-00001", f"{config}-00002"
    cluster.ready("configurations", config)
    reaches(cluster, first, 2)
    change = {"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "two of them"}
    cluster.patch("configurations", config, change)
    pods = eventually(lambda: running(cluster, second, 2), "two Pods of the second run")
    for number in range(1, len(pods) + 1):
        assert scale(cluster, first) == 2
        assert cluster.condition("revisions", second)["status"] != "True"
        written(cluster, state, " ".join(pods[:number]))
        reaches(cluster, second, number)
    eventually(lambda: cluster.condition("revisions", second)["status"] == "True", "the second is ready")
    written(cluster, state, "all")
    annotated(cluster, second, "3")
    reaches(cluster, second, 3)
    annotated(cluster, second, None)
    for revision in (first, second):
        reaches(cluster, revision, 0, grace + 15)


def running(cluster: Cluster, revision: str, count: int) -> list[str]:
    """The names of a Revision's Pods, once so many run."""
    names = [pod["metadata"]["name"] for pod in cluster.pods(revision) if pod["status"].get("phase") == "Running"]
    return names if len(names) == count else []


def written(cluster: Cluster, config_map: str, text: str) -> None:
    ready = {"op": "replace", "path": "/data/ready", "value": text}
    cluster.ask("PATCH", cluster.path("configmaps", config_map, api="/api/v1"), [ready], "application/json-patch+json")


def annotated(cluster: Cluster, revision: str, minimum: str | None) -> None:
    path = f"/metadata/annotations/{A.replace('/', '~1')}min-scale"
    change = {"op": "remove", "path": path} if minimum is None else {"op": "replace", "path": path, "value": minimum}
    cluster.patch("revisions", revision, change)
