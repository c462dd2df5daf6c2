"""`kemu describe`: one object for people: what it is, how it stands, what it has made, what happened to it."""

from __future__ import annotations

import base64
from typing import Any

import click

from emulator.cli.client import Client, data_dir_option, namespace_option
from emulator.cli.get import one
from emulator.cli.printing import age, as_yaml, columns

Json = dict[str, Any]


@click.command(short_help="Show one object with its conditions, children and events.")
@click.argument("kind")
@click.argument("name", default="")
@namespace_option
@data_dir_option
def command(kind: str, name: str, namespace: str, data_dir: str | None) -> None:
    """Show the object NAME of a KIND (or KIND/NAME) with its conditions, children and events."""
    if not name:
        kind, _, name = kind.partition("/")
    if not name:
        raise click.UsageError("which one? write KIND NAME")
    client = Client.find(data_dir)
    kinds = client.kinds(kind)
    found = one(client, kinds, namespace, name)
    click.echo("\n".join(_head(found)))
    title, body = _body(found)
    click.echo(f"{title}:")
    click.echo(_indented(as_yaml(body)) if body else "  <none>")
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


def _body(found: Json) -> tuple[str, Json]:
    """What the object is about; of a Secret only how much there is of it."""
    if found["kind"] == "Secret":
        data = found.get("data") or {}
        return "Data", {key: f"{len(base64.b64decode(value))} bytes" for key, value in data.items()}
    return ("Data", found.get("data") or {}) if "data" in found else ("Spec", found.get("spec") or {})


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
