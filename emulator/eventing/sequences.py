"""Sequences: steps in a row. Reads a Sequence, writes a channel and a Subscription for each step and its status.

Step i is subscribed to channel i and replies to channel i+1, the last one to `spec.reply`. Nothing of a Sequence
exists at delivery time. Followed: knative/eventing pkg/reconciler/sequence (eventing §6.1).
"""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.eventing.brokers import POLICIES_READY
from emulator.eventing.channels import channel_object
from emulator.eventing.kinds import CHANNEL, IN_MEMORY_CHANNEL, SUBSCRIPTION, SequenceSpec
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json, Kind
from emulator.objects.resource import Resource


def reconcile(sequence: Resource[SequenceSpec], view: View) -> Outcome:
    template = sequence.obj["spec"]["channelTemplate"]
    kind = view.registry.of(template["apiVersion"], template["kind"])
    if kind is None:
        said = f'no kind "{template["kind"]}" in {template["apiVersion"]}: kemu has InMemoryChannel'
        return Outcome([Condition.false("ChannelsReady", "ChannelKindUnknown", said), POLICIES_READY])
    steps = range(len(sequence.spec.steps))
    channels = [_channel(sequence, kind, template, i) for i in steps]
    subscriptions = [_subscription(sequence, kind, i) for i in steps]
    found_channels = [view.find(kind, _name(sequence, i), sequence.namespace) for i in steps]
    found_subscriptions = [view.find(SUBSCRIPTION, _name(sequence, i), sequence.namespace) for i in steps]
    status: Json = {
        "channelStatuses": [_status_of("channel", kind, _name(sequence, i), found_channels[i]) for i in steps],
        "subscriptionStatuses": [
            _status_of("subscription", SUBSCRIPTION, _name(sequence, i), found_subscriptions[i]) for i in steps
        ],
    }
    conditions = [
        _all_ready("ChannelsReady", "ChannelsNotReady", "Channels", found_channels),
        _all_ready("SubscriptionsReady", "SubscriptionsNotReady", "Subscriptions", found_subscriptions),
        POLICIES_READY,
    ]
    first = found_channels[0]
    if first is not None and (address := first.status.get("address")):
        status |= {"address": address, "addresses": [address]}
        conditions.append(Condition.true("Addressable"))
    else:
        conditions.append(Condition.unknown("Addressable", "emptyAddress", "addressable is nil"))
    # A Subscription cannot change its channel: one to another channel is left out, so that it goes and is made again.
    fitting = [
        wanted
        for wanted, found in zip(subscriptions, found_subscriptions, strict=True)
        if found is None or found.obj["spec"]["channel"] == wanted["spec"]["channel"]
    ]
    return Outcome(conditions, status, [*channels, *fitting])


SEQUENCE_RECONCILER = Reconciler(reconcile, prunes=(CHANNEL, IN_MEMORY_CHANNEL, SUBSCRIPTION))


def _name(sequence: Resource[SequenceSpec], step: int) -> str:
    return f"{sequence.name}-kn-sequence-{step}"


def _channel(sequence: Resource[SequenceSpec], kind: Kind[Any], template: Json, step: int) -> Json:
    spec = dict(template.get("spec") or {})
    return channel_object(kind, _name(sequence, step), sequence.namespace, spec, {})


def _subscription(sequence: Resource[SequenceSpec], kind: Kind[Any], step: int) -> Json:
    steps = sequence.obj["spec"]["steps"]
    own = steps[step]
    spec: Json = {
        "channel": {"apiVersion": kind.api_version, "kind": kind.name, "name": _name(sequence, step)},
        "subscriber": {key: value for key, value in own.items() if key != "delivery"},
    }
    if own.get("delivery"):
        spec["delivery"] = own["delivery"]
    if step + 1 < len(steps):
        ref = {"apiVersion": kind.api_version, "kind": kind.name, "name": _name(sequence, step + 1)}
        spec["reply"] = {"ref": {**ref, "namespace": sequence.namespace}}
    elif sequence.obj["spec"].get("reply"):
        spec["reply"] = sequence.obj["spec"]["reply"]
    return {
        "apiVersion": SUBSCRIPTION.api_version,
        "kind": SUBSCRIPTION.name,
        "metadata": {"name": _name(sequence, step), "namespace": sequence.namespace},
        "spec": spec,
    }


def _status_of(field: str, kind: Kind[Any], name: str, found: Resource[Any] | None) -> Json:
    ready = dict(found.condition("Ready")) if found is not None else {"type": "Ready", "status": "Unknown"}
    return {field: {"apiVersion": kind.api_version, "kind": kind.name, "name": name}, "ready": ready}


def _all_ready(type_: str, reason: str, what: str, found: list[Resource[Any] | None]) -> Condition:
    if found and all(resource is not None and resource.is_ready for resource in found):
        return Condition.true(type_)
    return Condition.unknown(type_, reason, f"{what} are not ready yet, or there are none")
