"""`/openapi`: where clients learn what objects look like, and that the server judges their fields.

`/openapi/v3` lists a document for each group and version; kubectl since 1.27 explains and validates by them. Whoever
asks older versions at `/openapi/v2` gets a document without content, by which they skip their own validation. Made in
a thread at the first request after the kinds have changed, so neither the start nor the event loop waits. Spec
kubernetes-api.md §2.4; followed: kube-openapi pkg/handler3.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from emulator.kubeapi.decoding import prepared
from emulator.kubeapi.openapidocuments import addresses, document
from emulator.objects.kind import Kind, Registry

# Go cannot read the `@` of the type that clients ask for, so the API server answers with a dot instead.
_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_FOREVER = "public, immutable, max-age=31536000"


@dataclass(frozen=True)
class _Made:
    """All documents of one state of the kinds: their text and its hash, by address."""

    version: int
    texts: Mapping[str, bytes] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


class OpenApi:
    """Answers what is asked under `/openapi`; `prefix` is that of the whole API."""

    def __init__(self, registry: Registry, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix
        self._made = _Made(0)
        self._making = asyncio.Lock()

    async def answer(self, request: Request, parts: Sequence[str]) -> Response | None:
        """The document at `/openapi/` and `parts`; None where there is none."""
        match parts:
            case ["v2"]:
                return Response(b"", media_type=_V2_PROTOBUF)
            case ["v3"]:
                return self._index(await self._current())
            case ["v3", *rest]:
                return self._document(request, await self._current(), "/".join(rest))
        return None

    def _index(self, made: _Made) -> Response:
        paths = {where: {"serverRelativeURL": self._url(made, where)} for where in made.texts}
        return JSONResponse({"paths": paths})

    def _url(self, made: _Made, where: str) -> str:
        return f"/{self._prefix}/openapi/v3/{where}?hash={made.hashes[where]}"

    def _document(self, request: Request, made: _Made, where: str) -> Response | None:
        text, asked = made.texts.get(where), request.query_params.get("hash")
        if text is None:
            return None
        if asked and asked != made.hashes[where]:
            return RedirectResponse(self._url(made, where), 301)
        headers = {"ETag": f'"{made.hashes[where]}"', "Vary": "Accept"}
        headers["Cache-Control"] = _FOREVER if asked else "no-cache, private"
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(text, headers=headers, media_type="application/json")

    async def _current(self) -> _Made:
        async with self._making:
            if self._made.version != self._registry.version:
                await prepared()
                version, kinds = self._registry.version, tuple(self._registry)
                self._made = await asyncio.to_thread(_made, version, kinds)
        return self._made


def _made(version: int, kinds: Sequence[Kind[Any]]) -> _Made:
    texts = {where: json.dumps(document(kinds, where), separators=(",", ":")).encode() for where in addresses(kinds)}
    return _Made(version, texts, {where: hashlib.sha256(text).hexdigest().upper() for where, text in texts.items()})
