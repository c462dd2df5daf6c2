"""Which host name leads where: `VirtualHosts`, the table that the data plane looks at.

Two scopes. `public` holds what the outside may call; `internal` holds the cluster-local names and looks into `public`
after itself, so that a function can also call a public URL. A name that is only internal does not exist on a public
listener (spec serving.md §4.1: 404). Names are matched exactly, then by wildcard (`*.shop.test` stands for exactly
one leading label); case, `:port` and a trailing dot do not count.

This module decides nothing about what a Handler does with a request. Writers are the projections in serving, eventing
and workloads; readers are `connection.py` and `cluster.py`. Everything is plain and synchronous on one event loop, so
each call is atomic for readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.ingress.handler import Handler

ALIAS_LIMIT = 4096
"""Spellings of known hosts (`Hello.Example.com:8080`) that are remembered before the memory is emptied."""


def normal_host(raw: bytes) -> bytes:
    """`Hello.Example.com.:8080` becomes `hello.example.com`; an IPv6 literal keeps its brackets."""
    host = raw.strip().lower()
    if host.startswith(b"["):
        return host.partition(b"]")[0] + b"]"
    return host.partition(b":")[0].rstrip(b".")


class HostTable:
    """The names of one scope. `ready` maps Host headers, byte for byte, to handlers: the data plane's first look."""

    def __init__(self, fallback: HostTable | None = None) -> None:
        self.ready: dict[bytes, Handler] = {}
        self._names: dict[bytes, Handler] = {}
        self._wildcards: dict[bytes, Handler] = {}
        self._aliases: set[bytes] = set()
        self._strangers: set[bytes] = set()
        self._fallback = fallback
        self.pins: dict[str, str] = {}
        """Names that lead containers to an address of their own, not to kemu's listener."""
        self._heard: dict[str, frozenset[int]] = {}
        self._news = asyncio.Event()

    def set(self, host: str, handler: Handler) -> None:
        """Let `host` (or `*.suffix`) lead to `handler`, instead of whatever it led to."""
        self._forget_aliases()
        self._news.set()
        name = normal_host(host.encode())
        if name.startswith(b"*."):
            self._wildcards[name[2:]] = handler
        else:
            self._names[name] = self.ready[name] = handler

    def remove(self, host: str) -> None:
        """Forget `host`; one that is not known is no error."""
        self._forget_aliases()
        self._news.set()
        name = normal_host(host.encode())
        if name.startswith(b"*."):
            self._wildcards.pop(name[2:], None)
        else:
            self._names.pop(name, None)
            self.ready.pop(name, None)

    def own(self, host: str) -> Handler | None:
        """What exactly this name was set to lead to, here."""
        return self._names.get(normal_host(host.encode()))

    def pin(self, host: str, address: str) -> None:
        """Let containers find `address` under `host`; "" lets them find kemu's listener again."""
        if self.pins.get(host, "") == address:
            return
        self.pins.pop(host, None)
        if address:
            self.pins[host] = address
        self._news.set()

    def hear(self, host: str, ports: frozenset[int]) -> None:
        """Let containers find kemu's listener under `host` on these ports, too."""
        if self._heard.get(host, frozenset()) == ports:
            return
        self._heard.pop(host, None)
        if ports:
            self._heard[host] = ports
        self._news.set()

    @property
    def ports(self) -> frozenset[int]:
        """All that were said to `hear`."""
        return frozenset[int]().union(*self._heard.values())

    def find(self, raw: bytes) -> Handler | None:
        """The handler for a Host header as it came, or None."""
        handler = self.ready.get(raw)
        if handler is not None:
            return handler
        if raw not in self._strangers:
            handler = self._match(normal_host(raw))
            if handler is not None:
                self._remember(raw, handler)
                return handler
            self._stay_strange(raw)
        return self._fallback.find(raw) if self._fallback is not None else None

    async def changed(self) -> None:
        """Returns when a name came or went since the last call."""
        await self._news.wait()
        self._news.clear()

    def names(self) -> list[str]:
        """Every name and wildcard of this scope, sorted, for people to read."""
        wildcards = (b"*." + suffix for suffix in self._wildcards)
        return sorted(name.decode(errors="replace") for name in _chain(self._names, wildcards))

    def _match(self, name: bytes) -> Handler | None:
        handler = self._names.get(name)
        if handler is None and self._wildcards:
            handler = self._wildcards.get(name.partition(b".")[2])
        return handler

    def _remember(self, raw: bytes, handler: Handler) -> None:
        if len(self._aliases) >= ALIAS_LIMIT:
            self._forget_aliases()
        self._aliases.add(raw)
        self.ready[raw] = handler

    def _stay_strange(self, raw: bytes) -> None:
        """Events go to the same foreign hosts again and again."""
        if len(self._strangers) >= ALIAS_LIMIT:
            self._strangers.clear()
        self._strangers.add(raw)

    def _forget_aliases(self) -> None:
        self._strangers.clear()
        for raw in self._aliases:
            self.ready.pop(raw, None)
        self._aliases.clear()


class VirtualHosts:
    """Both scopes. A listener is given one of the tables; `ClusterClient` looks at `internal`."""

    def __init__(self) -> None:
        self.public = HostTable()
        self.internal = HostTable(fallback=self.public)


def _chain(*groups: Iterable[bytes]) -> Iterable[bytes]:
    for group in groups:
        yield from group
