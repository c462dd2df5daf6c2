"""`/openapi`: where clients learn what objects look like, and that the server judges their fields.

`/openapi/v3` lists a document for each group and version, which kubectl since 1.27 explains by. `/openapi/v2` is one
document of all, by which older ones explain and judge fields themselves. Each form is made in a thread at the first
request for it after the kinds have changed, so neither the start nor the event loop waits. Spec kubernetes-api.md §2.4;
followed: kube-openapi pkg/handler3 and pkg/handler.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from emulator.kubeapi.decoding import prepared
from emulator.kubeapi.media import JSON
from emulator.objects.kind import Json, Kind, Registry

# Go cannot read the `@` of the type that clients ask for, so the API server answers with a dot instead.
_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_FOREVER = "public, immutable, max-age=31536000"


_Text = tuple[bytes, str]
"""A document, and its hash."""
_Make = Callable[[Sequence[Kind[Any]], str], Mapping[str, _Text]]


class OpenApi:
    """Answers what is asked under `/openapi`; `prefix` is that of the whole API."""

    def __init__(self, registry: Registry, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix
        self._kept: dict[str, tuple[int, Mapping[str, _Text]]] = {}
        self._making = asyncio.Lock()

    async def answer(self, request: Request, parts: Sequence[str]) -> Response | None:
        """The document at `/openapi/` and `parts`; None where there is none."""
        match parts:
            case ["v2"]:
                media = _PROTOBUF if "protobuf" in request.headers.get("accept", "") else JSON
                return _shown(request, (await self._current(media, _second))[media], media)
            case ["v3"]:
                return self._index(await self._current("v3", _third))
            case ["v3", *rest]:
                return self._document(request, await self._current("v3", _third), "/".join(rest))
        return None

    def _index(self, made: Mapping[str, _Text]) -> Response:
        return JSONResponse({"paths": {where: {"serverRelativeURL": self._url(made, where)} for where in made}})

    def _url(self, made: Mapping[str, _Text], where: str) -> str:
        return f"/{self._prefix}/openapi/v3/{where}?hash={made[where][1]}"

    def _document(self, request: Request, made: Mapping[str, _Text], where: str) -> Response | None:
        asked = request.query_params.get("hash")
        if where not in made:
            return None
        if asked and asked != made[where][1]:
            return RedirectResponse(self._url(made, where), 301)
        return _shown(request, made[where], JSON, is_forever=bool(asked))

    async def _current(self, form: str, make: _Make) -> Mapping[str, _Text]:
        """What `make` makes of the kinds as they are."""
        async with self._making:
            version, made = self._kept.get(form, (0, {}))
            if version != self._registry.version:
                await prepared()
                version, kinds = self._registry.version, tuple(self._registry)
                made = await asyncio.to_thread(make, kinds, form)
                self._kept[form] = version, made
        return made


def _shown(request: Request, text: _Text, media: str, *, is_forever: bool = False) -> Response:
    headers = {"ETag": f'"{text[1]}"', "Vary": "Accept"}
    headers["Cache-Control"] = _FOREVER if is_forever else "no-cache, private"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(text[0], headers=headers, media_type=media)


# -- in a thread; what makes the documents is loaded here, too, so that the start does not wait for it


def _third(kinds: Sequence[Kind[Any]], form: str) -> Mapping[str, _Text]:
    from emulator.kubeapi.openapidocuments import addresses, document

    return {where: _hashed(_json(document(kinds, where))) for where in addresses(kinds)}


def _second(kinds: Sequence[Kind[Any]], media: str) -> Mapping[str, _Text]:
    from emulator.kubeapi.openapidocuments import addresses, document
    from emulator.kubeapi.openapiprotobuf import encoded
    from emulator.kubeapi.openapiv2 import merged

    whole = merged(document(kinds, where) for where in addresses(kinds))
    return {media: _hashed(_json(whole) if media == JSON else encoded(whole))}


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _hashed(text: bytes) -> _Text:
    return text, hashlib.sha256(text).hexdigest().upper()
