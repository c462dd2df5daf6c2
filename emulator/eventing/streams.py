"""Streams: what stands behind each Broker and Channel, and who is subscribed. Projections of the Store.

A Broker's legs are its Triggers, an InMemoryChannel's its Subscriptions (also those of the Channel that it backs). Only
what is Ready takes part, with the URLs that the reconcilers resolved. Legs with an exact type are found by it, so ten
thousand Triggers cost what ten cost. `Stream.accept` is the fan-out: it calls `done` when every leg has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from emulator.eventing.cloudevents import TTL, Event
from emulator.eventing.delivery import Deliverer, Leg
from emulator.eventing.deliveryspec import Policy
from emulator.eventing.filters import exact_type, matcher
from emulator.eventing.kinds import BROKER, IN_MEMORY_CHANNEL, SUBSCRIPTION, TRIGGER
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.store.projection import Projection
from emulator.store.store import Store

ASYNC = "messaging.knative.dev/async-handler"
Done = Callable[[bool], None]


class Stream:
    """Legs of one Broker or Channel, and the fan-out to them."""

    def __init__(self, name: str, namespace: str, deliverer: Deliverer) -> None:
        self.name = name
        self.namespace = namespace
        self.is_async = False
        self.is_broker = False
        self._deliverer = deliverer
        self._legs: dict[str, tuple[Leg, bytes | None]] = {}
        self._by_type: dict[bytes, list[Leg]] = {}
        self._others: list[Leg] = []
        self._is_stale = False

    def put(self, key: str, leg: Leg, type_: bytes | None) -> None:
        self._legs[key] = (leg, type_)
        self._is_stale = True

    def drop(self, key: str) -> None:
        if self._legs.pop(key, None) is not None:
            self._is_stale = True

    def legs_for(self, event: Event) -> list[Leg]:
        """The legs that want `event`."""
        if self._is_stale:
            self._index()
        typed = self._by_type.get(event.attributes[b"type"], ())
        return [leg for legs in (typed, self._others) for leg in legs if leg.matches(event)]

    def accept(self, event: Event, done: Done) -> UnderWay:
        """Fan `event` out; `done` hears whether all legs went well. A Broker's event carries its TTL."""
        ttl = event.attributes.pop(TTL, b"") if self.is_broker else b""
        narrator = self._deliverer.narrator
        narrator.accepted(self.name, event)
        self._deliverer.journal.accepted(self.name, event)
        legs = self.legs_for(event)
        if self.is_broker:
            narrator.matched(self.name, event, [leg.name for leg in legs])
        if not legs:
            done(True)
            return _OVER
        if len(legs) == 1:
            return self._deliverer.deliver(event, legs[0], done, ttl)
        fan_out = _FanOut(len(legs), done)
        fan_out.deliveries = [self._deliverer.deliver(event, leg, fan_out.ended, ttl) for leg in legs]
        return fan_out

    def _index(self) -> None:
        self._is_stale = False
        self._by_type, self._others = {}, []
        for leg, type_ in self._legs.values():
            if type_ is None:
                self._others.append(leg)
            else:
                self._by_type.setdefault(type_, []).append(leg)


class UnderWay(Protocol):
    """What becomes of an event that was accepted."""

    @property
    def is_over(self) -> bool: ...

    def cancel(self) -> None:
        """Stop what is left of it: no further attempt, no dead letter."""
        ...


class _Over:
    """Nobody wanted it."""

    is_over = True

    def cancel(self) -> None:
        pass


_OVER = _Over()


class _FanOut:
    """Counts legs down."""

    __slots__ = ("_done", "_is_well", "_left", "deliveries")

    def __init__(self, legs: int, done: Done) -> None:
        self._left = legs
        self._done = done
        self._is_well = True
        self.deliveries: list[UnderWay] = []

    @property
    def is_over(self) -> bool:
        return self._left == 0

    def cancel(self) -> None:
        for delivery in self.deliveries:
            delivery.cancel()

    def ended(self, is_delivered: bool) -> None:
        self._is_well = self._is_well and is_delivered
        self._left -= 1
        if self._left == 0:
            self._done(self._is_well)


