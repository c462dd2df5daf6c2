"""Brokers (eventing §4.1)."""

from __future__ import annotations

from emulator.eventing.defaults import BROKER_CLASS
from emulator.eventing.kinds import BROKER, IN_MEMORY_CHANNEL
from tests.world import World, obj, said

URL = "http://broker-ingress.knative-eventing.svc.cluster.local/default/b"
SINK = {"ref": {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel", "name": "dls"}}


def test_a_broker_is_ready_at_its_address() -> None:
    world = World()
    outcome = world.reconcile(world.create(obj(BROKER, "b", {})))
    address = {"name": "http", "url": URL}
    assert outcome.status == {"address": address, "addresses": [address]}
    assert {c.type for c in outcome.conditions or ()} == {
        "Addressable",
        "DeadLetterSinkResolved",
        "EventPoliciesReady",
        "FilterReady",
        "IngressReady",
        "TriggerChannelReady",
    }
    assert said(outcome)[0] == "True"
    expected = ("True", "DeadLetterSinkNotConfigured", "No dead letter sink is configured.")
    assert said(outcome, "DeadLetterSinkResolved") == expected


def test_its_dead_letter_sink_is_resolved() -> None:
    world = World()
    sink = world.create(obj(IN_MEMORY_CHANNEL, "dls", {}))
    world.status(sink, address={"url": "http://dls"})
    outcome = world.reconcile(world.create(obj(BROKER, "b", {"delivery": {"deadLetterSink": SINK}})))
    assert outcome.status["deadLetterSinkUri"] == "http://dls"


def test_one_that_cannot_be_resolved_makes_it_not_ready() -> None:
    world = World()
    outcome = world.reconcile(world.create(obj(BROKER, "b", {"delivery": {"deadLetterSink": SINK}})))
    status, _, message = said(outcome, "DeadLetterSinkResolved")
    assert status == said(outcome)[0] == "False"
    assert message.endswith('inmemorychannels.messaging.knative.dev "dls" not found')


def test_a_broker_of_another_class_is_nobodys() -> None:
    world = World()
    outcome = world.reconcile(world.create(obj(BROKER, "b", {}, annotations={BROKER_CLASS: "Kafka"})))
    assert outcome.conditions is None
    assert not outcome.status
