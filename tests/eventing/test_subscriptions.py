"""Subscriptions: where events and answers go, and the delivery in force (eventing §5.1, 5.3)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.control.reconciler import Outcome
from emulator.eventing.kinds import CHANNEL, IN_MEMORY_CHANNEL, SUBSCRIPTION
from tests.world import World, obj, said

REF = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel", "name": "c"}
SUB, REPLY, DLS = {"uri": "http://sub"}, {"uri": "http://reply"}, {"uri": "http://dls"}


def reconciled(world: World, **spec: Any) -> Outcome:
    return world.reconcile(world.create(obj(SUBSCRIPTION, "s", {"channel": REF, "subscriber": SUB, **spec})))


def channel(world: World, value: str = "True", delivery: dict[str, Any] | None = None, **status: Any) -> None:
    spec = {"delivery": delivery} if delivery else {}
    world.ready(world.create(obj(IN_MEMORY_CHANNEL, "c", spec)), value, "Why", "because", **status)


def test_a_subscription_is_ready_with_its_channel_and_destinations() -> None:
    world = World()
    channel(world)
    outcome = reconciled(world, reply=REPLY, delivery={"deadLetterSink": DLS})
    assert said(outcome)[0] == "True"
    assert outcome.status["physicalSubscription"] == {
        "subscriberUri": "http://sub",
        "replyUri": "http://reply",
        "deadLetterSinkUri": "http://dls",
    }
    assert {c.type for c in outcome.conditions or ()} == {
        "AddedToChannel",
        "ChannelReady",
        "OIDCIdentityCreated",
        "ReferencesResolved",
    }


def test_without_a_subscriber_events_go_to_the_reply() -> None:
    world = World()
    channel(world)
    made = world.create(obj(SUBSCRIPTION, "s", {"channel": REF, "reply": REPLY}))
    assert world.reconcile(made).status["physicalSubscription"] == {"subscriberUri": "http://reply"}


def test_a_channel_that_is_missing_is_told() -> None:
    outcome = reconciled(World())
    text = 'Failed to get Spec.Channel as Channelable duck type: channel "c" not found'
    assert said(outcome, "ReferencesResolved") == ("False", "FailedToGetChannel", text)
    assert said(outcome, "AddedToChannel")[0] == "Unknown"


def test_a_channel_that_is_not_ready_is_told() -> None:
    world = World()
    channel(world, "False")
    assert said(reconciled(world)) == ("False", "ChannelNotReady", "because")


GONE = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "gone"}}


@pytest.mark.parametrize(
    ("spec", "reason", "where"),
    [
        ({"subscriber": GONE}, "SubscriberResolveFailed", "spec.subscriber"),
        ({"reply": GONE}, "ReplyResolveFailed", "spec.reply"),
        ({"delivery": {"deadLetterSink": GONE}}, "DeadLetterSinkResolveFailed", "spec.delivery.deadLetterSink"),
    ],
)
def test_a_destination_that_cannot_be_resolved_is_told(spec: dict[str, Any], reason: str, where: str) -> None:
    world = World()
    channel(world)
    status, found, message = said(reconciled(world, **spec), "ReferencesResolved")
    assert (status, found) == ("False", reason)
    assert message.startswith(f"Failed to resolve {where}: failed to get object default/gone")


@pytest.mark.parametrize(
    ("own", "delivery", "sink"),
    [
        pytest.param(None, {"retry": 3, "deadLetterSink": DLS}, "http://dls", id="the channel's"),
        pytest.param({"timeout": "PT1S"}, {"timeout": "PT1S"}, "http://dls", id="its own"),
        pytest.param({"deadLetterSink": REPLY}, {"deadLetterSink": REPLY}, "http://reply", id="its own sink"),
    ],
)
def test_the_delivery_in_force(own: dict[str, Any] | None, delivery: dict[str, Any], sink: str) -> None:
    world = World()
    channel(world, delivery={"retry": 3, "deadLetterSink": DLS}, deadLetterSinkUri="http://dls")
    outcome = reconciled(world, **({"delivery": own} if own else {}))
    assert outcome.status["delivery"] == delivery
    assert outcome.status["physicalSubscription"]["deadLetterSinkUri"] == sink


def test_it_may_be_to_a_channel_or_to_what_backs_one_and_is_told_of_both() -> None:
    world = World()
    made = world.create(obj(SUBSCRIPTION, "s", {"channel": {**REF, "kind": "Channel"}, "subscriber": SUB}))
    for kind in (CHANNEL, IN_MEMORY_CHANNEL):
        found = world.ready(world.create(obj(kind, "c", {})))
        assert [r.name for r in world.view().referring(SUBSCRIPTION, found.key)] == ["s"]
    assert said(world.reconcile(made))[0] == "True"
