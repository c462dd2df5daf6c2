"""docs/tutorial.md, command by command, with the real kubectl and kn."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.scenarios.harness import Kemu

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text()
CLIENTS = ROOT / ".cache" / "clients"
WITHIN_S = 20.0
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.engine


def steps(text: str) -> Iterator[tuple[str, str]]:
    """(command, what it prints) of each step."""
    for block in _BLOCK.findall(text):
        for step in block.removeprefix("$ ").split("\n$ "):
            command, _, output = step.partition("\n")
            yield command, output.strip("\n")


def pattern(output: str) -> re.Pattern[str]:
    """What a command may print: `…` alone on a line is any lines, elsewhere anything; columns may be wider."""
    lines = []
    for line in output.splitlines():
        if line == "…":
            lines.append(r"(?:.*\n)*?")
            continue
        parts = (re.sub(r"(\\ )+", r"\\s+", re.escape(part)) for part in line.split("…"))
        lines.append(".*".join(parts) + r"\s*?\n")
    return re.compile("".join(lines))


@pytest.fixture(scope="module")
def kemu(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None) -> Iterator[Kemu]:
    kemu = Kemu(tmp_path_factory.mktemp("tutorial"), engine)
    kemu.up()
    yield kemu
    kemu.stop()
    kemu.clean()


@pytest.fixture(scope="module")
def shell(kemu: Kemu, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the reader's terminal: kubectl and kn, as they are called."""
    folder = tmp_path_factory.mktemp("bin")
    for name, client in (("kubectl", "kubectl-1.33"), ("kn", "kn-1.15")):
        if not (CLIENTS / client).exists():
            if os.environ.get("CI") == "true":
                pytest.fail(f"{client} is missing; scripts/test brings it")
            pytest.skip(f"{client} is missing")
        (folder / name).symlink_to(CLIENTS / client)
    (folder / "kemu").symlink_to(ROOT / ".venv" / "bin" / "kemu")
    path = f"{folder}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "KEMU_DATA_DIR": str(kemu.data), "HOME": str(folder), "LC_ALL": "C.UTF-8"}


def test_the_tutorial_prints_what_it_says(kemu: Kemu, shell: dict[str, str]) -> None:
    port, setting = str(kemu.state.port), ""
    for command, output in steps(TEXT):
        if command.startswith("eval"):
            setting = f"{command}\n"
            continue
        wanted = pattern(output.replace("8080", port))
        deadline = time.monotonic() + WITHIN_S
        while True:
            script = f"set -o pipefail\n{setting}{command.replace('8080', port)}"
            done = subprocess.run(
                ["bash", "-c", script], cwd=ROOT, env=shell, capture_output=True, text=True, timeout=120, check=False
            )
            if wanted.fullmatch(done.stdout) and (done.returncode == 0 or "|" in command):
                break
            reads = command.startswith(("kubectl get", "kubectl logs", "kn source list", "curl"))
            assert reads and time.monotonic() < deadline, f"$ {command}\n{done.stdout}{done.stderr}"
            time.sleep(0.5)
