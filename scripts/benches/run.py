"""Runs the benches and prints one table: python run.py [--json FILE] [ROW]…

Each row is a ratio or a difference of things measured alternately in this one run; the figure that must be reached
stands beside it. Exit code 1 if a row misses its figure. Proxies run on one core, load and backend on another.
"""

import argparse
import contextlib
import http.client
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROUNDS, SECONDS = 3, 4
PROXY_CORE, LOAD_CORE = "0", "1"
KEMU, GO, NGINX, EVENTS_GO, API = 9101, 9102, 9103, 9104, 9105


@dataclass(frozen=True)
class Row:
    """One measured figure and what it must be."""

    what: str
    measured: str
    must: str
    reached: bool


class Missing(Exception):
    """A program that a row needs is not here."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=" ".join(BENCHES))
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.rows or BENCHES:
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            rows += BENCHES[name]()
        except Missing as missing:
            rows.append(Row(name, f"not measured: {missing} is missing", "", False))
    widths = [max(len(str(getattr(row, field))) for row in rows) for field in ("what", "measured", "must")]
    for row in rows:
        cells = (row.what.ljust(widths[0]), row.measured.ljust(widths[1]), row.must.ljust(widths[2]))
        print("   ".join(cells), "ok" if row.reached else "MISSED", sep="   ")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
    return 0 if all(row.reached for row in rows) else 1


# -- programs


def need(program: str) -> str:
    if (path := shutil.which(program)) is None:
        raise Missing(program)
    return path


@contextlib.contextmanager
def process(*command: str, core: str = PROXY_CORE, ready: str = "", **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A process on one core; with `ready` it is waited for until it prints that."""
    import os

    pinned = ["taskset", "-c", core, *command]
    running = subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ})
    try:
        if ready:
            assert running.stdout is not None
            while ready not in (line := running.stdout.readline()):
                assert line, f"{command} ended"
        yield running
    finally:
        running.terminate()
        running.wait()


