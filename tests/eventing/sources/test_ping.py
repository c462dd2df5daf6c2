"""Ticks in virtual time (eventing §8.1)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from emulator.eventing.kinds import PING_SOURCE
from emulator.eventing.narrator import Narrator
from emulator.eventing.sources.ping import Ticker
from emulator.eventing.sources.sender import Sender
from emulator.lib.clock import LoopClock
from emulator.lib.tasks import Tasks
from emulator.objects.errors import BadRequest, NotFound
from emulator.objects.resource import Resource
from tests.eventing.subscribers import World as Running
from tests.world import obj

pytestmark = pytest.mark.looptime
SINK = {"uri": "http://a.test/in"}


class World(Running):
    """With a Ticker whose clock begins at noon and goes with the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.leap = timedelta()
        self._loop_clock = LoopClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
        self.store.clock = self
        self.sender = Sender(self.client)
        self.ticker = Ticker(self.store, self.sender, Narrator())

    def now(self) -> datetime:
        """The present; `leap` is how long the computer slept."""
        return self._loop_clock.now() + self.leap

    def source(self, name: str = "p", **spec: Any) -> Resource[Any]:
        made = self.create(obj(PING_SOURCE, name, {"sink": SINK, **spec}))
        self.settle()
        return made


@contextlib.asynccontextmanager
async def ticking() -> AsyncIterator[World]:
    """Not a fixture: virtual time begins with the test itself."""
    world = World()
    async with Tasks() as tasks:
        tasks.spawn(world.ticker.run(), "ticker")
        yield world


async def test_a_source_ticks_on_time() -> None:
    async with ticking() as world:
        a = world.subscriber("a")
        world.source(schedule="*/5 * * * *")
        await asyncio.sleep(299)
        assert a.received == []
        await asyncio.sleep(602)
        assert [later.at - earlier.at for earlier, later in pairwise(a.received)] == pytest.approx([300, 300], abs=0.1)


async def test_a_tick_is_an_event_of_the_source() -> None:
    async with ticking() as world:
        a = world.subscriber("a")
        extensions = {"extensions": {"team": "blue"}}
        world.source(data='{"b": 1, "a": "ü"}', contentType="application/json", ceOverrides=extensions)
        await asyncio.sleep(61)
        (tick,) = a.received
        assert (tick.method, tick.target, tick.body) == (b"POST", b"/in", '{"a":"ü","b":1}'.encode())
        id_, time = tick.headers.pop(b"ce-id"), tick.headers.pop(b"ce-time")
        assert len(id_) == 36
        assert time.endswith(b"Z")
        assert tick.headers == {
            b"kn-namespace": b"default",
            b"ce-specversion": b"1.0",
            b"ce-source": b"/apis/v1/namespaces/default/pingsources/p",
            b"ce-type": b"dev.knative.sources.ping",
            b"ce-team": b"blue",
            b"content-type": b"application/json",
        }


@pytest.mark.parametrize(
    ("spec", "body", "content_type"),
    [
        ({}, b"", None),
        ({"contentType": "text/plain"}, b"", None),
        ({"data": "hi"}, b"hi", None),
        ({"data": "hi", "contentType": "text/plain"}, b"hi", b"text/plain"),
        ({"dataBase64": "AAE="}, b"\x00\x01", None),
    ],
)
async def test_data(spec: dict[str, Any], body: bytes, content_type: bytes | None) -> None:
    async with ticking() as world:
        a = world.subscriber("a")
        world.source(**spec)
        world.ticker.fire("default", "p")
        assert (a.received[0].body, a.received[0].headers.get(b"content-type")) == (body, content_type)


@pytest.mark.parametrize(("status", "attempts"), [(202, 1), (400, 1), (500, 1), (404, 6), (429, 6), (503, 6)])
async def test_a_tick_is_tried_again_only_after_some_answers(status: int, attempts: int) -> None:
    async with ticking() as world:
        a = world.subscriber("a", status)
        world.source()
        world.ticker.fire("default", "p")
        await asyncio.sleep(20)
        assert len(a.received) == attempts
        waits = [later.at - earlier.at for earlier, later in pairwise(a.received)]
        assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6][: attempts - 1], abs=0.01)


async def test_a_changed_schedule_holds_at_once() -> None:
    async with ticking() as world:
        a = world.subscriber("a")
        made = world.source(schedule="0 0 1 1 *")
        world.edit(made, spec={"sink": SINK, "schedule": "*/10 * * * * *"})
        world.settle()
        await asyncio.sleep(35)
        assert len(a.received) == 3


async def test_a_deleted_source_does_not_tick() -> None:
    async with ticking() as world:
        a = world.subscriber("a")
        world.source()
        world.store.delete(PING_SOURCE, "p", "default")
        await asyncio.sleep(200)
        assert a.received == []


async def test_what_was_slept_through_is_not_made_up_for() -> None:
    async with ticking() as world:
        a = world.subscriber("a")
        world.source(schedule="0 * * * *")
        await asyncio.sleep(60)
        world.leap = timedelta(hours=5, minutes=30)
        await asyncio.sleep(60)
        assert a.received == []
        await asyncio.sleep(1750)
        assert len(a.received) == 1


async def test_a_source_without_a_sink_waits_for_it() -> None:
    async with ticking() as world:
        gone = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}
        world.source(sink={"ref": gone})
        await asyncio.sleep(61)
        with pytest.raises(BadRequest, match=r'PingSource default/p cannot tick: .* "b" not found'):
            world.ticker.fire("default", "p")


async def test_firing_a_source_that_is_not_there_is_told() -> None:
    async with ticking() as world:
        with pytest.raises(NotFound):
            world.ticker.fire("default", "nobody")
