"""`kemu stats`: how long requests and starts take, by Revision."""

from __future__ import annotations

import json
from typing import Any

import click

from emulator.cli.client import Client, Failure, data_dir_option, namespace_option
from emulator.cli.printing import columns
from emulator.lib.guesses import did_you_mean

Json = dict[str, Any]
_NONE = "-"


@click.command(short_help="Show how long requests and starts take, by Revision.")
@click.argument("name", default="")
@click.option("-o", "--output", type=click.Choice(["json"]), help="How to print.")
@namespace_option
@data_dir_option
def command(name: str, output: str | None, namespace: str, data_dir: str | None) -> None:
    """Show requests and starts of NAME, a Service or Revision (without it: of all).

    The times of requests are those of the last 512, from the arrival to the end of the answer; the times of starts
    (STARTED) and thaws (THAWED) those of the last 256, from the arrival of the request that had to wait to the first
    byte of its answer. ERRORS are answers with a status of 500 and above.
    """
    client = Client.find(data_dir)
    found: Any = client.get("/kemu/stats", namespace=namespace)
    chosen = rows_of(found, name, namespace)
    if output == "json":
        click.echo(json.dumps(chosen, indent=4, ensure_ascii=False))
    else:
        click.echo(columns([_HEAD, *map(_row, chosen)]) if chosen else f"no Revisions in namespace {namespace}")


def rows_of(found: list[Json], name: str, namespace: str) -> list[Json]:
    """Those of a Service or Revision; Failure with what there is."""
    name = name.rpartition("/")[2]
    chosen = [row for row in found if name in ("", row["service"], row["revision"])]
    if chosen or not name:
        return chosen
    known = {row[key] for row in found for key in ("service", "revision") if row[key]}
    services = sorted({row["service"] for row in found if row["service"]})
    hint = did_you_mean(name, known) or f"there are the Services: {', '.join(services) or 'none'}"
    raise Failure(f'there is no Service or Revision "{name}" in namespace {namespace}; {hint}')


_HEAD = ["REVISION", "REQUESTS", "ERRORS", "P50", "P95", "STARTED", "P50", "P95", "THAWED", "P50", "P95"]


def _row(row: Json) -> list[str]:
    requests, started, thawed = row["requests"], row["started"], row["thawed"]
    cells = [row["revision"], str(requests["count"]), str(requests["errors"]), *_times(requests)]
    for starts in (started, thawed):
        cells += [str(starts["count"]), *_times(starts)]
    return cells


def _times(summary: Json) -> list[str]:
    return [_ms(summary["p50Ms"]), _ms(summary["p95Ms"])]


def _ms(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"
