"""`kemu env`: what a shell must set so that kubectl, kn and func talk to this kemu."""

from __future__ import annotations

import shlex

import click

from emulator.cli.client import data_dir_option
from emulator.cli.kubeconfig import present


@click.command(short_help='Print what `eval "$(kemu env)"` sets: KUBECONFIG.')
@data_dir_option
def command(data_dir: str | None) -> None:
    """Print the shell command that points kubectl, kn and func at this kemu: eval "$(kemu env)"."""
    click.echo(f"export KUBECONFIG={shlex.quote(str(present(data_dir)))}")
