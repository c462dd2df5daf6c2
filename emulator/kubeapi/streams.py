"""The routes of `pods/exec`, `pods/attach` and `pods/portforward`: who is asked for, and over what.

A WebSocket's handshake or an offer to switch to SPDY/3.1 opens a stream; anything else is refused as by an API server.
All checks come before the switch, so that a client gets a Status it can show.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from emulator.kubeapi import channels, portchannels, portforward, spdyremote
from emulator.kubeapi.carriers import SocketCarrier, TunnelCarrier, offered_versions, offers_spdy, take_over
from emulator.kubeapi.channels import ChannelRemote
from emulator.kubeapi.exec import converse, plan_of
from emulator.kubeapi.podcontainers import Containers, any_running_id
from emulator.kubeapi.portforward import Forwarder, serve_spdy
from emulator.kubeapi.spdyremote import serve_exec
from emulator.objects.errors import BadRequest, Forbidden
from emulator.objects.resource import Resource
from emulator.store.store import Store

_POD = "/api/v1/namespaces/{namespace}/pods/{name}"
_TUNNELLED = "SPDY/3.1+portforward.k8s.io"


Awake = Callable[[Resource[Any]], AbstractAsyncContextManager[None]]
"""While it lasts a Pod is not frozen; BadRequest when it cannot be thawed."""


class Streams:
    """Answers what lasts."""

    def __init__(self, store: Store, containers: Containers, awake: Awake) -> None:
        self._store = store
        self._containers = containers
        self._awake = awake
        pods = store.registry.of_plural("", "v1", "pods")
        assert pods is not None
        self._pods = pods

    def routes(self) -> list[BaseRoute]:
        found: list[BaseRoute] = []
        for path, socket, upgrade in (
            (f"{_POD}/exec", self.exec_socket, self.exec_upgrade),
            (f"{_POD}/attach", self.exec_socket, self.exec_upgrade),
            (f"{_POD}/portforward", self.forward_socket, self.forward_upgrade),
        ):
            found += [WebSocketRoute(path, socket), Route(path, upgrade, methods=["GET", "POST"])]
        return found

    # -- exec and attach

    async def exec_socket(self, socket: WebSocket) -> None:
        """ApiError before the handshake is answered."""
        pod = self._pod(socket.path_params)
        plan = plan_of(pod, _part(socket.url.path), socket.query_params)
        protocol = channels.negotiated(socket.scope["subprotocols"])
        if protocol is None:
            raise _unspoken(socket.scope["subprotocols"], channels.PROTOCOLS)
        async with self._awake(pod):
            await socket.accept(protocol or None)
            remote = ChannelRemote(socket, protocol, plan)
            await remote.greet()
            await converse(plan, self._containers, remote)

    async def exec_upgrade(self, request: Request) -> Response:
        """Over SPDY; BadRequest, Forbidden."""
        pod = self._pod(request.path_params)
        plan = plan_of(pod, _part(request.url.path), request.query_params)
        version = _spdy_version(request, spdyremote.V4)
        visit = await self._visit(pod)

        async def serve(carrier: TunnelCarrier) -> None:
            async with visit:
                await serve_exec(plan, self._containers, carrier)

        return _TakenOver(request, version, serve)

    # -- port-forward

    async def forward_socket(self, socket: WebSocket) -> None:
        """ApiError before the handshake is answered."""
        pod = self._pod(socket.path_params)
        async with self._awake(pod):
            await self._forward_socket(socket, self._forwarder(pod))

    async def _forward_socket(self, socket: WebSocket, forwarder: Forwarder) -> None:
        offered = socket.scope["subprotocols"]
        if _TUNNELLED in offered:
            await socket.accept(_TUNNELLED)
            await serve_spdy(SocketCarrier(socket), forwarder)
            return
        protocol = next((name for name in offered if name in portchannels.PROTOCOLS), None)
        if protocol is None and offered:
            raise _unspoken(offered, (_TUNNELLED, *portchannels.PROTOCOLS))
        ports = portchannels.ports_of(socket.query_params.getlist("ports"))
        await socket.accept(protocol)
        await portchannels.serve_channels(socket, protocol or "", ports, forwarder)

    async def forward_upgrade(self, request: Request) -> Response:
        """Over SPDY; BadRequest, Forbidden."""
        pod = self._pod(request.path_params)
        version = _spdy_version(request, portforward.PROTOCOL)
        visit = await self._visit(pod)

        async def serve(carrier: TunnelCarrier) -> None:
            try:
                async with visit:
                    await serve_spdy(carrier, self._forwarder(pod))
            finally:
                carrier.close()

        return _TakenOver(request, version, serve)

    async def _visit(self, pod: Resource[Any]) -> AsyncExitStack:
        """The Pod is awake before the switch, and until this is left."""
        visit = AsyncExitStack()
        await visit.enter_async_context(self._awake(pod))
        return visit

    def _forwarder(self, pod: Resource[Any]) -> Forwarder:
        def running() -> str | None:
            """Asked for each connection: a container that was started again has another id, and address."""
            found = self._store.find(self._pods, pod.name, pod.namespace)
            return any_running_id(found) if found is not None and found.uid == pod.uid else None

        return Forwarder(self._containers, running, pod.name, pod.uid)

    def _pod(self, params: dict[str, Any]) -> Resource[Any]:
        return self._store.get(self._pods, params["name"], params["namespace"])


class _TakenOver(Response):
    """In place of an answer: 101, and from then on what `serve` does with the connection."""

    def __init__(self, request: Request, version: str, serve: Callable[[TunnelCarrier], Awaitable[None]]) -> None:
        super().__init__(status_code=101)
        self._request = request
        self._version = version
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serve(take_over(self._request, self._version))


def _part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _spdy_version(request: Request, spoken: str) -> str:
    """What will be spoken over SPDY; BadRequest, Forbidden if it cannot be."""
    if not offers_spdy(request):
        raise BadRequest("Upgrade request required")
    offered = offered_versions(request)
    if spoken not in offered:
        # The words and the code of apimachinery pkg/util/httpstream, Handshake.
        said = f"unable to negotiate protocol: client supports [{' '.join(offered)}], server accepts [{spoken}]"
        raise Forbidden(said)
    return spoken


def _unspoken(offered: Sequence[str], spoken: Sequence[str]) -> BadRequest:
    said = f"unable to negotiate protocol: client supports [{' '.join(offered)}], server accepts [{' '.join(spoken)}]"
    return BadRequest(said)
