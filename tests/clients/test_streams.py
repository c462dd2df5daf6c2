"""logs, exec, attach, cp and port-forward by the real clients: kubectl of several versions and Python's library.

The binaries are those of `scripts/lib/clients.sh`; one that is not there is skipped on a laptop, missed where CI=true.
Old ones speak SPDY, new ones WebSocket: what a user sees is the same.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.scenarios.harness import Kemu, eventually

pytestmark = pytest.mark.engine

CLIENTS = Path(__file__).parents[2] / ".cache" / "clients"
VERSIONS = ("1.20", "1.28", "1.31", "1.33", "1.37")
WITHIN_S = 30.0
SLEEP = "sleep 1000"

Run = Callable[..., subprocess.CompletedProcess[bytes]]


def pod(name: str, *command: str, **container: Any) -> dict[str, Any]:
    main = {"name": "main", "image": "kemu.test/pyfunc", "ports": [{"containerPort": 8080}], **container}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [main | ({"command": list(command)} if command else {})]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


PODS = [
    pod("idle", "sh", "-c", SLEEP),
    pod("web"),
    pod("crash", "sh", "-c", "echo last words; exit 3"),
    pod("ticks", "sh", "-c", "n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.1; done"),
    pod("term", "sh", stdin=True, tty=True),
]


def is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ()))


@pytest.fixture(scope="module")
def kemu(engine: docker.DockerClient, images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kemu]:
    """A kemu whose Pods run."""
    kemu = Kemu(tmp_path_factory.mktemp("streams"), engine)
    kemu.write("pods.yaml", "\n---\n".join(map(json.dumps, PODS)))
    try:
        kemu.up()
        eventually(lambda: len([pod for pod in kemu.objects("pods") if is_ready(pod)]) == len(PODS) - 1, "all run")
        yield kemu
    finally:
        kemu.clean()


@pytest.fixture(params=VERSIONS)
def kubectl(request: pytest.FixtureRequest, kemu: Kemu) -> list[str]:
    """The command's first words."""
    path = CLIENTS / f"kubectl-{request.param}"
    if not path.exists():
        # Debian's may be another version on another distribution; elsewhere than on Linux there are none.
        assert os.environ.get("CI") != "true" or request.param == "1.20" or not CLIENTS.exists(), f"{path} is missing"
        pytest.skip(f"no {path.name}: scripts/test gets it")
    return [str(path), "--kubeconfig", str(kemu.data / "kubeconfig")]


@pytest.fixture
def run(kubectl: list[str], tmp_path: Path) -> Run:
    """Runs kubectl to its end."""

    def run_it(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environ = {**os.environ, "HOME": str(tmp_path)}
        return subprocess.run([*kubectl, *words], input=stdin, capture_output=True, timeout=WITHIN_S, env=environ)

    return run_it


def processes(kemu: Kemu, word: str) -> list[str]:
    """Command lines in the Pod `idle` with `word` in them."""
    (container,) = kemu.containers("idle")
    return [row[-1] for row in container.top()["Processes"] if word in row[-1]]


# -- exec


def test_exec_tells_output_errors_and_the_exit_code(run: Run) -> None:
    done = run("exec", "idle", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert b"err\n" in done.stderr
    assert b"command terminated with exit code 3" in done.stderr
    assert run("exec", "idle", "--", "true").returncode == 0


def test_ten_megabytes_go_through_cat(run: Run) -> None:
    sent = os.urandom(10_000_000)
    done = run("exec", "-i", "idle", "--", "cat", stdin=sent)
    assert done.returncode == 0
    assert done.stdout == sent


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("exec", "idle", "--", "none"), 'exec: "none": executable file not found in $PATH'),
        (("exec", "idle", "-c", "other", "--", "true"), "container other is not valid for pod idle"),
        (("exec", "absent", "--", "true"), 'pods "absent" not found'),
    ],
    ids=["no such command", "no such container", "no such pod"],
)
def test_what_cannot_be_run_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert said in done.stderr.decode()


