"""CloudEvents as sdk-go reads and writes them: one row a quirk of eventing §1.2."""

from __future__ import annotations

import json

import pytest

from emulator.eventing.cloudevents import Malformed, binary_headers, is_event, parse, structured

BINARY = [
    (b"Ce-Specversion", b"1.0"),
    (b"Ce-Id", b"1"),
    (b"Ce-Source", b"/s"),
    (b"Ce-Type", b"t"),
]
STRUCTURED = [(b"Content-Type", b"Application/CloudEvents+JSON; charset=utf-8")]
WHOLE = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


def with_header(name: str, value: str) -> list[tuple[bytes, bytes]]:
    return [*BINARY, (name.encode(), value.encode())]


def test_binary_mode_takes_attributes_from_headers_and_data_from_the_body() -> None:
    event = parse([*BINARY, (b"Content-Type", b"text/plain"), (b"Ce-Myext", b"x")], b"hello")
    assert event.attributes == {b"specversion": b"1.0", b"id": b"1", b"source": b"/s", b"type": b"t", b"myext": b"x"}
    assert (event.data, event.content_type) == (b"hello", b"text/plain")


def test_structured_mode_takes_everything_from_the_body_and_ignores_headers() -> None:
    body = json.dumps({**WHOLE, "data": {"a": 1}, "count": 7, "flag": True, "gone": None, "UPPER": "u"}).encode()
    event = parse([*STRUCTURED, (b"Ce-Id", b"other")], body)
    assert event.attributes[b"id"] == b"1"
    assert (event.attributes[b"count"], event.attributes[b"flag"], event.attributes[b"upper"]) == (b"7", b"true", b"u")
    assert b"gone" not in event.attributes
    assert (event.data, event.content_type) == (b'{"a":1}', None)


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        pytest.param([], b"", "no CloudEvent", id="no specversion"),
        pytest.param([(b"Content-Type", b"application/cloudevents-batch+json")], b"[]", "batched events", id="batch"),
        pytest.param([(b"Content-Type", b"application/cloudevents+avro")], b"", "unknown event format", id="format"),
        pytest.param(with_header("Ce-My-Ext", "x"), b"", "my-ext: an attribute's name", id="dash in a name"),
        pytest.param(with_header("Ce-My_Ext", "x"), b"", "my_ext: an attribute's name", id="underscore"),
        pytest.param(with_header("Ce-Datacontenttype", "x"), b"", "datacontenttype: in binary mode", id="content type"),
        pytest.param(with_header("Ce-Time", "yesterday"), b"", 'time: "yesterday" is no RFC 3339', id="time"),
        pytest.param(with_header("Ce-Dataschema", "rel"), b"", "dataschema: must be an absolute URI", id="schema"),
        pytest.param(BINARY[1:], b"", "no CloudEvent", id="binary without specversion"),
        pytest.param([(b"Ce-Specversion", b"2.0"), *BINARY[1:]], b"", 'specversion: "2.0" is unknown', id="version"),
        pytest.param([*BINARY[:1], *BINARY[2:]], b"", "id: missing or empty", id="no id"),
        pytest.param([*BINARY[:1], (b"Ce-Id", b""), *BINARY[2:]], b"", "id: missing or empty", id="empty id"),
        pytest.param(STRUCTURED, b"{", "is no JSON", id="no JSON"),
        pytest.param(STRUCTURED, b'{"id":"1"}', "specversion: missing", id="structured without specversion"),
        pytest.param(STRUCTURED, json.dumps({**WHOLE, "ext": {}}).encode(), "ext: must be a string", id="object"),
        pytest.param(
            STRUCTURED,
            json.dumps({**WHOLE, "datacontenttype": "application/vnd.x+json", "data": {}}).encode(),
            "data: must be a string",
            id="data of a type that counts as no JSON",
        ),
    ],
)
def test_a_malformed_event_names_the_attribute(headers: list[tuple[bytes, bytes]], body: bytes, text: str) -> None:
    with pytest.raises(Malformed, match=text.replace("(", r"\(")):
        parse(headers, body)


def test_the_first_of_repeated_headers_wins() -> None:
    assert parse([*BINARY, (b"Ce-Id", b"2")], b"").attributes[b"id"] == b"1"


def test_an_empty_subject_is_unset_and_an_empty_extension_stays() -> None:
    event = parse([*BINARY, (b"Ce-Subject", b""), (b"Ce-Ext", b"")], b"")
    assert b"subject" not in event.attributes
    assert event.attributes[b"ext"] == b""


@pytest.mark.parametrize(
    ("given", "emitted"),
    [
        ("2026-01-02T03:04:05Z", b"2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.120000Z", b"2026-01-02T03:04:05.12Z"),
        ("2026-01-02T05:04:05+02:00", b"2026-01-02T03:04:05Z"),
    ],
)
def test_time_is_emitted_in_utc(given: str, emitted: bytes) -> None:
    assert parse(with_header("Ce-Time", given), b"").attributes[b"time"] == emitted


def test_only_some_headers_go_along() -> None:
    others = [(b"X-Request-Id", b"1"), (b"Knative-Foo", b"2"), (b"X-B3-TraceId", b"3"), (b"Authorization", b"no")]
    assert parse([*BINARY, *others], b"").passed == others[:3]


def test_binary_headers_and_parse_are_inverse() -> None:
    event = parse([*BINARY, (b"Content-Type", b"text/plain"), (b"Ce-Ext", b"v")], b"data")
    again = parse(binary_headers(event), event.data)
    assert (again.attributes, again.data, again.content_type) == (event.attributes, event.data, event.content_type)


def test_structured_keeps_json_data_as_json_and_bytes_as_base64() -> None:
    event = parse([*BINARY, (b"Content-Type", b"application/json")], b'{"a": 1}')
    assert json.loads(structured(event))["data"] == {"a": 1}
    raw = parse([*BINARY, (b"Content-Type", b"image/png")], b"\xff\x00")
    assert json.loads(structured(raw))["data_base64"] == "/wA="


def test_a_response_claims_an_event_in_either_mode() -> None:
    assert is_event(BINARY)
    assert is_event(STRUCTURED)
    assert not is_event([(b"Content-Type", b"application/json")])
