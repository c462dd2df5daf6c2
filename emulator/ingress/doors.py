"""More ports of one address: a listener for each port, beside 80, under which some name of the table is looked for.

A core Service may have any port; its name leads containers to the bridge's gateway, and there somebody must listen on
that port, too. Requests are told apart by their Host, so several Services may share one. Who needs which port is the
table's to say (`HostTable.hear`); `app.py` calls `keep` when the table has changed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection

from emulator.ingress.server import PortForbidden, PortInUse, Server, bind
from emulator.lib.report import trouble
from emulator.lib.tasks import Tasks

logger = logging.getLogger(__name__)


class Doors:
    """The listeners of `address`; `serve` makes the Server of a bound socket."""

    def __init__(self, address: str, serve: Callable[[socket.socket], Server]) -> None:
        self._address = address
        self._serve = serve
        self._open: dict[int, tuple[Server, asyncio.Task[None]]] = {}
        self._refused: set[int] = set()

    @property
    def ports(self) -> set[int]:
        return set(self._open)

    async def keep(self, wanted: Collection[int], tasks: Tasks) -> None:
        """Open what is missing, as tasks of `tasks`, and close what is no longer wanted."""
        for port in self._open.keys() - set(wanted):
            await _close(*self._open.pop(port), 0.0)
        self._refused &= set(wanted)
        for port in sorted(set(wanted) - self._open.keys() - self._refused):
            try:
                server = self._serve(await asyncio.to_thread(bind, self._address, port))
            except (PortInUse, PortForbidden) as refused:
                self._refused.add(port)
                trouble(logger, "kemu", "containers cannot reach core Services on port %d: %s", port, refused)
                continue
            self._open[port] = server, tasks.spawn(server.run(), f"listener {port}")

    async def stop(self, drain_s: float) -> None:
        """Accept nothing more; let requests end for `drain_s`."""
        await asyncio.gather(*(_close(server, running, drain_s) for server, running in self._open.values()))


async def _close(server: Server, running: asyncio.Task[None], drain_s: float) -> None:
    await server.stop(drain_s)
    await asyncio.wait((running,))  # which closes the socket
