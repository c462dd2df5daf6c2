"""Kinds of eventing: defaults, and one row a rule with the webhook's own text (eventing §4-6, 8.1, 10)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.eventing.defaults import BROKER_CLASS, NAMESPACE
from emulator.eventing.kinds import (
    BROKER,
    CHANNEL,
    IN_MEMORY_CHANNEL,
    PING_SOURCE,
    SEQUENCE,
    SUBSCRIPTION,
    TRIGGER,
)
from emulator.objects.kind import Kind
from tests.world import World, obj

SINK = {"uri": "http://a"}
REF = {"apiVersion": "v1", "kind": "Service", "name": "a"}
CHANNEL_REF = {"apiVersion": "messaging.knative.dev/v1", "kind": "Channel", "name": "c"}
IMC = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}


@pytest.mark.parametrize(
    ("kind", "spec", "completed"),
    [
        pytest.param(
            TRIGGER,
            {"broker": "b", "subscriber": {"ref": REF}},
            {"broker": "b", "filter": {}, "subscriber": {"ref": {**REF, "namespace": "default"}}},
            id="Trigger",
        ),
        pytest.param(CHANNEL, {}, {"channelTemplate": IMC}, id="Channel"),
        pytest.param(
            SUBSCRIPTION,
            {"channel": CHANNEL_REF, "reply": {"ref": REF}},
            {"channel": CHANNEL_REF, "reply": {"ref": {**REF, "namespace": "default"}}},
            id="Subscription",
        ),
        pytest.param(
            SEQUENCE,
            {"steps": [{"ref": REF}]},
            {"steps": [{"ref": {**REF, "namespace": "default"}}], "channelTemplate": IMC},
            id="Sequence",
        ),
        pytest.param(
            PING_SOURCE,
            {"sink": {"ref": REF}},
            {"sink": {"ref": {**REF, "namespace": "default"}}, "schedule": "* * * * *"},
            id="PingSource",
        ),
    ],
)
def test_a_spec_is_completed(kind: Kind[Any], spec: dict[str, Any], completed: dict[str, Any]) -> None:
    assert World().create(obj(kind, "x", spec)).obj["spec"] == completed


def test_a_broker_is_completed_from_config_br_defaults() -> None:
    world = World()
    text = "clusterDefault: {brokerClass: Odd, apiVersion: v1, kind: ConfigMap, name: odd, delivery: {retry: 2}}"
    world.config("config-br-defaults", NAMESPACE, {"default-br-config": text})
    made = world.create(obj(BROKER, "b", {}))
    assert made.annotations[BROKER_CLASS] == "Odd"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "name": "odd", "namespace": "default"}
    assert made.obj["spec"] == {"config": config, "delivery": {"retry": 2}}
    own = world.create(obj(BROKER, "own", {"delivery": {"retry": 1}}))
    assert own.obj["spec"]["delivery"] == {"retry": 1}


def test_marks_of_the_platform() -> None:
    world = World()
    trigger = world.create(obj(TRIGGER, "t", {"broker": "b", "subscriber": SINK}))
    assert trigger.labels == {"eventing.knative.dev/broker": "b"}
    for kind in (CHANNEL, IN_MEMORY_CHANNEL):
        assert world.create(obj(kind, "c", {})).annotations == {"messaging.knative.dev/subscribable": "v1"}


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        pytest.param(BROKER, {"config": {}}, "missing field(s): spec.config.kind, spec.config.name", id="config"),
        pytest.param(BROKER, {"delivery": {"retry": -1}}, "invalid value: -1: spec.delivery.retry", id="delivery"),
        pytest.param(TRIGGER, {"subscriber": SINK}, "missing field(s): spec.broker", id="no broker"),
        pytest.param(
            TRIGGER,
            {"broker": "b"},
            "expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri",
            id="no subscriber",
        ),
        pytest.param(
            TRIGGER,
            {"broker": "b", "subscriber": SINK, "filters": [{"exact": {"a": "b"}, "suffix": {"a": "b"}}]},
            "multiple dialects found, filters can have only one dialect set: spec.filters[0]",
            id="dialects",
        ),
        pytest.param(
            SUBSCRIPTION,
            {"channel": CHANNEL_REF},
            "missing field(s): spec.subscriber\nthe Subscription must reference a subscriber",
            id="no subscriber of a Subscription",
        ),
        pytest.param(
            SUBSCRIPTION,
            {"channel": {}, "subscriber": SINK},
            "missing field(s): spec.channel.apiVersion, spec.channel.kind, spec.channel.name",
            id="no channel",
        ),
        pytest.param(SEQUENCE, {"steps": []}, "missing field(s): spec.steps", id="no step"),
        pytest.param(
            SEQUENCE,
            {"steps": [SINK, {}]},
            "expected at least one, got none: spec.steps[1].ref, spec.steps[1].uri",
            id="a step without destination",
        ),
        pytest.param(PING_SOURCE, {}, "expected at least one, got none: spec.sink.ref, spec.sink.uri", id="no sink"),
        pytest.param(
            PING_SOURCE,
            {"sink": SINK, "data": "a", "dataBase64": "YQ=="},
            "expected exactly one, got both: spec.data, spec.dataBase64",
            id="data twice",
        ),
        pytest.param(
            PING_SOURCE,
            {"sink": SINK, "data": "[1]", "contentType": "application/json"},
            "invalid value: data must be a JSON object, since contentType is application/json: spec.data",
            id="data that is no object",
        ),
        pytest.param(PING_SOURCE, {"sink": SINK, "data": "[1]", "contentType": "text/json"}, "", id="another type"),
        pytest.param(
            PING_SOURCE,
            {"sink": SINK, "timezone": "Mars"},
            "invalid value: unknown time zone Mars: spec.timezone",
            id="timezone",
        ),
        pytest.param(
            PING_SOURCE,
            {"sink": SINK, "ceOverrides": {"extensions": {"A-b": "c"}}},
            'invalid key name "A-b": spec.ceOverrides.extensions.A-b\n'
            "keys are expected to be alphanumeric and lower case",
            id="extensions",
        ),
    ],
)
def test_a_rule(kind: Kind[Any], spec: dict[str, Any], text: str) -> None:
    assert World().refusal(obj(kind, "x", spec)) == text


@pytest.mark.parametrize(
    ("kind", "before", "after", "path"),
    [
        (TRIGGER, {"broker": "b", "subscriber": SINK}, {"broker": "c", "subscriber": SINK}, "spec.broker"),
        (BROKER, {}, {"config": {"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}}, "spec.config"),
        (CHANNEL, {}, {"delivery": {"retry": 1}}, "spec"),
        (
            SUBSCRIPTION,
            {"channel": CHANNEL_REF, "subscriber": SINK},
            {"channel": {**CHANNEL_REF, "name": "d"}, "subscriber": SINK},
            "spec.channel",
        ),
    ],
)
def test_what_cannot_change(kind: Kind[Any], before: dict[str, Any], after: dict[str, Any], path: str) -> None:
    world = World()
    world.create(obj(kind, "x", before))
    assert world.refusal(obj(kind, "x", before)) == ""
    assert world.refusal(obj(kind, "x", after)) == f"Immutable fields changed (-old +new): {path}"


def test_a_brokers_class_cannot_change() -> None:
    world = World()
    world.create(obj(BROKER, "b", {}))
    text = world.refusal(obj(BROKER, "b", {}, annotations={BROKER_CLASS: "Kafka"}))
    assert text == f"Immutable annotations changed (-old +new): metadata.annotations.{BROKER_CLASS}"


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (BROKER, ["URL", "Age", "Ready", "Reason"]),
        (TRIGGER, ["Broker", "Subscriber_URI", "Age", "Ready", "Reason"]),
        (CHANNEL, ["URL", "Age", "Ready", "Reason"]),
        (SUBSCRIPTION, ["Age", "Ready", "Reason"]),
        (SEQUENCE, ["URL", "Age", "Ready", "Reason"]),
        (PING_SOURCE, ["Sink", "Schedule", "Age", "Ready", "Reason"]),
    ],
)
def test_columns(kind: Kind[Any], columns: list[str]) -> None:
    assert [column.name for column in kind.columns if not column.wide] == columns
