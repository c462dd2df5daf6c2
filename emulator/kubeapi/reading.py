"""Get and list: objects, lists of them, Tables, metadata alone; by pages, selectors and versions.

Follows spec kubernetes-api.md §1.3 to §1.5. The Store holds one state only, so a list as of an earlier version is
answered by "expired" unless nothing has changed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from emulator.kubeapi.media import YAML, Form, negotiated
from emulator.kubeapi.pages import Page, Pages
from emulator.kubeapi.scales import scale_of
from emulator.kubeapi.selection import selection_of
from emulator.kubeapi.shown import Encoder, encoded, partial, served
from emulator.kubeapi.tables import rows, table
from emulator.kubeapi.target import Target
from emulator.manifests.writing import text_of
from emulator.objects.errors import BadRequest, Gone, Invalid, TooLargeVersion
from emulator.objects.kind import Json
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.store.store import Store

T = TypeVar("T")
_SLICE = 50  # objects that are encoded before the loop gets a turn
_INCLUDES = ("None", "Metadata", "Object")


# Some objects as the JSON that stands between a list's brackets.
Encode = Callable[[Sequence[Resource[Any]]], bytes]


class Reader:
    """Answers GET."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self._store = store
        self._encoder = encoder
        self._pages = Pages()

    async def one(self, request: Request, target: Target) -> Response:
        """One object, in the form that the client wants; NotFound."""
        resource = self._store.get(target.kind, target.name, target.namespace)
        if target.part == "scale" and target.kind.scale is not None:
            return reply(scale_of(resource, target.kind.scale))
        return self.shown(request, target, resource)

    def shown(self, request: Request, target: Target, resource: Resource[Any], code: int = 200) -> Response:
        """The answer that holds `resource`."""
        form = negotiated(request.headers.get("accept", ""))
        if form.shape == "table":
            page = Page([resource], int(resource.metadata.get("resourceVersion", 0)))
            return reply(self._table(request, target, page, form), code)
        is_whole = form.shape == "object"
        value = served(resource, target.api_version) if is_whole else partial(resource, form.version)
        return reply(value, code, form.media)

    async def many(self, request: Request, target: Target) -> Response:
        """A list; BadRequest, Gone, TooLargeVersion."""
        form = negotiated(request.headers.get("accept", ""))
        page = self._page(request.query_params, target)
        if form.shape == "table":
            empty = self._table(request, target, Page([], page.version), form) | {"metadata": _list_meta(page)}
            pieces = sliced(empty, page.resources, self._rows(request, form))
            return StreamingResponse(pieces, media_type=form.media)
        whole = {**_head(target), "metadata": _list_meta(page), "items": []}
        if form.shape == "partial":
            whole |= {"kind": "PartialObjectMetadataList", "apiVersion": f"meta.k8s.io/{form.version}"}
        if form.media == YAML:
            return StreamingResponse(sliced_yaml(whole, page.resources, _shower(target, form)), media_type=YAML)
        return StreamingResponse(sliced(whole, page.resources, self._items(target, form)), media_type=form.media)

    def selected(self, query: Mapping[str, str], target: Target) -> list[Resource[Any]]:
        """All objects that the query selects."""
        wanted = selection_of(query, target.kind)
        if wanted.name is not None and target.namespace:
            found = self._store.find(target.kind, wanted.name, target.namespace)
            present = [found] if found is not None else []
        else:
            present = self._store.list(target.kind, target.namespace)
        return present if wanted.is_all else [resource for resource in present if wanted(resource)]

    def _page(self, query: Mapping[str, str], target: Target) -> Page:
        limit = whole_number(query, "limit", 0)
        if token := query.get("continue"):
            return self._pages.next(token, limit)
        check_version(query, self._store.version)
        return self._pages.first(self.selected(query, target), self._store.version, limit)

    def _items(self, target: Target, form: Form) -> Encode:
        if form.shape == "partial":
            return lambda part: b",".join(encoded(partial(resource, form.version)) for resource in part)
        return lambda part: b",".join(self._encoder(resource, target.api_version) for resource in part)

    def _rows(self, request: Request, form: Form) -> Encode:
        now, include = self._store.clock.now(), included(request.query_params)
        return lambda part: encoded(rows(part, now, include, form.version))[1:-1]

    def _table(self, request: Request, target: Target, page: Page, form: Form) -> Json:
        include = included(request.query_params)
        lines = rows(page.resources, self._store.clock.now(), include, form.version)
        found = table(target.kind, lines, str(page.version), form.version)
        return {**found, "metadata": _list_meta(page)}