def test_a_container_that_waits_to_be_restarted_runs_nothing(run: Run, kemu: Kemu) -> None:
    kemu.said("CrashLoopBackOff", "crash")
    assert 'container not found ("main")' in run("exec", "crash", "--", "true").stderr.decode()


class Terminal:
    """A client on a terminal of its own."""

    def __init__(self, command: list[str], rows: int, columns: int) -> None:
        self._main, end = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            command, stdin=end, stdout=end, stderr=end, start_new_session=True, preexec_fn=self._take
        )
        os.close(end)
        self.seen = b""

    @staticmethod
    def _take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def say(self, text: str) -> None:
        os.write(self._main, text.encode())

    def until(self, text: str) -> None:
        """Returns when the terminal shows `text`, which is then forgotten."""
        deadline = time.monotonic() + WITHIN_S
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, f"never {text!r}: {self.seen!r}"
            if select.select([self._main], [], [], 0.1)[0]:
                self.seen += os.read(self._main, 4096)
        self.seen = self.seen.partition(text.encode())[2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)
        os.close(self._main)


def test_a_shell_on_a_terminal_follows_its_size(kubectl: list[str]) -> None:
    terminal = Terminal([*kubectl, "exec", "-it", "idle", "--", "sh"], 33, 101)
    try:
        terminal.until("# ")
        terminal.say("stty size\n")
        terminal.until("33 101")
        terminal.resize(20, 70)
        os.killpg(terminal.process.pid, signal.SIGWINCH)
        terminal.say("until stty size | grep '20 70'; do sleep 0.1; done; exit 5\n")
        terminal.until("20 70\r\n")
        assert terminal.process.wait(WITHIN_S) == 5
    finally:
        terminal.close()


@pytest.mark.parametrize("flags", [("-i",), ("-it",)], ids=["without a terminal", "with a terminal"])
def test_a_client_that_is_killed_leaves_no_process(kubectl: list[str], kemu: Kemu, flags: tuple[str, ...]) -> None:
    script = "trap '' HUP TERM; sleep 4242"
    terminal = Terminal([*kubectl, "exec", *flags, "idle", "--", "sh", "-c", script], 24, 80)
    try:
        eventually(lambda: len(processes(kemu, "sleep 4242")) == 2, "it runs")
    finally:
        terminal.close()
    eventually(lambda: not processes(kemu, "sleep 4242"), "it is gone")


def test_files_are_copied_both_ways(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "data").write_bytes(os.urandom(3_000_000))
    (folder / "name").write_text("hello")
    assert run("cp", str(folder), "idle:/tmp/there").returncode == 0
    back = tmp_path / "back"
    assert run("cp", "idle:/tmp/there", str(back)).returncode == 0
    assert (back / "deep" / "data").read_bytes() == (folder / "deep" / "data").read_bytes()
    assert (back / "name").read_text() == "hello"
    run("exec", "idle", "--", "rm", "-r", "/tmp/there")


# -- attach


def test_a_terminal_is_attached_and_left_running(kubectl: list[str], run: Run) -> None:
    for word in ("first", "second"):
        terminal = Terminal([*kubectl, "attach", "-it", "term"], 24, 80)
        try:
            terminal.until("press")
            terminal.say(f"echo {word}$((6*7))\n")
            terminal.until(f"{word}42")
        finally:
            terminal.close()
    assert "1/1" in run("get", "pod", "term").stdout.decode()


