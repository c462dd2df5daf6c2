"""Windows: what may be sent, and in whose turn."""

from __future__ import annotations

from tests.ingress.conftest import World
from tests.ingress.h2peers import stream_client


async def test_a_window_that_shrinks_below_zero_holds_the_stream(world: World) -> None:
    async with stream_client(world.port) as client:
        client.takes_data = False
        stream = client.ask("/big")
        await client.until(lambda: len(client.responses[stream].body) == 65535)
        client.peer.h2.update_settings({4: 1000})
        client.peer.h2.increment_flow_control_window(1 << 23)
        client.peer.h2.increment_flow_control_window(30_000, stream)
        client.peer.write()
        await client.answer(client.ask("/"))
        assert len(client.responses[stream].body) == 65535
        client.peer.h2.increment_flow_control_window(60_000, stream)
        client.peer.write()
        await client.until(lambda: len(client.responses[stream].body) == 65535 + 90_000 - 64_535)
        client.reset(stream)


async def test_several_large_responses_come_in_turns(world: World) -> None:
    async with stream_client(world.port) as client:
        client.takes_data = False
        wanted = [client.ask("/big") for _ in range(3)]
        for stream in wanted:
            client.peer.h2.increment_flow_control_window(1 << 20, stream)
        client.peer.write()
        await client.until(lambda: sum(len(client.responses[s].body) for s in wanted) == 65535)
        client.peer.h2.increment_flow_control_window(600_000)
        client.peer.write()
        await client.until(lambda: sum(len(client.responses[s].body) for s in wanted) == 665_535)
        assert all(len(client.responses[s].body) > 100_000 for s in wanted)
        for stream in wanted:
            client.reset(stream)
