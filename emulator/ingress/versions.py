"""Which HTTP a client speaks: 1.1, or 2 with prior knowledge, told apart by the first bytes of a connection.

HTTP/1.1 is always a `Connection`. HTTP/2 is a `ClientSession` where hosts are served, and uvicorn's own (zttp) where
an ASGI app is: on the API's listener. What is needed for HTTP/2 is loaded by the first client that speaks it.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.server import ServerState

from emulator.ingress.connection import LINGER_S, Connection, ListenerConfig
from emulator.ingress.frames import PREFACE


class EitherConnection(asyncio.Protocol):
    """A connection whose client has not said enough yet."""

    def __init__(
        self,
        config: ListenerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._make = {"config": config, "server_state": server_state, "app_state": app_state, "_loop": _loop}
        self._connections = server_state.connections
        self._config = config
        self._said = b""
        self.is_last = False
        """The listener is closed."""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases
        self._connections.add(self)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._said += data
        if len(self._said) < len(PREFACE) and PREFACE.startswith(self._said):
            return
        self._connections.discard(self)
        protocol = self._protocol()(**self._make)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if self.is_last:
            protocol.shutdown()
        protocol.data_received(self._said)

    def shutdown(self) -> None:
        """Asked by uvicorn at its end: what a client has begun to say by now is still heard (see `LINGER_S`)."""
        self.is_last = True
        asyncio.get_running_loop().call_later(LINGER_S, self._close)

    def _close(self) -> None:
        if self.transport.get_protocol() is self:
            self.transport.close()

    def _protocol(self) -> Any:
        if not self._said.startswith(PREFACE):
            return Connection
        if self._config.stranger is None:
            from uvicorn.protocols.http.zttp_h2_impl import ZttpH2Protocol

            return ZttpH2Protocol
        from emulator.ingress.clientsession import ClientSession

        self._said = self._said[len(PREFACE) :]
        return ClientSession
