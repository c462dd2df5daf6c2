"""kemu's own endpoints beside the Kubernetes API: what its verbs need and kubectl has no word for.

`Actions` is what they may do besides the Store: it is handed in, so that this package knows neither eventing nor
workloads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.kubeapi.logs import Logs, PodLog
from emulator.kubeapi.podcontainers import Containers, container_ids
from emulator.kubeapi.streams import Awake
from emulator.manifests.edits import Edit
from emulator.objects.kind import Json, Kind
from emulator.objects.podmarks import REVISION_LABEL, is_frozen
from emulator.objects.resource import Resource
from emulator.runtime.errors import RuntimeFault
from emulator.store.store import Store


class Fired(Protocol):
    """An event that a source has sent."""

    @property
    def id(self) -> str: ...

    @property
    def type(self) -> str: ...


FROZEN = "frozen"
_SERVICE = "serving.knative.dev/service"


async def _written() -> None:
    """For an API whose Store is kept nowhere."""


@dataclass(frozen=True)
class Actions:
    """What the API may ask of the rest of kemu.

    `stats` tells of a Revision's requests and starts, `edits` of objects that are not as their files say; `awake` keeps
    a Pod from being frozen, `written` returns when all of the Store is on disk.
    """

    fire: Callable[[str, str], Fired]
    stop: Callable[[], None]
    logs: Logs
    containers: Containers
    stats: Callable[[str, str], Json]
    awake: Awake = lambda pod: nullcontext()
    edits: Callable[[], Iterable[Edit]] = tuple
    written: Callable[[], Awaitable[None]] = _written
    measure: Callable[[], Awaitable[None]] = _written
    """Has the objects of metrics.k8s.io say what is used now."""
    metrics: Callable[[], str] = str
    """All metrics in Prometheus' text format."""


class Own:
    """The endpoints below `/kemu/`."""

    def __init__(self, store: Store, actions: Actions) -> None:
        self._store = store
        self._actions = actions

    def routes(self) -> list[Route]:
        return [
            Route("/metrics", self.metrics),
            Route("/kemu/ps", self.ps),
            Route("/kemu/stats", self.stats),
            Route("/kemu/edits", self.edits),
            Route("/kemu/kinds", self.kinds),
            Route("/kemu/stop", self.stop, methods=["POST"]),
            Route("/kemu/pods", self.pods),
            Route("/kemu/logs/{namespace}/{name}", PodLog(self._store, self._actions.logs).kept),
            Route("/kemu/fire/{namespace}/{name}", self.fire, methods=["POST"]),
        ]

    async def metrics(self, request: Request) -> Response:
        return Response(self._actions.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

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
                "versions": list(k.versions),
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

    async def edits(self, request: Request) -> Response:
        """Objects that were edited or deleted through the API since their files were applied."""
        listed = [
            {
                "group": key.kind.group,
                "kind": key.kind.name,
                "namespace": key.namespace,
                "name": key.name,
                "file": file,
                "isGone": is_gone,
            }
            for key, file, is_gone in self._actions.edits()
        ]
        return JSONResponse(listed)

    async def stats(self, request: Request) -> Response:
        """Requests and starts of each Revision of a namespace."""
        space = request.query_params.get("namespace", "default")
        rows = [
            {"service": r.labels.get(_SERVICE, ""), "revision": r.name, **self._actions.stats(r.namespace, r.name)}
            for r in self._store.list(self._revisions(), space)
        ]
        return JSONResponse(rows)

    def _revisions(self) -> Kind[Any]:
        revisions = self._store.registry.of_plural("serving.knative.dev", "v1", "revisions")
        assert revisions is not None
        return revisions

    async def ps(self, request: Request) -> Response:
        rows = self._rows()
        frozen = [row for row in rows if row["state"] == FROZEN]
        for row, used in zip(frozen, await asyncio.gather(*map(self._memory, frozen)), strict=True):
            row["memory"] = used
        return JSONResponse(rows)

    async def _memory(self, row: Json) -> int | None:
        """Bytes that a Revision's frozen containers hold; None where the engine does not say."""
        ids = [id for pod in self._frozen(row["namespace"], row["revision"]) for id in container_ids(pod)]
        try:
            used = await asyncio.gather(*map(self._actions.containers.usage, ids))
        except RuntimeFault:
            return None
        return sum(usage.memory_bytes for usage in used if usage is not None)

    def _frozen(self, namespace: str, revision: str) -> list[Resource[Any]]:
        pods = self._store.registry.of("v1", "Pod")
        assert pods is not None
        found = self._store.scan(pods, namespace)
        return [pod for pod in found if pod.labels.get(REVISION_LABEL) == revision and is_frozen(pod)]

    def _rows(self) -> list[Json]:
        """One row for each Revision that gets requests, or is the latest of its Service."""
        rows = []
        for revision in self._store.list(self._revisions()):
            state = revision.labels.get("serving.knative.dev/routingState")
            replicas = revision.status.get("actualReplicas", 0)
            key = (revision.namespace, revision.name)
            if state == "reserve" and not replicas:
                continue
            rows.append(
                {
                    "namespace": revision.namespace,
                    "service": revision.labels.get(_SERVICE, ""),
                    "revision": revision.name,
                    "replicas": replicas,
                    "state": FROZEN if self._frozen(*key) else _state(revision),
                    **self._actions.stats(*key),
                }
            )
        return rows


_CONFIG_ERROR = "CreateContainerConfigError"


def _state(revision: Any) -> str:
    ready = revision.condition("Ready")
    if ready["status"] == "False":
        return str(ready.get("reason", "failed"))
    if ready["status"] != "True":
        return _CONFIG_ERROR if ready.get("reason") == _CONFIG_ERROR else "deploying"
    active = revision.condition("Active")
    return (
        "running"
        if revision.status.get("actualReplicas")
        else "starting"
        if active["status"] == "Unknown"
        else "asleep"
    )
