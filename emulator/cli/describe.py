"""`kemu describe`: one object for people: what it is, how it stands, what it has made, what happened to it."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.client import Client, data_dir_option, namespace_option
from emulator.cli.get import one
from emulator.cli.printing import age, columns

Json = dict[str, Any]


@click.command(short_help="Show one object with its conditions, children and events.")
@click.argument("kind")
@click.argument("name")
@namespace_option
@data_dir_option
def command(kind: str, name: str, namespace: str, data_dir: str | None) -> None:
    """Show the object NAME of a KIND with its conditions, children and events."""
    client = Client.find(data_dir)
    kinds = client.kinds(kind)
    found = one(client, kinds, namespace, name)
    click.echo("\n".join(_head(found)))
    click.echo("Spec:")
    click.echo("\n".join(_tree(found.get("spec") or found.get("data") or {}, 1)))
    if conditions := (found.get("status") or {}).get("conditions"):
        click.echo("Conditions:")
        click.echo(_indented(columns(_condition_rows(conditions))))
    if children := _children(client, found, namespace):
        click.echo("Children:")
        click.echo(_indented(columns(children)))
    click.echo("Events:")
    events = _event_rows(client, found, namespace)
    click.echo(_indented(columns(events)) if len(events) > 1 else "  <none>")


def _head(found: Json) -> list[str]:
    metadata = found["metadata"]
    lines = [
        f"Name:         {metadata['name']}",
        f"Namespace:    {metadata.get('namespace', '<none>')}",
        f"Kind:         {found['kind']} ({found['apiVersion']})",
        f"Age:          {age(metadata['creationTimestamp'])}",
    ]
    for field in ("labels", "annotations"):
        entries = [f"{k}={v}" for k, v in sorted((metadata.get(field) or {}).items())]
        lines.append(f"{field.capitalize() + ':':<13} {entries[0] if entries else '<none>'}")
        lines += [f"{'':<13} {entry}" for entry in entries[1:]]
    status = found.get("status") or {}
    url = status.get("url") or (status.get("address") or {}).get("url")
    return [*lines, f"URL:          {url}"] if url else lines


def _tree(value: Any, depth: int) -> list[str]:
    """Any JSON value, indented, as `kubectl describe` shows unknown kinds."""
    pad = "  " * depth
    if isinstance(value, dict):
        lines: list[str] = []
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                lines += [f"{pad}{key}:", *_tree(inner, depth + 1)]
            else:
                lines.append(f"{pad}{key}: {'' if inner in ({}, []) else inner}".rstrip())
        return lines
    if isinstance(value, list):
        lines = []
        for item in value:
            inner_lines = _tree(item, depth + 1)
            lines += [f"{pad}- {inner_lines[0].strip()}", *inner_lines[1:]] if inner_lines else []
        return lines
    return [f"{pad}{value}"]


def _condition_rows(conditions: list[Json]) -> list[list[str]]:
    rows = [["TYPE", "STATUS", "AGE", "REASON", "MESSAGE"]]
    for c in sorted(conditions, key=lambda c: (c["type"] != "Ready", c["type"])):
        message = " ".join(str(c.get("message", "")).split())
        rows.append([c["type"], c["status"], age(c["lastTransitionTime"]), c.get("reason", ""), message])
    return rows


def _children(client: Client, found: Json, namespace: str) -> list[list[str]]:
    uid = found["metadata"]["uid"]
    kinds: Any = client.get("/kemu/kinds")
    rows = []
    for kind in kinds:
        for item in client.objects(kind, namespace if kind["namespaced"] else "")["items"]:
            if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", ())):
                ready = [c["status"] for c in (item.get("status") or {}).get("conditions", ()) if c["type"] == "Ready"]
                rows.append([kind["kind"], item["metadata"]["name"], f"Ready={ready[0]}" if ready else ""])
    return rows


def _event_rows(client: Client, found: Json, namespace: str) -> list[list[str]]:
    uid = found["metadata"]["uid"]
    events = client.objects(client.kinds("events")[0], found["metadata"].get("namespace") or namespace)["items"]
    own = [event for event in events if (event.get("involvedObject") or {}).get("uid") == uid]
    own.sort(key=lambda event: str(event.get("lastTimestamp")))
    rows = [["TYPE", "REASON", "AGE", "MESSAGE"]]
    for event in own:
        rows.append([event["type"], event["reason"], age(event["lastTimestamp"]), event["message"]])
    return rows


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
