"""Headers as HTTP/2 writes them (RFC 7541): blocks of fields.

What kemu sends is made without a table (every field literal, none indexed): a few hundred bytes more on a wire that is
inside the computer, and the same fields are the same bytes on every connection, so that a block can be kept and sent
again. Pure functions; reading is `fieldreader.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

Fields = list[tuple[bytes, bytes]]

_STATUS = {200: b"\x88", 204: b"\x89", 206: b"\x8a", 304: b"\x8b", 400: b"\x8c", 404: b"\x8d", 500: b"\x8e"}
_METHOD = {b"GET": b"\x82", b"POST": b"\x83"}
_SCHEME = b"\x86"


def encode(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block of `fields`, whose names are lower case."""
    return b"".join([field(name, value) for name, value in fields])


def field(name: bytes, value: bytes) -> bytes:
    """One field."""
    if len(name) < 127 and len(value) < 127:
        return b"\0%c%b%c%b" % (len(name), name, len(value), value)
    return b"\0%b%b%b%b" % (_length(len(name)), name, _length(len(value)), value)


def status_field(status: int) -> bytes:
    """`:status`."""
    return _STATUS.get(status) or b"\x08\x03%d" % status


@lru_cache(1024)
def request_fields(method: bytes, target: bytes, authority: bytes) -> bytes:
    """The fields that stand for a request's first line and its Host; the scheme is always http."""
    path = b"\x04%b%b" % (_length(len(target)), target)
    host = b"\x01%b%b" % (_length(len(authority)), authority)
    return b"%b%b%b%b" % (_METHOD.get(method) or b"\x02%b%b" % (_length(len(method)), method), _SCHEME, path, host)


def _length(value: int) -> bytes:
    if value < 127:
        return bytes((value,))
    out = bytearray(b"\x7f")
    value -= 127
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
