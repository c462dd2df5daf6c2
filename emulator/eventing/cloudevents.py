"""CloudEvents over HTTP, as Knative's Go SDK reads and writes them: binary and structured mode, and its quirks.

`parse` takes headers and body, gives an Event or raises Malformed, whose text names the attribute; `binary_headers` and
`structured` write one. Attribute names and values are bytes as they are on the wire: sdk-go neither encodes nor decodes
them. Pure. Followed: cloudevents/sdk-go v2 (protocol/http/message.go, event/event_unmarshal.go; eventing §1).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

Headers = Sequence[tuple[bytes, bytes]]

STRUCTURED = b"application/cloudevents+json"
TTL, ARRIVAL = b"knativebrokerttl", b"knativearrivaltime"
_NAME = re.compile(rb"[a-z0-9]+")
_MIME = re.compile(rb"[^\s;/=]+(/[^\s;/=]+)?\s*(;\s*[^\s;=]+\s*=\s*(\"[^\"]*\"|[^\s;]+)\s*)*;?\s*", re.IGNORECASE)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_NAMES_KEPT = 1000
_REQUIRED = (b"id", b"source", b"type")
_JSON_TYPES = frozenset((b"", b"application/json", b"text/json", STRUCTURED, b"application/cloudevents-batch+json"))
# What passes a broker or channel besides the event (pkg/utils/headers.go) and trace propagation.
_PASSED = frozenset((b"x-request-id", b"retry-after", b"traceparent", b"tracestate", b"baggage"))


_HEADERS: dict[bytes, bytes] = {}
"""Header names by attribute; made once, since everyone uses the same few."""


class Malformed(Exception):
    """The request carries no valid event; the text says which attribute and why."""


class Event:
    """One event. `attributes` are all but data and its type; `passed` are the HTTP headers that go along."""

    __slots__ = ("attributes", "content_type", "data", "passed")

    def __init__(
        self,
        attributes: dict[bytes, bytes],
        data: bytes,
        content_type: bytes | None,
        passed: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        self.attributes = attributes
        self.data = data
        self.content_type = content_type
        self.passed = passed or []

    @property
    def id(self) -> str:
        return self.attributes[b"id"].decode("utf-8", "replace")

    @property
    def type(self) -> str:
        return self.attributes[b"type"].decode("utf-8", "replace")

    def changed(self, extensions: dict[bytes, bytes | None]) -> Event:
        """The same event with extensions set, or removed where the value is None."""
        attributes = {**self.attributes, **{k: v for k, v in extensions.items() if v is not None}}
        for name, value in extensions.items():
            if value is None:
                attributes.pop(name, None)
        return Event(attributes, self.data, self.content_type, self.passed)


def parse(headers: Headers, body: bytes) -> Event:
    """The event of a request or response, or Malformed."""
    attributes: dict[bytes, bytes] = {}
    passed: list[tuple[bytes, bytes]] = []
    content_type: bytes | None = None
    for raw, value in headers:
        name = raw.lower()
        if name[:3] == b"ce-":
            attributes.setdefault(name[3:], value)
        elif name == b"content-type":
            content_type = value if content_type is None else content_type
        elif name in _PASSED or name.startswith((b"knative-", b"x-b3-")):
            passed.append((raw, value))
    media = _media_type(content_type)
    if media == STRUCTURED:
        return _of_json(body, passed)
    if b"specversion" not in attributes or media.startswith(b"application/cloudevents-batch"):
        raise Malformed(_no_event(media))
    return _checked(attributes, body, content_type, passed)


def is_event(headers: Headers) -> bool:
    """Whether a response claims to carry an event."""
    for name, value in headers:
        lower = name.lower()
        if lower == b"ce-specversion" or (lower == b"content-type" and _media_type(value) == STRUCTURED):
            return True
    return False


def binary_headers(event: Event) -> list[tuple[bytes, bytes]]:
    """The headers of a request that carries `event` in binary mode; its body is `event.data`."""
    headers = [(_HEADERS.get(name) or _header(name), value) for name, value in event.attributes.items()]
    if event.content_type:
        headers.append((b"Content-Type", event.content_type))
    headers += event.passed
    return headers


def _header(name: bytes) -> bytes:
    header = b"Ce-" + name.capitalize()
    if len(_HEADERS) < _NAMES_KEPT:
        _HEADERS[name] = header
    return header


def structured(event: Event) -> bytes:
    """The event as JSON (the body of a structured request)."""
    found: dict[str, Any] = {k.decode(): v.decode("utf-8", "replace") for k, v in event.attributes.items()}
    if event.content_type is not None:
        found["datacontenttype"] = event.content_type.decode("latin-1")
    if event.data:
        media = _media_type(event.content_type)
        try:
            if media in _JSON_TYPES:
                found["data"] = json.loads(event.data)
            else:
                found["data"] = event.data.decode()
        except ValueError:
            found["data_base64"] = base64.b64encode(event.data).decode()
    return json.dumps(found).encode()


def now_text() -> bytes:
    """The present as RFC3339Nano in UTC."""
    text = datetime.now(UTC).isoformat()[:-6]  # without +00:00
    return (text.rstrip("0") + "Z" if "." in text else text + "Z").encode()


# -- reading


def _media_type(content_type: bytes | None) -> bytes:
    return (content_type or b"").partition(b";")[0].strip().lower()


def _no_event(media: bytes) -> str:
    if media.startswith(b"application/cloudevents-batch"):
        return "batched events are not supported: send them one by one"
    if media.startswith(b"application/cloudevents"):
        return f"unknown event format {media.decode('latin-1')}: only application/cloudevents+json is"
    return "no CloudEvent: the header ce-specversion is missing, and Content-Type is not application/cloudevents+json"


def _checked(
    attributes: dict[bytes, bytes], data: bytes, content_type: bytes | None, passed: list[tuple[bytes, bytes]]
) -> Event:
    _check_names(attributes)
    if attributes.get(b"subject") == b"":
        del attributes[b"subject"]
    if (time := attributes.get(b"time")) is not None:
        attributes[b"time"] = _utc(time)
    schema = attributes.get(b"dataschema")
    if schema is not None and not urlsplit(schema.decode("latin-1")).scheme:
        raise Malformed("dataschema: must be an absolute URI")
    if content_type is not None and content_type and not _MIME.fullmatch(content_type.strip()):
        raise Malformed(f'datacontenttype: "{content_type.decode("latin-1")}" is no media type')
    return Event(attributes, data, content_type, passed)


def _check_names(attributes: dict[bytes, bytes]) -> None:
    version = attributes[b"specversion"]
    if version not in (b"1.0", b"0.3"):
        raise Malformed(f'specversion: "{version.decode("latin-1")}" is unknown; write 1.0')
    for name in _REQUIRED:
        if not attributes.get(name):
            raise Malformed(f"{name.decode()}: missing or empty")
    for name in attributes:
        if name not in _HEADERS and not _NAME.fullmatch(name):
            raise Malformed(f"{name.decode('latin-1')}: an attribute's name has only lower-case letters and digits")
    if b"datacontenttype" in attributes:
        raise Malformed("datacontenttype: in binary mode this is the header Content-Type")


def _of_json(body: bytes, passed: list[tuple[bytes, bytes]]) -> Event:
    try:
        members = json.loads(body)
    except ValueError as error:
        raise Malformed(f"the body of a structured event is no JSON: {error}") from error
    if not isinstance(members, dict):
        raise Malformed("the body of a structured event must be a JSON object")
    members = {name.lower(): value for name, value in members.items() if value is not None}
    data, encoded = members.pop("data", None), members.pop("data_base64", None)
    content_type = members.pop("datacontenttype", None)
    attributes: dict[bytes, bytes] = {}
    for name, value in members.items():
        if not _NAME.fullmatch(name.encode()):
            raise Malformed(f"{name}: an attribute's name has only lower-case letters and digits")
        attributes[name.encode()] = _text(name, value)
    if b"specversion" not in attributes:
        raise Malformed("specversion: missing or empty")
    kind = str(content_type).encode() if content_type is not None else None
    return _checked(attributes, _data(data, encoded, kind), kind, passed)


def _text(name: str, value: Any) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, str | int):
        return str(value).encode()
    raise Malformed(f"{name}: must be a string, a number or a boolean")


def _data(data: Any, encoded: Any, content_type: bytes | None) -> bytes:
    if encoded is not None:
        if data is not None:
            raise Malformed("data: must not be there together with data_base64")
        try:
            return base64.b64decode(str(encoded), validate=True)
        except ValueError as error:
            raise Malformed("data_base64: is no base64") from error
    if data is None:
        return b""
    if _media_type(content_type) in _JSON_TYPES:
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    if not isinstance(data, str):
        raise Malformed("data: must be a string, since datacontenttype is not JSON")
    return data.encode()


def _utc(time: bytes) -> bytes:
    text = time.decode("latin-1")
    match = _TIME.fullmatch(text)
    if match is None:
        raise Malformed(f'time: "{text}" is no RFC 3339 time')
    try:
        moment = datetime.fromisoformat(match[1].upper() + match[3].upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(f'time: "{text}" is no RFC 3339 time') from error
    fraction = (match[2] or "").rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z".encode()
