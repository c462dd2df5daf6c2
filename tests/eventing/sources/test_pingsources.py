"""PingSources: their sink and what they will send (eventing §8.1)."""

from __future__ import annotations

from emulator.eventing.kinds import BROKER, PING_SOURCE
from tests.world import World, obj, said

REF = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}


def test_a_source_is_ready_with_its_sink() -> None:
    world = World()
    outcome = world.reconcile(world.create(obj(PING_SOURCE, "p", {"sink": {"uri": "http://a"}})))
    assert said(outcome)[0] == "True"
    assert {c.type for c in outcome.conditions or ()} == {"Deployed", "OIDCIdentityCreated", "SinkProvided"}
    assert outcome.status == {
        "sinkUri": "http://a",
        "ceAttributes": [{"type": "dev.knative.sources.ping", "source": "/apis/v1/namespaces/default/pingsources/p"}],
    }


def test_a_sink_that_is_missing_is_told_and_found_when_it_comes() -> None:
    world = World()
    made = world.create(obj(PING_SOURCE, "p", {"sink": {"ref": REF}}))
    text = 'failed to get object default/b: brokers.eventing.knative.dev "b" not found'
    assert said(world.reconcile(made), "SinkProvided") == ("False", "NotFound", text)
    world.status(world.create(obj(BROKER, "b", {})), address={"url": "http://b"})
    assert world.reconcile(made).status["sinkUri"] == "http://b"
