"""What carries SPDY's bytes: a connection taken over from HTTP, or the messages of a WebSocket.

The first is what every kubectl before 1.30 and all of Go's SPDY executors ask for (`Upgrade: SPDY/3.1`), the second is
port-forward of kubectl from 1.31 on, which tunnels the same bytes. Followed: k8s.io/apimachinery
pkg/util/httpstream/spdy/upgrade.go, k8s.io/client-go tools/portforward/tunneling_connection.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.websockets import WebSocket

from emulator.ingress.tunnel import TUNNEL, Tunnel
from emulator.kubeapi.exec import ClientLeft

SPDY = "SPDY/3.1"
VERSION_HEADER = "X-Stream-Protocol-Version"


def offers_spdy(request: Request) -> bool:
    """Whether a request asks to switch, and its connection can."""
    upgrade = request.headers.get("upgrade", "").lower()
    return upgrade == SPDY.lower() and TUNNEL in (request.scope.get("extensions") or {})


def offered_versions(request: Request) -> list[str]:
    """What the client would speak over SPDY, its favourite first."""
    lines: Sequence[str] = request.headers.getlist(VERSION_HEADER)
    return [name.strip() for line in lines for name in line.split(",") if name.strip()]


class TunnelCarrier:
    """Implements `Carrier` on a connection that was taken over."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    async def receive(self) -> bytes:
        return await self._tunnel.receive()

    async def send(self, data: bytes) -> None:
        try:
            await self._tunnel.send(data)
        except OSError as error:
            raise ClientLeft from error

    def close(self) -> None:
        self._tunnel.close()


def take_over(request: Request, version: str) -> TunnelCarrier:
    """Answer 101 and carry on with SPDY; `version` is what is spoken over it."""
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Connection: Upgrade",
        f"Upgrade: {SPDY}",
        f"{VERSION_HEADER}: {version}",
    )
    head = "\r\n".join((*lines, "", "")).encode()
    return TunnelCarrier(request.scope["extensions"][TUNNEL](head))


class SocketCarrier:
    """Implements `Carrier` on a WebSocket that has been accepted: where messages begin and end means nothing."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                return b""
            if data := message.get("bytes"):
                return bytes(data)

    async def send(self, data: bytes) -> None:
        try:
            await self._socket.send_bytes(data)
        except (OSError, RuntimeError) as error:
            raise ClientLeft from error
