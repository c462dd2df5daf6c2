"""`kemu ps`: what runs, what sleeps, and how long the last start took."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.client import Client, data_dir_option
from emulator.cli.printing import columns


@click.command(short_help="Show Services with their revisions, replicas and last cold start.")
@data_dir_option
def command(data_dir: str | None) -> None:
    """Show each Service's revisions: replicas, state, requests so far, last cold start."""
    client = Client.find(data_dir)
    found: Any = client.get("/kemu/ps")
    click.echo(f"kemu {client.state.url}  pid {client.state.pid}  up since {client.state.started_at}")
    rows = [["NAMESPACE", "SERVICE", "REVISION", "REPLICAS", "STATE", "REQUESTS", "LAST COLD START"]]
    for row in found:
        cold = row["coldStart"].removeprefix("cold start ") or "-"
        cells = [
            row["namespace"],
            row["service"],
            row["revision"],
            row["replicas"],
            row["state"],
            row["requests"],
            cold,
        ]
        rows.append([str(cell) for cell in cells])
    click.echo(columns(rows) if len(rows) > 1 else "no Services")
