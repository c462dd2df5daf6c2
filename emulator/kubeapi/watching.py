"""Watches: one JSON object a line, from where the client is and on.

Follows spec kubernetes-api.md §1.6: replay since a version, synthetic ADDED from none, streaming lists that end with an
annotated bookmark, bookmarks every minute, 410 within the stream, selectors that turn changes into additions and
deletions. All changes that are there go out in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from emulator.kubeapi.media import Form, negotiated
from emulator.kubeapi.reading import Reader, included, slices, whole_number
from emulator.kubeapi.selection import Selection, selection_of
from emulator.kubeapi.shown import Encoder, encoded, partial
from emulator.kubeapi.tables import rows, table
from emulator.kubeapi.target import Target
from emulator.objects.errors import Gone, Invalid
from emulator.objects.kind import Json
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.store.watch import Change, Watch

BOOKMARK_S = 60.0
_LONGEST_S = 3600
INITIAL_END = "k8s.io/initial-events-end"


@dataclass(frozen=True)
class Follow:
    """What one watcher asked for. `version` is where the stream starts: what is older has been seen."""

    target: Target
    wanted: Selection
    form: Form
    include: str
    seconds: float
    with_bookmarks: bool
    initial: Sequence[Resource[Any]]
    marks_end: bool
    version: int


class Watcher:
    """Answers `?watch=true`."""

    def __init__(self, store: Store, reader: Reader, encoder: Encoder) -> None:
        self._store = store
        self._reader = reader
        self._encoder = encoder

    async def answer(self, request: Request, target: Target) -> Response:
        """The stream; BadRequest, Invalid."""
        query = request.query_params
        since = whole_number(query, "resourceVersion", 0)
        is_list = query.get("sendInitialEvents") in ("true", "1")
        with_bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        if is_list and query.get("resourceVersionMatch") != "NotOlderThan":
            said = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            raise Invalid("ListOptions.meta.k8s.io", "", [Problem(("resourceVersionMatch",), said)])
        starts_now = is_list or not since
        follow = Follow(
            target,
            selection_of(query, target.kind),
            negotiated(request.headers.get("accept", "")),
            included(query),
            float(min(whole_number(query, "timeoutSeconds", _LONGEST_S) or _LONGEST_S, _LONGEST_S)),
            with_bookmarks,
            self._reader.selected(query, target) if starts_now else (),
            is_list and with_bookmarks,
            self._store.version if starts_now else since,
        )
        try:
            watch = self._store.watch(target.kind, target.namespace or None, follow.version)
        except Gone as gone:
            return _stream(_once(_line("ERROR", encoded(gone.status()))))
        return _stream(self._lines(follow, watch))

    async def _lines(self, follow: Follow, watch: Watch) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + follow.seconds
        async with watch:
            for some in slices(follow.initial):
                yield b"".join(self._line(follow, "ADDED", resource) for resource in some)
                await asyncio.sleep(0)
            if follow.marks_end:
                yield self._bookmark(follow, {INITIAL_END: "true"})
            while (left := end - loop.time()) > 0:
                try:
                    async with asyncio.timeout(min(left, BOOKMARK_S) if follow.with_bookmarks else left):
                        changes = await watch.batch()
                except TimeoutError:
                    if follow.with_bookmarks and loop.time() < end:
                        yield self._bookmark(follow)
                    continue
                for seen in slices(changes):
                    if lines := b"".join(self._seen(follow, change) for change in seen):
                        yield lines
                    if len(changes) > len(seen):
                        await asyncio.sleep(0)

    def _seen(self, follow: Follow, change: Change) -> bytes:
        type_ = seen_as(change, follow.wanted)
        return b"" if type_ is None else self._line(follow, type_, change.resource)

    def _line(self, follow: Follow, type_: str, resource: Resource[Any]) -> bytes:
        form = follow.form
        if form.shape == "object":
            return _line(type_, self._encoder(resource, follow.target.api_version))
        if form.shape == "partial":
            return _line(type_, encoded(partial(resource, form.version)))
        lines = rows([resource], self._store.clock.now(), follow.include, form.version)
        version = resource.metadata["resourceVersion"]
        return _line(type_, encoded(table(follow.target.kind, lines, version, form.version)))

    def _bookmark(self, follow: Follow, annotations: Json | None = None) -> bytes:
        kind, api_version = follow.target.kind.name, follow.target.api_version
        metadata: Json = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        mark: Json = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
        if follow.form.shape == "table":
            shown = table(follow.target.kind, [], str(self._store.version), follow.form.version)
            row = {
                "cells": [None] * len(shown["columnDefinitions"]),
                "object": {**mark, "kind": "PartialObjectMetadata"},
            }
            mark = {**shown, "rows": [row]}
        return _line("BOOKMARK", encoded(mark))


def seen_as(change: Change, wanted: Selection) -> str | None:
    """How a watcher with a selection sees a change: an object that leaves the selection is deleted to it."""
    if wanted.is_all:
        return change.type
    is_in = wanted(change.resource)
    was_in = change.before is not None and wanted(change.before)
    if change.type == "DELETED":
        return "DELETED" if is_in or was_in else None
    if is_in:
        return "MODIFIED" if was_in else "ADDED"
    return "DELETED" if was_in else None


def _line(type_: str, obj: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), obj)


async def _once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


def _stream(lines: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(lines, media_type="application/json")
