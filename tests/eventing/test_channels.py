"""Channels and what backs them (eventing §5.1)."""

from __future__ import annotations

from typing import Any

from emulator.eventing.kinds import CHANNEL, IN_MEMORY_CHANNEL, SUBSCRIPTION
from tests.world import World, child, obj, said

URL = "http://c-kn-channel.default.svc.cluster.local"
IMC = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}


def test_a_channel_wants_a_backing_channel_of_its_name() -> None:
    world = World()
    delivery = {"retry": 3}
    annotations = {"messaging.knative.dev/async-handler": "true", "kubectl.kubernetes.io/x": "1"}
    made = world.create(obj(CHANNEL, "c", {"delivery": delivery}, annotations=annotations))
    outcome = world.reconcile(made)
    backing = child(outcome, IN_MEMORY_CHANNEL)
    assert (backing["metadata"]["name"], backing["spec"]) == ("c", {"delivery": delivery})
    assert backing["metadata"]["annotations"].keys() == {
        "messaging.knative.dev/async-handler",
        "messaging.knative.dev/subscribable",
    }
    assert outcome.status["channel"] == {**IMC, "name": "c", "namespace": "default"}
    assert said(outcome, "BackingChannelReady")[:2] == ("Unknown", "BackingChannelNotReady")


def test_the_templates_delivery_wins() -> None:
    world = World()
    template = {**IMC, "spec": {"delivery": {"retry": 5}}}
    made = world.create(obj(CHANNEL, "c", {"channelTemplate": template, "delivery": {"retry": 3}}))
    assert child(world.reconcile(made), IN_MEMORY_CHANNEL)["spec"] == {"delivery": {"retry": 5}}


def test_a_channel_is_as_its_backing_channel_is() -> None:
    world = World()
    made = world.create(obj(CHANNEL, "c", {}))
    address = {"name": "http", "url": URL}
    backing = world.create(child(world.reconcile(made), IN_MEMORY_CHANNEL), made)
    backing = world.ready(backing, address=address, addresses=[address], subscribers=[{"uid": "1"}])
    outcome = world.reconcile(made)
    assert said(outcome)[0] == "True"
    assert (outcome.status["address"], outcome.status["subscribers"]) == (address, [{"uid": "1"}])
    world.ready(backing, "False", "Broken", "it broke")
    assert said(world.reconcile(made), "BackingChannelReady") == ("False", "Broken", "it broke")


def test_a_backing_channel_without_an_address_is_told() -> None:
    world = World()
    made = world.create(obj(CHANNEL, "c", {}))
    world.ready(world.create(child(world.reconcile(made), IN_MEMORY_CHANNEL), made))
    expected = ("False", "NotAddressable", "Channel does not have an address")
    assert said(world.reconcile(made), "Addressable") == expected


def test_a_kind_that_kemu_does_not_have_is_told() -> None:
    world = World()
    made = world.create(obj(CHANNEL, "c", {"channelTemplate": {**IMC, "kind": "NatssChannel"}}))
    status, reason, message = said(world.reconcile(made))
    assert (status, reason) == ("False", "BackingChannelKindUnknown")
    assert message == 'no kind "NatssChannel" in messaging.knative.dev/v1: kemu has InMemoryChannel'


def test_an_in_memory_channel_is_ready_with_its_subscribers() -> None:
    world = World()
    made = world.create(obj(IN_MEMORY_CHANNEL, "c", {"delivery": {"deadLetterSink": {"uri": "http://dls"}}}))
    spec: dict[str, Any] = {"subscriber": {"uri": "http://a"}}
    direct = world.create(obj(SUBSCRIPTION, "direct", {**spec, "channel": {**IMC, "name": "c"}}))
    through = world.create(obj(SUBSCRIPTION, "through", {**spec, "channel": {**IMC, "kind": "Channel", "name": "c"}}))
    world.create(obj(SUBSCRIPTION, "other", {**spec, "channel": {**IMC, "name": "d"}}))
    outcome = world.reconcile(made)
    assert said(outcome)[0] == "True"
    assert outcome.status["address"] == {"name": "http", "url": URL}
    assert outcome.status["deadLetterSinkUri"] == "http://dls"
    assert [s["uid"] for s in outcome.status["subscribers"]] == [direct.uid, through.uid]
    assert {c.type for c in outcome.conditions or ()} == {
        "Addressable",
        "ChannelServiceReady",
        "DeadLetterSinkResolved",
        "DispatcherReady",
        "EndpointsReady",
        "EventPoliciesReady",
        "ServiceReady",
    }
