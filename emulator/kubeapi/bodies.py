"""What a client sends: JSON, YAML or protobuf, of bounded size and depth, as one JSON object.

Follows spec kubernetes-api.md §1.7: a missing Content-Type is JSON, a missing kind or apiVersion is that of the URL,
another one than the URL's is refused. `null` counts as not written, as typed decoders of Kubernetes see it; only
patches keep it. Fields that a JSON body has twice are noted for `decoding.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from emulator.kubeapi import protobuf
from emulator.kubeapi.aliases import read_as
from emulator.kubeapi.target import Target
from emulator.objects.errors import BadRequest, TooLarge, UnsupportedMediaType
from emulator.objects.fields import read_json
from emulator.objects.kind import Json

# apiserver pkg/server/config.go, MaxRequestBodyBytes.
LIMIT = 3 * 1024 * 1024
_PATIENCE = 64 * 1024 * 1024
JSON, YAML = "application/json", "application/yaml"
_AT_ONCE = 32 * 1024  # protobuf of this size is read within 10 ms; longer bodies are read in a thread
# Clients that name no type send JSON; the form's is what http libraries add to a body of bytes.
_JSON_TYPES = ("", JSON, "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Body:
    """An object, and the paths of fields that its text had twice (the last of each counts)."""

    obj: Json
    doubled: Sequence[str] = ()
    media: str = JSON


async def read(request: Request) -> bytes:
    """The bytes of a body; TooLarge.

    What is too much is still taken and thrown away, up to a bound: a client that writes does not read, and would wait
    for ever to be rid of its body.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > _PATIENCE:
            break
        if size <= LIMIT:
            pieces.append(piece)
    if size > LIMIT:
        raise TooLarge(f"limit is {LIMIT}")
    return b"".join(pieces)


async def read_object(request: Request) -> Body:
    """The object in a body; BadRequest, TooLarge, UnsupportedMediaType."""
    return await _parsed(request, await read(request))


async def _parsed(request: Request, text: bytes) -> Body:
    media = media_type(request)
    if media in _JSON_TYPES:
        value, doubled = parsed_json(text)
        return Body(as_object(value), doubled)
    if media == YAML:
        return Body(as_object(parsed_yaml(text)), media=YAML)
    if protobuf.is_protobuf(media):
        at_once = len(text) < _AT_ONCE and protobuf.is_prepared()
        found = protobuf.decode(text) if at_once else await asyncio.to_thread(protobuf.decode, text)
        return Body(as_object(found), media=media)
    raise UnsupportedMediaType((JSON, YAML, protobuf.MEDIA_TYPE))


async def read_options(request: Request) -> Json:
    """DeleteOptions: the body, which may be empty, with the query's parameters over it."""
    text = await read(request)
    query = request.query_params
    options = dict((await _parsed(request, text)).obj) if text.strip() else {}
    if policy := query.get("propagationPolicy"):
        options["propagationPolicy"] = policy
    if dry_run := query.getlist("dryRun"):
        options["dryRun"] = dry_run
    return options


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parsed_json(text: bytes) -> tuple[Any, list[str]]:
    """Any JSON value, and the paths of fields that it has twice; BadRequest."""
    try:
        return read_json(text)
    except RecursionError:
        raise BadRequest("the object provided is unrecognized: it is nested too deeply") from None
    except ValueError as error:
        raise BadRequest(f"the object provided is unrecognized (must be of type JSON): {error}") from None


def parsed_yaml(text: bytes) -> Any:
    """The one document of a YAML text, its scalars read as kubectl reads them; BadRequest."""
    from emulator.manifests.documents import Unreadable, read_documents

    try:
        documents = list(read_documents(text.decode()))
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is no UTF-8: {error}") from None
    except Unreadable as unreadable:
        faults = "; ".join(f"line {f.position.line}: {f.message}" for f in unreadable.faults)
        raise BadRequest(f"error converting YAML to JSON: yaml: {faults}") from None
    if len(documents) != 1:
        raise BadRequest(f"the body must be one YAML document, not {len(documents)}")
    return documents[0].value


def applied_configuration(text: bytes) -> tuple[Json, list[str]]:
    """The object of an apply patch, JSON or YAML, and the paths of fields that JSON has twice; BadRequest."""
    if text.lstrip()[:1] == b"{":
        value, doubled = parsed_json(text)
        return as_object(value), doubled
    return as_object(parsed_yaml(text)), []


def as_object(value: Any) -> Json:
    """`value` if it is an object, without what is null in it; BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest("the body must be one object")
    found: Json = without_nulls(value)
    return found


def without_nulls(value: Any) -> Any:
    """A copy without the fields of maps that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def addressed(obj: Json, target: Target) -> Json:
    """The object with kind, apiVersion, name and namespace of the URL that it was sent to; BadRequest if others."""
    kind = target.kind
    for field, given in (("apiVersion", target.api_version), ("kind", kind.name)):
        if obj.setdefault(field, given) != given:
            raise BadRequest(f"the {field} in the data ({obj[field]}) does not match the expected {field} ({given})")
    metadata = obj.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise BadRequest("metadata must be an object")
    if target.name and metadata.setdefault("name", target.name) != target.name:
        raise BadRequest(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    if kind.namespaced:
        given = target.namespace or "default"
        if (metadata.get("namespace") or given) != given:
            said = "the namespace of the provided object does not match the namespace sent on the request"
            raise BadRequest(said)
        metadata["namespace"] = given
    else:
        metadata.pop("namespace", None)
    return {**read_as(obj, target.api_version), "apiVersion": kind.api_version}
