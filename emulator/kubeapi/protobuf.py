"""Protobuf request bodies: the JSON object that a Go client means by one.

Typed Go clients send built-in kinds so (client-go 0.32 and later), and know no other way when it is refused. The
envelope is `k8s\\0` and a runtime.Unknown (apimachinery: pkg/runtime/serializer/protobuf/protobuf.go); what is in it
says `protobuf.json`, which `scripts/protobuf-table` makes from the Go types: for each message its fields as
"NUMBER NAME TYPE". A name with `!` keeps a zero value, since Go's JSON would show it or it stands behind a pointer;
other zeros are dropped, because Go's writers send every scalar. `.` is an embedded struct, whose fields stand in the
JSON around it; `[]` a list, `{}` a map by string.

Answers are JSON, so nothing is encoded here. Bodies of other origin are told as BadRequest, and never anything else:
sizes, depth and the number of fields are bounded. Whoever reads a request's body calls this.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from emulator.lib.clock import rfc3339
from emulator.lib.durations import format_go
from emulator.objects.errors import BadRequest
from emulator.objects.kind import Json

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAX_BYTES = 3 * 1024 * 1024
"""The API server's own limit of a request (apiserver: pkg/server/config.go, MaxRequestBodyBytes)."""
MAX_DEPTH = 100
"""Messages inside messages; the largest schemas of CRDs have about 40."""
MAX_FIELDS = 200_000
"""Some 0.2 s of work; a Deployment has about a hundred."""

_MAGIC = b"k8s\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def is_protobuf(content_type: str) -> bool:
    """Whether a Content-Type says Kubernetes protobuf, whatever its parameters."""
    return content_type.partition(";")[0].strip().lower() == MEDIA_TYPE


def is_prepared() -> bool:
    """Whether the table has been read: the first `decode` blocks for some milliseconds."""
    return bool(_table.cache_info().currsize)


def decode(body: bytes, api_version: str = "", kind: str = "") -> Json:
    """The object in `body`. What it does not say of apiVersion and kind is taken from the arguments.

    Raises BadRequest where it is not a whole, well-formed body of a built-in kind.
    """
    if len(body) > MAX_BYTES:
        raise BadRequest(f"the protobuf body has {len(body)} bytes; at most {MAX_BYTES} are read")
    if not body.startswith(_MAGIC):
        raise BadRequest(f"the body is not protobuf of Kubernetes: it must start with {_MAGIC!r}; send JSON or YAML")
    reader = _Reader(body)
    envelope = reader.whole(_message("runtime.Unknown"), len(_MAGIC), len(body))
    if encoding := envelope.get("contentEncoding"):
        raise BadRequest(f"the protobuf body has the content encoding {encoding!r}; only plain ones are read")
    head = envelope.get("typeMeta", {})
    api_version, kind = head.get("apiVersion") or api_version, head.get("kind") or kind
    start, end = envelope.get("raw", (0, 0))
    return {"apiVersion": api_version, "kind": kind} | reader.whole(_kind(api_version, kind), start, end)


def _kind(api_version: str, kind: str) -> _Message:
    kinds = _table()["kinds"]
    # DeleteOptions belongs to every group and version (apimachinery: pkg/apis/meta/v1/register.go).
    name = kinds[""].get(kind) or kinds.get(api_version, {}).get(kind)
    if name is None:
        raise BadRequest(f"no kind {kind!r} of version {api_version!r} can be read from protobuf; send it as JSON")
    return _message(name)


class _Broken(Exception):
    """What is wrong with the bytes; `_Reader.whole` turns it into a BadRequest."""


@dataclass(frozen=True)
class _Type:
    """How a value is written, and read: `read` gets the bounds of its bytes, or a varint's number as the first."""

    wire: int
    read: Callable[[_Reader, int, int], Any]


@dataclass(frozen=True)
class _Field:
    name: str
    type: _Type
    place: Callable[[Json, _Field, Any], None]
    """Puts a value into the object."""
    is_kept: bool = False
    """Whether a zero value means something."""


@dataclass
class _Message:
    name: str
    fields: dict[int, _Field] = field(default_factory=dict)
    """By their key on the wire: the number and how it is written."""
    embedded: dict[int, _Message] = field(default_factory=dict)
    wires: dict[int, int] = field(default_factory=dict)
    """How each number is written."""

    def add(self, number: int, wire: int) -> int:
        self.wires[number] = wire
        return number << 3 | wire


