"""The kinds of eventing: models, defaults, rules and columns.

Their reconcilers are in brokers.py, triggers.py, channels.py, subscriptions.py, sequences.py and sources/. Followed:
knative/eventing pkg/apis/{eventing,messaging,flows,sources} (eventing §4-6, 8.1, 10).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from emulator.eventing import filters
from emulator.eventing.defaults import BROKER_CLASS, NAMESPACE, broker_class, broker_defaults, channel_template
from emulator.eventing.deliveryspec import DeliverySpec
from emulator.eventing.sources.schedule import BadSchedule, Schedule
from emulator.objects.kind import AGE, READY, REASON, Column, Json, Kind, Request
from emulator.objects.model import JsonObject, Model, ignored
from emulator.objects.names import dns1123_subdomain_faults
from emulator.objects.problems import Path, Problem, both, invalid_value, missing, under
from emulator.objects.refs import Destination, KReference
from emulator.objects.resource import Resource

WEBHOOK = "validation.webhook.eventing.knative.dev"
BROKER_LABEL = "eventing.knative.dev/broker"
SUBSCRIBABLE = "messaging.knative.dev/subscribable"


class BrokerSpec(Model):
    config: KReference | None = None
    delivery: DeliverySpec | None = None


class TriggerFilter(Model):
    attributes: dict[str, str] = Field(default_factory=dict)


class TriggerSpec(Model):
    broker: str = ""
    broker_ref: KReference | None = ignored("the feature cross-namespace-event-links is off by default")
    filter: TriggerFilter | None = None
    filters: list[JsonObject] | None = None
    subscriber: Destination | None = None
    delivery: DeliverySpec | None = None


class ChannelTemplate(Model):
    api_version: str
    kind: str
    spec: JsonObject | None = None


class Subscriber(Model):
    """An entry of `spec.subscribers`, which on a cluster a controller writes."""

    uid: str | None = None
    generation: int | None = None
    subscriber_uri: str | None = None
    reply_uri: str | None = None
    name: str | None = None
    delivery: DeliverySpec | None = None
    auth: JsonObject | None = None


class ChannelSpec(Model):
    channel_template: ChannelTemplate | None = None
    delivery: DeliverySpec | None = None
    subscribers: list[Subscriber] | None = ignored("controllers write it on a cluster; here Subscriptions are asked")


class InMemoryChannelSpec(Model):
    delivery: DeliverySpec | None = None
    subscribers: list[Subscriber] | None = ignored("controllers write it on a cluster; here Subscriptions are asked")


class SubscriptionSpec(Model):
    channel: KReference
    subscriber: Destination | None = None
    reply: Destination | None = None
    delivery: DeliverySpec | None = None


class SequenceStep(Destination):
    delivery: DeliverySpec | None = None


class SequenceSpec(Model):
    steps: list[SequenceStep] = Field(default_factory=list)
    channel_template: ChannelTemplate | None = None
    reply: Destination | None = None


class CloudEventOverrides(Model):
    extensions: dict[str, str] = Field(default_factory=dict)


class PingSourceSpec(Model):
    sink: Destination | None = None
    schedule: str = "* * * * *"
    timezone: str = ""
    content_type: str = ""
    data: str = ""
    data_base64: str = ""
    ce_overrides: CloudEventOverrides | None = None


# -- defaults


def _default_broker(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    metadata = obj["metadata"]
    annotations = metadata.setdefault("annotations", {})
    data = request.config("config-br-defaults", NAMESPACE)
    is_annotated = BROKER_CLASS in annotations
    class_ = annotations.setdefault(BROKER_CLASS, broker_class(data, metadata["namespace"]))
    config, delivery = broker_defaults(data, metadata["namespace"], class_, is_annotated=is_annotated)
    if spec.get("config") is None and config is not None:
        spec["config"] = config
    if spec.get("delivery") is None and delivery is not None:
        spec["delivery"] = delivery
    if spec.get("config") is not None:
        spec["config"].setdefault("namespace", metadata["namespace"])


def _default_trigger(obj: Json, request: Request) -> None:
    spec = obj["spec"]
    if spec.get("broker"):
        obj["metadata"].setdefault("labels", {})[BROKER_LABEL] = spec["broker"]
    spec.setdefault("filter", {})
    _fill_namespace(spec.get("subscriber"), obj)


def _default_channel(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    obj["metadata"].setdefault("annotations", {})[SUBSCRIBABLE] = "v1"
    if spec.get("channelTemplate") is None:
        data = request.config("default-ch-webhook", NAMESPACE)
        spec["channelTemplate"] = channel_template(data, obj["metadata"]["namespace"])


def _default_in_memory_channel(obj: Json, request: Request) -> None:
    obj.setdefault("spec", {})
    obj["metadata"].setdefault("annotations", {})[SUBSCRIBABLE] = "v1"


def _default_subscription(obj: Json, request: Request) -> None:
    for field in ("subscriber", "reply"):
        _fill_namespace(obj["spec"].get(field), obj)


def _default_sequence(obj: Json, request: Request) -> None:
    spec = obj["spec"]
    if spec.get("channelTemplate") is None:
        data = request.config("default-ch-webhook", NAMESPACE)
        spec["channelTemplate"] = channel_template(data, obj["metadata"]["namespace"])
    for step in spec.get("steps") or ():
        _fill_namespace(step, obj)
    _fill_namespace(spec.get("reply"), obj)


def _default_ping_source(obj: Json, request: Request) -> None:
    obj["spec"].setdefault("schedule", "* * * * *")
    _fill_namespace(obj["spec"].get("sink"), obj)


def _fill_namespace(destination: Json | None, obj: Json) -> None:
    """A reference without a namespace is to the object's own."""
    if destination and (ref := destination.get("ref")):
        ref.setdefault("namespace", obj["metadata"]["namespace"])


