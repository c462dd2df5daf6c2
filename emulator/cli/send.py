"""`kemu send`: one CloudEvent to an addressable or a URL, and what was answered."""

from __future__ import annotations

import http.client
import json
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import click

from emulator.cli.client import Client, Failure, data_dir_option, namespace_option

KINDS = ("broker", "channel", "inmemorychannel", "sequence", "parallel", "ksvc", "route")


@click.command(short_help="Post a CloudEvent to a broker, channel, sequence, Service or URL.")
@click.argument("sink")
@click.option("--type", "type_", required=True, help="The event's type.")
@click.option("--source", default="kemu/send", show_default=True, help="The event's source.")
@click.option("--id", "id_", default=None, help="The event's id (else a new UUID).")
@click.option("--data", default=None, help="The event's data; @FILE reads a file.")
@click.option("--content-type", default=None, help="The data's type (else application/json if there is data).")
@click.option("--ext", "extensions", multiple=True, metavar="NAME=VALUE", help="An extension attribute; repeatable.")
@namespace_option
@data_dir_option
def command(sink: str, type_: str, source: str, id_: str | None, data: str | None, content_type: str | None,
            extensions: tuple[str, ...], namespace: str, data_dir: str | None) -> None:  # fmt: skip
    """Post a CloudEvent to SINK: broker:NAME, channel:NAME, sequence:NAME, ksvc:NAME or a URL."""
    client = Client.find(data_dir)
    url = _url(client, sink, namespace)
    body = _data(data)
    _check_json(body, content_type or "application/json")
    headers = {"Ce-Specversion": "1.0", "Ce-Id": id_ or str(uuid.uuid4()), "Ce-Source": source, "Ce-Type": type_}
    headers["Ce-Time"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if body or content_type:
        headers["Content-Type"] = content_type or "application/json"
    for extension in extensions:
        name, equals, value = extension.partition("=")
        if not equals or not (name.isascii() and name.isalnum() and name.islower()):
            raise Failure(f"--ext {extension}: write NAME=VALUE, NAME in lower-case letters and digits")
        headers[f"Ce-{name}"] = value
    status, answer = _post(client, url, headers, body)
    click.echo(f"{type_} {headers['Ce-Id']} → {url}: {status} {http.client.responses.get(status, '')}".rstrip())
    if answer.strip():
        click.echo(answer.rstrip())
    if status >= 300:
        raise Failure(_advice(status, sink))


def _url(client: Client, sink: str, namespace: str) -> str:
    if "://" in sink:
        return sink
    word, colon, name = sink.partition(":")
    if not colon:
        named = ", ".join(f"{kind}:NAME" for kind in _addressables(client))
        raise Failure(f'"{sink}" is no sink; write a URL, or one of: {named}')
    kind = client.kinds(word)[0]
    listed: Any = client.objects(kind, namespace)["items"]
    for item in listed:
        if item["metadata"]["name"] == name:
            url = ((item.get("status") or {}).get("address") or {}).get("url")
            if not url:
                raise Failure(f"{word} {name} has no address yet; see `kemu describe {word} {name}`")
            return str(url)
    present = ", ".join(item["metadata"]["name"] for item in listed)
    raise Failure(f'there is no {word} "{name}" in namespace {namespace}; there are: {present or "none"}')


def _addressables(client: Client) -> list[str]:
    """The words of those kinds that this kemu has."""
    everything: Any = client.get("/kemu/kinds")
    words = {word for entry in everything for word in (entry["kind"].lower(), *entry["shortNames"])}
    return [kind for kind in KINDS if kind in words]


def _check_json(body: bytes, content_type: str) -> None:
    """Failure for data that is not what its type says: a function would have to find out."""
    media = content_type.partition(";")[0].strip().lower()
    if not body or not media.endswith(("/json", "+json")):
        return
    try:
        json.loads(body)
    except ValueError as error:
        shown = "--data is no JSON"
        raise Failure(f"{shown}: {error}; quote it, or name its type: --content-type text/plain") from None


def _data(given: str | None) -> bytes:
    if given is None:
        return b""
    if not given.startswith("@"):
        return given.encode()
    try:
        with open(given[1:], "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"--data {given}: {error.strerror}") from error


def _post(client: Client, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    """Through kemu's own listener where the host is one of its names, else as it is."""
    split = urlsplit(url)
    host = split.hostname or ""
    address = (host, split.port or 80)
    if host.endswith((".svc.cluster.local", ".svc")):
        inside, _, port = client.state.inside.rpartition(":")
        address = (inside, int(port))
    elif host.endswith((".localhost", ".example.com")):
        address = (client.state.host, client.state.port)
    connection = http.client.HTTPConnection(*address)
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    try:
        connection.request("POST", path, body, {**headers, "Host": split.netloc})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except OSError as error:
        raise Failure(f"{url} does not answer: {(error.strerror or str(error)).lower()}") from error


def _advice(status: int, sink: str) -> str:
    meaning = {
        400: "the event was refused",
        404: "nobody is there",
        500: "a subscriber failed, and there is no dead letter sink that took the event",
        504: "the function did not answer in time",
    }
    return f"{sink} answered {status}: {meaning.get(status, 'see the log of kemu up')}"
