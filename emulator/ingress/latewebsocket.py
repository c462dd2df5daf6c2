"""A connection that is to speak WebSocket, until what speaks it is loaded.

Only exec, attach and port-forward of the API speak it (what is forwarded is a tunnel): most runs never do. The first
that is asked for loads uvicorn's protocol, in a thread, so that the loop is not held; later connections have it at
once. Made by uvicorn, where it would make the protocol itself.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.server import ServerState

from emulator.ingress.connection import ListenerConfig


class LateWebSocket(asyncio.Protocol):
    """Stands in for uvicorn's WSProtocol."""

    def __init__(
        self,
        config: ListenerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._make = {"config": config, "server_state": server_state, "app_state": app_state, "_loop": _loop}
        self._config = config
        self._connections = server_state.connections
        self._said = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases
        self.transport.pause_reading()
        self._connections.add(self)  # type: ignore[arg-type]
        asyncio.get_running_loop().run_in_executor(None, _load).add_done_callback(self._loaded)

    def data_received(self, data: bytes) -> None:
        self._said += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def shutdown(self) -> None:
        """Asked by uvicorn at its end."""
        self.transport.close()

    def _loaded(self, loading: asyncio.Future[Any]) -> None:
        self._connections.discard(self)
        if self.transport.is_closing() or loading.cancelled():
            return
        self._config.ws_protocol_class = loading.result()
        protocol = loading.result()(**self._make)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(self._said)
        self.transport.resume_reading()


def _load() -> Any:
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

    return WSProtocol