# -- rules


def _validate_broker(broker: Resource[BrokerSpec], request: Request) -> Iterator[Problem]:
    spec, old = broker.spec, request.old
    if spec.config is not None:
        for field, value in (
            ("name", spec.config.name),
            ("namespace", spec.config.namespace),
            ("kind", spec.config.kind),
        ):
            if not value:
                yield missing("spec", "config", field)
    yield from _delivery(spec.delivery, "spec", "delivery")
    if old is not None and old.obj["spec"].get("config") != broker.obj["spec"].get("config"):
        yield Problem(("spec", "config"), "Immutable fields changed (-old +new)")
    if old is not None and old.annotations.get(BROKER_CLASS) != broker.annotations.get(BROKER_CLASS):
        yield Problem(("metadata", "annotations", BROKER_CLASS), "Immutable annotations changed (-old +new)")


def _validate_trigger(trigger: Resource[TriggerSpec], request: Request) -> Iterator[Problem]:
    spec = trigger.spec
    if not spec.broker:
        yield missing("spec", "broker")
    if spec.subscriber is None:
        yield Problem(
            ("spec", "subscriber", "ref"), "expected at least one, got none", others=(("spec", "subscriber", "uri"),)
        )
    else:
        yield from spec.subscriber.validate_at(("spec", "subscriber"))
    yield from under(filters.problems_of(trigger.obj["spec"]), "spec")
    yield from _delivery(spec.delivery, "spec", "delivery")
    if request.old is not None and request.old.obj["spec"].get("broker") != spec.broker:
        yield Problem(("spec", "broker"), "Immutable fields changed (-old +new)")


def _validate_channel(channel: Resource[ChannelSpec], request: Request) -> Iterator[Problem]:
    yield from _delivery(channel.spec.delivery, "spec", "delivery")
    old = request.old
    if old is not None and {k: v for k, v in old.obj["spec"].items()} != channel.obj["spec"]:
        yield Problem(("spec",), "Immutable fields changed (-old +new)")


def _validate_in_memory_channel(channel: Resource[InMemoryChannelSpec], request: Request) -> Iterator[Problem]:
    yield from _delivery(channel.spec.delivery, "spec", "delivery")


def _validate_subscription(subscription: Resource[SubscriptionSpec], request: Request) -> Iterator[Problem]:
    spec = subscription.spec
    yield from spec.channel.validate_at(("spec", "channel"))
    if spec.subscriber is None and spec.reply is None:
        yield Problem(
            ("spec", "subscriber"), "missing field(s)", details="the Subscription must reference a subscriber"
        )
    if spec.subscriber is not None:
        yield from spec.subscriber.validate_at(("spec", "subscriber"))
    if spec.reply is not None:
        yield from spec.reply.validate_at(("spec", "reply"))
    yield from _delivery(spec.delivery, "spec", "delivery")
    if request.old is not None and request.old.obj["spec"]["channel"] != subscription.obj["spec"]["channel"]:
        yield Problem(("spec", "channel"), "Immutable fields changed (-old +new)")


def _validate_sequence(sequence: Resource[SequenceSpec], request: Request) -> Iterator[Problem]:
    if not sequence.spec.steps:
        yield missing("spec", "steps")
    for index, step in enumerate(sequence.spec.steps):
        yield from step.validate_at(("spec", "steps", index))
        yield from _delivery(step.delivery, "spec", "steps", index, "delivery")
    if sequence.spec.reply is not None:
        yield from sequence.spec.reply.validate_at(("spec", "reply"))


