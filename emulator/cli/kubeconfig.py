"""`kemu kubeconfig`: where the kubeconfig is that `kemu up` writes."""

from __future__ import annotations

import os
from pathlib import Path

import click

from emulator.cli.client import NotThere, data_dir_option
from emulator.lib.instance import data_dir as folder_of
from emulator.lib.kubeconfig import path_of


@click.command(short_help="Print the path of the kubeconfig for kubectl, kn and func.")
@data_dir_option
def command(data_dir: str | None) -> None:
    """Print the path of the kubeconfig that leads kubectl, kn, func and client libraries to this kemu."""
    click.echo(present(data_dir))


def present(data_dir: str | None) -> Path:
    """The kubeconfig of a data directory; NotThere before the first `kemu up`."""
    path = path_of(folder_of(data_dir, os.environ))
    if not path.exists():
        raise NotThere(f"{path} is not there yet; `kemu up PATH` writes it")
    return path
