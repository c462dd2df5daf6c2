"""Benches with real containers: cold starts beside the engine's own, bursts, and many Services."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker

from emulator.lib.instance import State, running

IMAGE = "kemu.test/scriptable"
LABEL = {"kemu.bench": "1"}


def cold_start_ms(times: int) -> tuple[float, float, float]:
    """(difference, with kemu, the engine alone): medians of `times` alternating starts to the first byte, in ms."""
    client = docker.from_env()
    names = [f"cold-{number}" for number in range(times)]
    ours, alone = [], []
    with kemu([service(name) for name in names]) as state:
        network = f"kemu-{state.instance}"
        for name in names:
            alone.append(_engine_ms(client, network))
            begun = time.perf_counter()
            assert request(state.port, name) == 200
            ours.append((time.perf_counter() - begun) * 1000)
    with_kemu, engine = statistics.median(ours), statistics.median(alone)
    return statistics.median(o - a for o, a in zip(ours, alone, strict=True)), with_kemu, engine


def thaw_ms(times: int) -> tuple[float, float, float]:
    """(difference, with kemu, the engine's unpause alone): medians of `times` alternating thaws, in ms."""
    client = docker.from_env()
    ours, alone = [], []
    frozen = service("frozen")
    frozen["metadata"]["annotations"] = {"kemu.dev/idle": "freeze"}
    with kemu([frozen]) as state:
        assert request(state.port, "frozen") == 200
        own = client.containers.list(filters={"label": f"dev.kemu.instance={state.instance}"})[0]
        other = client.containers.run(IMAGE, detach=True, labels=LABEL, network=f"kemu-{state.instance}")
        for _ in range(times):
            other.pause()
            begun = time.perf_counter()
            other.unpause()
            alone.append((time.perf_counter() - begun) * 1000)
            _freeze(state)
            while own.status != "paused":
                time.sleep(0.05)
                own.reload()
            ours.append(_first_byte_ms(state.port, "frozen"))
            own.reload()
        other.remove(force=True)
    return (
        statistics.median(o - a for o, a in zip(ours, alone, strict=True)),
        statistics.median(ours),
        statistics.median(alone),
    )


def _first_byte_ms(port: int, name: str) -> float:
    begun = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {name}.default.example.com\r\nConnection: close\r\n\r\n".encode())
        answer = line.recv(4096)
        taken = (time.perf_counter() - begun) * 1000
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return taken


def _freeze(state: State) -> None:
    """Have the only Pod frozen, as the Scaler does when its window is over."""
    pods = f"/{state.prefix}/api/v1/namespaces/default/pods"
    connection = http.client.HTTPConnection("127.0.0.1", state.api_port)
    connection.request("GET", pods)
    name = json.loads(connection.getresponse().read())["items"][0]["metadata"]["name"]
    patch = {"metadata": {"annotations": {"kemu.dev/frozen": "2026-01-01T00:00:00Z"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    connection.request("PATCH", f"{pods}/{name}", json.dumps(patch), headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    connection.close()


def fifty_at_once() -> tuple[int, int]:
    """(containers started, requests answered 200)."""
    client = docker.from_env()
    with kemu([service("fifty")]) as state:
        with ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(lambda _: request(state.port, "fifty"), range(50)))
        own = client.api.containers(all=True, filters={"label": f"dev.kemu.instance={state.instance}"})
        return len(own), statuses.count(200)


def fifty_services() -> tuple[float, float, float]:
    """(seconds from process start to all Ready, memory in MiB, idle CPU in percent)."""
    begun = time.perf_counter()
    with kemu([service(f"service-{number}") for number in range(50)]) as state:
        while True:
            ready = _ready(state)
            if ready == 50:
                break
            time.sleep(0.005)
        taken = time.perf_counter() - begun
        time.sleep(2)
        before, at = _cpu_s(state.pid), time.perf_counter()
        time.sleep(10)
        idle = (_cpu_s(state.pid) - before) / (time.perf_counter() - at) * 100
        return taken, _rss_mib(state.pid), idle


def service(name: str) -> dict[str, Any]:
    template = {"spec": {"containers": [{"image": IMAGE}]}}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": template},
    }


@contextmanager
def kemu(objects: list[dict[str, Any]]) -> Iterator[State]:
    """A real `kemu up` of some objects."""
    with tempfile.TemporaryDirectory() as folder:
        manifests, data = Path(folder, "manifests"), Path(folder, "data")
        manifests.mkdir()
        (manifests / "all.json").write_text("\n---\n".join(json.dumps(o) for o in objects))
        command = [sys.executable, "-m", "emulator", "up", str(manifests), "--port", "0", "--data-dir", str(data), "-q"]
        process = subprocess.Popen(command)
        try:
            while (state := running(data)) is None:
                assert process.poll() is None, "kemu ended"
                time.sleep(0.002)
            while request(state.port, objects[-1]["metadata"]["name"], "/", probe=True) == 404:
                time.sleep(0.005)
            yield state
        finally:
            process.terminate()
            process.wait(60)


def request(port: int, name: str, path: str = "/", *, probe: bool = False) -> int:
    """The status of a request; a `probe` wakes nobody."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": f"{name}.default.example.com"} | ({"K-Network-Probe": "activator"} if probe else {})
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def _engine_ms(client: docker.DockerClient, network: str) -> float:
    """What the engine needs itself: create, start, first byte."""
    begun = time.perf_counter()
    container = client.containers.create(IMAGE, environment={"PORT": "8080"}, network=network, labels=LABEL)
    container.start()
    container.reload()
    address = container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
    while True:
        try:
            with socket.create_connection((address, 8080), timeout=5) as line:
                line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert line.recv(1)
                break
        except ConnectionRefusedError:
            time.sleep(0.001)
    taken = (time.perf_counter() - begun) * 1000
    container.remove(force=True)
    return taken


def _ready(state: State) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", state.api_port)
    connection.request("GET", f"/{state.prefix}/apis/serving.knative.dev/v1/services")
    items = json.loads(connection.getresponse().read())["items"]
    connection.close()
    conditions = [c for item in items for c in item.get("status", {}).get("conditions", ()) if c["type"] == "Ready"]
    return sum(c["status"] == "True" for c in conditions)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mib(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
