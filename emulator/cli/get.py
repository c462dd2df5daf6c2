"""`kemu get`: objects as a table, YAML, JSON or names; `-w` follows them."""

from __future__ import annotations

import json
from typing import Any

import click

from emulator.cli.client import TABLE, Client, Failure, data_dir_option, namespace_option, object_path
from emulator.cli.printing import as_yaml, columns, table_rows

Json = dict[str, Any]


@click.command(short_help="List objects, as kubectl does.")
@click.argument("kinds", metavar="KIND[,KIND…]")
@click.argument("names", nargs=-1)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@click.option("-o", "--output", type=click.Choice(["yaml", "json", "wide", "name"]), help="How to print.")
@click.option("-l", "--selector", default="", help="Only objects with these labels: app=x,tier!=y.")
@click.option("-w", "--watch", is_flag=True, help="Print changes as they happen, until Ctrl-C.")
@data_dir_option
def command(
    kinds: str,
    names: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    output: str | None,
    selector: str,
    watch: bool,
    data_dir: str | None,
) -> None:
    """List objects of a KIND (ksvc, revisions, pods, triggers …), or those NAMED.

    KIND is what kubectl takes: a plural, singular or short name, KIND/NAME, or a category such as `sources`.
    """
    client = Client.find(data_dir)
    if "/" in kinds:
        kinds, _, name = kinds.partition("/")
        names = (name, *names)
    found = [kind for word in kinds.split(",") for kind in client.kinds(word)]
    query = {"labelSelector": selector} if selector else {}
    space = "" if all_namespaces else namespace
    if output in ("yaml", "json", "name"):
        _print_objects(_objects(client, found, space, names, query), output, is_one=len(names) == 1)
    else:
        _print_tables(client, found, space, names, query, is_wide=output == "wide", with_namespace=all_namespaces)
    if watch:
        _follow(client, found[0], space, names, query, output)


def _objects(
    client: Client, kinds: list[Json], space: str, names: tuple[str, ...], query: dict[str, str]
) -> list[Json]:
    if names:
        return [one(client, kinds, space, name) for name in names]
    return [item for kind in kinds for item in client.objects(kind, space, **query)["items"]]


def one(client: Client, kinds: list[Json], space: str, name: str) -> Json:
    try:
        return client.objects(kinds[0], space, name)
    except Failure as failure:
        raise _with_names(client, kinds[0], space, failure) from None


def _with_names(client: Client, kind: Json, space: str, failure: Failure) -> Failure:
    """A `not found` says what there is."""
    if "not found" not in failure.message:
        return failure
    present = [item["metadata"]["name"] for item in client.objects(kind, space)["items"]]
    return Failure(f"{failure.message}; there are: {', '.join(present) or 'none'}")


def _print_objects(objects: list[Json], output: str, *, is_one: bool) -> None:
    if output == "name":
        for found in objects:
            group = found["apiVersion"].partition("/")[0] if "/" in found["apiVersion"] else ""
            kind = found["kind"].lower() + (f".{group}" if group else "")
            click.echo(f"{kind}/{found['metadata']['name']}")
        return
    for found in objects:  # as kubectl without --show-managed-fields
        found["metadata"].pop("managedFields", None)
    shown: Any = objects[0] if is_one else {"apiVersion": "v1", "kind": "List", "items": objects}
    if output == "json":
        click.echo(json.dumps(shown, indent=4))
        return
    click.echo(as_yaml(shown, sort_keys=True), nl=False)


def _print_tables(
    client: Client,
    kinds: list[Json],
    space: str,
    names: tuple[str, ...],
    query: dict[str, str],
    *,
    is_wide: bool,
    with_namespace: bool,
) -> None:
    is_empty = True
    for kind in kinds:
        table = client.get(object_path(kind, space), TABLE, **query)
        if names:
            table["rows"] = [_named_row(client, kind, space, table, name) for name in names]
        if not table["rows"]:
            continue
        if not is_empty:
            click.echo("")
        is_empty = False
        rows = table_rows(table, is_wide=is_wide, with_namespace=with_namespace and kind["namespaced"])
        if len(kinds) > 1:
            prefix = kind["kind"].lower() + (f".{kind['group']}" if kind["group"] else "")
            at = 1 if with_namespace else 0
            for row in rows[1:]:
                row[at] = f"{prefix}/{row[at]}"
        click.echo(columns(rows))
    if is_empty:
        where = f" in {space} namespace" if space else ""
        click.echo(f"No resources found{where}.", err=True)


def _named_row(client: Client, kind: Json, space: str, table: Json, name: str) -> Json:
    for row in table["rows"]:
        if row["object"]["metadata"]["name"] == name:
            return dict(row)
    resource = kind["plural"] + (f".{kind['group']}" if kind["group"] else "")
    raise _with_names(client, kind, space, Failure(f'{resource} "{name}" not found'))


def _follow(
    client: Client, kind: Json, space: str, names: tuple[str, ...], query: dict[str, str], output: str | None
) -> None:
    accept = TABLE if output in (None, "wide") else "application/json"
    version = client.objects(kind, space)["metadata"]["resourceVersion"]
    lines = client.lines(object_path(kind, space), accept, watch="true", resourceVersion=version, **query)
    for line in lines:
        found = json.loads(line)["object"]
        if output in ("yaml", "json", "name"):
            if not names or found["metadata"]["name"] in names:
                _print_objects([found], output, is_one=True)
            continue
        rows = table_rows(found, is_wide=output == "wide", with_namespace=not space)
        for row in rows[1:]:
            if not names or row[0] in names:
                click.echo(columns([row]))
