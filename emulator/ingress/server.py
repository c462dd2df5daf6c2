"""Listeners: uvicorn's server on a socket of ours, speaking through `Connection`, without uvicorn's signal handling.

Several run on one loop (public, internal, API). The socket is bound before anything else is started, so that a port
that is taken is told at once and with who holds it. Requests whose host is in no table go to a Starlette app, which
names the hosts there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from emulator.ingress.connection import ListenerConfig
from emulator.ingress.cycle import Headers
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import HostTable, normal_host
from emulator.ingress.latewebsocket import LateWebSocket
from emulator.ingress.responses import ERROR_HEADERS
from emulator.ingress.versions import EitherConnection
from emulator.lib.guesses import nearest

BACKLOG = 2048
_MOST_LISTED = 20


class PortInUse(Exception):
    """Another process listens there; the text says who and what to do."""

    def __init__(self, host: str, port: int, holder: str) -> None:
        held = f" by {holder}" if holder else ""
        super().__init__(f"port {port} on {host} is in use{held}; stop it, or choose another with --port N")
        self.port = port


class PortForbidden(Exception):
    """The port may not be bound by this user, or the host is none of this computer's; the text says what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; PortInUse, PortForbidden."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except PermissionError as error:
        listener.close()
        fix = "choose one above 1023, or as root: sysctl net.ipv4.ip_unprivileged_port_start=80 (Linux)"
        raise PortForbidden(f"port {port} on {host} may not be bound: {error.strerror}; {fix}") from error
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port, _holder(port)) from error
        fix = "the host must be an address of this computer, such as 127.0.0.1 or 0.0.0.0"
        raise PortForbidden(f"port {port} on {host} may not be bound: {error.strerror}; {fix}") from error
    listener.setblocking(False)
    return listener


@dataclass(frozen=True)
class Listener:
    """A bound socket and what it serves: hosts of the table by Connection, everything else by `app`.

    Clients may speak HTTP/2 from their first byte on. Where the app is an `UnknownHost` they are served as all others;
    elsewhere all that they ask goes to the app.
    """

    socket: socket.socket
    hosts: HostTable
    deadlines: Deadlines
    app: Any

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])


class Server:
    """Serves one Listener until `stop`."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        config = ListenerConfig(
            listener.app,
            loop="none",
            http=EitherConnection,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=None,
            # wsproto in the end: the other implementation refuses the `/` in the name of the port-forward protocol. No
            # pings: a client whose bytes wait for a slow process would be taken for dead.
            ws=LateWebSocket,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
        )
        config.hosts = listener.hosts
        config.deadlines = listener.deadlines
        config.stranger = listener.app.answer if isinstance(listener.app, UnknownHost) else None
        address = listener.socket.getsockname()[0]
        config.ingress_address = str(address).encode()
        self._server = _Quiet(config)

    async def run(self) -> None:
        """Accept connections until cancelled, or until `stop` was called and all requests have ended."""
        await self._server.serve(sockets=[self._listener.socket])

    async def stop(self, drain_s: float) -> None:
        """Accept nothing more; let requests end for `drain_s`, then cut them."""
        self._server.should_exit = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + drain_s
        # uvicorn has no event for "the last connection has gone".
        while self._server.server_state.connections and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self._server.force_exit = True
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


class _Quiet(uvicorn.Server):
    """uvicorn's Server that leaves signals alone: `app.py` owns them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class UnknownHost(Starlette):
    """The app behind the ingress: 404 with the hosts there are (spec serving.md §4.1; Knative's own body is empty).

    Where `why` knows what keeps the owner of a host from answering to it, that is said instead.
    """

    def __init__(self, hosts: HostTable, why: Callable[[str], str] = lambda host: "") -> None:
        # Not a route: that would answer 405 to the methods that it does not list.
        super().__init__(exception_handlers={404: self._handle})
        self._hosts = hosts
        self._why = why

    def answer(self, host: bytes) -> tuple[Headers, bytes]:
        """Headers and body for a request with this Host header."""
        named = host.decode(errors="replace")
        names, more = nearest(named, self._hosts.names(), _MOST_LISTED)
        listed = "\n".join(f"  {name}" for name in names) or "  (none yet)"
        listed += f"\n  … and {more} more" if more else ""
        reason = self._why(normal_host(host).decode(errors="replace"))
        said = f"{reason}\n" if reason else f'no Service answers to the host "{named}"; there are:\n{listed}\n'
        return ERROR_HEADERS, said.encode()

    async def _handle(self, request: Request, _: Exception) -> Response:
        headers, body = self.answer(request.headers.get("host", "").encode("latin-1"))
        return Response(body, 404, headers={name.decode(): value.decode() for name, value in headers})


def _holder(port: int) -> str:
    """`nginx (pid 123)` for who listens on `port`, as far as /proc tells this user."""
    try:
        tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    except OSError:
        return ""
    wanted = f":{port:04X}"
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    inodes = {row[9] for row in rows if row[1].endswith(wanted) and row[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(f.readlink().name.strip("socket:[]") in inodes for f in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return ""
