"""`kemu down`: ask the running kemu to stop, and wait until its process is gone.

With `--volumes` remove what PersistentVolumeClaims hold, with `--purge` forget all that this kemu keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click

from emulator.cli.client import Client, Failure, NotThere, data_dir_option
from emulator.lib.instance import AlreadyRunning, Instance, running
from emulator.lib.instance import data_dir as folder_of

PATIENCE_S = 60.0
_NONE = "no container"


@click.command(short_help="Stop a running kemu and wait until it is gone.")
@click.option("--volumes", is_flag=True, help="Also remove the data of PersistentVolumeClaims.")
@click.option(
    "--purge", is_flag=True, help="Also remove all that kemu keeps: that data, and every object made through the API."
)
@data_dir_option
def command(volumes: bool, purge: bool, data_dir: str | None) -> None:
    """Stop a running kemu: requests in flight end, containers are removed, also those that a killed one left.

    What came through the API is kept in the data directory and there again at the next `kemu up`, and so is what
    PersistentVolumeClaims hold. With --volumes or --purge it is removed, whether kemu runs or not; manifests are not
    touched.
    """
    folder = folder_of(data_dir, os.environ)
    if running(folder) is not None:
        _stop(Client.find(data_dir), folder)
    elif not (volumes or purge):
        _clear(folder)
    if purge:
        _purge(folder)
    elif volumes:
        _remove_volumes(folder)


def _clear(folder: Path) -> None:
    """Take away what a killed kemu left; NotThere when it left nothing."""
    said = f"no kemu is running with the data directory {folder}"
    if not folder.is_dir():
        raise NotThere(said)
    try:
        with Instance(folder) as instance:
            containers, _ = asyncio.run(_sweep(instance.id, with_volumes=False))
    except AlreadyRunning as started:
        raise Failure(str(started)) from None
    if containers.startswith(_NONE):
        raise NotThere(f"{said}{containers.removeprefix(_NONE)}")
    click.echo(f"{said}; removed {containers} that a killed one left")


def _stop(client: Client, folder: Path) -> None:
    client.ask("POST", "/kemu/stop")
    deadline = time.monotonic() + PATIENCE_S
    while running(folder) is not None or _is_alive(client.state.pid):
        if time.monotonic() > deadline:
            pid = client.state.pid
            said = f"kemu (pid {pid}) still runs after {PATIENCE_S:.0f} s; end it with kill -9 {pid}"
            raise Failure(said)
        time.sleep(0.05)
    click.echo(f"stopped kemu (pid {client.state.pid})")


def _purge(folder: Path) -> None:
    from emulator.store.database import kept
    from emulator.workloads.startobjects import is_from_start

    with _claimed(folder) as instance:
        if instance is None:
            return
        objects = sum(not is_from_start(*row) for row in kept(folder))
        containers, volumes = asyncio.run(_sweep(instance.id))
        instance.forget()
    engines = f"{containers}, {volumes}" if volumes else containers
    click.echo(f"removed what kemu kept in {folder}: {_counted(objects, 'object')}, {engines} and the kubeconfig")


def _remove_volumes(folder: Path) -> None:
    with _claimed(folder) as instance:
        if instance is None:
            return
        containers, volumes = asyncio.run(_sweep(instance.id))
    if not volumes:
        raise Failure(f"removed {containers}; no volume is removed")
    click.echo(f"removed {volumes}")


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[Instance | None]:
    """The data directory to itself; None if there is none."""
    if not folder.is_dir():
        click.echo(f"nothing to forget: {folder} is not there")
        yield None
        return
    try:
        with Instance(folder) as instance:
            yield instance
    except AlreadyRunning as started:
        raise Failure(str(started)) from None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}; what kemu keeps is not removed") from None


async def _sweep(instance: str, *, with_volumes: bool = True) -> tuple[str, str]:
    """Remove the containers that a killed kemu left, and the kept volumes; how many there were, or why nobody knows."""
    from emulator.runtime.docker import DockerRuntime
    from emulator.runtime.errors import EngineUnavailable

    runtime = DockerRuntime(instance)
    try:
        await runtime.connect()
        found = len(await runtime.sweep())
        volumes = _counted(len(await runtime.remove_kept()), "volume") if with_volumes else ""
        return _counted(found, "container") if found else _NONE, volumes
    except EngineUnavailable:
        listing = f"docker ps -a --filter label=dev.kemu.instance={instance}` and `docker volume ls"
        return f"{_NONE} (the engine does not answer; `{listing}` show what is left)", ""
    finally:
        await runtime.close()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits for its parent does not count."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        pass
    if os.path.isdir("/proc/self"):
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
