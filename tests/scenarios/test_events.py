"""Events from a schedule or a sender through Broker, Trigger and Sequence, and what becomes of failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine

BROKER = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "default"}}
RECORD = {"RECORD": "1"}


def to(name: str, kind: str = "Service", api: str = "serving.knative.dev/v1") -> dict[str, Any]:
    return {"ref": {"apiVersion": api, "kind": kind, "name": name}}


def trigger(name: str, type_: str, subscriber: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": name},
        "spec": {"broker": "default", "filter": {"attributes": {"type": type_}}, "subscriber": subscriber, **spec},
    }


def write(kemu: Kemu, *objects: dict[str, Any] | str) -> None:
    texts = [text if isinstance(text, str) else json.dumps(text) for text in objects]
    kemu.write("all.yaml", "\n---\n".join(texts))


def received(kemu: Kemu, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kemu.request(name, "/received").json
    return found


def test_a_tick_goes_through_broker_and_sequence_to_the_end_with_every_hop_told(kemu: Kemu) -> None:
    sequence = {
        "apiVersion": "flows.knative.dev/v1",
        "kind": "Sequence",
        "metadata": {"name": "steps"},
        "spec": {"steps": [to(n) for n in ("first", "second", "third")], "reply": to("default", "Broker", _EVENTING)},
    }
    source = {
        "apiVersion": "sources.knative.dev/v1",
        "kind": "PingSource",
        "metadata": {"name": "ticks"},
        "spec": {"schedule": "0 0 1 1 *", "contentType": "application/json", "data": '{"a": 1}', "sink": _BROKER},
    }
    write(
        kemu,
        BROKER,
        source,
        sequence,
        trigger("start", "dev.knative.sources.ping", to("steps", "Sequence", "flows.knative.dev/v1")),
        trigger("end", "step.third", to("display")),
        service("display", env=RECORD),
        *(service(n, env={**RECORD, "CE_REPLY_TYPE": f"step.{n}"}) for n in ("first", "second", "third")),
    )
    kemu.up()
    assert kemu.containers() == []
    fired = kemu.run("fire", "ticks")
    assert fired.out.startswith("ticks ticked: dev.knative.sources.ping ")
    kemu.said("→ display answered 202", "end")
    _told(kemu, "ticks", "tick: dev.knative.sources.ping")
    _told(kemu, "default", "accepted dev.knative.sources.ping")
    _told(kemu, "default", "matches start")
    for number, name in enumerate(("first", "second", "third")):
        _told(kemu, f"{name}-00001", "cold start")
        _told(kemu, f"steps-kn-sequence-{number}", f"→ {name} answered 200")
        _told(kemu, f"steps-kn-sequence-{number}", f"replied step.{name}")
    _told(kemu, "default", "matches end")
    (first,) = received(kemu, "first")
    assert first["attributes"]["source"] == "/apis/v1/namespaces/default/pingsources/ticks"
    assert json.loads(first["data"]) == {"a": 1}
    assert "knativebrokerttl" not in first["attributes"]
    (last,) = received(kemu, "display")
    assert last["attributes"]["type"] == "step.third"
    assert "knativearrivaltime" in last["attributes"]


def test_a_schedule_with_seconds_ticks_each_second(kemu: Kemu) -> None:
    source = {
        "apiVersion": "sources.knative.dev/v1",
        "kind": "PingSource",
        "metadata": {"name": "ticks"},
        "spec": {"schedule": "* * * * * *", "sink": to("display")},
    }
    write(kemu, source, service("display", env=RECORD))
    kemu.up()
    eventually(lambda: len([m for m in kemu.messages("ticks") if m.startswith("tick")]) >= 3, "three ticks")
    times = [e["attributes"]["time"] for e in eventually(lambda: received(kemu, "display")[1:], "they arrived")]
    assert len(set(times)) == len(times)


def test_a_subscriber_that_fails_three_times_gets_the_event_at_the_fourth(kemu: Kemu) -> None:
    delivery = {"retry": 5, "backoffPolicy": "linear", "backoffDelay": "PT0.1S"}
    flaky = service("flaky", env={**RECORD, "FAIL_FIRST": "3", "FAIL_STATUS": "503"})
    write(kemu, BROKER, trigger("all", "x", to("flaky"), delivery=delivery), flaky)
    kemu.up()
    sent = kemu.run("send", "broker:default", "--type", "x", "--data", '{"n": 1}', "--id", "event-1")
    assert (sent.code, sent.out.split(": ")[-1]) == (0, "202 Accepted\n")
    assert kemu.request("flaky", "/stats").json["requests"] == 4
    assert [e["attributes"]["id"] for e in received(kemu, "flaky")] == ["event-1"]
    assert len([m for m in kemu.messages("all") if "retry" in m]) == 3


def test_an_event_that_nobody_takes_goes_to_the_dead_letter_sink(kemu: Kemu) -> None:
    delivery = {"retry": 1, "deadLetterSink": to("dead")}
    failing = service("failing", env={"FAIL_FIRST": "99", "FAIL_STATUS": "500"})
    write(kemu, BROKER, trigger("all", "x", to("failing"), delivery=delivery), failing, service("dead", env=RECORD))
    kemu.up()
    sent = kemu.run("send", "broker:default", "--type", "x", "--id", "event-2")
    assert sent.code == 0, sent.err
    (event,) = received(kemu, "dead")
    attributes = event["attributes"]
    assert attributes["id"] == "event-2"
    assert attributes["knativeerrordest"] == "http://failing.default.svc.cluster.local"
    assert attributes["knativeerrorcode"] == "500"
    kemu.said("is with the dead letter sink", "all")


def test_without_a_dead_letter_sink_the_sender_hears_of_the_failure(kemu: Kemu) -> None:
    failing = service("failing", env={"FAIL_FIRST": "99"})
    write(kemu, BROKER, trigger("all", "x", to("failing"), delivery={"retry": 0}), failing)
    kemu.up()
    sent = kemu.run("send", "broker:default", "--type", "x")
    assert sent.code == 1
    assert "500" in sent.out
    assert "there is no dead letter sink: it is lost" in kemu.said("failed for good", "all")


def test_an_event_that_matches_no_trigger_is_accepted_and_told(kemu: Kemu) -> None:
    write(kemu, BROKER, trigger("all", "x", to("display")), service("display", env=RECORD))
    kemu.up()
    assert kemu.run("send", "broker:default", "--type", "other").code == 0
    kemu.said("matches no Trigger", "default")
    assert kemu.containers() == []


def test_a_trigger_whose_subscriber_comes_later_delivers_from_then_on(kemu: Kemu) -> None:
    write(kemu, BROKER, trigger("all", "x", to("late")))
    kemu.up()
    resolved = kemu.condition("trigger", "all", "SubscriberResolved")
    assert (resolved["status"], 'services.serving.knative.dev "late" not found' in resolved["message"]) == (
        "False",
        True,
    )
    kemu.write("late.yaml", service("late", env=RECORD))
    eventually(lambda: kemu.condition("trigger", "all").get("status") == "True", "the Trigger is ready")
    assert kemu.run("send", "broker:default", "--type", "x").code == 0
    assert len(received(kemu, "late")) == 1


def test_a_malformed_event_is_refused_with_the_attribute(kemu: Kemu) -> None:
    write(kemu, BROKER)
    kemu.up()
    host = "broker-ingress.knative-eventing.svc.cluster.local"
    reply = kemu.request(host, "/default/default", "POST", b"{}", Ce_Specversion="1.0", Ce_Id="1", Ce_Type="t")
    assert (reply.status, reply.body) == (400, "source: missing or empty\n")
    assert kemu.request(host, "/default/nobody", "POST", b"", **_EVENT).status == 404
    assert kemu.request(host, "/default/default", "GET").status == 405


def _told(kemu: Kemu, about: str, text: str) -> None:
    assert any(text in m for m in kemu.messages(about)), f"{about}: {text!r} is not in {kemu.messages(about)}"


_EVENTING = "eventing.knative.dev/v1"
_BROKER = to("default", "Broker", _EVENTING)
_EVENT = {"Ce_Specversion": "1.0", "Ce_Id": "1", "Ce_Type": "t", "Ce_Source": "s"}
