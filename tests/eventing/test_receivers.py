"""Receivers: the status codes of a Broker's ingress and of a Channel (eventing §2.3, 2.4, 4.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.eventing.cloudevents import binary_headers
from emulator.eventing.eventing import Eventing
from emulator.eventing.kinds import BROKER, CHANNEL, SUBSCRIPTION, TRIGGER
from emulator.ingress.cluster import Answer
from tests.eventing.subscribers import REPLY, World, event
from tests.world import obj

pytestmark = pytest.mark.looptime
INGRESS = "http://broker-ingress.knative-eventing.svc.cluster.local"
CHANNEL_REF = {"apiVersion": "messaging.knative.dev/v1", "kind": "Channel", "name": "c"}


@pytest.fixture
async def world() -> World:
    world = World()
    Eventing(world.store, world.hosts, world.client).start()
    world.create(obj(BROKER, "b", {"delivery": {"retry": 0}}))
    world.create(obj(CHANNEL, "c", {}))
    world.settle()
    return world


def trigger(world: World, name: str, uri: str, **metadata: Any) -> None:
    world.create(obj(TRIGGER, name, {"broker": "b", "subscriber": {"uri": uri}}, **metadata))
    world.settle()


async def post(world: World, url: str, method: bytes = b"POST", **attributes: Any) -> Answer:
    sent = event(**attributes)
    return await world.client.post(url, binary_headers(sent), sent.data, method=method)


@pytest.mark.parametrize(
    ("method", "path", "attributes", "status"),
    [
        pytest.param(b"POST", "/default/b", {}, 202, id="accepted"),
        pytest.param(b"POST", "/default/b/", {}, 202, id="a slash at the end"),
        pytest.param(b"OPTIONS", "/any/where/at/all", {}, 200, id="options"),
        pytest.param(b"GET", "/default/b", {}, 405, id="get"),
        pytest.param(b"POST", "/", {}, 404, id="root"),
        pytest.param(b"POST", "/default", {}, 400, id="one segment"),
        pytest.param(b"POST", "/default/b/c", {}, 400, id="three segments"),
        pytest.param(b"POST", "/default/b", {"time": "noon"}, 400, id="no valid event"),
        pytest.param(b"POST", "/default/x", {}, 404, id="no such broker"),
        pytest.param(b"POST", "/default/b?x=1", {}, 404, id="a query is part of the name"),
        pytest.param(b"POST", "/default/b", {"knativebrokerttl": "1"}, 400, id="ttl used up"),
        pytest.param(b"POST", "/default/b", {"knativebrokerttl": "2"}, 202, id="ttl left"),
    ],
)
async def test_a_brokers_ingress(
    world: World, method: bytes, path: str, attributes: dict[str, Any], status: int
) -> None:
    answer = await post(world, INGRESS + path, method, **attributes)
    assert answer.status == status
    assert answer.header(b"allow") == b"POST, OPTIONS"


@pytest.mark.parametrize(
    ("method", "path", "attributes", "status"),
    [
        (b"POST", "/", {}, 202),
        (b"OPTIONS", "/", {}, 200),
        (b"PUT", "/", {}, 405),
        (b"POST", "/x", {}, 400),
        (b"POST", "/", {"time": "noon"}, 400),
    ],
)
async def test_a_channel(world: World, method: bytes, path: str, attributes: dict[str, Any], status: int) -> None:
    for host in ("c-kn-channel.default.svc.cluster.local", "c-kn-channel.default.svc", "c-kn-channel.default"):
        assert (await post(world, f"http://{host}{path}", method, **attributes)).status == status


async def test_the_handshake_of_webhooks_is_answered(world: World) -> None:
    answer = await post(world, f"{INGRESS}/default/b", b"OPTIONS")
    assert answer.header(b"webhook-allowed-origin") == answer.header(b"webhook-allowed-rate") == b"*"


async def test_a_refusal_names_the_attribute(world: World) -> None:
    assert (await post(world, f"{INGRESS}/default/b", time="noon")).body == b'time: "noon" is no RFC 3339 time\n'


async def test_the_answer_waits_for_every_leg(world: World) -> None:
    world.subscriber("good")
    world.subscriber("bad", 400)
    trigger(world, "good", "http://good.test")
    assert (await post(world, f"{INGRESS}/default/b")).status == 202
    trigger(world, "bad", "http://bad.test")
    assert (await post(world, f"{INGRESS}/default/b")).status == 500


async def test_a_producer_that_leaves_ends_the_retries_of_its_event_and_of_what_came_of_it(world: World) -> None:
    """A reply that waits in a Channel has the delivery as its producer."""
    bad, replying, dls = world.subscriber("bad", 503), world.subscriber("replying", REPLY), world.subscriber("dls")
    delivery = {
        "retry": 5,
        "backoffDelay": "PT10S",
        "backoffPolicy": "linear",
        "deadLetterSink": {"uri": "http://dls.test"},
    }
    subscriber = {"uri": "http://bad.test"}
    spec = {"channel": CHANNEL_REF, "subscriber": subscriber, "delivery": delivery}
    world.create(obj(SUBSCRIPTION, "s", spec))
    spec = {"broker": "b", "subscriber": subscriber, "delivery": delivery}
    world.create(obj(TRIGGER, "t", spec))
    world.settle()
    channel = world.create(obj(CHANNEL, "first", {}))
    first = {**CHANNEL_REF, "name": channel.name}
    spec = {"channel": first, "subscriber": {"uri": "http://replying.test"}, "reply": {"ref": CHANNEL_REF}}
    world.create(obj(SUBSCRIPTION, "first", spec))
    world.settle()
    sent = event()
    urls = (f"{INGRESS}/default/b", "http://first-kn-channel.default.svc.cluster.local/")
    answers: list[Answer] = []
    calls = [world.client.start(url, binary_headers(sent), sent.data, answers.append) for url in urls]
    await asyncio.sleep(15)
    assert (len(bad.received), len(replying.received)) == (6, 1)
    for call in calls:
        call.cancel()
    await asyncio.sleep(1000)
    assert (len(bad.received), dls.received, answers) == (6, [], [])


async def test_a_producer_of_an_asynchronous_broker_may_leave(world: World) -> None:
    bad = world.subscriber("bad", 503, 202)
    trigger(world, "bad", "http://bad.test")
    broker = world.store.get(BROKER, "b", "default")
    world.store.patch_metadata(broker.key, annotations={"messaging.knative.dev/async-handler": "true"})
    world.edit(broker, spec={"delivery": {"retry": 1, "backoffDelay": "PT10S", "backoffPolicy": "linear"}})
    world.settle()
    sent = event()
    call = world.client.start(f"{INGRESS}/default/b", binary_headers(sent), sent.data, lambda answer: None)
    call.cancel()
    await asyncio.sleep(100)
    assert len(bad.received) == 2


async def test_an_asynchronous_broker_answers_at_once(world: World) -> None:
    world.subscriber("bad", 400)
    trigger(world, "bad", "http://bad.test")
    key = world.store.get(BROKER, "b", "default").key
    world.store.patch_metadata(key, annotations={"messaging.knative.dev/async-handler": "true"})
    assert (await post(world, f"{INGRESS}/default/b")).status == 202


async def test_a_subscriber_sees_when_the_event_arrived_but_no_ttl(world: World) -> None:
    a = world.subscriber("a")
    trigger(world, "t", "http://a.test")
    await post(world, f"{INGRESS}/default/b", knativearrivaltime="long ago")
    headers = a.received[0].headers
    assert headers[b"ce-knativearrivaltime"].endswith(b"Z")
    assert b"ce-knativebrokerttl" not in headers


async def test_a_reply_goes_round_through_the_broker_until_its_ttl_is_used_up(world: World) -> None:
    a = world.subscriber("a", REPLY)
    trigger(world, "t", "http://a.test")
    await post(world, f"{INGRESS}/default/b", knativebrokerttl="5")
    assert a.types == [b"t", b"reply", b"reply", b"reply"]


async def test_the_answer_of_a_channel_waits_for_its_subscriptions(world: World) -> None:
    a = world.subscriber("a", 500, 202)
    world.create(obj(SUBSCRIPTION, "s", {"channel": CHANNEL_REF, "subscriber": {"uri": "http://a.test"}}))
    world.settle()
    url = "http://c-kn-channel.default.svc.cluster.local"
    assert [(await post(world, url)).status for _ in range(2)] == [500, 202]
    assert len(a.received) == 2


async def test_a_deleted_channel_has_no_names_any_more(world: World) -> None:
    assert "c-kn-channel.default.svc.cluster.local" in world.hosts.public.names()
    world.store.delete(CHANNEL, "c", "default")
    world.settle()
    assert [name for name in world.hosts.internal.names() if name.startswith("c-")] == []
    assert [name for name in world.hosts.public.names() if name.startswith("c-")] == []
