"""`kemu down`: ask the running kemu to stop, and wait until its process is gone."""

from __future__ import annotations

import os
import time

import click

from emulator.cli.client import Client, Failure, data_dir_option
from emulator.lib.instance import data_dir as folder_of
from emulator.lib.instance import running

PATIENCE_S = 60.0


@click.command(short_help="Stop a running kemu and wait until it is gone.")
@data_dir_option
def command(data_dir: str | None) -> None:
    """Stop a running kemu: requests in flight end, containers are removed."""
    client = Client.find(data_dir)
    client.ask("POST", "/kemu/stop")
    deadline = time.monotonic() + PATIENCE_S
    folder = folder_of(data_dir, os.environ)
    while running(folder) is not None or _is_alive(client.state.pid):
        if time.monotonic() > deadline:
            pid = client.state.pid
            said = f"kemu (pid {pid}) still runs after {PATIENCE_S:.0f} s; end it with kill -9 {pid}"
            raise Failure(said)
        time.sleep(0.05)
    click.echo(f"stopped kemu (pid {client.state.pid})")


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
