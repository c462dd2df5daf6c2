"""The routes of `pods/exec`, `pods/attach` and `pods/portforward`: who is asked for, and over what.

A WebSocket's handshake or an offer to switch to SPDY/3.1 opens a stream; anything else is refused as by an API server.
All checks come before the switch, so that a client gets a Status it can show.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from emulator.kubeapi import channels
from emulator.kubeapi.channels import ChannelRemote
from emulator.kubeapi.exec import converse, plan_of
from emulator.kubeapi.podcontainers import Containers
from emulator.objects.errors import BadRequest
from emulator.objects.resource import Resource
from emulator.store.store import Store

_POD = "/api/v1/namespaces/{namespace}/pods/{name}"


class Streams:
    """Answers what lasts."""

    def __init__(self, store: Store, containers: Containers) -> None:
        self._store = store
        self._containers = containers
        pods = store.registry.of_plural("", "v1", "pods")
        assert pods is not None
        self._pods = pods

    def routes(self) -> list[BaseRoute]:
        found: list[BaseRoute] = []
        for path in (f"{_POD}/exec", f"{_POD}/attach"):
            found += [WebSocketRoute(path, self.exec_socket), Route(path, self.exec_upgrade, methods=["GET", "POST"])]
        return found

    # -- exec and attach

    async def exec_socket(self, socket: WebSocket) -> None:
        """ApiError before the handshake is answered."""
        plan = plan_of(self._pod(socket.path_params), _part(socket.url.path), socket.query_params)
        protocol = channels.negotiated(socket.scope["subprotocols"])
        if protocol is None:
            offered = " ".join(socket.scope["subprotocols"])
            raise BadRequest(f"unable to negotiate protocol: client supports [{offered}]")
        await socket.accept(protocol or None)
        remote = ChannelRemote(socket, protocol, plan)
        await remote.greet()
        await converse(plan, self._containers, remote)

    async def exec_upgrade(self, request: Request) -> Response:
        plan_of(self._pod(request.path_params), _part(request.url.path), request.query_params)
        raise BadRequest("Upgrade request required")

    def _pod(self, params: dict[str, Any]) -> Resource[Any]:
        return self._store.get(self._pods, params["name"], params["namespace"])


def _part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
