"""`kemu ps`: what runs, what sleeps, what is frozen, and how long the last start took."""

from __future__ import annotations

import json
from typing import Any

import click

from emulator.cli.client import Client, data_dir_option
from emulator.cli.printing import columns

Json = dict[str, Any]


@click.command(short_help="Show Services with their revisions, replicas and last cold start.")
@click.option("-o", "--output", type=click.Choice(["wide", "json"]), help="wide: with each part of the last start.")
@data_dir_option
def command(output: str | None, data_dir: str | None) -> None:
    """Show each Service's revisions: replicas, state, requests so far, last start.

    Frozen ones come with the memory that their containers hold. `edited` are Services that are no longer as their file
    says; below the table is what else is not. An edit stands until the document in the file changes.
    """
    client = Client.find(data_dir)
    found: Any = client.get("/kemu/ps")
    edits: Any = client.get("/kemu/edits")
    if output == "json":
        click.echo(json.dumps(found, indent=4, ensure_ascii=False))
        return
    services = [edit for edit in edits if (edit["group"], edit["kind"]) == ("serving.knative.dev", "Service")]
    edited = {(edit["namespace"], edit["name"]) for edit in services}
    click.echo(f"kemu {client.state.url}  pid {client.state.pid}  up since {client.state.started_at}")
    rows = [["NAMESPACE", "SERVICE", "REVISION", "REPLICAS", "STATE", "REQUESTS", "LAST START"]]
    for row in found:
        cells = [
            row["namespace"],
            row["service"],
            row["revision"],
            row["replicas"],
            _state(row, is_edited=(row["namespace"], row["service"]) in edited),
            row["requests"]["count"],
            _last_start(row["lastStart"], is_wide=output == "wide"),
        ]
        rows.append([str(cell) for cell in cells])
    click.echo(columns(rows) if len(rows) > 1 else "no Services")
    for edit in edits:
        name = f"{edit['namespace']}/{edit['name']}" if edit["namespace"] else edit["name"]
        what = "deleted, but still in" if edit["isGone"] else "edited: not as in"
        click.echo(f"{edit['kind']} {name} {what} {edit['file']}")


def _state(row: Json, *, is_edited: bool) -> str:
    said = [str(row["state"]), "edited"] if is_edited else [str(row["state"])]
    return ", ".join([*said, f"{row['memory'] / 2**20:.1f} MiB"] if row.get("memory") else said)


def _last_start(last: Json | None, *, is_wide: bool) -> str:
    if last is None:
        return "-"
    return str(last["text"]) if is_wide else f"{last['way']} in {last['totalMs']:.0f} ms"
