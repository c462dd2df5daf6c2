"""`pipe`: two connections become one, after an upgrade.

Nothing of ours stands between the bytes of one and the other: what a transport reads, it hands to the other's `write`.
Only what happens to a connection, and its back-pressure, is still told to whom it belonged.
"""

from __future__ import annotations

import asyncio


class Pipe(asyncio.Protocol):
    """What a transport talks to after the upgrade: bytes go to `peer`, its end to `owner`."""

    def __init__(self, owner: asyncio.Protocol, peer: asyncio.Transport) -> None:
        self._owner = owner
        self._peer = peer
        self.data_received = peer.write  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        return self._owner.eof_received()

    def pause_writing(self) -> None:
        self._peer.pause_reading()

    def resume_writing(self) -> None:
        if not self._peer.is_closing():
            self._peer.resume_reading()


def pipe(one: asyncio.Protocol, ones: asyncio.Transport, other: asyncio.Protocol, others: asyncio.Transport) -> None:
    """Join the transports `ones` and `others`, which belonged to `one` and `other`."""
    for transport in (ones, others):
        # Without room for anything uvloop writes at once, not at the end of its turn: a message is on its way while the
        # next is read.
        transport.set_write_buffer_limits(high=0)
    ones.set_protocol(Pipe(one, others))
    others.set_protocol(Pipe(other, ones))
