"""Runs each sample as the `expect` file in its folder says, on a real engine.

That file is a YAML list of steps, taken in order. Texts are regular expressions. A step has 30 s, or `within:` seconds.

    - request: http://hello.default.example.com    sent once, through the ingress; answers 200 with
      answer: hello is called!                     this in its body
    - run: get pods                                a command of kemu's, which must succeed; with
      shows: hello-00001                           `shows` or `hides` it is run until its output
      hides: hello-00002                           has the one and has not the other
    - client: client.py                            a program of the sample's, given kemu's address; it must
      shows: hello                                 succeed and print this
    - log: cold start                              a line of kemu's log, below those found so far
"""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

SAMPLES = Path(__file__).parents[1] / "samples"
WITHIN_S = 30.0


class Sample:
    """A sample that runs; `check` takes one step of its `expect` file."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder
        self.data = data
        self.log = data.with_suffix(".log")
        self.read = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        command = [*self.kemu("up"), str(folder), "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def kemu(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "emulator", verb, *words, "--data-dir", str(self.data)]

    def stop(self) -> None:
        subprocess.run(self.kemu("down"), capture_output=True, timeout=WITHIN_S, check=False)
        self.process.terminate()
        self.process.wait(WITHIN_S)

    def check(self, step: dict[str, Any]) -> None:
        deadline = time.monotonic() + float(step.get("within", WITHIN_S))
        kind = next(iter(step))
        take: Callable[[dict[str, Any]], str | None] = {
            "request": self.request,
            "run": self.run,
            "client": self.client,
            "log": self.find_in_log,
        }[kind]
        while (fault := take(step)) is not None:
            running = self.process.poll() is None
            if time.monotonic() > deadline or not running or kind in ("request", "client"):
                pytest.fail(f"{step}: {fault}\nkemu {'runs' if running else 'ended'}; its log:\n{self.log.read_text()}")
            time.sleep(0.1)

    def request(self, step: dict[str, Any]) -> str | None:
        url = urlsplit(step["request"])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_S)
        connection.request("GET", url.path or "/", headers={"Host": url.netloc})
        with connection.getresponse() as answer:
            body = answer.read().decode()
        connection.close()
        has = answer.status == 200 and re.search(step["answer"], body)
        return None if has else f"answered {answer.status} {body!r}"

    def run(self, step: dict[str, Any]) -> str | None:
        done = subprocess.run(self.kemu(*shlex.split(step["run"])), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"exit code {done.returncode}: {done.stderr}"
        shows, hides = step.get("shows"), step.get("hides")
        if (shows and not re.search(shows, done.stdout)) or (hides and re.search(hides, done.stdout)):
            return f"it shows\n{done.stdout}"
        return None

    def client(self, step: dict[str, Any]) -> str | None:
        command = [sys.executable, str(self.folder / step["client"]), f"127.0.0.1:{self.port}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
        has = done.returncode == 0 and re.search(step["shows"], done.stdout)
        return None if has else f"exit code {done.returncode}: {done.stdout}{done.stderr}"

    def find_in_log(self, step: dict[str, Any]) -> str | None:
        found = re.search(step["log"], self.log.read_text()[self.read :])
        if found is None:
            return "no such line"
        self.read += found.end()
        return None


@pytest.fixture
def sample(request: pytest.FixtureRequest, tmp_path: Path, images: None) -> Iterator[Sample]:
    running = Sample(request.param, tmp_path / "data")
    yield running
    running.stop()


FOLDERS = sorted(path.parent for path in SAMPLES.glob("*/expect"))


@pytest.mark.engine
@pytest.mark.parametrize("sample", FOLDERS, indirect=True, ids=lambda folder: folder.name)
def test_a_sample_does_what_its_expect_file_says(sample: Sample, request: pytest.FixtureRequest) -> None:
    folder = request.node.callspec.params["sample"]
    for step in yaml.safe_load((folder / "expect").read_text()):
        sample.check(step)


@pytest.mark.parametrize("folder", sorted(SAMPLES.iterdir()), ids=lambda folder: folder.name)
def test_a_sample_has_an_expect_file_and_a_short_readme(folder: Path) -> None:
    assert (folder / "expect").is_file()
    assert len((folder / "README.md").read_text().splitlines()) <= 30
