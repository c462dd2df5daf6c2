"""`kemu apply`: objects from files into a running kemu, as through any client of the API.

Every document is tried, whatever became of those before it. What the API refuses is told with its place in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.client import Client, Failure, Refused, data_dir_option, object_path
from emulator.cli.faults import placed
from emulator.lib.guesses import near_names

if TYPE_CHECKING:
    from emulator.manifests.documents import Document

Json = dict[str, Any]
_STRICT = {"fieldValidation": "Strict"}


@click.command(short_help="Create or change objects from files in a running kemu.")
@click.option(
    "-f", "--filename", "paths", multiple=True, required=True, help="File, folder or - for stdin; repeatable."
)
@data_dir_option
def command(paths: tuple[str, ...], data_dir: str | None) -> None:
    """Create or change the objects in files. They stay until they are deleted, also when kemu is started again."""
    client = Client.find(data_dir)
    faults: list[str] = []
    for file, document in documents(paths):
        try:
            click.echo(_apply(client, file, document))
        except Refused as refused:
            faults += placed(refused.status, file, document)
    if faults:
        count = len(faults)
        raise Failure(f"{count} fault{'' if count == 1 else 's'}\n" + "\n".join(faults))


def documents(paths: tuple[str, ...]) -> list[tuple[str, Document]]:
    """All objects below the paths, each with its file; Failure with every fault of the files themselves."""
    from emulator.manifests.diagnostics import Diagnostic
    from emulator.manifests.files import read_sources
    from emulator.manifests.foreign import parsed, skipped

    read = [(source.name, parsed(source)) for source in read_sources([Path(path) for path in paths])]
    faults = [item for _, items in read for item in items or () if isinstance(item, Diagnostic)]
    if faults:
        raise Failure("\n".join(map(str, faults)))
    if foreign := [name for name, items in read if items is None]:
        click.echo(f"kemu: {skipped(foreign)}", err=True)
    found = [(name, item) for name, items in read for item in items or () if not isinstance(item, Diagnostic)]
    if not found:
        raise Failure(f"no objects in {', '.join(paths)}")
    return found


def kind_of(client: Client, document: Document) -> Json:
    """The kind of a document; Refused, at its `kind`."""
    value = document.value
    version, kind = str(value["apiVersion"]), str(value["kind"])
    group, _, version = version.rpartition("/")
    everything: Any = client.get("/kemu/kinds")
    for entry in everything:
        if (entry["group"], entry["kind"]) == (group, kind) and version in entry["versions"]:
            return {**entry, "version": version}
    said = f'no matches for kind "{kind}" in version "{value["apiVersion"]}"; {_kinds_there_are(everything, kind)}'
    raise Refused({"details": {"causes": [{"field": "kind", "message": said}]}})


def _kinds_there_are(everything: list[Json], kind: str) -> str:
    """What may have been meant: the same kind of another version, or similar words."""
    same = [entry for entry in everything if entry["kind"] == kind]
    groups = {f"{entry['group']}/{v}".lstrip("/") for entry in same for v in entry["versions"]}
    if groups:
        return f"did you mean apiVersion {' or '.join(sorted(groups))}?"
    return near_names(kind, {entry["kind"] for entry in everything}, "among kemu's kinds are: ")


def place_of(document: Document) -> tuple[str, str]:
    """Namespace and name of a document; Refused, at its `metadata`."""
    metadata = document.value.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise Refused({"details": {"causes": [{"field": "metadata", "message": "must be a map with a name"}]}})
    if not metadata.get("name"):
        raise Refused({"details": {"causes": [{"field": "metadata.name", "message": "missing"}]}})
    return str(metadata.get("namespace") or "default"), str(metadata["name"])


def _apply(client: Client, file: str, document: Document) -> str:
    value = document.value
    kind = kind_of(client, document)
    namespace, name = place_of(document)
    metadata = value["metadata"]
    shown = kind["kind"].lower() + (f".{kind['group']}" if kind["group"] else "") + f"/{name}"
    try:
        present = client.objects(kind, namespace, name)
    except Refused as refused:
        if refused.status.get("code") != 404:
            raise
        client.ask("POST", object_path(kind, namespace), value, query=_STRICT)
        return f"{shown} created"
    merged = {**value, "metadata": {**present["metadata"], **metadata}}
    merged["metadata"].pop("resourceVersion", None)
    after = client.ask("PUT", object_path(kind, namespace, name), merged, query=_STRICT)
    is_same = after["metadata"]["resourceVersion"] == present["metadata"]["resourceVersion"]
    return f"{shown} {'unchanged' if is_same else 'configured'}"
