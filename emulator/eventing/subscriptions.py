"""Subscriptions: who gets a Channel's events, and where answers go.

Reads a Subscription, its channel and destinations; writes `status.physicalSubscription` (URLs) and `status.delivery`
(the delivery in force, eventing §5.3), which the data path works with. Followed: knative/eventing
pkg/reconciler/subscription.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.control.resolver import Unresolved, resolve
from emulator.eventing.brokers import IDENTITY_CREATED
from emulator.eventing.kinds import CHANNEL, IN_MEMORY_CHANNEL, SubscriptionSpec
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.refs import Destination
from emulator.objects.resource import Key, Resource


def reconcile(subscription: Resource[SubscriptionSpec], view: View) -> Outcome:
    channel = _channel(subscription, view)
    physical: Json = {}
    status: Json = {"physicalSubscription": physical}
    resolved = _resolve_all(subscription, channel, view, physical)
    ready = _channel_ready(subscription, channel)
    if channel is None:
        name = subscription.spec.channel.name
        said = f'Failed to get Spec.Channel as Channelable duck type: channel "{name}" not found'
        resolved = Condition.false("ReferencesResolved", "FailedToGetChannel", said)
    delivery = subscription.obj["spec"].get("delivery") or _own_delivery(channel)
    if delivery:
        status["delivery"] = delivery
    added = Condition.true("AddedToChannel")
    if resolved.status != "True" or ready.status != "True":
        added = Condition.unknown("AddedToChannel")
    return Outcome([resolved, added, ready, IDENTITY_CREATED], status)


def _references(subscription: Resource[SubscriptionSpec]) -> Iterator[Key]:
    """Its channel, and the one that backs that: both have its name."""
    for kind in (CHANNEL, IN_MEMORY_CHANNEL):
        yield Key(kind, subscription.namespace, subscription.spec.channel.name)


SUBSCRIPTION_RECONCILER = Reconciler(reconcile, references=_references)


def _channel(subscription: Resource[SubscriptionSpec], view: View) -> Resource[Any] | None:
    ref = subscription.spec.channel
    kind = view.registry.of(ref.api_version or "", ref.kind)
    return view.find(kind, ref.name, subscription.namespace) if kind else None


def _channel_ready(subscription: Resource[SubscriptionSpec], channel: Resource[Any] | None) -> Condition:
    if channel is None:
        return Condition.unknown("ChannelReady")
    ready = Condition.read(channel.condition("Ready"), "ChannelReady")
    return ready if ready.status == "True" else Condition(ready.type, ready.status, "ChannelNotReady", ready.message)


def _own_delivery(channel: Resource[Any] | None) -> Json | None:
    found: Json | None = channel.obj["spec"].get("delivery") if channel is not None else None
    return found


def _resolve_all(
    subscription: Resource[SubscriptionSpec], channel: Resource[Any] | None, view: View, physical: Json
) -> Condition:
    """Fill `physical`; the condition ReferencesResolved."""
    spec = subscription.spec
    parts = (
        ("subscriberUri", spec.subscriber, "SubscriberResolveFailed", "spec.subscriber"),
        ("replyUri", spec.reply, "ReplyResolveFailed", "spec.reply"),
        ("deadLetterSinkUri", _dead_letter(spec), "DeadLetterSinkResolveFailed", "spec.delivery.deadLetterSink"),
    )
    for field, destination, reason, where in parts:
        if destination is None:
            continue
        try:
            physical[field] = resolve(destination, subscription.namespace, view)
        except Unresolved as fault:
            return Condition.false("ReferencesResolved", reason, f"Failed to resolve {where}: {fault}")
    if "deadLetterSinkUri" not in physical and channel is not None and channel.status.get("deadLetterSinkUri"):
        physical["deadLetterSinkUri"] = channel.status["deadLetterSinkUri"]
    if "subscriberUri" not in physical and "replyUri" in physical:
        # Without a subscriber the event itself goes to the reply.
        physical["subscriberUri"] = physical.pop("replyUri")
    return Condition.true("ReferencesResolved")


def _dead_letter(spec: SubscriptionSpec) -> Destination | None:
    return spec.delivery.dead_letter_sink if spec.delivery else None
