"""One event to one subscriber: attempts, back-off, replies, dead letters (eventing §2.1, 2.2, 7)."""

from __future__ import annotations

import asyncio
import base64
import json
from itertools import pairwise
from typing import Any

import pytest

from emulator.eventing.delivery import Deliverer, Leg
from emulator.eventing.deliveryspec import Policy
from emulator.eventing.journal import NullJournal
from emulator.eventing.narrator import Narrator
from emulator.eventing.streams import UnderWay
from tests.eventing.subscribers import REPLY, Response, World, event

pytestmark = pytest.mark.looptime
GARBAGE: Response = (200, [(b"content-type", b"text/plain")], b"hello")
MISREAD: Response = (200, [(b"content-type", b"application/cloudevents+json")], b"{")
HALF: Response = (200, [(b"ce-specversion", b"1.0"), (b"ce-id", b"1")], b"")
ERRORS = (b"ce-knativeerrordest", b"ce-knativeerrorcode", b"ce-knativeerrordata")


class Delivery:
    """A world with subscriber `a`, dead letter sink `dls` and reply sink `reply`."""

    def __init__(self, *answers: int | Response | None, dls: Any = (), reply: Any = ()) -> None:
        self.world = World()
        self.deliverer = Deliverer(self.world.client, NullJournal(), Narrator())
        self.a = self.world.subscriber("a", *answers)
        self.dls = self.world.subscriber("dls", *dls)
        self.reply = self.world.subscriber("reply", *reply)

    async def run(self, reply: str = "", ttl: bytes = b"", is_trigger: bool = False, **policy: Any) -> bool:
        """Deliver one event to the end; whether it went well."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        leg = Leg("leg", "ns", "a", "http://a.test/x", reply, Policy(**policy), is_trigger=is_trigger)
        self.deliverer.deliver(event(), leg, done.set_result, ttl)
        async with asyncio.timeout(1000):
            well = await done
        assert not self.deliverer.under_way
        return well

    def begin(self, **policy: Any) -> tuple[UnderWay, list[bool]]:
        """Deliver one event; what it was told at its end."""
        ends: list[bool] = []
        leg = Leg("leg", "ns", "a", "http://a.test/x", "http://reply.test/", Policy(**policy))
        return self.deliverer.deliver(event(), leg, ends.append), ends


DLS = "http://dls.test/d"


@pytest.mark.parametrize(
    ("answers", "more"),
    [
        ((503,), {}),
        ((None,), {}),
        ((REPLY,), {"reply": (503,)}),
        ((REPLY,), {"reply": (None,)}),
        ((400,), {"dls": (503,)}),
    ],
    ids=["before an attempt", "in an attempt", "before a reply", "in a reply", "before a dead letter"],
)
async def test_one_that_is_cancelled_ends_where_it_is(answers: tuple[Response | int | None], more: Any) -> None:
    world = Delivery(*answers, **more)
    begun, ends = world.begin(retry=3, delay_s=10.0, dead_letter=DLS)
    seen = [len(s.received) for s in (world.a, world.dls, world.reply)]
    begun.cancel()
    begun.cancel()
    assert (ends, begun.is_over, world.deliverer.under_way, world.deliverer.resting) == ([False], True, set(), set())
    await asyncio.sleep(1000)
    assert [len(s.received) for s in (world.a, world.dls, world.reply)] == seen


async def test_one_that_is_over_cannot_be_cancelled() -> None:
    begun, ends = Delivery().begin()
    begun.cancel()
    assert ends == [True]


async def test_a_subscriber_gets_a_binary_event() -> None:
    delivery = Delivery()
    assert await delivery.run()
    (received,) = delivery.a.received
    assert (received.method, received.target, received.body) == (b"POST", b"/x", b"hi")
    assert received.headers == {
        b"prefer": b"reply",
        b"kn-namespace": b"ns",
        b"user-agent": b"Go-http-client/1.1",
        b"content-type": b"text/plain",
        b"ce-specversion": b"1.0",
        b"ce-id": b"1",
        b"ce-source": b"s",
        b"ce-type": b"t",
    }


async def test_or_a_structured_one_if_it_asks_for_it() -> None:
    delivery = Delivery()
    await delivery.run(is_structured=True)
    (received,) = delivery.a.received
    assert received.headers[b"content-type"] == b"application/cloudevents+json"
    assert json.loads(received.body)["data"] == "hi"


@pytest.mark.parametrize(
    ("status", "attempts", "is_well"),
    [(200, 1, True), (202, 1, True), (299, 1, True)]
    + [(status, 1, False) for status in (304, 400, 401, 403, 410, 413, 422)]
    + [(status, 3, False) for status in (404, 408, 409, 429, 500, 502, 503, 504)],
)
async def test_a_status(status: int, attempts: int, is_well: bool) -> None:
    delivery = Delivery(status)
    assert await delivery.run(retry=2) is is_well
    assert len(delivery.a.received) == attempts


@pytest.mark.parametrize(
    ("policy", "delay_s", "waits"),
    [("exponential", 1.0, [1, 2, 4]), ("linear", 1.0, [0, 1, 2]), (None, 1.0, [0, 0, 0]), ("linear", None, [0, 0, 0])],
)
async def test_the_waits_between_attempts(policy: Any, delay_s: float | None, waits: list[float]) -> None:
    delivery = Delivery(503)
    await delivery.run(retry=3, backoff=policy, delay_s=delay_s)
    at = [received.at for received in delivery.a.received]
    assert [later - earlier for earlier, later in pairwise(at)] == pytest.approx(waits, abs=0.01)


async def test_the_first_success_ends_it() -> None:
    delivery = Delivery(503, 503, 200)
    assert await delivery.run(retry=10)
    assert len(delivery.a.received) == 3


async def test_a_timeout_counts_as_no_answer() -> None:
    delivery = Delivery(None)
    assert await delivery.run(retry=1, timeout_s=2.0, dead_letter=DLS)
    assert len(delivery.a.received) == 2
    (dead,) = delivery.dls.received
    assert dead.headers[b"ce-knativeerrorcode"] == b"500"
    assert base64.b64decode(dead.headers[b"ce-knativeerrordata"]) == b"context deadline exceeded"


async def test_a_dead_letter_is_the_event_and_why() -> None:
    delivery = Delivery((400, [], b"no"))
    assert await delivery.run(dead_letter=DLS, ttl=b"7")
    (dead,) = delivery.dls.received
    assert (dead.target, dead.body, dead.headers[b"ce-id"]) == (b"/d", b"hi", b"1")
    assert [dead.headers[name] for name in ERRORS] == [b"http://a.test/x", b"400", base64.b64encode(b"no")]
    assert dead.headers[b"ce-knativebrokerttl"] == b"7"
    assert b"prefer" not in dead.headers


async def test_the_errors_body_is_cut() -> None:
    delivery = Delivery((400, [], b"x" * 1000))
    await delivery.run(dead_letter=DLS)
    assert base64.b64decode(delivery.dls.received[0].headers[b"ce-knativeerrordata"]) == b"x" * 768


async def test_a_dead_letter_sink_is_tried_as_often_and_then_the_event_is_lost() -> None:
    delivery = Delivery(400, dls=(503,))
    assert not await delivery.run(retry=2, dead_letter=DLS)
    assert (len(delivery.a.received), len(delivery.dls.received)) == (1, 3)


async def test_a_reply_goes_where_replies_go_with_the_subscribers_headers() -> None:
    status, headers, body = REPLY
    delivery = Delivery((status, [*headers, (b"X-Request-Id", b"5"), (b"X-Mine", b"1")], body))
    assert await delivery.run(reply="http://reply.test", ttl=b"9")
    (reply,) = delivery.reply.received
    assert (reply.headers[b"ce-type"], reply.headers[b"ce-knativebrokerttl"], reply.body) == (b"reply", b"9", b"answer")
    assert reply.headers[b"x-request-id"] == b"5"
    assert not reply.headers.keys() & {b"prefer", b"x-mine"}


async def test_a_reply_that_nobody_wants_is_dropped() -> None:
    delivery = Delivery(REPLY)
    assert await delivery.run()
    assert delivery.reply.received == []


async def test_a_reply_that_fails_is_tried_again_and_then_the_event_itself_is_a_dead_letter() -> None:
    delivery = Delivery(REPLY, reply=(503,))
    assert await delivery.run(reply="http://reply.test", retry=2, dead_letter=DLS)
    assert (len(delivery.a.received), len(delivery.reply.received)) == (1, 3)
    (dead,) = delivery.dls.received
    assert (dead.headers[b"ce-type"], dead.headers[b"ce-knativeerrordest"]) == (b"t", b"http://reply.test")


@pytest.mark.parametrize(
    ("answer", "is_trigger", "attempts", "error"),
    [
        pytest.param(GARBAGE, False, 1, None, id="no event, from a Subscription"),
        pytest.param(GARBAGE, True, 2, (None, None), id="no event, from a Trigger"),
        pytest.param(MISREAD, True, 2, (None, None), id="structured garbage, from a Trigger"),
        pytest.param(MISREAD, False, 1, (b"http://reply.test", b"400"), id="structured garbage, from a Subscription"),
        pytest.param(HALF, True, 1, (b"http://reply.test", b"400"), id="half an event, from a Trigger"),
        pytest.param(HALF, False, 1, (b"http://reply.test", b"400"), id="half an event, from a Subscription"),
    ],
)
async def test_an_answer_that_is_no_valid_event(
    answer: Response, is_trigger: bool, attempts: int, error: tuple[bytes | None, bytes | None] | None
) -> None:
    delivery = Delivery(answer)
    assert await delivery.run("http://reply.test", is_trigger=is_trigger, retry=1, dead_letter=DLS)
    assert len(delivery.a.received) == attempts
    found = [tuple(dead.headers.get(name) for name in ERRORS[:2]) for dead in delivery.dls.received]
    assert found == ([error] if error is not None else [])


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, b"GET", b""), (302, b"GET", b""), (303, b"GET", b""), (307, b"POST", b"hi"), (308, b"POST", b"hi")],
)
async def test_a_redirect_is_followed_as_go_does(status: int, method: bytes, body: bytes) -> None:
    delivery = Delivery((status, [(b"Location", b"http://reply.test/y")], b""))
    assert await delivery.run()
    (received,) = delivery.reply.received
    assert (received.method, received.target, received.body) == (method, b"/y", body)


async def test_a_redirect_without_a_location_is_a_failure() -> None:
    delivery = Delivery(302)
    assert not await delivery.run(retry=2)
    assert len(delivery.a.received) == 1


async def test_going_round_in_circles_is_given_up_and_tried_again() -> None:
    delivery = Delivery((307, [(b"Location", b"/x")], b""))
    assert await delivery.run(retry=1, dead_letter=DLS)
    assert len(delivery.a.received) == 22
    data = delivery.dls.received[0].headers[b"ce-knativeerrordata"]
    assert base64.b64decode(data) == b"stopped after 10 redirects"
