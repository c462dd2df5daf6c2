"""kn with Brokers, Triggers, Channels, Subscriptions and sources: its commands, columns and messages."""

from __future__ import annotations

import pytest

from tests.clients.client import Client, plain, table
from tests.clients.manifests import HELLO

pytestmark = pytest.mark.engine


@pytest.fixture
def sink(kn: Client) -> Client:
    """A Service `sink` and a Broker `default`."""
    kn.out("service", "create", "sink", "--image", HELLO)
    kn.out("broker", "create", "default")
    return kn


def test_broker(kn: Client) -> None:
    where = f"in namespace '{kn.flags[1]}'"
    assert kn.out("broker", "create", "b") == f"Broker 'b' successfully created {where}.\n"
    url = f"http://broker-ingress.knative-eventing.svc.cluster.local/{kn.flags[1]}/b"
    header, row = table(kn.out("broker", "list"))
    assert header == ["NAME", "URL", "AGE", "CONDITIONS", "READY", "REASON"]
    assert (row[0], row[-1]) == ("b", "True")
    said = plain(kn.out("broker", "describe", "b"))
    assert url.split("/", 3)[3] in said
    assert "  ++ Addressable  AGE" in said
    assert kn.out("broker", "delete", "b", "--wait") == f"Broker 'b' successfully deleted {where}.\n"
    assert kn.out("broker", "list") == "No brokers found.\n"


def test_broker_with_delivery(sink: Client) -> None:
    flags = [
        "--dl-sink",
        "ksvc:sink",
        "--retry",
        "3",
        "--timeout",
        "PT2S",
        "--backoff-policy",
        "linear",
        "--backoff-delay",
        "PT1S",
    ]
    sink.out("broker", "create", "careful", "--class", "MTChannelBasedBroker", *flags)
    assert table(sink.out("broker", "list"))[1][0] == "careful"


def test_trigger(sink: Client) -> None:
    where = f"in namespace '{sink.flags[1]}'"
    made = sink.out("trigger", "create", "t", "--broker", "default", "--filter", "type=x", "--sink", "ksvc:sink")
    assert made == f"Trigger 't' successfully created {where}.\n"
    assert table(sink.out("trigger", "list")) == [
        ["NAME", "BROKER", "SINK", "AGE", "CONDITIONS", "READY", "REASON"],
        ["t", "default", "ksvc:sink", "AGE", "7 OK / 7", "True"],
    ]
    said = plain(sink.out("trigger", "describe", "t"))
    assert "Broker:  default" in said
    assert "  type:  x" in said
    assert sink.out("trigger", "update", "t", "--filter", "type=y") == f"Trigger 't' updated {where}.\n"
    assert sink.out("trigger", "delete", "t") == f"Trigger 't' deleted {where}.\n"
    said = sink.err("trigger", "create", "t", "--broker", "default", "--sink", "ksvc:none")
    assert 'services.serving.knative.dev "none" not found' in said


def test_channel(kn: Client) -> None:
    where = f"in namespace '{kn.flags[1]}'"
    assert kn.out("channel", "create", "c") == f"Channel 'c' created {where}.\n"
    assert kn.out("channel", "create", "d", "--type", "imcv1beta1") if kn.minor < 15 else True
    assert kn.out("channel", "create", "e", "--type", "messaging.knative.dev:v1:InMemoryChannel")
    rows = table(kn.out("channel", "list"))
    assert rows[0] == ["NAME", "TYPE", "URL", "AGE", "READY", "REASON"]
    assert [(row[0], row[1], row[-1]) for row in rows[1:]] == [(n, "InMemoryChannel", "True") for n in "ce"]
    assert "Type:  InMemoryChannel (messaging.knative.dev/v1)" in plain(kn.out("channel", "describe", "c"))
    types = table(kn.out("channel", "list-types"))
    assert types[0][:2] == ["TYPE", "NAME"]
    assert ["InMemoryChannel", "inmemorychannels.messaging.knative.dev"] in [row[:2] for row in types]
    assert kn.out("channel", "delete", "c") == f"Channel 'c' deleted {where}.\n"


def test_subscription(sink: Client) -> None:
    where = f"in namespace '{sink.flags[1]}'"
    sink.out("channel", "create", "c")
    flags = [
        "--channel",
        "c",
        "--sink",
        "ksvc:sink",
        "--sink-reply",
        "broker:default",
        "--sink-dead-letter",
        "ksvc:sink",
    ]
    assert sink.out("subscription", "create", "s", *flags) == f"Subscription 's' created {where}.\n"
    assert table(sink.out("subscription", "list")) == [
        ["NAME", "CHANNEL", "SUBSCRIBER", "REPLY", "DEAD LETTER SINK", "READY", "REASON"],
        ["s", "Channel:c", "ksvc:sink", "broker:default", "ksvc:sink", "True"],
    ]
    assert "Channel:  Channel:c (messaging.knative.dev/v1)" in plain(sink.out("subscription", "describe", "s"))
    assert sink.out("subscription", "update", "s", "--sink", "ksvc:sink") == f"Subscription 's' updated {where}.\n"
    assert sink.out("subscription", "delete", "s") == f"Subscription 's' deleted {where}.\n"


def test_source_ping(sink: Client) -> None:
    where = f"in namespace '{sink.flags[1]}'"
    flags = ["--schedule", "*/2 * * * *", "--data", "hi", "--sink", "broker:default"]
    assert sink.out("source", "ping", "create", "p", *flags) == f"Ping source 'p' created {where}.\n"
    assert table(sink.out("source", "ping", "list")) == [
        ["NAME", "SCHEDULE", "SINK", "AGE", "CONDITIONS", "READY", "REASON"],
        ["p", "*/2 * * * *", "Broker:default", "AGE", "4 OK / 4", "True"],
    ]
    assert "Data:  hi" in plain(sink.out("source", "ping", "describe", "p"))
    assert sink.out("source", "ping", "update", "p", "--data", "ho") == f"Ping source 'p' updated {where}.\n"
    assert sink.out("source", "ping", "delete", "p") == f"Ping source 'p' deleted {where}.\n"


def test_source_apiserver(sink: Client) -> None:
    where = f"in namespace '{sink.flags[1]}'"
    flags = ["--resource", "Event:v1", "--service-account", "default", "--sink", "ksvc:sink"]
    assert sink.out("source", "apiserver", "create", "a", *flags) == f"ApiServer source 'a' created {where}.\n"
    header, row = table(sink.out("source", "apiserver", "list"))
    assert header == ["NAME", "RESOURCES", "SINK", "AGE", "CONDITIONS", "READY", "REASON"]
    assert row[:3] == ["a", "Event:v1", "ksvc:sink"]
    assert sink.out("source", "apiserver", "delete", "a") == f"ApiServer source 'a' deleted {where}.\n"


def test_source_list_and_list_types(sink: Client) -> None:
    sink.out("source", "ping", "create", "p", "--schedule", "@hourly", "--sink", "ksvc:sink")
    header, row = table(sink.out("source", "list"))
    assert header == ["NAME", "TYPE", "RESOURCE", "SINK", "READY"]
    assert row == ["p", "PingSource", "pingsources.sources.knative.dev", "ksvc:sink", "True"]
    rows = table(sink.out("source", "list-types"))
    assert rows[0][:2] == ["TYPE", "S"] or rows[0][:2] == ["TYPE", "NAME"]
    assert "PingSource" in [row[0] for row in rows]
