"""The API's ASGI app: routes, errors as Status objects, Pods' logs, and the few endpoints that are kemu's own.

`api` builds it; `app.py` serves it on a loopback port. `Actions` is what the API may do besides the Store: it is
handed in, so that this package knows neither eventing nor workloads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from emulator.kubeapi import discovery
from emulator.kubeapi.guard import Guard
from emulator.kubeapi.resources import Resources, Target
from emulator.lib.clock import rfc3339
from emulator.lib.ringlog import LogLine, RingLog
from emulator.objects.errors import ApiError, BadRequest, NotFound
from emulator.objects.kind import Json
from emulator.store.store import Store


class Logs(Protocol):
    """Output of containers, also of Pods that are gone."""

    def of(self, namespace: str, pod: str, container: str) -> RingLog: ...

    def containers(self, namespace: str, pod: str) -> list[str]: ...

    def pods(self, namespace: str) -> list[str]: ...


class Fired(Protocol):
    """An event that a source has sent."""

    @property
    def id(self) -> str: ...

    @property
    def type(self) -> str: ...


@dataclass(frozen=True)
class Actions:
    """What the API may ask of the rest of kemu. `last_cold` tells of each Revision's last cold start."""

    fire: Callable[[str, str], Fired]
    stop: Callable[[], None]
    logs: Logs
    last_cold: Mapping[tuple[str, str], str]
    requests: Callable[[str, str], int]


def api(store: Store, prefix: str, actions: Actions) -> Guard:
    """The app under its secret prefix."""
    handlers = _Handlers(store, actions)
    routes = [
        Route("/version", handlers.version),
        Route("/healthz", handlers.health),
        Route("/readyz", handlers.health),
        Route("/kemu/ps", handlers.ps),
        Route("/kemu/kinds", handlers.kinds),
        Route("/kemu/stop", handlers.stop, methods=["POST"]),
        Route("/kemu/pods", handlers.pods),
        Route("/kemu/fire/{namespace}/{name}", handlers.fire, methods=["POST"]),
        Route("/{path:path}", handlers.resource, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={ApiError: _status}), prefix)


def _status(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error.status(), error.code)


