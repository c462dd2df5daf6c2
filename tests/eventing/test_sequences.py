"""Sequences: a channel and a Subscription for each step (eventing §6.1)."""

from __future__ import annotations

from typing import Any

from emulator.eventing.kinds import CHANNEL, IN_MEMORY_CHANNEL, SEQUENCE, SUBSCRIPTION
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from tests.eventing.subscribers import World as Running
from tests.world import World, child, obj, said

IMC = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}


def steps(*names: str) -> list[Json]:
    return [{"uri": f"http://{name}"} for name in names]


def sequence(world: World, **spec: Any) -> Resource[Any]:
    return world.create(obj(SEQUENCE, "s", {"steps": steps("a", "b"), **spec}))


def test_each_step_is_subscribed_to_its_channel_and_replies_to_the_next() -> None:
    world = World()
    given = [{"uri": "http://a", "delivery": {"retry": 3}}, {"uri": "http://b"}]
    outcome = world.reconcile(sequence(world, steps=given, reply={"uri": "http://end"}))
    first = child(outcome, SUBSCRIPTION, "s-kn-sequence-0")
    last = child(outcome, SUBSCRIPTION, "s-kn-sequence-1")
    assert first["spec"] == {
        "channel": {**IMC, "name": "s-kn-sequence-0"},
        "subscriber": {"uri": "http://a"},
        "delivery": {"retry": 3},
        "reply": {"ref": {**IMC, "name": "s-kn-sequence-1", "namespace": "default"}},
    }
    assert last["spec"]["reply"] == {"uri": "http://end"}
    assert child(outcome, IN_MEMORY_CHANNEL, "s-kn-sequence-1")["spec"] == {}


def test_without_a_reply_the_last_answer_goes_nowhere() -> None:
    world = World()
    assert "reply" not in child(world.reconcile(sequence(world)), SUBSCRIPTION, "s-kn-sequence-1")["spec"]


def test_the_template_makes_the_channels() -> None:
    world = World()
    template = {**IMC, "kind": "Channel", "spec": {"delivery": {"retry": 1}}}
    outcome = world.reconcile(sequence(world, channelTemplate=template))
    assert child(outcome, CHANNEL, "s-kn-sequence-0")["spec"] == {"delivery": {"retry": 1}}
    assert child(outcome, SUBSCRIPTION, "s-kn-sequence-0")["spec"]["channel"]["kind"] == "Channel"


def test_a_kind_that_kemu_does_not_have_is_told() -> None:
    world = World()
    made = sequence(world, channelTemplate={**IMC, "kind": "Odd"})
    assert said(world.reconcile(made))[:2] == ("False", "ChannelKindUnknown")


def test_until_all_is_ready_it_is_not() -> None:
    world = World()
    outcome = world.reconcile(sequence(world))
    text = "{} are not ready yet, or there are none"
    assert said(outcome, "ChannelsReady") == ("Unknown", "ChannelsNotReady", text.format("Channels"))
    assert said(outcome, "SubscriptionsReady") == ("Unknown", "SubscriptionsNotReady", text.format("Subscriptions"))
    assert said(outcome, "Addressable") == ("Unknown", "emptyAddress", "addressable is nil")
    listed = outcome.status["channelStatuses"][1]
    assert listed["channel"] == {**IMC, "name": "s-kn-sequence-1"}
    assert listed["ready"] == {"type": "Ready", "status": "Unknown"}


def test_run_by_the_controller_it_has_the_address_of_its_first_channel() -> None:
    world = Running()
    made = sequence(world)
    world.settle()
    found = world.store.get(SEQUENCE, made.name, "default")
    assert found.is_ready
    assert found.status["address"]["url"] == "http://s-kn-sequence-0-kn-channel.default.svc.cluster.local"
    assert [s["ready"]["status"] for s in found.status["subscriptionStatuses"]] == ["True", "True"]


def test_a_step_that_is_removed_takes_its_channel_along() -> None:
    world = Running()
    made = sequence(world)
    world.settle()
    world.edit(made, spec={"steps": steps("a")})
    world.settle()
    assert [c.name for c in world.store.list(IN_MEMORY_CHANNEL)] == ["s-kn-sequence-0"]
    assert [s.name for s in world.store.list(SUBSCRIPTION)] == ["s-kn-sequence-0"]


def test_a_step_that_changes_changes_its_subscription() -> None:
    world = Running()
    made = sequence(world)
    world.settle()
    world.edit(made, spec={"steps": steps("a", "c")})
    world.settle()
    found = world.store.get(SUBSCRIPTION, "s-kn-sequence-1", "default")
    assert found.status["physicalSubscription"]["subscriberUri"] == "http://c"


def test_another_kind_of_channel_makes_the_subscriptions_anew() -> None:
    world = Running()
    made = sequence(world)
    world.settle()
    world.edit(made, spec={"steps": steps("a", "b"), "channelTemplate": {**IMC, "kind": "Channel"}})
    world.settle()
    assert {s.obj["spec"]["channel"]["kind"] for s in world.store.list(SUBSCRIPTION)} == {"Channel"}
    assert [c.name for c in world.store.list(CHANNEL)] == ["s-kn-sequence-0", "s-kn-sequence-1"]
    assert world.store.get(SEQUENCE, "s", "default").is_ready