class Streams:
    """All Streams by (namespace, name), kept current."""

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self._store = store
        self._deliverer = deliverer
        self.brokers: dict[tuple[str, str], Stream] = {}
        self.channels: dict[tuple[str, str], Stream] = {}
        self.changed: Callable[[], None] = lambda: None
        """Called when a Channel comes or goes."""
        self._at: dict[tuple[str, str, str], Stream] = {}

    def start(self) -> None:
        """Fill the tables and keep them."""
        Projection(self._store, BROKER, self._put_broker, self._drop_broker)
        Projection(self._store, IN_MEMORY_CHANNEL, self._put_channel, self._drop_channel)
        Projection(self._store, TRIGGER, self._put_trigger, self._drop_leg)
        Projection(self._store, SUBSCRIPTION, self._put_subscription, self._drop_leg)

    # -- streams

    def _stream(self, table: dict[tuple[str, str], Stream], namespace: str, name: str) -> Stream:
        key = (namespace, name)
        if key not in table:
            table[key] = Stream(name, namespace, self._deliverer)
        return table[key]

    def _put_broker(self, broker: Resource[Any]) -> None:
        if broker.status.get("address"):
            stream = self._stream(self.brokers, broker.namespace, broker.name)
            stream.is_broker = True
            stream.is_async = broker.annotations.get(ASYNC) == "true"

    def _drop_broker(self, broker: Resource[Any]) -> None:
        self.brokers.pop((broker.namespace, broker.name), None)

    def _put_channel(self, channel: Resource[Any]) -> None:
        is_new = (channel.namespace, channel.name) not in self.channels
        stream = self._stream(self.channels, channel.namespace, channel.name)
        stream.is_async = channel.annotations.get(ASYNC) == "true"
        if is_new:
            self.changed()

    def _drop_channel(self, channel: Resource[Any]) -> None:
        self.channels.pop((channel.namespace, channel.name), None)
        self.changed()

    # -- legs

    def _put_trigger(self, trigger: Resource[Any]) -> None:
        self._drop_leg(trigger)
        if not trigger.is_ready or trigger.is_deleting:
            return
        spec, status = trigger.obj["spec"], trigger.status
        leg = Leg(
            name=trigger.name,
            namespace=trigger.namespace,
            shown=_shown(spec["subscriber"]),
            subscriber=status["subscriberUri"],
            reply=status.get("replyUri", ""),
            policy=Policy.of(status.get("delivery"), status.get("deadLetterSinkUri", "")),
            matches=matcher(spec),
            is_trigger=True,
        )
        self._put_leg(trigger, self._stream(self.brokers, trigger.namespace, spec["broker"]), leg, exact_type(spec))

    def _put_subscription(self, subscription: Resource[Any]) -> None:
        self._drop_leg(subscription)
        if not subscription.is_ready or subscription.is_deleting:
            return
        spec, physical = subscription.obj["spec"], subscription.status["physicalSubscription"]
        leg = Leg(
            name=subscription.name,
            namespace=subscription.namespace,
            shown=_shown(spec.get("subscriber") or spec.get("reply") or {}),
            subscriber=physical["subscriberUri"],
            reply=physical.get("replyUri", ""),
            policy=Policy.of(subscription.status.get("delivery"), physical.get("deadLetterSinkUri", "")),
        )
        stream = self._stream(self.channels, subscription.namespace, spec["channel"]["name"])
        self._put_leg(subscription, stream, leg, None)

    def _put_leg(self, resource: Resource[Any], stream: Stream, leg: Leg, type_: bytes | None) -> None:
        self._at[_key(resource)] = stream
        stream.put(resource.name, leg, type_)

    def _drop_leg(self, resource: Resource[Any]) -> None:
        if (stream := self._at.pop(_key(resource), None)) is not None:
            stream.drop(resource.name)


def _key(resource: Resource[Any]) -> tuple[str, str, str]:
    return resource.kind.name, resource.namespace, resource.name


def _shown(destination: Json) -> str:
    ref = destination.get("ref")
    return str(ref["name"] if ref else destination.get("uri", ""))