async def sliced(empty: Json, resources: Sequence[Resource[Any]], encode: Encode) -> AsyncIterator[bytes]:
    """The bytes of a list, made in slices: a thousand objects must not hold up requests.

    `empty` is the whole answer without any object, whose last field is the list.
    """
    first = encoded(empty)[:-2]
    for part in slices(resources):
        yield first + encode(part)
        first = b","
        await asyncio.sleep(0)
    yield b"]}" if resources else first + b"]}"


async def sliced_yaml(
    empty: Json, resources: Sequence[Resource[Any]], show: Callable[[Resource[Any]], Json]
) -> AsyncIterator[bytes]:
    """As `sliced`, in YAML; one object takes as long as fifty in JSON."""
    head = {name: value for name, value in empty.items() if name != "items"}
    yield (text_of(head) + ("items:\n" if resources else "items: []\n")).encode()
    for resource in resources:
        yield text_of([show(resource)]).encode()
        await asyncio.sleep(0)


def slices(many: Sequence[T]) -> Iterator[Sequence[T]]:
    """What may be encoded before the loop gets a turn."""
    return (many[start : start + _SLICE] for start in range(0, len(many), _SLICE))


def _shower(target: Target, form: Form) -> Callable[[Resource[Any]], Json]:
    if form.shape == "partial":
        return lambda resource: partial(resource, form.version)
    return lambda resource: served(resource, target.api_version)


def reply(value: Any, code: int = 200, media: str = "application/json") -> Response:
    """`value` as JSON, or as YAML."""
    if media == YAML:
        return Response(text_of(value), code, media_type=media)
    return Response(encoded(value), code, media_type=media)


def included(query: Mapping[str, str]) -> str:
    """`includeObject`; BadRequest."""
    include = query.get("includeObject") or "Metadata"
    if include not in _INCLUDES:
        raise BadRequest(f'unrecognized includeObject value: "{include}"')
    return include


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """A parameter that is a number, or BadRequest."""
    text = query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal():
        raise BadRequest(f'{name}: "{text}" is no whole number')
    return int(text)


def check_version(query: Mapping[str, str], current: int) -> None:
    """What `resourceVersion` and `resourceVersionMatch` of a list ask for; TooLargeVersion, Gone, Invalid."""
    asked, match = whole_number(query, "resourceVersion", 0), query.get("resourceVersionMatch", "")
    if match and match not in ("Exact", "NotOlderThan"):
        raise _invalid_options(f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"')
    if match and not query.get("resourceVersion"):
        raise _invalid_options("Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")
    if asked > current:
        raise TooLargeVersion(asked, current)
    if match == "Exact" and asked < current:
        raise Gone(f"The resourceVersion for the provided list is too old: {asked} ({current})")


def _invalid_options(said: str) -> Invalid:
    return Invalid("ListOptions.meta.k8s.io", "", [Problem(("resourceVersionMatch",), said)])


def _head(target: Target) -> Json:
    return {"kind": f"{target.kind.name}List", "apiVersion": target.api_version}


def _list_meta(page: Page) -> Json:
    meta: Json = {"resourceVersion": str(page.version)}
    if page.token:
        meta |= {"continue": page.token, "remainingItemCount": page.remaining}
    return meta
