"""`kemu fire`: a tick of a PingSource, now."""

from __future__ import annotations

import click

from emulator.cli.client import Client, Failure, data_dir_option, namespace_option


@click.command(short_help="Make a PingSource tick now.")
@click.argument("source")
@namespace_option
@data_dir_option
def command(source: str, namespace: str, data_dir: str | None) -> None:
    """Make the PingSource SOURCE tick now, whatever its schedule says."""
    client = Client.find(data_dir)
    name = source.rpartition("/")[2].rpartition(":")[2]
    try:
        event = client.ask("POST", f"/kemu/fire/{namespace}/{name}")
    except Failure as failure:
        if "not found" not in failure.message:
            raise
        kind = client.kinds("pingsources")[0]
        present = [item["metadata"]["name"] for item in client.objects(kind, namespace)["items"]]
        raise Failure(f"{failure.message}; there are: {', '.join(present) or 'none'}") from None
    click.echo(f"{name} ticked: {event['type']} {event['id']}")