def plane(
    services: int = 1, triggers: int = 1, port: int = KEMU
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    words = (str(port), str(services), str(triggers))
    return process(sys.executable, str(HERE / "plane.py"), *words, ready="ready")


@contextlib.contextmanager
def nginx(config: str, core: str) -> Iterator[None]:
    program = need("nginx")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nginx.conf")
        path.write_text(f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n{config}")
        with process(program, "-p", folder, "-c", str(path), core=core):
            time.sleep(0.3)
            yield


COMMON = "access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; client_max_body_size 0;"
BACKEND = f"""events {{ worker_connections 4096; }}
http {{ {COMMON}
  server {{ listen 127.0.0.1:9001 backlog=4096;
    location / {{ default_type text/plain; return 200 "hello world\\n"; }} }}
  server {{ listen 127.0.0.1:9002 backlog=4096; location / {{ return 202; }} }}
}}"""
NGINX_PROXY = f"""events {{ worker_connections 4096; }}
http {{ {COMMON}
  upstream backend {{ server 127.0.0.1:9001; keepalive 128; keepalive_requests 1000000000; }}
  map $host $to {{ default ""; hello.example.com backend; }}
  server {{ listen 127.0.0.1:{NGINX} backlog=4096; location / {{
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto http;
    proxy_set_header Forwarded "for=$remote_addr;proto=http"; add_header Kemu-Revision hello-00001;
    proxy_pass http://backend; }} }}
}}"""


@contextlib.contextmanager
def go_proxy(port: int, backend: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        built = build(f"{folder}/reverseproxy", str(HERE / "reverseproxy.go"))
        with process(built, f"127.0.0.1:{port}", backend, GOMAXPROCS="1"):
            time.sleep(0.2)
            yield


def build(into: str, source: str) -> str:
    """A program of Go: a file, or a folder with its module."""
    folder = source if Path(source).is_dir() else str(HERE)
    subprocess.run([need("go"), "build", "-o", into, "." if folder == source else source], cwd=folder, check=True)
    return into


def wrk(
    port: int, connections: int = 32, path: str = "/", lua: str = "", seconds: float = SECONDS
) -> tuple[float, float]:
    """(requests/s, p50 in µs) of one round."""
    command = ["taskset", "-c", LOAD_CORE, need("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if lua:
            script.write(lua)
            script.flush()
            command += ["-s", script.name]
        command += ["-H", "Host: hello.example.com", f"http://127.0.0.1:{port}{path}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, middle = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
    assert rate and middle and "Non-2xx" not in said, said
    return float(rate[1]), float(middle[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[middle[2]]


def alternate(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The medians of several measures, taken in turn."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


# -- rows


def proxy() -> list[Row]:
    with nginx(BACKEND, LOAD_CORE), plane(), go_proxy(GO, "http://127.0.0.1:9001"), nginx(NGINX_PROXY, PROXY_CORE):
        for port in (KEMU, GO, NGINX):
            wrk(port, seconds=1)
        kemu, go, other = alternate(ROUNDS, *(lambda port=port: wrk(port)[0] for port in (KEMU, GO, NGINX)))
    figures = f"{kemu:,.0f} against {go:,.0f} (Go) and {other:,.0f} (nginx)"
    return [
        Row("requests/s, 32 connections, one core", f"{kemu / go:.2f} × Go: {figures}", "≥ 1.8 × Go", kemu >= 1.8 * go),
        Row("the same", f"{kemu / other:.2f} × nginx", "≥ 0.6 × nginx", kemu >= 0.6 * other),
    ]


def latency() -> list[Row]:
    with nginx(BACKEND, LOAD_CORE), plane(), go_proxy(GO, "http://127.0.0.1:9001"):
        for port in (KEMU, GO):
            wrk(port, 1, seconds=1)
        kemu, go = alternate(ROUNDS, *(lambda port=port: wrk(port, 1)[1] for port in (KEMU, GO)))
    return [Row("p50, one connection", f"{kemu:.0f} µs, Go {go:.0f} µs", "≤ Go", kemu <= go)]


def events() -> list[Row]:
    post = (
        'wrk.method="POST" wrk.body=\'{"message":"hello"}\' wrk.headers["Content-Type"]="application/json" '
        'wrk.headers["Ce-Id"]="1" wrk.headers["Ce-Source"]="/bench" wrk.headers["Ce-Type"]="bench" '
        'wrk.headers["Ce-Specversion"]="1.0" wrk.headers["Host"]="broker-ingress.knative-eventing.svc.cluster.local"'
    )
    plain = 'wrk.method="POST" wrk.body=\'{"message":"hello"}\' wrk.headers["Content-Type"]="application/json"'
    with nginx(BACKEND, LOAD_CORE), plane(), go_proxy(EVENTS_GO, "http://127.0.0.1:9002"):
        wrk(KEMU, path="/default/default", lua=post, seconds=1)
        wrk(EVENTS_GO, lua=plain, seconds=1)
        kemu, go = alternate(
            ROUNDS,
            lambda: wrk(KEMU, path="/default/default", lua=post)[0],
            lambda: wrk(EVENTS_GO, lua=plain)[0],
        )
    measured = f"{kemu / go:.2f} ×: {kemu:,.0f} against {go:,.0f}"
    return [
        Row("events/s Broker → Trigger → subscriber against Go's proxied requests/s", measured, "≥ 1.0 ×", kemu >= go)
    ]


def many() -> list[Row]:
    post = (
        'wrk.method="POST" wrk.body="{}" wrk.headers["Ce-Id"]="1" wrk.headers["Ce-Source"]="/bench" '
        'wrk.headers["Ce-Type"]="bench" wrk.headers["Ce-Specversion"]="1.0" '
        'wrk.headers["Host"]="broker-ingress.knative-eventing.svc.cluster.local"'
    )
    with nginx(BACKEND, LOAD_CORE), plane(10, 10, KEMU), plane(1000, 10_000, KEMU + 10):
        for port in (KEMU, KEMU + 10):
            wrk(port, seconds=1)
        few, lots = alternate(ROUNDS, lambda: wrk(KEMU)[0], lambda: wrk(KEMU + 10)[0])
        few_events, lots_events = alternate(
            ROUNDS,
            lambda: wrk(KEMU, path="/default/default", lua=post)[0],
            lambda: wrk(KEMU + 10, path="/default/default", lua=post)[0],
        )
    requests, sent = lots / few, lots_events / few_events
    return [
        Row(
            "requests/s with 1,000 Services against 10",
            f"{requests:.2f} ×: {lots:,.0f}, {few:,.0f}",
            "≥ 0.9 ×",
            requests >= 0.9,
        ),
        Row(
            "events/s with 10,000 Triggers against 10",
            f"{sent:.2f} ×: {lots_events:,.0f}, {few_events:,.0f}",
            "≥ 0.9 ×",
            sent >= 0.9,
        ),
    ]


def body() -> list[Row]:
    from bodies import growth_mib

    with plane() as running:
        down, up = growth_mib(KEMU, running.pid)
    most = max(down, up)
    return [Row("memory for a body of 1 GiB", f"{down:.1f} MiB down, {up:.1f} MiB up", "≤ 32 MiB", most <= 32)]


def streams() -> list[Row]:
    from bodies import stream_growth_mib

    with tempfile.TemporaryDirectory() as folder:
        backend = build(f"{folder}/protocols", str(ROOT / "tests/images/protocols"))
        with process(backend, core=LOAD_CORE, PORT="9003"), plane() as running:
            time.sleep(0.3)
            down, up = stream_growth_mib(KEMU, running.pid, "h2c.example.com")
    most = max(down, up)
    return [Row("the same over HTTP/2", f"{down:.1f} MiB down, {up:.1f} MiB up", "≤ 32 MiB", most <= 32)]


def grpc() -> list[Row]:
    """Unary calls: a request with a message, a response with a message and trailers."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "message").write_bytes(b"\0\0\0\0\x05hello")
        proxy = build(f"{folder}/h2cproxy", str(HERE / "h2cproxy.go"))
        backend = [need("nghttpd"), "--no-tls", "--echo-upload", "--trailer=grpc-status: 0", "9003"]
        with (
            process(*backend, core=LOAD_CORE),
            plane(),
            process(proxy, f"127.0.0.1:{GO}", "http://127.0.0.1:9003", GOMAXPROCS="1"),
        ):
            time.sleep(0.3)
            kemu, go = alternate(ROUNDS, *(lambda port=port: h2load(port, f"{folder}/message") for port in (KEMU, GO)))
    measured = f"{kemu / go:.2f} × Go: {kemu:,.0f} against {go:,.0f}"
    return [Row("unary gRPC calls/s over h2c, 64 at once, one core", measured, "≥ 0.5 × Go", kemu >= 0.5 * go)]


def h2load(port: int, message: str, seconds: float = SECONDS) -> float:
    """Calls a second of one round."""
    headers = (":authority: h2c.example.com", "te: trailers", "content-type: application/grpc", "user-agent: bench")
    command = ["taskset", "-c", LOAD_CORE, need("h2load"), "-t1", "-c4", "-m16", f"-D{seconds}", f"-d{message}"]
    command += [word for header in headers for word in ("-H", header)]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/echo.Echo/Unary"], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"([\d.]+) req/s", said)
    assert rate and " 0 failed, 0 errored" in said, said
    return float(rate[1])


def websocket() -> list[Row]:
    """Messages of 32 bytes, text and binary in turn, there and back."""
    with tempfile.TemporaryDirectory() as folder:
        both = build(f"{folder}/websockets", str(HERE / "websockets.go"))

        def messages(port: int) -> float:
            command = ["taskset", "-c", LOAD_CORE, both, "load", f"127.0.0.1:{port}", "32", str(SECONDS)]
            return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        with (
            process(both, "serve", "127.0.0.1:9001", core=LOAD_CORE),
            plane(),
            go_proxy(GO, "http://127.0.0.1:9001"),
        ):
            kemu, go = alternate(ROUNDS, lambda: messages(KEMU), lambda: messages(GO))
    measured = f"{kemu / go:.2f} × Go: {kemu:,.0f} against {go:,.0f}"
    return [
        Row("WebSocket messages/s, 32 connections, one core", measured, "≥ 1.0 × Go", kemu >= go),
        Row("the same", f"{kemu:,.0f}", "≥ 10,000", kemu >= 10_000),
    ]


def help_() -> list[Row]:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([ROOT / ".venv/bin/kemu", "--help"], capture_output=True, check=True)
        return (time.perf_counter() - begun) * 1000

    taken = statistics.median(once() for _ in range(10))
    return [Row("kemu --help", f"{taken:.0f} ms", "≤ 150 ms", taken <= 150)]


def cold() -> list[Row]:
    from containers import cold_start_ms

    overhead, with_kemu, engine = cold_start_ms(20)
    measured = f"{overhead:.1f} ms: {with_kemu:.0f} with kemu, {engine:.0f} the engine alone"
    return [Row("stopped → first byte beyond the engine's own, p50 of 20", measured, "≤ 10 ms", overhead <= 10)]


def thaw() -> list[Row]:
    from containers import thaw_ms

    overhead, with_kemu, engine = thaw_ms(20)
    measured = f"{overhead:.1f} ms: {with_kemu:.1f} with kemu, {engine:.1f} the engine's unpause"
    return [Row("frozen → first byte beyond the engine's unpause, p50 of 20", measured, "≤ 5 ms", overhead <= 5)]


def fifty() -> list[Row]:
    from containers import fifty_at_once

    started, answered = fifty_at_once()
    measured = f"{started} start, {answered} answered 200"
    return [
        Row(
            "50 requests at once to a Service at zero", measured, "1 start, 50 answered", (started, answered) == (1, 50)
        )
    ]


def admission() -> list[Row]:
    from scaling import CONCURRENCY, MOST, REQUESTS, admission

    found = admission()
    slots = f"most in a container {found.most_in_one}, containers {found.containers}"
    lost = f"{found.answered} answered 200, {found.reached} seen by containers, {found.overtaken} overtaken"
    return [
        Row(
            "200 slow requests, containerConcurrency 10, max-scale 4",
            slots,
            f"at most {CONCURRENCY}, {MOST} containers",
            found.most_in_one <= CONCURRENCY and found.containers == MOST,
        ),
        Row(
            "the same: none lost, first come first served",
            lost,
            f"{REQUESTS} answered, {REQUESTS} seen, 0 overtaken",
            (found.answered, found.reached, found.overtaken) == (REQUESTS, REQUESTS, 0),
        ),
    ]


def rollout() -> list[Row]:
    from scaling import rollout

    found = rollout()
    for failure in found.failed[:3]:
        print(f"  failed: {failure}", file=sys.stderr)
    measured = (
        f"{len(found.failed)} of {found.requests} failed, {found.most} containers, {found.seconds_to_zero:.0f} s to 0"
    )
    reached = not found.failed and found.most >= 10 and len(found.revisions) == 2
    return [Row("0 → 10 → 0 under load, a rollout in the middle", measured, "0 failed, 10 containers", reached)]


def split() -> list[Row]:
    from splitting import REVISIONS, split

    found = split()
    measured = f"{len(found.failed)} of {found.requests:,} failed, {len(found.revisions)} Revisions answered"
    reached = not found.failed and len(found.revisions) == REVISIONS
    name = f"a split of {REVISIONS} Revisions, changed {found.changes} times under load"
    return [Row(name, measured, "0 failed", reached)]


def api() -> list[Row]:
    with apiplane() as server:
        lists = statistics.median(_listed_ms() for _ in range(15))
        words = (str(API), "100", "200", "5")
        command = ["taskset", "-c", LOAD_CORE, sys.executable, str(HERE / "watchers.py"), *words]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert server.stdin is not None and server.stdout is not None
        server.stdin.close()
        blocked = float(server.stdout.readline())
    p50, p99 = float(said[0]), float(said[1])
    return [
        Row("1,000 Services as a Table", f"{lists:.0f} ms", "≤ 60 ms", lists <= 60),
        Row("100 watchers, 200 writes/s: lag", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", "p99 ≤ 100 ms", p99 <= 100),
        Row("the same: the loop's longest hold", f"{blocked:.0f} ms", "≤ 20 ms", blocked <= 20),
    ]


@contextlib.contextmanager
def apiplane() -> Iterator[subprocess.Popen[str]]:
    """kemu's API over 1,000 Services."""
    command = ["taskset", "-c", PROXY_CORE, sys.executable, str(HERE / "apiplane.py"), str(API), "1000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield running
        finally:
            running.terminate()


def _listed_ms() -> float:
    connection = http.client.HTTPConnection("127.0.0.1", API)
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    begun = time.perf_counter()
    connection.request("GET", "/bench/apis/serving.knative.dev/v1/services?limit=500000", headers=table)
    answer = connection.getresponse().read()
    taken = (time.perf_counter() - begun) * 1000
    assert answer.count(b'"cells"') == 1000
    connection.close()
    return taken


def up() -> list[Row]:
    from containers import fifty_services

    ready_s, rss_mib, idle = fifty_services()
    return [
        Row("kemu up of 50 Services to all Ready", f"{ready_s:.2f} s", "≤ 1.0 s", ready_s <= 1.0),
        Row("memory with 50 Services", f"{rss_mib:.0f} MiB", "≤ 70 MiB", rss_mib <= 70),
        Row("idle CPU with 50 Services", f"{idle:.2f} %", "≤ 0.5 %", idle <= 0.5),
    ]


BENCHES: dict[str, Callable[[], list[Row]]] = {
    "proxy": proxy,
    "latency": latency,
    "body": body,
    "streams": streams,
    "grpc": grpc,
    "websocket": websocket,
    "cold": cold,
    "thaw": thaw,
    "fifty": fifty,
    "admission": admission,
    "rollout": rollout,
    "split": split,
    "up": up,
    "many": many,
    "events": events,
    "api": api,
    "help": help_,
}

if __name__ == "__main__":
    sys.exit(main())
