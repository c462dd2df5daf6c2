"""Real clients of the Kubernetes API, run as users run them: a binary, its words, KUBECONFIG and a home of its own.

What a command prints is compared after `plain`, which leaves out what differs from run to run: ages, hashes, addresses.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import pytest

BINARIES = Path(__file__).parents[2] / ".cache" / "clients"
WITHIN_S = 60.0

_PLAIN: Sequence[tuple[str, str]] = (
    (r"\b\d+\.\d{3}s\b", "TIME"),
    (r"\b\d+(d|h|m|s|ms)(\d+[hms])?\b", "AGE"),
    (r"localhost:\d+", "localhost:PORT"),
    (r"-deployment-[a-z0-9]{9,10}-[a-z0-9]{5}\b", "-deployment-HASH-ID"),
    (r" +$", ""),
)


def plain(text: str) -> str:
    """The text without what differs from run to run; runs of blanks in a table become two."""
    for pattern, word in _PLAIN:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return "\n".join(re.sub(r"(?<=\S)  +", "  ", line) for line in text.splitlines())


def table(text: str) -> list[list[str]]:
    """The cells of a printed table, by the blanks between them: columns are two blanks apart."""
    return [re.split(r"  +", line.strip()) for line in plain(text).splitlines() if line.strip()]


@dataclass(frozen=True)
class Said:
    """What a client printed, and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Client:
    """One binary, pointed at one kemu, run in `folder`. `flags` come after the words of every command (`-n space`)."""

    binary: Path
    kubeconfig: Path
    home: Path
    flags: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def minor(self) -> int:
        """15 of kn-1.15."""
        return int(self.binary.name.rpartition(".")[2])

    def at(self, *flags: str) -> Client:
        """The same client with other flags."""
        return replace(self, flags=flags)

    def run(self, *words: str, stdin: str = "", code: int | None = None, **environ: str) -> Said:
        """Run a command to its end; with `code`, it must end so."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            **({"input": stdin} if stdin else {"stdin": subprocess.DEVNULL}),
            text=True,
            timeout=WITHIN_S,
            check=False,
            env=self.environ(**environ),
            cwd=self.folder or self.home,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert code is None or done.returncode == code, f"{' '.join(words)}: {said}"
        return said

    def out(self, *words: str, stdin: str = "", **environ: str) -> str:
        """What a command that must succeed prints."""
        return self.run(*words, stdin=stdin, code=0, **environ).out

    def err(self, *words: str, stdin: str = "") -> str:
        """What a command that must fail says."""
        said = self.run(*words, stdin=stdin)
        assert said.code != 0, f"{' '.join(words)}: {said}"
        return said.err

    def start(self, *words: str, stdin: int | IO[str] | None = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Run a command that goes on; the caller ends it."""
        return subprocess.Popen(
            self.command(*words),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environ(),
            cwd=self.folder or self.home,
        )

    def command(self, *words: str) -> list[str]:
        if "--" in words:
            cut = words.index("--")
            return [str(self.binary), *words[:cut], *self.flags, *words[cut:]]
        return [str(self.binary), *words, *self.flags]

    def environ(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("KUBE", "FUNC_", "XDG_"))}
        return {**kept, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home), **more}


def binary(name: str) -> Path:
    """Where a client is. Not there: skipped on a laptop, failed where CI=true."""
    path = BINARIES / name
    if not path.exists():
        missing(f"{name} is not in {BINARIES}; scripts/test fetches or compiles it")
    return path


def missing(text: str) -> None:
    if os.environ.get("CI") == "true" and "1.20" not in text:  # the distribution's, of which there may be another
        pytest.fail(text)
    pytest.skip(text)


def line_of(process: subprocess.Popen[str], wanted: Callable[[str], bool]) -> str:
    """The next line that a running command prints and that is wanted; fails at the end of its output."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if wanted(line):
            return line
    raise AssertionError(f"{process.args!r} ended; it said {seen}")