class _Reader:
    """Reads messages of one body."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._depth = 0
        self._left = MAX_FIELDS

    def whole(self, message: _Message, at: int, end: int) -> Json:
        """The message between the two, with a fault told as BadRequest."""
        try:
            return self.message(message, at, end, {})
        except _Broken as broken:
            raise BadRequest(f"the protobuf body cannot be read as {message.name}: {broken}") from None

    def message(self, message: _Message, at: int, end: int, into: Json) -> Json:
        """Reads its fields into `into`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Broken(f"it is nested deeper than {MAX_DEPTH} messages")
        fields, body = message.fields, self.body
        while at < end:
            key = body[at]
            at += 1
            if key > 0x7F:
                key, at = self._varint(at - 1, end)
            first, last, at = self._value(key & 7, at, end)
            if (known := fields.get(key)) is not None:
                known.place(into, known, known.type.read(self, first, last))
            elif (embedded := message.embedded.get(key)) is not None:
                self.message(embedded, first, last, into)
            else:
                self._unknown(message, key, first, last, into)
        self._depth -= 1
        return into

    def _value(self, wire: int, at: int, end: int) -> tuple[int, int, int]:
        """The number, or the bounds of the bytes, of the value that starts at `at`; and where it ends."""
        self._left -= 1
        if self._left < 0:
            raise _Broken(f"it has more than {MAX_FIELDS} fields")
        if wire == _BYTES:
            size, at = self._varint(at, end)
        elif wire == _VARINT:
            number, at = self._varint(at, end)
            return number, 0, at
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise _Broken(f"byte {at - 1}: wire type {wire} is none")
        stop = at + size
        if stop > end:
            raise _Broken(f"byte {at}: {size} bytes are announced and {end - at} are there")
        return at, stop, stop

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        number = shift = 0
        while at < end:
            byte = self.body[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number & 0xFFFF_FFFF_FFFF_FFFF, at
            shift += 7
            if shift > 63:
                raise _Broken(f"byte {at}: a number of more than ten bytes")
        raise _Broken(f"byte {at}: it ends within a number")

    def _unknown(self, message: _Message, key: int, first: int, last: int, into: Json) -> None:
        """A field of a later release is skipped, as Go does; a known one that is written otherwise is a fault."""
        number, wire = key >> 3, key & 7
        expected = message.wires.get(number)
        if number == 0:
            raise _Broken(f"{message.name}: a field with the number 0")
        if expected is None:
            return
        known = message.fields.get(number << 3 | expected)
        if wire == _BYTES and expected == _VARINT and known is not None and known.place is _append:
            while first < last:  # a packed list
                value, first = self._varint(first, last)
                known.place(into, known, known.type.read(self, value, 0))
            return
        name = known.name if known else "an embedded message"
        raise _Broken(f"{message.name}: field {number} ({name}) has wire type {wire}, not {expected}")


# -- where a value goes


def _put(into: Json, known: _Field, value: Any) -> None:
    if value or (known.is_kept and value is not None):
        into[known.name] = value
    else:
        into.pop(known.name, None)


def _append(into: Json, known: _Field, value: Any) -> None:
    into.setdefault(known.name, []).append(value)


def _enter(into: Json, known: _Field, value: tuple[str, Any]) -> None:
    into.setdefault(known.name, {})[value[0]] = value[1]


# -- types


def _string(reader: _Reader, first: int, last: int) -> str:
    try:
        return reader.body[first:last].decode()
    except UnicodeDecodeError as error:
        raise _Broken(f"byte {first + error.start}: a text that is not UTF-8") from None


def _signed(bits: int) -> Callable[[_Reader, int, int], int]:
    sign = 1 << bits - 1

    def read(reader: _Reader, number: int, _: int) -> int:
        return (number & 2 * sign - 1 ^ sign) - sign

    return read


def _double(reader: _Reader, first: int, last: int) -> float:
    value: float = struct.unpack("<d", reader.body[first:last])[0]
    if value - value != 0:  # infinite or no number
        raise _Broken(f"byte {first}: {value} is no number of JSON")
    return value


def _raw(reader: _Reader, first: int, last: int) -> Any:
    """JSON in JSON. A body of its own there is what a Go client makes of a typed object in a RawExtension."""
    text = reader.body[first:last]
    if text.startswith(_MAGIC):
        raise _Broken(f"byte {first}: protobuf in place of JSON")
    try:
        return json.loads(text, parse_constant=_no_constant) if text else None
    except ValueError as error:
        raise _Broken(f"byte {first}: JSON that cannot be read: {error}") from None
    except RecursionError:
        raise _Broken(f"byte {first}: JSON that is nested too deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _time(found: Json) -> str | None:
    """metav1.Time: whole seconds. No bytes at all mean none (apimachinery: pkg/apis/meta/v1/time_proto.go)."""
    return rfc3339(_moment(found)) if found else None


def _microtime(found: Json) -> str | None:
    return f"{_moment(found):%Y-%m-%dT%H:%M:%S.%fZ}" if found else None


def _moment(found: Json) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=found.get("seconds", 0), microseconds=found.get("nanos", 0) // 1000)
    except OverflowError:
        raise _Broken(f"the time of {found.get('seconds')} seconds after 1970 is none of the years 1 to 9999") from None


def _int_or_string(found: Json) -> int | str:
    number: int | str = found.get("strVal", "") if found.get("type") == 1 else found.get("intVal", 0)
    return number


def _schema_or_array(found: Json) -> Any:
    return found.get("schemas") or found.get("schema")


def _schema_or_bool(found: Json) -> Any:
    return found.get("schema", found.get("allows", False))


def _schema_or_strings(found: Json) -> Any:
    return found.get("property") or found.get("schema")


_SCALARS = {
    "string": _Type(_BYTES, _string),
    "bool": _Type(_VARINT, lambda _reader, number, _: number != 0),
    "int32": _Type(_VARINT, _signed(32)),
    "int64": _Type(_VARINT, _signed(64)),
    "double": _Type(_FIXED64, _double),
    "bytes": _Type(_BYTES, lambda reader, first, last: base64.b64encode(reader.body[first:last]).decode()),
    "json": _Type(_BYTES, _raw),
    "span": _Type(_BYTES, lambda _reader, first, last: (first, last)),
}

_SCHEMA = "apiextensions/v1.JSONSchemaProps"
_OWN = {
    "runtime.Unknown": ["1 typeMeta TypeMeta", "2 raw span", "3 contentEncoding string"],
    "TypeMeta": ["1 apiVersion string", "2 kind string"],
    "time": ["1 seconds! int64", "2 nanos int32"],
    "microtime": ["1 seconds! int64", "2 nanos int32"],
    "duration": ["1 duration int64"],
    "quantity": ["1 string string"],
    "intorstring": ["1 type int64", "2 intVal int32", "3 strVal string"],
    "raw": ["1 raw! json"],
    "strings": ["1 items []string"],
    "schemaorarray": [f"1 schema! {_SCHEMA}", f"2 schemas []{_SCHEMA}"],
    "schemaorbool": ["1 allows bool", f"2 schema! {_SCHEMA}"],
    "schemaorstrings": [f"1 schema! {_SCHEMA}", "2 property []string"],
}
"""The envelope, and the messages whose JSON is something else than their fields; `_MEANINGS` says what."""

_MEANINGS: dict[str, Callable[[Json], Any]] = {
    "time": _time,
    "microtime": _microtime,
    "duration": lambda found: format_go(found.get("duration", 0)),
    "quantity": lambda found: found.get("string", "0"),
    "intorstring": _int_or_string,
    "raw": lambda found: found.get("raw"),
    "strings": lambda found: found.get("items", []),
    "schemaorarray": _schema_or_array,
    "schemaorbool": _schema_or_bool,
    "schemaorstrings": _schema_or_strings,
}

# -- the table, read and compiled where it is used first


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return found


@cache
def _message(name: str) -> _Message:
    """Its fields' own messages are compiled when one is read: a schema holds schemas."""
    message = _Message(name)
    for described in _OWN.get(name) or _table()["messages"][name]:
        number, label, of = described.split(" ")
        if label == ".":
            message.embedded[message.add(int(number), _BYTES)] = _message(of)
            continue
        place, kind = {"[]": (_append, of[2:]), "{}": (_enter, of[2:])}.get(of[:2], (_put, of))
        type_ = _entry(kind) if place is _enter else _type(kind)
        message.fields[message.add(int(number), type_.wire)] = _Field(
            label.rstrip("!"), type_, place, is_kept=label.endswith("!")
        )
    return message


@cache
def _type(name: str) -> _Type:
    if name in _SCALARS:
        return _SCALARS[name]
    meaning = _MEANINGS.get(name)

    def read(reader: _Reader, first: int, last: int) -> Any:
        found = reader.message(_message(name), first, last, {})
        return meaning(found) if meaning else found

    return _Type(_BYTES, read)


@cache
def _entry(of: str) -> _Type:
    """A map's entry: key and value, of which either may be missing for the empty one."""
    type_ = _type(of)
    entry = _Message("a map's entry")
    for number, part in ((1, _SCALARS["string"]), (2, type_)):
        entry.fields[entry.add(number, part.wire)] = _Field(str(number), part, _put, is_kept=True)

    def read(reader: _Reader, first: int, last: int) -> tuple[str, Any]:
        found = reader.message(entry, first, last, {})
        return found.get("1", ""), found["2"] if "2" in found else type_.read(reader, last, last)

    return _Type(_BYTES, read)
