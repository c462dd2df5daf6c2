"""The API's ASGI app: URLs, errors as Status objects, and where each request goes.

`api` builds it; `app.py` serves it on a loopback port. Reads go to `reading.py` and `watching.py`, writes to
`writing.py`; what no kind stands behind (discovery, health, reviews, kemu's own) is answered here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from emulator.kubeapi import discovery
from emulator.kubeapi.bodies import read_object
from emulator.kubeapi.guard import Guard
from emulator.kubeapi.logs import PodLog
from emulator.kubeapi.openapi import OpenApi
from emulator.kubeapi.own import Actions, Own
from emulator.kubeapi.reading import Reader, reply
from emulator.kubeapi.reviews import review_kind, reviewed
from emulator.kubeapi.shown import Encoder
from emulator.kubeapi.streams import Streams
from emulator.kubeapi.target import Target, target_of
from emulator.kubeapi.turns import Turns
from emulator.kubeapi.watching import Watcher
from emulator.kubeapi.writing import Writer
from emulator.objects.errors import ApiError, MethodNotAllowed
from emulator.store.store import Store

_METRICS = "metrics.k8s.io"
_READS = ("get", "list", "watch")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


Answer = Callable[[Request, Target], Awaitable[Response]]


def api(store: Store, prefix: str, actions: Actions) -> Guard:
    """The app under its secret prefix."""
    handlers = _Handlers(store, prefix, actions)
    streams = Streams(store, actions.containers, actions.awake).routes()
    routes = [*Own(store, actions).routes(), *streams, Route("/{path:path}", handlers.answer, methods=_METHODS)]
    return Guard(Turns(Starlette(routes=routes, exception_handlers={ApiError: _status})), prefix)


def _status(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    wait = error.details.get("retryAfterSeconds")
    return JSONResponse(error.status(), error.code, {"Retry-After": str(wait)} if wait else None)


class _Handlers:
    """What a path means, and who answers."""

    def __init__(self, store: Store, prefix: str, actions: Actions) -> None:
        self._store = store
        self._written = actions.written
        self._measure = actions.measure
        self._log = PodLog(store, actions.logs)
        self._openapi = OpenApi(store.registry, prefix)
        encoder = Encoder()
        reader = Reader(store, encoder)
        writer = Writer(store, reader)
        self._answers: Mapping[str, Answer] = {
            "get": reader.one,
            "list": reader.many,
            "watch": Watcher(store, reader, encoder).answer,
            "create": writer.create,
            "update": writer.replace,
            "patch": writer.patch,
            "delete": writer.delete,
            "deletecollection": writer.delete_many,
        }

    async def answer(self, request: Request) -> Response:
        parts = [part for part in request.path_params["path"].split("/") if part]
        target = target_of(self._store.registry, parts)
        if target is not None:
            return await self._resource(request, target)
        return await self._document(request, parts) or PlainTextResponse("404 page not found\n", 404)

    # -- what stands behind no kind

    async def _document(self, request: Request, parts: list[str]) -> Response | None:
        match parts:
            case ["version"]:
                return JSONResponse(discovery.VERSION)
            case [("healthz" | "livez" | "readyz"), *_]:
                return PlainTextResponse("ok")
            case ["openapi", *rest]:
                return await self._openapi.answer(request, rest)
            case ["apis", group, version, *rest] if request.method == "POST":
                return await self._review(request, f"{group}/{version}", rest)
            case ["api" | "apis"]:
                return self._groups(request, is_core=parts == ["api"])
        return self._group(parts)

    def _groups(self, request: Request, *, is_core: bool) -> Response:
        registry = self._store.registry
        form = discovery.aggregated_version(request.headers.get("accept", ""))
        if form is None:
            return JSONResponse(discovery.core_versions() if is_core else discovery.groups(registry))
        found = (discovery.aggregated_core if is_core else discovery.aggregated_groups)(registry, form)
        return reply(found, media=discovery.AGGREGATED[form])

    def _group(self, parts: list[str]) -> Response | None:
        registry = self._store.registry
        match parts:
            case ["api", "v1"]:
                return JSONResponse(discovery.resources(registry, "", "v1"))
            case ["apis", group] if discovery.versions(registry, group):
                return JSONResponse(discovery.group(registry, group))
            case ["apis", group, version] if version in discovery.versions(registry, group):
                return JSONResponse(discovery.resources(registry, group, version))
        return None

    async def _review(self, request: Request, api_version: str, rest: list[str]) -> Response | None:
        plural = rest[-1] if rest else ""
        kind = review_kind(api_version, plural)
        if kind is None:
            return None
        return reply(reviewed(kind, api_version, (await read_object(request)).obj), 201)

    # -- objects

    async def _resource(self, request: Request, target: Target) -> Response:
        if target.part == "log" and target.kind.name == "Pod" and request.method == "GET":
            return await self._log.answer(request, target)
        if target.part and target.part not in _parts(target):
            return PlainTextResponse("404 page not found\n", 404)
        verb = _verb(request, target)
        if verb is None or (not target.part and verb not in target.kind.verbs):
            raise MethodNotAllowed(verb or request.method, target.kind.resource)
        if target.kind.group == _METRICS:
            await self._measure()
        answer = await self._answers[verb](request, target)
        if verb not in _READS:
            await self._written()
        return answer


def _parts(target: Target) -> list[str]:
    return [name for name, _, _ in discovery.subresources(target.kind)]


def _verb(request: Request, target: Target) -> str | None:
    """The API's verb for a request; None for a method that nothing stands behind."""
    is_watch = request.query_params.get("watch") in ("true", "1")
    if not target.name:
        reads = "watch" if is_watch else "list"
        return {"GET": reads, "HEAD": reads, "POST": "create", "DELETE": "deletecollection"}.get(request.method)
    verbs = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    return None if target.part and request.method == "DELETE" else verbs.get(request.method)
