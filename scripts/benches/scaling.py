"""Benches of scale: bounds that must hold exactly under load, and requests none of which may fail."""

import asyncio
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker
from containers import kemu, request, service

from emulator.lib.instance import State

A = "autoscaling.knative.dev/"
REQUESTS, CONCURRENCY, MOST = 200, 10, 4
_GAP_S = 0.002  # between two requests, so that the order in which they arrive is certain
_SLACK_S = 0.05  # what the client's clock and the container's scheduler may add; a slot lasts 16 times as long


@dataclass(frozen=True)
class Admitted:
    """What came of the requests: most at once in any container, how many were answered and overtaken."""

    containers: int
    most_in_one: int
    answered: int
    reached: int
    overtaken: int


def admission() -> Admitted:
    """Slow requests to a Service at zero, more than its containers have slots for."""
    template = {
        "spec": {"containerConcurrency": CONCURRENCY},
        "metadata": {"annotations": {f"{A}max-scale": str(MOST)}},
    }
    with kemu([_service("slow", template)]) as state:
        begun = asyncio.run(_send(state.port))
        stats = [_stats(state, container) for container in _containers(state)]
    starts = [start for _, start in begun]
    overtaken = sum(
        any(later < start - _SLACK_S for later in starts[number + 1 :]) for number, start in enumerate(starts)
    )
    return Admitted(
        containers=len(stats),
        most_in_one=max(found["max_concurrency"] for found in stats),
        answered=sum(status == 200 for status, _ in begun),
        reached=sum(found["requests"] for found in stats),
        overtaken=overtaken,
    )


async def _send(port: int) -> list[tuple[int, float]]:
    """(status, when its container began with it) of each request, in the order of their sending."""
    async with asyncio.TaskGroup() as tasks:
        sent = []
        for number in range(REQUESTS):
            # Slots come free one after the other.
            sent.append(tasks.create_task(_slow(port, 800 + 10 * (number * 7 % 40))))
            await asyncio.sleep(_GAP_S)
    return [task.result() for task in sent]


async def _slow(port: int, ms: int) -> tuple[int, float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /sleep?ms={ms} HTTP/1.1\r\nHost: slow.default.example.com\r\n\r\n".encode())
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    ended = time.monotonic()
    writer.close()
    return status, ended - ms / 1000


@dataclass(frozen=True)
class Rolled:
    """What came of the requests during a life from zero to `most` containers, a rollout, and zero again."""

    requests: int
    failed: list[str]
    most: int
    revisions: set[str]
    seconds_to_zero: float


def rollout() -> Rolled:
    """0 → 10 → 0 under load, with an edit in the middle."""
    annotations = {f"{A}max-scale": "10", f"{A}window": "6s"}
    template = {"spec": {"containerConcurrency": 2}, "metadata": {"annotations": annotations}}
    client, most = docker.from_env(), 0
    with kemu([_service("rolled", template)]) as state, ThreadPoolExecutor(24) as pool:
        stop, answers = threading.Event(), []
        workers = [pool.submit(_ask, state.port, stop) for _ in range(24)]
        most = _until(lambda: _running(client, state, "00001"), 10)
        _edit(state, "rolled")
        most = max(most, _until(lambda: _running(client, state, "00002"), 10))
        time.sleep(2)
        stop.set()
        for worker in workers:
            answers += worker.result()
        begun = time.monotonic()
        _until(lambda: int(_running(client, state, "") == 0), 1)
        taken = time.monotonic() - begun
        assert request(state.port, "rolled") == 200
    failed = [f"{status} {body}" for status, body, _ in answers if status != 200]
    return Rolled(len(answers), failed, most, {revision for _, _, revision in answers}, taken)


def _ask(port: int, stop: threading.Event) -> list[tuple[int, str, str]]:
    """One client's requests, until it is told to stop: (status, body, revision)."""
    answers = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        try:
            connection.request("GET", "/sleep?ms=100", headers={"Host": "rolled.default.example.com"})
            answer = connection.getresponse()
            answers.append((answer.status, answer.read().decode(), answer.getheader("Kemu-Revision", "")))
        except OSError as error:
            answers.append((0, repr(error), ""))
            connection.close()
    connection.close()
    return answers


def _edit(state: State, name: str) -> None:
    """Another value of a variable, through the API."""
    body = {"spec": {"template": {"spec": {"containers": [{"image": "kemu.test/scriptable", "env": [_TWO]}]}}}}
    connection = http.client.HTTPConnection("127.0.0.1", state.api_port)
    path = f"/{state.prefix}/apis/serving.knative.dev/v1/namespaces/default/services/{name}"
    connection.request("PATCH", path, json.dumps(body), {"Content-Type": "application/merge-patch+json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


_TWO = {"name": "MESSAGE", "value": "two"}


def _until(count: Any, wanted: int, within_s: float = 90) -> int:
    """Wait for a count; what it was."""
    deadline = time.monotonic() + within_s
    while (found := count()) < wanted:
        assert time.monotonic() < deadline, f"{found} of {wanted} after {within_s} s"
        time.sleep(0.1)
    return int(found)


def _service(name: str, template: dict[str, Any]) -> dict[str, Any]:
    made = service(name)
    container = made["spec"]["template"]["spec"]
    made["spec"]["template"] = {**template, "spec": {**container, **template["spec"]}}
    return made


def _containers(state: State) -> list[Any]:
    client = docker.from_env()
    return client.containers.list(filters={"label": f"dev.kemu.instance={state.instance}"})


def _running(client: docker.DockerClient, state: State, name: str) -> int:
    found = client.api.containers(filters={"label": f"dev.kemu.instance={state.instance}"})
    return sum(name in container["Names"][0] for container in found)


def _stats(state: State, container: Any) -> dict[str, int]:
    address = container.attrs["NetworkSettings"]["Networks"][f"kemu-{state.instance}"]["IPAddress"]
    connection = http.client.HTTPConnection(address, 8080, timeout=10)
    connection.request("GET", "/stats")
    found: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return found
