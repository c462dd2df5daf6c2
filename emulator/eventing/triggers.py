"""Triggers: which of a Broker's events go to whom. Reads a Trigger, its Broker and its subscriber; writes its status.

`status.delivery` and `status.replyUri` are what the data path works with: the delivery in force (the Trigger's own,
else the Broker's; eventing §4.5) and the Broker's address, to which replies go. Followed: knative/eventing
pkg/reconciler/broker/trigger, pkg/apis/eventing/v1/trigger_lifecycle.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.control.resolver import Unresolved, resolve
from emulator.eventing.brokers import IDENTITY_CREATED, broker_url, dead_letter
from emulator.eventing.filters import uses_cesql
from emulator.eventing.kinds import BROKER, BrokerSpec, TriggerSpec
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.resource import Key, Resource

DEPENDENCY = "knative.dev/dependency"


def reconcile(trigger: Resource[TriggerSpec], view: View) -> Outcome:
    broker = view.find(BROKER, trigger.spec.broker, trigger.namespace)
    status: Json = {}
    conditions = [_broker_ready(trigger, broker), IDENTITY_CREATED, _dependency(trigger, view)]
    conditions.append(_subscriber(trigger, view, status))
    spec, own = broker.spec if broker else None, trigger.spec.delivery
    inherited = spec.delivery if spec else None
    sink = (own and own.dead_letter_sink) or (inherited and inherited.dead_letter_sink)
    resolved, url = dead_letter(sink or None, trigger.namespace, view)
    conditions.append(resolved)
    if url:
        status["deadLetterSinkUri"] = url
    delivery = trigger.obj["spec"].get("delivery") or (broker.obj["spec"].get("delivery") if broker else None)
    if delivery:
        status["delivery"] = delivery
    status["replyUri"] = broker_url(trigger.namespace, trigger.spec.broker, view)
    conditions.append(_subscription_ready(trigger))
    return Outcome(conditions, status)


def _references(trigger: Resource[TriggerSpec]) -> Iterator[Key]:
    yield Key(BROKER, trigger.namespace, trigger.spec.broker)


TRIGGER_RECONCILER = Reconciler(reconcile, references=_references)


def _broker_ready(trigger: Resource[TriggerSpec], broker: Resource[BrokerSpec] | None) -> Condition:
    name = trigger.spec.broker
    if broker is None:
        return Condition.false("BrokerReady", "BrokerDoesNotExist", f'Broker "{name}" does not exist')
    if broker.is_deleting:
        return Condition.false("BrokerReady", "BrokerDoesNotExist", f'Broker "{name}" is being deleted')
    if "conditions" not in broker.status:
        said = f'Broker "{name}" has not been reconciled; is there a controller of its class?'
        return Condition.unknown("BrokerReady", "BrokerUninitialized", said)
    return Condition.read(broker.condition("Ready"), "BrokerReady")


def _subscriber(trigger: Resource[TriggerSpec], view: View, status: Json) -> Condition:
    assert trigger.spec.subscriber is not None
    try:
        status["subscriberUri"] = resolve(trigger.spec.subscriber, trigger.namespace, view)
    except Unresolved as fault:
        return Condition.false("SubscriberResolved", "Unable to get the Subscriber's URI", str(fault))
    return Condition.true("SubscriberResolved")


def _subscription_ready(trigger: Resource[TriggerSpec]) -> Condition:
    if uses_cesql(trigger.obj["spec"]):
        said = "kemu does not read CESQL: this Trigger matches no event; use exact, prefix, suffix, all, any or not"
        return Condition.false("SubscriptionReady", "CESQLNotEmulated", said)
    return Condition.true("SubscriptionReady")


def _dependency(trigger: Resource[TriggerSpec], view: View) -> Condition:
    """A source named by annotation must be ready first."""
    text = trigger.annotations.get(DEPENDENCY)
    if not text:
        return Condition.true("DependencyReady")
    try:
        ref = json.loads(text)
        kind = view.registry.of(ref["apiVersion"], ref["kind"])
        name = str(ref["name"])
    except (ValueError, KeyError, TypeError):
        return Condition.false("DependencyReady", "ReferenceError", f"Unable to unmarshal objectReference: {text}")
    found = view.find(kind, name, trigger.namespace) if kind else None
    if found is None:
        said = f'Dependency does not exist: {ref["kind"]} "{name}" not found'
        return Condition.false("DependencyReady", "DependencyDoesNotExist", said)
    return Condition.read(found.condition("Ready"), "DependencyReady")
