"""`kemu apply`: objects from files into a running kemu. They live as long as it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from emulator.cli.client import Client, Failure, data_dir_option, object_path

Json = dict[str, Any]


@click.command(short_help="Create or change objects from files in a running kemu.")
@click.option(
    "-f", "--filename", "paths", multiple=True, required=True, help="File, folder or - for stdin; repeatable."
)
@data_dir_option
def command(paths: tuple[str, ...], data_dir: str | None) -> None:
    """Create or change the objects in files. They last until kemu stops; for more, run `kemu up` on the files."""
    client = Client.find(data_dir)
    for value in documents(paths):
        click.echo(_apply(client, value))


def documents(paths: tuple[str, ...]) -> list[Json]:
    """All objects below the paths; Failure with every fault of the files."""
    from emulator.manifests.documents import Unreadable, read_documents, split_lists
    from emulator.manifests.files import read_sources

    found: list[Json] = []
    faults: list[str] = []
    for source in read_sources([Path(path) for path in paths]):
        if source.fault:
            faults.append(f"{source.name}: {source.fault}")
            continue
        try:
            found += [document.value for document in split_lists(read_documents(source.text))]
        except Unreadable as unreadable:
            faults += [f"{source.name}:{f.position.line}:{f.position.column} {f.message}" for f in unreadable.faults]
    if faults:
        raise Failure("\n".join(faults))
    return found


def kind_of(client: Client, value: Json) -> Json:
    """The kind of a document; Failure."""
    version, kind = str(value.get("apiVersion", "")), str(value.get("kind", ""))
    group, _, version = version.rpartition("/")
    everything: Any = client.get("/kemu/kinds")
    for entry in everything:
        if (entry["group"], entry["kind"]) == (group, kind):
            return dict(entry)
    raise Failure(f'no matches for kind "{kind}" in version "{value.get("apiVersion", "")}"')


def _apply(client: Client, value: Json) -> str:
    kind = kind_of(client, value)
    metadata = value.get("metadata") or {}
    namespace, name = metadata.get("namespace") or "default", str(metadata.get("name", ""))
    shown = kind["kind"].lower() + (f".{kind['group']}" if kind["group"] else "") + f"/{name}"
    try:
        present = client.objects(kind, namespace, name)
    except Failure:
        client.ask("POST", object_path(kind, namespace), value)
        return f"{shown} created"
    merged = {**value, "metadata": {**present["metadata"], **metadata}}
    merged["metadata"].pop("resourceVersion", None)
    after = client.ask("PUT", object_path(kind, namespace, name), merged)
    is_same = after["metadata"]["resourceVersion"] == present["metadata"]["resourceVersion"]
    return f"{shown} {'unchanged' if is_same else 'configured'}"