def test_attached_output_begins_now(kubectl: list[str]) -> None:
    with subprocess.Popen([*kubectl, "attach", "ticks"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdout is not None
        numbers = [int(client.stdout.readline().split()[1]) for _ in range(3)]
        client.kill()
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert numbers[0] > 1


# -- logs


def test_logs_are_narrowed_stamped_and_followed(kubectl: list[str], run: Run) -> None:
    assert run("logs", "ticks", "--tail=2").stdout.count(b"\n") == 2
    assert len(run("logs", "ticks", "--limit-bytes=10").stdout) == 10
    stamped = run("logs", "ticks", "--tail=1", "--timestamps").stdout.decode()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z tick \d+\n", stamped)
    few, all_ = run("logs", "ticks", "--since=1s").stdout, run("logs", "ticks", "--since=1h").stdout
    assert 0 < few.count(b"\n") <= 15 <= all_.count(b"\n")
    with subprocess.Popen([*kubectl, "logs", "-f", "ticks", "--tail=1"], stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        lines = [client.stdout.readline() for _ in range(3)]
        client.kill()
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_logs_of_a_restarted_container_are_those_of_one_run(run: Run, kemu: Kemu) -> None:
    kemu.said("CrashLoopBackOff", "crash")
    assert run("logs", "crash").stdout == b"last words\n"
    assert run("logs", "crash", "--previous").stdout == b"last words\n"
    said = run("logs", "idle", "--previous").stderr.decode()
    assert said == 'Error from server (BadRequest): previous terminated container "main" in pod "idle" not found\n'


# -- port-forward


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_port_is_forwarded_for_many_connections(kubectl: list[str]) -> None:
    port = free_port()
    command = [*kubectl, "port-forward", "pod/web", f"{port}:8080"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == f"Forwarding from 127.0.0.1:{port} -> 8080\n".encode()
        for number in range(20):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{number}", timeout=WITHIN_S) as answer:
                assert answer.read() == f"hello from python at /{number}\n".encode()
        client.kill()


def test_a_port_that_nobody_listens_on_is_said(kubectl: list[str]) -> None:
    port = free_port()
    command = [*kubectl, "port-forward", "pod/web", f"{port}:9999"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        assert client.stdout is not None
        client.stdout.readline()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert connection.recv(1) == b""
        said = b""
        while b"connection refused" not in said:
            line = client.stdout.readline()
            assert line, said
            said += line
        client.kill()
    assert b"error forwarding port 9999 to pod web, uid " in said


# -- Python's client

PYTHON = """
import sys
from kubernetes import client, config
from kubernetes.stream import portforward, stream

config.load_kube_config(sys.argv[1])
v1 = client.CoreV1Api()
options = dict(name="idle", namespace="default", stdout=True, stderr=True, tty=False)
execute = v1.connect_get_namespaced_pod_exec
assert stream(execute, command=["sh", "-c", "echo hi"], stdin=False, **options) == "hi\\n"
shell = stream(execute, command=["sh"], stdin=True, _preload_content=False, **options)
shell.write_stdin("echo text\\n")
assert shell.readline_stdout(timeout=10) == "text"
shell.write_stdin(b"echo bytes; exit 9\\n")
assert shell.readline_stdout(timeout=10) == "bytes"
shell.run_forever(timeout=10)
assert shell.returncode == 9
forward = portforward(v1.connect_get_namespaced_pod_portforward, "web", "default", ports="8080")
connection = forward.socket(8080)
connection.setblocking(True)
connection.sendall(b"GET /p HTTP/1.0\\r\\n\\r\\n")
answer = b""
while data := connection.recv(1024):
    answer += data
assert answer.endswith(b"hello from python at /p\\n"), answer
assert forward.error(8080) is None
refused = portforward(v1.connect_get_namespaced_pod_portforward, "web", "default", ports="9999")
connection = refused.socket(9999)
connection.setblocking(True)
assert connection.recv(1) == b""
assert "connection refused" in refused.error(9999)
assert v1.read_namespaced_pod_log("ticks", "default", tail_lines=2).count("tick") == 2
"""


def test_pythons_client_executes_forwards_and_reads(kemu: Kemu) -> None:
    pytest.importorskip("kubernetes")
    command = [sys.executable, "-c", PYTHON, str(kemu.data / "kubeconfig")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    assert done.returncode == 0, done.stderr