class _Handlers:
    """The endpoints."""

    def __init__(self, store: Store, actions: Actions) -> None:
        self._store = store
        self._actions = actions
        self._resources = Resources(store)

    # -- Kubernetes

    async def version(self, request: Request) -> Response:
        return JSONResponse(discovery.VERSION)

    async def health(self, request: Request) -> Response:
        return PlainTextResponse("ok")

    async def resource(self, request: Request) -> Response:
        parts = [part for part in request.path_params["path"].split("/") if part]
        if (found := self._discovered(parts)) is not None:
            return JSONResponse(found)
        target = self._target(parts)
        if target.kind.name == "Pod" and target.part == "log" and request.method == "GET":
            return self._log(request, target)
        return await self._resources.answer(request, target)

    def _discovered(self, parts: list[str]) -> Json | None:
        registry = self._store.registry
        match parts:
            case ["api"]:
                return discovery.core_versions()
            case ["api", "v1"]:
                return discovery.resources(registry, "", "v1")
            case ["apis"]:
                return discovery.groups(registry)
            case ["apis", group] if any(k.group == group for k in registry):
                return discovery.group(registry, group)
            case ["apis", group, version] if any(k.group == group and version in k.versions for k in registry):
                return discovery.resources(registry, group, version)
        return None

    def _target(self, parts: list[str]) -> Target:
        match parts:
            case ["api", version, *rest]:
                group = ""
            case ["apis", group, version, *rest]:
                pass
            case _:
                raise NotFound("paths", "/" + "/".join(parts))
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        kind = self._store.registry.of_plural(group, version, rest[0]) if rest else None
        if kind is None:
            raise NotFound("paths", "/" + "/".join(parts))
        name, part = (rest[1] if len(rest) > 1 else ""), "/".join(rest[2:])
        return Target(kind, namespace if kind.namespaced else "", name, part)

    def _log(self, request: Request, target: Target) -> Response:
        query = request.query_params
        names = self._actions.logs.containers(target.namespace, target.name)
        if not names:
            raise NotFound("pods", target.name)
        container = query.get("container") or names[0]
        if container not in names:
            raise BadRequest(f"container {container} is not valid for pod {target.name}; there are: {', '.join(names)}")
        log = self._actions.logs.of(target.namespace, target.name, container)
        try:
            tail = int(query["tailLines"]) if "tailLines" in query else None
            seconds = float(query["sinceSeconds"]) if "sinceSeconds" in query else None
        except ValueError as error:
            raise BadRequest(f"tailLines and sinceSeconds must be numbers: {error}") from None
        since = self._store.clock.now() - timedelta(seconds=seconds) if seconds is not None else None
        lines, end = log.read(since=since, tail=tail), log.end
        stamped = query.get("timestamps") in ("true", "1")

        async def stream() -> AsyncIterator[bytes]:
            for line in lines:
                yield _line(line, stamped)
            if query.get("follow") in ("true", "1"):
                async for line in log.follow(end):
                    yield _line(line, stamped)

        return StreamingResponse(stream(), media_type="text/plain")

    # -- kemu's own

    async def kinds(self, request: Request) -> Response:
        """The kinds that a word means: `?word=ksvc`; without one, all."""
        word = request.query_params.get("word", "")
        found = self._store.registry.named(word) if word else list(self._store.registry)
        listed = [
            {
                "kind": k.name,
                "plural": k.plural,
                "group": k.group,
                "version": k.version,
                "namespaced": k.namespaced,
                "shortNames": list(k.short_names),
            }
            for k in found
        ]
        return JSONResponse(listed)

    async def stop(self, request: Request) -> Response:
        self._actions.stop()
        return JSONResponse({})

    async def fire(self, request: Request) -> Response:
        event = self._actions.fire(request.path_params["namespace"], request.path_params["name"])
        return JSONResponse({"id": event.id, "type": event.type})

    async def pods(self, request: Request) -> Response:
        """Pods whose output is kept, the oldest first."""
        return JSONResponse(self._actions.logs.pods(request.query_params.get("namespace", "default")))

    async def ps(self, request: Request) -> Response:
        return JSONResponse(self._rows())

    def _rows(self) -> list[Json]:
        """One row for each Revision that gets requests, or is the latest of its Service."""
        registry = self._store.registry
        revisions, services = (
            registry.of_plural("serving.knative.dev", "v1", "revisions"),
            "serving.knative.dev/service",
        )
        assert revisions is not None
        rows = []
        for revision in self._store.list(revisions):
            state = revision.labels.get("serving.knative.dev/routingState")
            replicas = revision.status.get("actualReplicas", 0)
            if state == "reserve" and not replicas:
                continue
            key = (revision.namespace, revision.name)
            rows.append(
                {
                    "namespace": revision.namespace,
                    "service": revision.labels.get(services, ""),
                    "revision": revision.name,
                    "replicas": replicas,
                    "state": _state(revision),
                    "coldStart": self._actions.last_cold.get(key, ""),
                    "requests": self._actions.requests(*key),
                }
            )
        return rows


def _state(revision: Any) -> str:
    ready = revision.condition("Ready")
    if ready["status"] == "False":
        return str(ready.get("reason", "failed"))
    if ready["status"] != "True":
        return "deploying"
    active = revision.condition("Active")
    return (
        "running"
        if revision.status.get("actualReplicas")
        else "starting"
        if active["status"] == "Unknown"
        else "asleep"
    )


def _line(line: LogLine, is_stamped: bool) -> bytes:
    stamp = f"{rfc3339(line.at)} " if is_stamped else ""
    return f"{stamp}{line.text}\n".encode()
