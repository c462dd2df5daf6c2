"""Triggers: their Broker, subscriber, dependency, and the delivery in force (eventing §4.2, 4.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.control.reconciler import Outcome
from emulator.eventing.kinds import BROKER, PING_SOURCE, TRIGGER
from emulator.eventing.triggers import DEPENDENCY
from tests.world import World, obj, said

URL = "http://broker-ingress.knative-eventing.svc.cluster.local/default/b"
OWN, OTHER = {"uri": "http://own"}, {"uri": "http://other"}


def broker(world: World, **delivery: Any) -> None:
    made = world.create(obj(BROKER, "b", {"delivery": delivery} if delivery else {}))
    world.ready(made, address={"url": URL})


def reconciled(world: World, annotations: dict[str, str] | None = None, **spec: Any) -> Outcome:
    given = {"broker": "b", "subscriber": {"uri": "http://sub"}, **spec}
    return world.reconcile(world.create(obj(TRIGGER, "t", given, annotations=annotations or {})))


def test_a_trigger_is_ready_with_its_broker_and_subscriber() -> None:
    world = World()
    broker(world)
    outcome = reconciled(world)
    assert said(outcome)[0] == "True"
    assert outcome.status["subscriberUri"] == "http://sub"
    assert outcome.status["replyUri"] == URL
    assert {c.type for c in outcome.conditions or ()} == {
        "BrokerReady",
        "DeadLetterSinkResolved",
        "DependencyReady",
        "OIDCIdentityCreated",
        "SubscriberResolved",
        "SubscriptionReady",
    }


def test_a_broker_that_is_missing_is_told() -> None:
    assert said(reconciled(World())) == ("False", "BrokerDoesNotExist", 'Broker "b" does not exist')


def test_a_broker_that_nobody_reconciles_is_told() -> None:
    world = World()
    world.create(obj(BROKER, "b", {}))
    assert said(reconciled(world))[:2] == ("Unknown", "BrokerUninitialized")


def test_a_broker_that_is_not_ready_lends_its_reason() -> None:
    world = World()
    world.ready(world.create(obj(BROKER, "b", {})), "False", "Broken", "it broke")
    assert said(reconciled(world)) == ("False", "Broken", "it broke")


def test_a_broker_that_is_being_deleted_is_told() -> None:
    world = World()
    world.create(obj(BROKER, "b", {}, finalizers=["wait"]))
    world.store.delete(BROKER, "b", "default")
    assert said(reconciled(world))[2] == 'Broker "b" is being deleted'


def test_a_subscriber_that_cannot_be_resolved_is_told() -> None:
    world = World()
    broker(world)
    ref = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "gone"}
    text = 'failed to get object default/gone: services.serving.knative.dev "gone" not found'
    expected = ("False", "Unable to get the Subscriber's URI", text)
    assert said(reconciled(world, subscriber={"ref": ref}), "SubscriberResolved") == expected


@pytest.mark.parametrize(
    ("brokers", "triggers", "delivery", "sink"),
    [
        pytest.param({"retry": 3, "deadLetterSink": OTHER}, None, {"retry": 3}, "http://other", id="the Broker's"),
        pytest.param(
            {"retry": 3, "deadLetterSink": OTHER},
            {"timeout": "PT1S"},
            {"timeout": "PT1S"},
            "http://other",
            id="its own",
        ),
        pytest.param(
            {"retry": 3, "deadLetterSink": OTHER}, {"deadLetterSink": OWN}, {}, "http://own", id="its own sink"
        ),
        pytest.param(
            {},
            None,
            {"retry": 10, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"},
            None,
            id="that of every default Broker",
        ),
    ],
)
def test_the_delivery_in_force(
    brokers: dict[str, Any], triggers: dict[str, Any] | None, delivery: dict[str, Any], sink: str | None
) -> None:
    world = World()
    broker(world, **brokers)
    outcome = reconciled(world, **({"delivery": triggers} if triggers else {}))
    found = {k: v for k, v in outcome.status["delivery"].items() if k != "deadLetterSink"}
    assert found == delivery
    assert outcome.status.get("deadLetterSinkUri") == sink


def test_cesql_is_not_emulated_and_says_so() -> None:
    world = World()
    broker(world)
    outcome = reconciled(world, filters=[{"cesql": "type = 'x'"}])
    assert said(outcome)[:2] == ("False", "CESQLNotEmulated")


def test_a_dependency_must_be_ready_first() -> None:
    world = World()
    broker(world)
    ref = {"apiVersion": "sources.knative.dev/v1", "kind": "PingSource", "name": "p"}
    outcome = reconciled(world, {DEPENDENCY: json.dumps(ref)})
    text = 'Dependency does not exist: PingSource "p" not found'
    assert said(outcome, "DependencyReady") == ("False", "DependencyDoesNotExist", text)
    source = world.create(obj(PING_SOURCE, "p", {"sink": OWN}))
    trigger = world.store.get(TRIGGER, "t", "default")
    assert said(world.reconcile(trigger), "DependencyReady")[0] == "Unknown"
    world.ready(source)
    assert said(world.reconcile(trigger), "DependencyReady")[0] == "True"


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "PingSource"}'])
def test_a_dependency_that_is_no_reference_is_told(text: str) -> None:
    world = World()
    broker(world)
    assert said(reconciled(world, {DEPENDENCY: text}), "DependencyReady")[:2] == ("False", "ReferenceError")


def test_it_is_told_when_its_broker_comes() -> None:
    world = World()
    made = world.create(obj(TRIGGER, "t", {"broker": "b", "subscriber": OWN}))
    view = world.view()
    assert [r.name for r in view.referring(TRIGGER, world.create(obj(BROKER, "b", {})).key)] == [made.name]
