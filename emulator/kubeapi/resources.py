"""The REST of objects: get, list, watch, create, replace, merge-patch and delete of every kind in the Store.

URLs, answers and errors are a Kubernetes API server's (spec kubernetes-api.md §1). Nothing is decided here: the Store
admits or refuses, and its ApiErrors become Status objects in one place (`api.py`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from emulator.kubeapi.tables import table
from emulator.objects.errors import BadRequest, Gone, MethodNotAllowed, NotFound
from emulator.objects.kind import Json, Kind
from emulator.objects.resource import Resource
from emulator.objects.selectors import Selector
from emulator.store.store import Store
from emulator.store.watch import Change

USER = "kubernetes-admin"
BODY_LIMIT = 4 * 1024 * 1024
_BOOKMARK_S = 30.0


@dataclass(frozen=True)
class Target:
    """What a URL means: a kind, perhaps a namespace and a name, perhaps a part of the object."""

    kind: Kind[Any]
    namespace: str
    name: str
    part: str


class Resources:
    """Answers for all kinds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def answer(self, request: Request, target: Target) -> Response:
        """The response to one request; ApiError."""
        method = request.method
        if target.part not in ("", "status"):
            raise NotFound(target.kind.resource, f"{target.name}/{target.part}")
        if not target.name:
            return await self._answer_collection(request, target)
        if method == "GET":
            return self._shown(request, target.kind, self._get(target))
        if method == "DELETE":
            return self._delete(target)
        body = await read_json(request)
        if method == "PUT":
            return self._replace(target, body)
        if method == "PATCH":
            return self._patch(request, target, body)
        raise MethodNotAllowed(f"{method} is not supported on an object")

    async def _answer_collection(self, request: Request, target: Target) -> Response:
        if request.method == "POST":
            body = await read_json(request)
            metadata = body.setdefault("metadata", {})
            if target.kind.namespaced:
                metadata.setdefault("namespace", target.namespace or "default")
            created = self._store.create(body, USER)
            return JSONResponse(served(created), 201)
        if request.method == "DELETE":
            for resource in self._list(request, target):
                self._store.delete(target.kind, resource.name, resource.namespace)
            return JSONResponse({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        if request.method != "GET":
            raise MethodNotAllowed(f"{request.method} is not supported on a list")
        if request.query_params.get("watch") in ("true", "1"):
            return self._watch(request, target)
        found = self._list(request, target)
        version = str(self._store.version)
        if wants_table(request):
            return JSONResponse(table(target.kind, found, version))
        items = [served(resource) for resource in found]
        kind = target.kind
        listed = {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": {"resourceVersion": version}}
        return JSONResponse({**listed, "items": items})

    # -- reading

    def _get(self, target: Target) -> Resource[Any]:
        return self._store.get(target.kind, target.name, target.namespace)

    def _list(self, request: Request, target: Target) -> list[Resource[Any]]:
        wanted = _selection(request)
        return [r for r in self._store.list(target.kind, target.namespace) if wanted(r)]

    def _shown(self, request: Request, kind: Kind[Any], resource: Resource[Any]) -> Response:
        if wants_table(request):
            return JSONResponse(table(kind, [resource], resource.metadata["resourceVersion"]))
        return JSONResponse(served(resource))

    def _watch(self, request: Request, target: Target) -> Response:
        since = request.query_params.get("resourceVersion", "")
        timeout = request.query_params.get("timeoutSeconds") or "1800"
        if not timeout.isdecimal():
            raise BadRequest(f'timeoutSeconds: "{timeout}" is no whole number')
        seconds = float(timeout)
        is_from_now = since in ("", "0")
        initial = self._list(request, target) if is_from_now else []
        try:
            version = None if is_from_now else int(since)
        except ValueError:
            raise BadRequest(f'resourceVersion: "{since}" is no number') from None
        watch = self._store.watch(target.kind, target.namespace or None, version)
        wanted, as_table = _selection(request), wants_table(request)

        async def lines() -> AsyncIterator[bytes]:
            def line(type_: str, resource: Resource[Any]) -> bytes:
                version = resource.metadata["resourceVersion"]
                shown = table(target.kind, [resource], version) if as_table else served(resource)
                return json.dumps({"type": type_, "object": shown}).encode() + b"\n"

            async with watch:
                for resource in initial:
                    yield line("ADDED", resource)
                try:
                    async with asyncio.timeout(seconds):
                        async for change in watch:
                            if (type_ := _seen_as(change, wanted)) is not None:
                                yield line(type_, change.resource)
                except TimeoutError:
                    return
                except Gone as gone:
                    yield json.dumps({"type": "ERROR", "object": gone.status()}).encode() + b"\n"

        return StreamingResponse(lines(), media_type="application/json")

    # -- writing

    def _replace(self, target: Target, body: Json) -> Response:
        self._check_names(target, body)
        if target.part == "status":
            return JSONResponse(served(self._store.update_status(self._get(target).key, body.get("status") or {})))
        return JSONResponse(served(self._store.update(body, USER)))

    def _patch(self, request: Request, target: Target, body: Json) -> Response:
        media = request.headers.get("content-type", "").partition(";")[0]
        if media != "application/merge-patch+json":
            raise BadRequest(f"patches of type {media} are not supported; send application/merge-patch+json")
        present = self._get(target)
        return self._replace(target, merge_patch({**present.obj}, body))

    def _delete(self, target: Target) -> Response:
        gone = self._store.delete(target.kind, target.name, target.namespace)
        if gone.is_deleting and gone.metadata.get("finalizers"):
            return JSONResponse(served(gone))
        details = {"name": gone.name, "group": target.kind.group, "kind": target.kind.plural, "uid": gone.uid}
        return JSONResponse({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": details})

    def _check_names(self, target: Target, body: Json) -> None:
        metadata = body.setdefault("metadata", {})
        if metadata.setdefault("name", target.name) != target.name:
            said = f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
            raise BadRequest(said)
        if target.kind.namespaced:
            metadata.setdefault("namespace", target.namespace)


def served(resource: Resource[Any]) -> Json:
    """The object as a client gets it."""
    return {"apiVersion": resource.kind.api_version, "kind": resource.kind.name, **resource.obj}


def wants_table(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


async def read_json(request: Request) -> Json:
    """The body as an object; BadRequest."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > BODY_LIMIT:
            raise BadRequest(f"the body is larger than {BODY_LIMIT} bytes")
        pieces.append(piece)
    try:
        found = json.loads(b"".join(pieces))
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequest("the body must be one JSON object")
    return found


def _selection(request: Request) -> Any:
    labels = Selector.parse(request.query_params.get("labelSelector", ""))
    fields = dict(
        part.partition("=")[::2]
        for part in request.query_params.get("fieldSelector", "").replace("==", "=").split(",")
        if part
    )

    def wanted(resource: Resource[Any]) -> bool:
        return labels.matches(resource.labels) and all(_field(resource, n) == v for n, v in fields.items())

    return wanted


def _field(resource: Resource[Any], path: str) -> str:
    found: Any = resource.obj
    for part in path.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return str(found)


def _seen_as(change: Change, wanted: Any) -> str | None:
    """How a watcher with a selection sees a change: an object that leaves the selection is deleted to it."""
    is_in = wanted(change.resource)
    was_in = change.before is not None and wanted(change.before)
    if change.type == "DELETED":
        return "DELETED" if is_in or was_in else None
    if is_in:
        return "MODIFIED" if was_in else "ADDED"
    return "DELETED" if was_in else None
