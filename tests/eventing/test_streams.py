"""Streams: which legs an event finds, and what becomes of the whole (eventing §4.4, 5.2)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.eventing.delivery import Deliverer
from emulator.eventing.journal import NullJournal
from emulator.eventing.kinds import BROKER, CHANNEL, SUBSCRIPTION, TRIGGER
from emulator.eventing.narrator import Narrator
from emulator.eventing.streams import Stream, Streams
from tests.eventing.subscribers import World as Running
from tests.eventing.subscribers import event
from tests.world import obj

pytestmark = pytest.mark.looptime
CHANNEL_REF = {"apiVersion": "messaging.knative.dev/v1", "kind": "Channel", "name": "c"}


class World(Running):
    """With Streams, a Broker `b` and a Channel `c`."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = Streams(self.store, Deliverer(self.client, NullJournal(), Narrator()))
        self.changes = 0
        self.streams.changed = self._channels_changed
        self.streams.start()
        self.create(obj(BROKER, "b", {"delivery": {}}))
        self.create(obj(CHANNEL, "c", {}))
        self.settle()

    def _channels_changed(self) -> None:
        self.changes += 1

    def trigger(self, name: str, type_: str = "", uri: str = "http://a.test", **spec: Any) -> None:
        wanted = {"filter": {"attributes": {"type": type_}}} if type_ else {}
        self.create(obj(TRIGGER, name, {"broker": "b", "subscriber": {"uri": uri}, **wanted, **spec}))
        self.settle()

    def subscription(self, name: str, uri: str, **spec: Any) -> None:
        self.create(obj(SUBSCRIPTION, name, {"channel": CHANNEL_REF, "subscriber": {"uri": uri}, **spec}))
        self.settle()

    @property
    def broker(self) -> Stream:
        return self.streams.brokers["default", "b"]

    @property
    def channel(self) -> Stream:
        return self.streams.channels["default", "c"]


@pytest.fixture
async def world() -> World:
    return World()


def names(stream: Stream, type_: str) -> list[str]:
    return sorted(leg.name for leg in stream.legs_for(event(type_)))


async def test_an_event_finds_the_triggers_of_its_type_and_those_without(world: World) -> None:
    world.trigger("one", "x")
    world.trigger("two", "y")
    world.trigger("all")
    world.trigger("prefix", filters=[{"prefix": {"type": "x"}}])
    assert names(world.broker, "x") == ["all", "one", "prefix"]
    assert names(world.broker, "y") == ["all", "two"]


async def test_a_leg_carries_what_the_reconcilers_resolved(world: World) -> None:
    dls = {"deadLetterSink": {"uri": "http://dls.test"}, "retry": 2}
    world.trigger("t", delivery=dls)
    (leg,) = world.broker.legs_for(event())
    assert (leg.subscriber, leg.shown, leg.is_trigger) == ("http://a.test", "http://a.test", True)
    assert leg.reply.endswith("/default/b")
    assert (leg.policy.retry, leg.policy.dead_letter) == (2, "http://dls.test")


async def test_only_what_is_ready_takes_part(world: World) -> None:
    gone = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "gone"}
    world.create(obj(TRIGGER, "t", {"broker": "b", "subscriber": {"ref": gone}}))
    world.settle()
    assert names(world.broker, "x") == []
    world.edit(world.store.get(TRIGGER, "t", "default"), spec={"broker": "b", "subscriber": {"uri": "http://a"}})
    world.settle()
    assert names(world.broker, "x") == ["t"]
    world.store.delete(TRIGGER, "t", "default")
    assert names(world.broker, "x") == []


async def test_a_subscription_to_a_channel_is_a_leg_of_what_backs_it(world: World) -> None:
    world.subscription("s", "http://a.test", reply={"uri": "http://r"})
    (leg,) = world.channel.legs_for(event())
    assert (leg.name, leg.reply, leg.is_trigger) == ("s", "http://r", False)


async def test_all_legs_must_go_well(world: World) -> None:
    done: list[bool] = []
    a, b = world.subscriber("a"), world.subscriber("b", 400, 202)
    world.subscription("a", "http://a.test")
    world.subscription("b", "http://b.test")
    for _ in range(2):
        world.channel.accept(event(), done.append)
    assert (len(a.received), len(b.received), done) == (2, 2, [False, True])


async def test_a_fan_out_that_is_cancelled_ends_every_leg(world: World) -> None:
    done: list[bool] = []
    world.subscriber("a", None)
    world.subscriber("b")
    for name in ("a", "b"):
        world.subscription(name, f"http://{name}.test")
    under_way = world.channel.accept(event(), done.append)
    assert not under_way.is_over
    under_way.cancel()
    assert (under_way.is_over, done) == (True, [False])


async def test_without_a_leg_all_is_well(world: World) -> None:
    done: list[bool] = []
    world.channel.accept(event(), done.append)
    assert done == [True]


async def test_a_brokers_ttl_is_hidden_from_subscribers(world: World) -> None:
    a = world.subscriber("a")
    world.trigger("t")
    world.broker.accept(event(knativebrokerttl="9"), lambda ok: None)
    assert b"ce-knativebrokerttl" not in a.received[0].headers


async def test_an_annotation_makes_a_stream_asynchronous(world: World) -> None:
    annotations = {"messaging.knative.dev/async-handler": "true"}
    world.store.patch_metadata(world.store.get(BROKER, "b", "default").key, annotations=annotations)
    world.store.patch_metadata(world.store.get(CHANNEL, "c", "default").key, annotations=annotations)
    world.settle()
    assert world.broker.is_async
    assert world.channel.is_async


async def test_streams_come_and_go_with_their_objects(world: World) -> None:
    assert world.changes == 1
    world.store.delete(CHANNEL, "c", "default")
    world.store.delete(BROKER, "b", "default")
    world.settle()
    assert not world.streams.channels
    assert not world.streams.brokers
    assert world.changes == 2


async def test_a_broker_that_is_made_again_has_its_triggers_again(world: World) -> None:
    world.trigger("t")
    world.store.delete(BROKER, "b", "default")
    world.settle()
    world.create(obj(BROKER, "b", {}))
    world.settle()
    assert names(world.broker, "x") == ["t"]