def _validate_ping_source(source: Resource[PingSourceSpec], request: Request) -> Iterator[Problem]:
    spec = source.spec
    try:
        Schedule(spec.schedule, spec.timezone)
    except BadSchedule as bad:
        yield invalid_value(bad, "spec", bad.field)
    if spec.data and spec.data_base64:
        yield both(("spec", "data"), ("spec", "dataBase64"))
    elif spec.data_base64:
        try:
            base64.b64decode(spec.data_base64, validate=True)
        except binascii.Error as error:
            yield invalid_value(error, "spec", "dataBase64")
    elif spec.data and spec.content_type == "application/json" and not _is_object(spec.data):
        yield invalid_value("data must be a JSON object, since contentType is application/json", "spec", "data")
    yield from source_problems(spec.sink, spec.ce_overrides)


def source_problems(sink: Destination | None, overrides: CloudEventOverrides | None) -> Iterator[Problem]:
    """The faults of what every source has (knative/pkg apis/duck/v1 SourceSpec)."""
    yield from (sink or Destination()).validate_at(("spec", "sink"))
    for name in overrides.extensions if overrides else ():
        if not (name.isascii() and name.isalnum() and name.islower()):
            said = "keys are expected to be alphanumeric and lower case"
            yield Problem(("spec", "ceOverrides", "extensions", name), f'invalid key name "{name}"', details=said)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _delivery(delivery: DeliverySpec | None, *path: str | int) -> Iterator[Problem]:
    where: Path = path
    if delivery is not None:
        yield from delivery.validate_at(where)


def _named(resource: Resource[Any]) -> Iterator[Problem]:
    for fault in dns1123_subdomain_faults(resource.name):
        yield invalid_value(fault, "metadata", "name")


# -- columns

_URL = Column("URL", lambda r: (r.status.get("address") or {}).get("url", ""))


def eventing_kind(group: str, name: str, plural: str, short: tuple[str, ...], category: str, **more: Any) -> Kind[Any]:
    checks = more.pop("validate")

    def validate(resource: Resource[Any], request: Request) -> Iterator[Problem]:
        yield from _named(resource)
        yield from checks(resource, request)

    return Kind(
        group=f"{group}.knative.dev",
        version="v1",
        name=name,
        plural=plural,
        short_names=short,
        categories=("all", "knative", *category.split()),
        webhook=WEBHOOK,
        validate=validate,
        **more,
    )


BROKER: Kind[BrokerSpec] = eventing_kind(
    "eventing",
    "Broker",
    "brokers",
    (),
    "eventing",
    spec=BrokerSpec,
    default=_default_broker,
    validate=_validate_broker,
    columns=(_URL, AGE, READY, REASON, Column("Class", lambda r: r.annotations.get(BROKER_CLASS, ""), wide=True)),
)
TRIGGER: Kind[TriggerSpec] = eventing_kind(
    "eventing",
    "Trigger",
    "triggers",
    (),
    "eventing",
    spec=TriggerSpec,
    default=_default_trigger,
    validate=_validate_trigger,
    columns=(
        Column("Broker", lambda r: r.obj["spec"].get("broker", "")),
        Column("Subscriber_URI", lambda r: r.status.get("subscriberUri", "")),
        AGE,
        READY,
        REASON,
    ),
)
CHANNEL: Kind[ChannelSpec] = eventing_kind(
    "messaging",
    "Channel",
    "channels",
    ("ch",),
    "messaging channel",
    spec=ChannelSpec,
    default=_default_channel,
    validate=_validate_channel,
    columns=(_URL, AGE, READY, REASON),
)
IN_MEMORY_CHANNEL: Kind[InMemoryChannelSpec] = eventing_kind(
    "messaging",
    "InMemoryChannel",
    "inmemorychannels",
    ("imc",),
    "messaging channel",
    spec=InMemoryChannelSpec,
    default=_default_in_memory_channel,
    validate=_validate_in_memory_channel,
    columns=(_URL, AGE, READY, REASON),
)
SUBSCRIPTION: Kind[SubscriptionSpec] = eventing_kind(
    "messaging",
    "Subscription",
    "subscriptions",
    ("sub",),
    "messaging",
    spec=SubscriptionSpec,
    default=_default_subscription,
    validate=_validate_subscription,
    columns=(AGE, READY, REASON),
)
SEQUENCE: Kind[SequenceSpec] = eventing_kind(
    "flows",
    "Sequence",
    "sequences",
    (),
    "flows",
    spec=SequenceSpec,
    default=_default_sequence,
    validate=_validate_sequence,
    columns=(_URL, AGE, READY, REASON),
)
PING_SOURCE: Kind[PingSourceSpec] = eventing_kind(
    "sources",
    "PingSource",
    "pingsources",
    (),
    "sources",
    spec=PingSourceSpec,
    also_served=("v1beta2",),
    default=_default_ping_source,
    validate=_validate_ping_source,
    columns=(
        Column("Sink", lambda r: r.status.get("sinkUri", "")),
        Column("Schedule", lambda r: r.spec.schedule),
        AGE,
        READY,
        REASON,
    ),
)
