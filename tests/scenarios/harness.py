"""A real `kemu up` in a process of its own, for scenarios: start it, ask it, read what it says, stop it.

Waits are for conditions, each with a deadline; the log is read as JSON lines.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import docker

from emulator.lib.instance import State, running

T = TypeVar("T")
WITHIN_S = 30.0
IMAGE = "kemu.test/scriptable"


@dataclass(frozen=True)
class Reply:
    """An answer to a request."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """What a command of kemu's printed, and how it ended."""

    code: int
    out: str
    err: str


def eventually(ask: Callable[[], T | None], what: str, within_s: float = WITHIN_S) -> T:
    """The first answer that is true; fails with `what` after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        if found := ask():
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.02)


def service(name: str, *, image: str = IMAGE, env: dict[str, str] | None = None, **more: Any) -> str:
    """A Service's YAML (JSON is YAML). `annotations` go on the template, `spec` into the RevisionSpec."""
    container: dict[str, Any] = {"image": image, "env": [{"name": k, "value": v} for k, v in (env or {}).items()]}
    container |= more.get("container", {})
    template = {
        "metadata": {"annotations": more.get("annotations", {})},
        "spec": {"containers": [container], **more.get("spec", {})},
    }
    body = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": template},
    }
    return json.dumps(body)


class Kemu:
    """One data directory, a folder of manifests, and the processes that use them."""

    def __init__(self, folder: Path, engine: docker.DockerClient, environ: dict[str, str] | None = None) -> None:
        self.data = folder / "data"
        self.manifests = folder / "manifests"
        self.manifests.mkdir(parents=True, exist_ok=True)
        self.engine = engine
        self.log_path = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._environ = {**os.environ, **(environ or {})}

    # -- processes

    def write(self, name: str, text: str) -> Path:
        path = self.manifests / name
        part = path.with_name(f".{name}.part")
        part.write_text(text)
        part.replace(path)
        return path

    def command(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "emulator", verb, *words, "--data-dir", str(self.data)]

    def up(self, *words: str, before: Sequence[str] = ()) -> State:
        """Start, and wait until it listens. `before` is a command that runs the command."""
        with self.log_path.open("ab") as log:
            command = [*before, *self.command("up", str(self.manifests), "--port", "0", "--json", *words)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=self._environ)
        return eventually(self._listening, "kemu listens")

    def run(self, verb: str, *words: str, within_s: float = WITHIN_S) -> Said:
        """Run a command of kemu's to its end."""
        command = self.command(verb, *words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False, env=self._environ)
        return Said(done.returncode, done.stdout, done.stderr)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(WITHIN_S)

    def stop(self) -> int:
        """As Ctrl-C; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN_S)

    def clean(self) -> None:
        """Whatever happened: no process and no container stays."""
        if self.process is not None and self.process.poll() is None:
            # In a hurry, but not killed: a container that the engine is just making would come after the look below.
            self.process.send_signal(signal.SIGINT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
        for container in self.containers(running_only=False):
            container.remove(force=True, v=True)
        mine = {"label": f"dev.kemu.instance={self.instance}"}
        for network in self.engine.networks.list(filters=mine):
            network.remove()
        for volume in self.engine.volumes.list(filters=mine):
            volume.remove()

    def _listening(self) -> State | None:
        assert self.process is not None
        assert self.process.poll() is None, self.log_path.read_text()
        state = running(self.data)
        return state if state is not None and state.pid == self.process.pid else None

    # -- looking

    @property
    def state(self) -> State:
        found = running(self.data)
        assert found is not None
        return found

    @property
    def instance(self) -> str:
        path = self.data / "instance"
        return path.read_text().strip() if path.exists() else "none"

    def log(self) -> list[dict[str, Any]]:
        """All lines so far."""
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def messages(self, about: str = "") -> list[str]:
        return [line["message"] for line in self.log() if about in ("", line["about"])]

    def said(self, text: str, about: str = "", within_s: float = WITHIN_S) -> str:
        """The first message with `text` in it, waiting for it."""

        def find() -> str:
            return next((m for m in self.messages(about) if text in m), "")

        return eventually(find, f'the log says "{text}"; it says {self.messages()[-12:]}', within_s)

    def containers(self, service_name: str = "", *, running_only: bool = True) -> list[Any]:
        """The instance's containers, of one Service if named."""
        labels = {"label": f"dev.kemu.instance={self.instance}"}
        found = self.engine.containers.list(all=not running_only, filters=labels, ignore_removed=True)  # type: ignore[arg-type]
        return [c for c in found if service_name in str(c.name)]

    def objects(self, kind: str) -> list[Any]:
        said = self.run("get", kind, "-o", "json")
        assert said.code == 0, said.err
        return list(json.loads(said.out)["items"])

    def condition(self, kind: str, name: str, type_: str = "Ready") -> dict[str, Any]:
        said = self.run("get", kind, name, "-o", "json")
        conditions = json.loads(said.out)["status"].get("conditions", []) if said.code == 0 else []
        return next((dict(c) for c in conditions if c["type"] == type_), {})

    # -- asking

    def request(self, name: str, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """A request to a Service, by its Host header."""
        host = name if "." in name else f"{name}.default.example.com"
        connection = http.client.HTTPConnection("127.0.0.1", self.state.port, timeout=WITHIN_S)
        try:
            sent = {key.replace("_", "-"): value for key, value in headers.items()}
            connection.request(method, path, body or None, {"Host": host, **sent})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()
