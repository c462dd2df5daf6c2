"""`kemu describe`: one object for people: what it is, how it stands, what it has made, what happened to all of them.

Children are those that the object made itself; events are also those of what they made, down to the Pods: what keeps a
Service from being ready mostly happened to its Revision.
"""

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
    if traffic := (found.get("status") or {}).get("traffic"):
        click.echo("Traffic:")
        click.echo(_indented(columns(_traffic_rows(traffic))))
    family = family_of(found, _everything(client, found))
    if children := [item for item in family if _is_child(item, found)]:
        click.echo("Children:")
        click.echo(_indented(columns([_child_row(item) for item in children])))
    click.echo("Events:")
    events = event_rows(_events(client, found), [found, *family])
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


def _traffic_rows(traffic: list[Json]) -> list[list[str]]:
    """Who gets how much, as a Route's status says."""
    rows = [["PERCENT", "REVISION", "LATEST", "TAG", "URL"]]
    for target in traffic:
        percent = f"{target['percent']}%" if "percent" in target else ""
        is_latest = "yes" if target.get("latestRevision") else ""
        revision = str(target.get("revisionName", ""))
        rows.append([percent, revision, is_latest, str(target.get("tag", "")), str(target.get("url", ""))])
    return rows


def _everything(client: Client, found: Json) -> list[Json]:
    """All objects among which the described one can have descendants, of all kinds, with their kind's name."""
    space = found["metadata"].get("namespace", "")
    kinds: Any = client.get("/kemu/kinds")
    return [
        {"kind": kind["kind"], **item}
        for kind in kinds
        if kind["namespaced"] or not space
        for item in client.objects(kind, space if kind["namespaced"] else "")["items"]
    ]


def family_of(found: Json, everything: list[Json]) -> list[Json]:
    """The children of `found`, then theirs, and so on."""
    family: list[Json] = []
    parents = {found["metadata"]["uid"]}
    while parents:
        next_ = [item for item in everything if any(o["uid"] in parents for o in _owners(item))]
        family += next_
        parents = {item["metadata"]["uid"] for item in next_}
    return family


def _owners(item: Json) -> list[Json]:
    return list(item["metadata"].get("ownerReferences") or ())


def _is_child(item: Json, found: Json) -> bool:
    return any(owner["uid"] == found["metadata"]["uid"] for owner in _owners(item))


def _child_row(item: Json) -> list[str]:
    ready = [c for c in (item.get("status") or {}).get("conditions", ()) if c["type"] == "Ready"]
    said = [f"Ready={c['status']}" + (f" {c['reason']}" if c.get("reason") else "") for c in ready]
    return [item["kind"], item["metadata"]["name"], *(said or [""])]


def _events(client: Client, found: Json) -> list[Json]:
    namespace = found["metadata"].get("namespace") or "default"
    return list(client.objects(client.kinds("events")[0], namespace)["items"])


def event_rows(events: list[Json], family: list[Json]) -> list[list[str]]:
    """The events about the members of `family`, the oldest first."""
    names = {m["metadata"]["uid"]: f"{m['kind']}/{m['metadata']['name']}" for m in family}
    about = [event for event in events if (event.get("involvedObject") or {}).get("uid") in names]
    about.sort(key=lambda event: (str(event.get("lastTimestamp")), int(event["metadata"]["resourceVersion"])))
    rows = [["TYPE", "REASON", "AGE", "FROM", "MESSAGE"]]
    for event in about:
        who = names[event["involvedObject"]["uid"]]
        rows.append([event["type"], event["reason"], age(event["lastTimestamp"]), who, event["message"]])
    return rows


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
