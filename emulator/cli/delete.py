"""`kemu delete`: objects by name, or those that files name."""

from __future__ import annotations

import click

from emulator.cli.apply import documents, kind_of
from emulator.cli.client import Client, data_dir_option, namespace_option, object_path


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
    for _, document in documents(paths) if paths else []:
        metadata = document.value.get("metadata") or {}
        targets.append((kind_of(client, document), metadata.get("namespace") or "default", str(metadata.get("name"))))
    for found, space, name in targets:
        client.ask("DELETE", object_path(found, space, name))
        resource = found["kind"].lower() + (f".{found['group']}" if found["group"] else "")
        click.echo(f'{resource} "{name}" deleted')
