"""The kinds of eventing and who reconciles each: what `app.py` takes from this package, besides `Eventing`."""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Reconciler
from emulator.eventing.brokers import BROKER_RECONCILER
from emulator.eventing.channels import CHANNEL_RECONCILER, IN_MEMORY_CHANNEL_RECONCILER
from emulator.eventing.kinds import BROKER, CHANNEL, IN_MEMORY_CHANNEL, PING_SOURCE, SEQUENCE, SUBSCRIPTION, TRIGGER
from emulator.eventing.sequences import SEQUENCE_RECONCILER
from emulator.eventing.sources.apiserversources import API_SERVER_SOURCE, API_SERVER_SOURCE_RECONCILER
from emulator.eventing.sources.pingsources import PING_SOURCE_RECONCILER
from emulator.eventing.subscriptions import SUBSCRIPTION_RECONCILER
from emulator.eventing.triggers import TRIGGER_RECONCILER
from emulator.objects.kind import Kind

RECONCILERS: dict[Kind[Any], Reconciler] = {
    BROKER: BROKER_RECONCILER,
    TRIGGER: TRIGGER_RECONCILER,
    CHANNEL: CHANNEL_RECONCILER,
    IN_MEMORY_CHANNEL: IN_MEMORY_CHANNEL_RECONCILER,
    SUBSCRIPTION: SUBSCRIPTION_RECONCILER,
    SEQUENCE: SEQUENCE_RECONCILER,
    PING_SOURCE: PING_SOURCE_RECONCILER,
    API_SERVER_SOURCE: API_SERVER_SOURCE_RECONCILER,
}
KINDS: tuple[Kind[Any], ...] = tuple(RECONCILERS)
