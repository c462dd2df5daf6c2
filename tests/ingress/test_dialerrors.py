"""Go's words for connections that are not made, and for those that end."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from emulator.ingress.dialerrors import dial_error, lost_error
from emulator.ingress.upstream import Dialer, Endpoint, Upstream
from emulator.lib.tasks import Tasks
from tests.ingress.backend import Backend


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "dial tcp: lookup replica.test: no such host"),
        (TimeoutError(), "dial tcp replica.test:80: i/o timeout"),
        (OSError(errno.ENETUNREACH, "x"), "dial tcp replica.test:80: connect: network is unreachable"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "dial tcp replica.test:80: connect: connection refused"),
        (OSError("Multiple exceptions"), "dial tcp replica.test:80: connect: Multiple exceptions"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, OSError) else "",
)
async def test_why_no_connection_was_made_is_said_as_go_says_it(error: OSError, text: str) -> None:
    assert dial_error(error, Endpoint("replica.test", 80, Dialer(Tasks()))) == text


async def test_a_reset_names_both_ends() -> None:
    async with Backend() as backend:
        made: Upstream = await Endpoint("127.0.0.1", backend.port, Dialer(Tasks())).connect()
        local = made.transport.get_extra_info("sockname")
        reset = ConnectionResetError(errno.ECONNRESET, "x")
        ends = f"127.0.0.1:{local[1]}->127.0.0.1:{backend.port}"
        assert lost_error(reset, made) == f"read tcp {ends}: read: connection reset by peer"
        assert lost_error(None, made) == "EOF"
        made.transport.close()
        await asyncio.wait_for(backend.ended.wait(), 5)
