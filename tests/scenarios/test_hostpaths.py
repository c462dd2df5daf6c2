"""A Pod that wants a folder of this computer: refused, allowed by an option, or by an answer in the terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.scenarios.harness import WITHIN_S, Kemu, eventually
from tests.scenarios.test_containers import bare, python

pytestmark = pytest.mark.engine


def wants(folder: Path) -> str:
    volumes = [{"name": "host", "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"}}]
    mounts = [{"name": "host", "mountPath": "/host"}]
    return bare("wants", python("open('/host/word', 'w').write('written')", volumeMounts=mounts), volumes=volumes)


def test_it_is_refused_where_nobody_can_be_asked(kemu: Kemu, tmp_path: Path) -> None:
    kemu.write("pod.yaml", wants(tmp_path / "shared"))
    kemu.up()
    said = kemu.said("Pod default/wants may not have folders of this computer; start kemu with --allow-host-path")
    assert said.startswith(f"CreateContainerConfigError: hostPath {tmp_path}/shared: ")
    assert not (tmp_path / "shared").exists()


def test_an_option_allows_it(kemu: Kemu, tmp_path: Path) -> None:
    kemu.write("pod.yaml", wants(tmp_path / "shared"))
    kemu.up("--allow-host-path")
    word = tmp_path / "shared" / "word"
    eventually(lambda: word.exists() and word.read_text() == "written", "the Pod has written")


@pytest.mark.parametrize(("answer", "is_written"), [("y\n", True), ("n\n", False)])
def test_whoever_sits_at_the_terminal_is_asked(kemu: Kemu, tmp_path: Path, answer: str, is_written: bool) -> None:
    kemu.write("pod.yaml", wants(tmp_path / "shared"))
    ours, theirs = pty.openpty()
    command = kemu.command("up", str(kemu.manifests), "--port", "0")
    kemu.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read_until(ours, f"May Pod default/wants read and write {tmp_path}/shared of this computer?")
    os.write(ours, answer.encode())
    if is_written:
        eventually(lambda: (tmp_path / "shared" / "word").exists(), "the Pod has written")
    else:
        read_until(ours, "may not have folders of this computer")
        assert not (tmp_path / "shared").exists()
    assert json.loads(kemu.run("get", "pods", "-o", "json").out)["items"]
    kemu.process.terminate()
    read_until(ours, "stopped")
    kemu.process.wait(WITHIN_S)
    os.close(ours)


def read_until(terminal: int, text: str) -> None:
    """Read what kemu shows until `text` is in it, wrapped or not."""
    seen, deadline = "", time.monotonic() + WITHIN_S
    while text.replace(" ", "") not in "".join(seen.split()):
        assert time.monotonic() < deadline, f"no {text!r} in {seen}"
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
