"""What every test shares: a clean environment, no blocking on the loop, and the container engine.

Tests that need an engine carry `@pytest.mark.engine` and take `engine`. What they create there carries `engine_labels`;
it is removed when the run ends, and what a killed run left is removed by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from blockbuster import blockbuster_ctx

RUN_LABEL = "kemu.test"
"""Its value is the process id of the run that made the container."""

# looptime asks the policy for an event loop before pytest-asyncio has set one; Python 3.11 would then make one that
# nobody closes, and an unclosed loop fails the run. With "none" set, it is told that there is none.
asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches kemu, and no test reaches that person's own kemu."""
    for name in [name for name in os.environ if name.startswith(("KEMU_", "K_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KEMU_DATA_DIR", str(tmp_path / "kemu"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session", autouse=True)
def no_blocking() -> Iterator[None]:
    """A call of kemu's that would block the event loop raises instead."""
    with blockbuster_ctx("emulator"):
        yield


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine that the docker command would use. None: skipped on a laptop, failed where CI=true."""
    client = _connect()
    _sweep(client)
    yield client
    _sweep(client, also=os.getpid())
    client.close()


@pytest.fixture(scope="session")
def engine_labels() -> dict[str, str]:
    """Labels for every container, network and volume that a test makes by itself."""
    return {RUN_LABEL: str(os.getpid())}


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> None:
    """Images of `tests/images` and `samples`, made by `scripts/images` where they are missing or old."""
    script = Path(__file__).parents[1] / "scripts" / "images"
    made = subprocess.run([script], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


def _connect() -> docker.DockerClient:
    client = _client_or_reason()
    if isinstance(client, docker.DockerClient):
        return client
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # the SDK leaves the socket open that could not connect
    text = f"no container engine answers ({client}); scripts/test installs and starts one where it may"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def _client_or_reason() -> docker.DockerClient | str:
    try:
        return docker.from_env(timeout=60, version="auto")
    except docker.errors.DockerException as why:
        return str(why)


def _sweep(client: docker.DockerClient, also: int | None = None) -> None:
    """Removes what runs that are gone have left, and what run `also` made; other runs going on are left alone."""
    for container in client.containers.list(all=True, filters={"label": RUN_LABEL}, ignore_removed=True):
        run = container.labels[RUN_LABEL]
        if run == str(also) or not (run.isdigit() and Path(f"/proc/{run}").exists()):
            with contextlib.suppress(docker.errors.NotFound, docker.errors.APIError):  # another run does it, too
                container.remove(force=True, v=True)
