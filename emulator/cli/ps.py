"""`kemu ps`: what runs, what sleeps, and how long the last start took."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.client import Client, data_dir_option
from emulator.cli.printing import columns


@click.command(short_help="Show Services with their revisions, replicas and last cold start.")
@data_dir_option
def command(data_dir: str | None) -> None:
    """Show each Service's revisions: replicas, state, requests so far, last cold start.

    `edited` are Services that are no longer as their file says; below the table is what else is not. An edit stands
    until the document in the file changes.
    """
    client = Client.find(data_dir)
    found: Any = client.get("/kemu/ps")
    edits: Any = client.get("/kemu/edits")
    services = [edit for edit in edits if (edit["group"], edit["kind"]) == ("serving.knative.dev", "Service")]
    edited = {(edit["namespace"], edit["name"]) for edit in services}
    click.echo(f"kemu {client.state.url}  pid {client.state.pid}  up since {client.state.started_at}")
    rows = [["NAMESPACE", "SERVICE", "REVISION", "REPLICAS", "STATE", "REQUESTS", "LAST COLD START"]]
    for row in found:
        cold = row["coldStart"].removeprefix("cold start ") or "-"
        cells = [
            row["namespace"],
            row["service"],
            row["revision"],
            row["replicas"],
            _state(row, is_edited=(row["namespace"], row["service"]) in edited),
            row["requests"],
            cold,
        ]
        rows.append([str(cell) for cell in cells])
    click.echo(columns(rows) if len(rows) > 1 else "no Services")
    for edit in edits:
        name = f"{edit['namespace']}/{edit['name']}" if edit["namespace"] else edit["name"]
        what = "deleted, but still in" if edit["isGone"] else "edited: not as in"
        click.echo(f"{edit['kind']} {name} {what} {edit['file']}")


def _state(row: dict[str, Any], *, is_edited: bool) -> str:
    said = [str(row["state"]), "edited"] if is_edited else [str(row["state"])]
    return ", ".join([*said, f"{row['memory'] / 2**20:.1f} MiB"] if row.get("memory") else said)
