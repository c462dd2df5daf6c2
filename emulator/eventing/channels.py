"""Channels: named event streams. Channel is a template for a backing channel; InMemoryChannel is one.

Reads a Channel, writes the backing channel of the same name and mirrors its address. Reads an InMemoryChannel and the
Subscriptions to it, writes its status. Followed: knative/eventing pkg/reconciler/{channel,inmemorychannel} (eventing
§5).
"""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.eventing.brokers import POLICIES_READY, dead_letter
from emulator.eventing.kinds import IN_MEMORY_CHANNEL, SUBSCRIPTION, ChannelSpec, InMemoryChannelSpec
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json, Kind
from emulator.objects.resource import Key, Resource
from emulator.settings import CLUSTER_DOMAIN


def channel_host(namespace: str, name: str) -> str:
    return f"{name}-kn-channel.{namespace}.svc.{CLUSTER_DOMAIN}"


def reconcile_channel(channel: Resource[ChannelSpec], view: View) -> Outcome:
    template = channel.obj["spec"]["channelTemplate"]
    kind = view.registry.of(template["apiVersion"], template["kind"])
    delivery = channel.spec.delivery
    resolved, url = dead_letter(delivery.dead_letter_sink if delivery else None, channel.namespace, view)
    if kind is None:
        said = f'no kind "{template["kind"]}" in {template["apiVersion"]}: kemu has InMemoryChannel'
        backing_ready = Condition.false("BackingChannelReady", "BackingChannelKindUnknown", said)
        return Outcome([backing_ready, Condition.unknown("Addressable"), resolved, POLICIES_READY])
    spec: Json = dict(template.get("spec") or {})
    if channel.obj["spec"].get("delivery"):
        spec.setdefault("delivery", channel.obj["spec"]["delivery"])
    child = channel_object(kind, channel.name, channel.namespace, spec, dict(channel.annotations))
    backing = view.find(kind, channel.name, channel.namespace)
    status: Json = {"channel": {"apiVersion": kind.api_version, "kind": kind.name, "name": channel.name}}
    status["channel"]["namespace"] = channel.namespace
    if url:
        status["deadLetterSinkUri"] = url
    conditions = [resolved, POLICIES_READY, *_backing(backing)]
    for field in ("address", "addresses", "subscribers"):
        if backing is not None and field in backing.status:
            status[field] = backing.status[field]
    return Outcome(conditions, status, [child])


def reconcile_in_memory(channel: Resource[InMemoryChannelSpec], view: View) -> Outcome:
    delivery = channel.spec.delivery
    resolved, url = dead_letter(delivery.dead_letter_sink if delivery else None, channel.namespace, view)
    url_here = view.addresses.cluster_url(channel_host(channel.namespace, channel.name))
    address: Json = {"name": "http", "url": url_here}
    status: Json = {"address": address, "addresses": [address]}
    if url:
        status["deadLetterSinkUri"] = url
    subscribers = [
        {"uid": s.uid, "observedGeneration": s.generation, "ready": "True"}
        for s in view.referring(SUBSCRIPTION, Key(IN_MEMORY_CHANNEL, channel.namespace, channel.name))
    ]
    if subscribers:
        status["subscribers"] = subscribers
    parts = ("Addressable", "ChannelServiceReady", "DispatcherReady", "EndpointsReady", "ServiceReady")
    return Outcome([*(Condition.true(part) for part in parts), resolved, POLICIES_READY], status)


def channel_object(kind: Kind[Any], name: str, namespace: str, spec: Json, annotations: dict[str, str]) -> Json:
    """A channel of a kind, as a child."""
    hidden = "kubectl.kubernetes.io/"
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {k: v for k, v in annotations.items() if not k.startswith(hidden)},
        },
        "spec": spec,
    }


CHANNEL_RECONCILER = Reconciler(reconcile_channel)
IN_MEMORY_CHANNEL_RECONCILER = Reconciler(reconcile_in_memory)


def _backing(backing: Resource[Any] | None) -> list[Condition]:
    if backing is None:
        said = "Channel does not have Ready condition"
        return [
            Condition.unknown("BackingChannelReady", "BackingChannelNotReady", said),
            Condition.unknown("Addressable"),
        ]
    ready = Condition.read(backing.condition("Ready"), "BackingChannelReady")
    address = backing.status.get("address")
    missing = Condition.false("Addressable", "NotAddressable", "Channel does not have an address")
    return [ready, Condition.true("Addressable") if address else missing]
