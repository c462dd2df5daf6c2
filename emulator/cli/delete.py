"""`kemu delete`: objects by name, or those that files name."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.apply import documents, kind_of, place_of
from emulator.cli.client import Client, Failure, Refused, data_dir_option, namespace_option, object_path
from emulator.cli.faults import placed


@click.command(short_help="Delete objects.")
@click.argument("kind", required=False)
@click.argument("names", nargs=-1)
@click.option("-f", "--filename", "paths", multiple=True, help="Delete what this file names.")
@namespace_option
@data_dir_option
def command(
    kind: str | None, names: tuple[str, ...], paths: tuple[str, ...], namespace: str, data_dir: str | None
) -> None:
    """Delete the objects NAMES of a KIND. What a file names comes back when its document changes."""
    client = Client.find(data_dir)
    if kind and "/" in kind:
        kind, _, name = kind.partition("/")
        names = (name, *names)
    if not paths and not (kind and names):
        raise click.UsageError("say what to delete: KIND NAME, or -f FILE")
    targets = [(client.kinds(kind)[0], namespace, name) for name in names] if kind else []
    targets += _named_in(client, paths) if paths else []
    for found, space, name in targets:
        client.ask("DELETE", object_path(found, space, name))
        resource = found["kind"].lower() + (f".{found['group']}" if found["group"] else "")
        click.echo(f'{resource} "{name}" deleted')


def _named_in(client: Client, paths: tuple[str, ...]) -> list[tuple[dict[str, Any], str, str]]:
    """Kind, namespace and name of each document; Failure with every one that names nothing."""
    found, faults = [], []
    for file, document in documents(paths):
        try:
            found.append((kind_of(client, document), *place_of(document)))
        except Refused as refused:
            faults += placed(refused.status, file, document)
    if faults:
        raise Failure("\n".join(faults))
    return found
