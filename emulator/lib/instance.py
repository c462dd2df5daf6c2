"""One running kemu per data directory: its lock, its id, and the state file by which other processes find it.

The lock is the kernel's and goes with the process, so a killed kemu leaves nothing that has to be guessed about. The
state file (mode 0600, it holds the API's secret) only counts while the lock is held. Blocking, but for a few small
files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from emulator.lib import kubeconfig

ENVIRONMENT = "KEMU_DATA_DIR"
_STATE, _LOCK, _ID = "state.json", "lock", "instance"
# Everything that a kemu writes to its data directory, whoever of its parts does.
_OWN = (f"{_STATE}*", _LOCK, _ID, f"{kubeconfig.NAME}*", "objects.sqlite*", "hosts*", "pods", "crash.log")


def data_dir(given: str | None, environ: Mapping[str, str]) -> Path:
    """Where an instance keeps its things: as given, else KEMU_DATA_DIR, else the user's state directory."""
    if chosen := given or environ.get(ENVIRONMENT):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("kemu", appauthor=False)


@dataclass(frozen=True)
class State:
    """What a running instance tells about itself. `prefix` is the secret first part of every API path."""

    pid: int
    instance: str
    host: str
    port: int
    api_port: int
    prefix: str
    started_at: str
    inside: str = ""
    """host:port of the listener for cluster-local names."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}/{self.prefix}"


class AlreadyRunning(Exception):
    """Another kemu holds this data directory."""

    def __init__(self, folder: Path, state: State | None) -> None:
        who = f"pid {state.pid}, {state.url}" if state else "it is just starting"
        super().__init__(
            f"kemu is already running with the data directory {folder} ({who}); "
            "stop it with `kemu down`, or run this one beside it with --data-dir OTHER --port N"
        )


class Instance:
    """This process's claim on a data directory; hold it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[str] | None = None

    def __enter__(self) -> Instance:
        """AlreadyRunning; OSError if the directory cannot be made."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self.folder / _LOCK).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunning(self.folder, read_state(self.folder)) from None
        self._lock = lock
        (self.folder / _STATE).unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        (self.folder / _STATE).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    @property
    def id(self) -> str:
        """Eight letters that stay with the data directory: what this instance's containers are labelled with."""
        path = self.folder / _ID
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            path.write_text(secrets.token_hex(4))
            return path.read_text()

    def forget(self) -> None:
        """Remove all that kemu keeps here, and the folder if nothing else is in it."""
        for name in _OWN:
            for path in self.folder.glob(name):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else's files are in it
            self.folder.rmdir()

    def publish(self, state: State) -> None:
        """Let other processes find this one: kemu's verbs by the state file, Kubernetes' clients by the kubeconfig."""
        kubeconfig.write(self.folder, state.api_url)
        part = self.folder / f"{_STATE}.{os.getpid()}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(state), file)
        part.replace(self.folder / _STATE)


def read_state(folder: Path) -> State | None:
    """The state file as it is, also one that a killed kemu left."""
    try:
        return State(**json.loads((folder / _STATE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running(folder: Path) -> State | None:
    """The instance that runs with this data directory, or None."""
    try:
        with (folder / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None  # nobody holds it
    except BlockingIOError:
        return read_state(folder)
    except OSError:
        return None
