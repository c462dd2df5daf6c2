"""Which Exchange a request gets."""

from __future__ import annotations

import pytest

from emulator.ingress.handler import Timeouts
from emulator.serving.throttler import Hooks, Throttler
from tests.ingress.conftest import World
from tests.ingress.h2peers import StreamBackend, stream_client


@pytest.mark.parametrize("replica_speaks", [1, 2])
@pytest.mark.parametrize("client_speaks", [1, 2])
async def test_client_and_replica_may_speak_what_they_like(
    world: World, client_speaks: int, replica_speaks: int
) -> None:
    async with StreamBackend() as backend:
        throttler = Throttler(
            0, Timeouts(5.0), Hooks(lambda: None, lambda work, pod: None), speaks_http2=replica_speaks == 2
        )
        port = backend.port if replica_speaks == 2 else world.backend.port
        throttler.set_replicas(
            {"only": lambda: world.dialer.endpoint("127.0.0.1", port, speaks_http2=replica_speaks == 2)}
        )
        world.serve(throttler)
        if client_speaks == 2:
            async with stream_client(world.port) as client:
                answer = await client.answer(client.ask("/", method="POST", body=b"hello"))
                assert (answer.status, answer.body) == (200, b"hello")
        else:
            line = await world.connect()
            line.send("/", method="POST", extra="Content-Length: 5\r\n", body=b"hello")
            assert (await line.answer())[::2] == (200, b"hello")
        assert (len(backend.asked), len(world.backend.heads)) == ((1, 0) if replica_speaks == 2 else (0, 1))
        assert throttler.in_flight == 0
        throttler.set_replicas({})
