"""Brokers: an address to post events to. Reads a Broker, writes its status.

On a cluster a Broker of class MTChannelBasedBroker has a hidden channel and filter behind it; here the Stream takes
their place, so the conditions that speak of them are True. A Broker of another class is nobody's, as on a cluster
without its controller. Followed: knative/eventing pkg/reconciler/broker (eventing §4.1).
"""

from __future__ import annotations

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.control.resolver import Unresolved, resolve
from emulator.eventing.defaults import BROKER_CLASS, MT_CLASS
from emulator.eventing.kinds import BrokerSpec
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.refs import Destination
from emulator.objects.resource import Resource
from emulator.settings import CLUSTER_DOMAIN

INGRESS_HOST = f"broker-ingress.knative-eventing.svc.{CLUSTER_DOMAIN}"
POLICIES_READY = Condition.true("EventPoliciesReady", "OIDCDisabled", 'Feature "authentication-oidc" must be enabled')
IDENTITY_CREATED = Condition.true("OIDCIdentityCreated", "authentication-oidc feature disabled")


def broker_url(namespace: str, name: str, view: View) -> str:
    return view.addresses.cluster_url(INGRESS_HOST, f"/{namespace}/{name}")


def dead_letter(sink: Destination | None, namespace: str, view: View) -> tuple[Condition, str]:
    """The condition DeadLetterSinkResolved, and the URL ("" where there is none)."""
    type_ = "DeadLetterSinkResolved"
    if sink is None:
        return Condition.true(type_, "DeadLetterSinkNotConfigured", "No dead letter sink is configured."), ""
    try:
        return Condition.true(type_), resolve(sink, namespace, view)
    except Unresolved as fault:
        said = f"Unable to get the DeadLetterSink's URI: {fault}"
        return Condition.false(type_, "Unable to get the DeadLetterSink's URI", said), ""


def reconcile(broker: Resource[BrokerSpec], view: View) -> Outcome:
    if broker.annotations.get(BROKER_CLASS) != MT_CLASS:
        return Outcome(None)
    delivery = broker.spec.delivery
    resolved, url = dead_letter(delivery.dead_letter_sink if delivery else None, broker.namespace, view)
    address: Json = {"name": "http", "url": broker_url(broker.namespace, broker.name, view)}
    status: Json = {"address": address, "addresses": [address]}
    if url:
        status["deadLetterSinkUri"] = url
    parts = ("Addressable", "FilterReady", "IngressReady", "TriggerChannelReady")
    return Outcome([*(Condition.true(part) for part in parts), resolved, POLICIES_READY], status)


BROKER_RECONCILER = Reconciler(reconcile)
