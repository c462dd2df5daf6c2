"""The OpenAPI 2 document as protobuf, which is the only form that kubectl up to 1.28 takes it in.

Pure. A table says for each message which field of the JSON document goes where: as a text, a number, another message,
or many of these. What has another form in protobuf than in JSON (maps as lists of names and values, choices, values of
any type as YAML) has a function of its own. Nothing is read here. Followed: gnostic openapiv2/OpenAPIv2.proto.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.objects.kind import Json

_Encode = Callable[[int, Any], bytes]
_VARINT, _DOUBLE, _BYTES = 0, 1, 2


def encoded(document: Json) -> bytes:
    """The document (`openapiv2.merged`)."""
    return _message(_DOCUMENT, document)


# -- what all messages are made of


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative number takes ten bytes
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _text(number: int, value: Any) -> bytes:
    return _bytes(number, str(value).encode())


def _integer(number: int, value: Any) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(int(value))


def _double(number: int, value: Any) -> bytes:
    return _varint(number << 3 | _DOUBLE) + struct.pack("<d", float(value))


def _many(encode: _Encode) -> _Encode:
    return lambda number, value: b"".join(encode(number, each) for each in value)


def _any(number: int, value: Any) -> bytes:
    """A value of any type: its YAML, of which JSON is a part."""
    return _bytes(number, _text(2, json.dumps(value)))


def _one(table: Callable[[], _Table]) -> _Encode:
    """A message; by a function, since messages stand inside themselves."""
    return lambda number, value: _bytes(number, _message(table(), value))


def _map(encode: _Encode, number: int = 1) -> Callable[[Any], bytes]:
    """A map as a list of pairs: 1 is the name, 2 the value."""
    return lambda value: b"".join(_bytes(number, _text(1, k) + encode(2, v)) for k, v in value.items())


def _wrapped(inner: Callable[[Any], bytes]) -> _Encode:
    return lambda number, value: _bytes(number, inner(value))


_Table = tuple[Mapping[str, tuple[int, _Encode]], int]
"""The fields of a message by their names in JSON, and the number of its vendor extensions (0: it has none)."""


def _message(table: _Table, value: Json) -> bytes:
    return b"".join(_parts(table, value))


def _parts(table: _Table, value: Json) -> Iterator[bytes]:
    fields, extensions = table
    for key, inner in value.items():
        if key in fields:
            number, encode = fields[key]
            yield encode(number, inner)
        elif extensions and key.startswith("x-"):
            yield _bytes(extensions, _text(1, key) + _any(2, inner))


# -- what has another form than in JSON


def _additional(value: Any) -> bytes:
    return _integer(2, value) if isinstance(value, bool) else _one(lambda: _SCHEMA)(1, value)


def _types(value: Any) -> bytes:
    return _many(_text)(1, value if isinstance(value, list) else [value])


def _parameters(value: Any) -> bytes:
    """One parameter: of the body, of the query or of the path."""
    if value["in"] == "body":
        return _bytes(1, _one(lambda: _BODY)(1, value))
    number, table = (4, _PATH_PARAMETER) if value["in"] == "path" else (3, _QUERY_PARAMETER)
    return _bytes(1, _bytes(2, _bytes(number, _message(table, value))))


def _answer(number: int, value: Any) -> bytes:
    return _bytes(number, _one(lambda: _RESPONSE)(1, value))


# -- the messages

_SCHEMA: _Table = (
    {
        "$ref": (1, _text),
        "format": (2, _text),
        "title": (3, _text),
        "description": (4, _text),
        "default": (5, _any),
        "multipleOf": (6, _double),
        "maximum": (7, _double),
        "exclusiveMaximum": (8, _integer),
        "minimum": (9, _double),
        "exclusiveMinimum": (10, _integer),
        "maxLength": (11, _integer),
        "minLength": (12, _integer),
        "pattern": (13, _text),
        "maxItems": (14, _integer),
        "minItems": (15, _integer),
        "uniqueItems": (16, _integer),
        "maxProperties": (17, _integer),
        "minProperties": (18, _integer),
        "required": (19, _many(_text)),
        "enum": (20, _many(_any)),
        "additionalProperties": (21, _wrapped(_additional)),
        "type": (22, _wrapped(_types)),
        "items": (23, _wrapped(lambda value: _one(lambda: _SCHEMA)(1, value))),
        "properties": (25, _wrapped(_map(_one(lambda: _SCHEMA)))),
        "example": (30, _any),
    },
    31,
)
_BODY: _Table = (
    {
        "description": (1, _text),
        "name": (2, _text),
        "in": (3, _text),
        "required": (4, _integer),
        "schema": (5, _one(lambda: _SCHEMA)),
    },
    6,
)
_PARAMETER = {"required": (1, _integer), "in": (2, _text), "description": (3, _text), "name": (4, _text)}
_QUERY_PARAMETER: _Table = ({**_PARAMETER, "type": (6, _text), "uniqueItems": (20, _integer)}, 23)
_PATH_PARAMETER: _Table = ({**_PARAMETER, "type": (5, _text), "uniqueItems": (19, _integer)}, 22)
_RESPONSE: _Table = (
    {"description": (1, _text), "schema": (2, _wrapped(lambda value: _one(lambda: _SCHEMA)(1, value)))},
    5,
)
_OPERATION: _Table = (
    {
        "tags": (1, _many(_text)),
        "description": (3, _text),
        "operationId": (5, _text),
        "consumes": (7, _many(_text)),
        "parameters": (8, _many(_wrapped(_parameters))),
        "responses": (9, _wrapped(_map(_answer))),
    },
    13,
)
_PATH: _Table = (
    {
        "get": (2, _one(lambda: _OPERATION)),
        "put": (3, _one(lambda: _OPERATION)),
        "post": (4, _one(lambda: _OPERATION)),
        "delete": (5, _one(lambda: _OPERATION)),
        "patch": (8, _one(lambda: _OPERATION)),
        "parameters": (9, _many(_wrapped(_parameters))),
    },
    10,
)
_INFO: _Table = ({"title": (1, _text), "version": (2, _text), "description": (3, _text)}, 7)
_DOCUMENT: _Table = (
    {
        "swagger": (1, _text),
        "info": (2, _one(lambda: _INFO)),
        "paths": (8, _wrapped(_map(_one(lambda: _PATH), 2))),
        "definitions": (9, _wrapped(_map(_one(lambda: _SCHEMA)))),
    },
    16,
)
