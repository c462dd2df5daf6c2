"""Reads the blocks of fields that headers are in HTTP/2 (RFC 7541), with the sender's table.

A block that changes nothing in the table is read once and then known again by its bytes, for peers repeat themselves.
Huffman's code comes from the library `hpack`, whose own reader takes ten times as long.
"""

from __future__ import annotations

import re
from functools import lru_cache

from hpack.exceptions import HPACKError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from emulator.ingress.fieldblocks import Fields

TABLE_SIZE = 4096
"""What a peer may use for its table: HTTP/2's default, which kemu does not change."""
BLOCKS_KEPT = 256
LIST_LIMIT = 262_144
"""Bytes of a decoded list, each field counted with 32 more (RFC 9113 §6.5.2); Go allows 1 MiB, Envoy 60 KiB."""
_OVERHEAD = 32
_STATIC: tuple[tuple[bytes, bytes], ...] = ((b"", b""), *HeaderTable.STATIC_TABLE)
# A name that is no token, or a value with a line's end in it, would be another message once written as HTTP/1.1.
_NAME = re.compile(rb":?[!#$%&'*+\-.^_`|~0-9a-z]+")
_NO_VALUE = re.compile(rb"[\0\r\n]")


class BadBlock(Exception):
    """A block that cannot be read: the connection's table is lost with it."""


class BadFields(Exception):
    """A block that was read, and holds a name or a value that HTTP does not allow."""


class FieldReader:
    """Reads the blocks of one direction of one connection, in order."""

    def __init__(self) -> None:
        self._entries: list[tuple[bytes, bytes]] = []
        """The dynamic table, newest last."""
        self._size = 0
        self._limit = TABLE_SIZE
        self._known: dict[bytes, Fields] = {}
        """Blocks that can be read again, as long as the table stays as it is."""

    def read(self, block: bytes) -> Fields:
        """The fields of a block; not to be changed: the same block may give the same list. BadBlock, BadFields."""
        known = self._known.get(block)
        if known is not None:
            return known
        try:
            fields, is_changed = self._read(block)
        except (IndexError, HPACKError) as error:
            raise BadBlock("malformed header block") from error
        if is_changed or len(self._known) >= BLOCKS_KEPT:
            self._known.clear()
        for name, value in fields:
            if _NAME.fullmatch(name) is None or _NO_VALUE.search(value) is not None:
                raise BadFields(f"header {name!r} may not be")
        if not is_changed:
            self._known[block] = fields
        return fields

    def _read(self, block: bytes) -> tuple[Fields, bool]:
        fields: Fields = []
        pos, end, left, is_changed = 0, len(block), LIST_LIMIT, False
        while pos < end:
            first = block[pos]
            if first & 0x80:
                index, pos = _integer(block, pos, 0x7F)
                entry = self._entry(index)
            elif first & 0x60 == 0x20:
                size, pos = _integer(block, pos, 0x1F)
                self._resize(size, is_allowed=not fields)
                is_changed = True
                continue
            else:
                is_indexed = first & 0x40 != 0
                index, pos = _integer(block, pos, 0x3F if is_indexed else 0x0F)
                if index:
                    name = self._entry(index)[0]
                else:
                    name, pos = _string(block, pos)
                value, pos = _string(block, pos)
                entry = (name, value)
                if is_indexed:
                    is_changed = True
                    self._add(entry)
            left -= len(entry[0]) + len(entry[1]) + _OVERHEAD
            if left < 0:
                raise BadBlock(f"header list is larger than {LIST_LIMIT} bytes")
            fields.append(entry)
        return fields, is_changed

    def _entry(self, index: int) -> tuple[bytes, bytes]:
        if index < len(_STATIC):
            if index == 0:
                raise BadBlock("index 0 in a header block")
            return _STATIC[index]
        place = index - len(_STATIC) + 1
        if place > len(self._entries):
            raise BadBlock(f"index {index} is beyond the header table")
        return self._entries[-place]

    def _add(self, entry: tuple[bytes, bytes]) -> None:
        self._entries.append(entry)
        self._size += len(entry[0]) + len(entry[1]) + _OVERHEAD
        self._evict()

    def _resize(self, size: int, *, is_allowed: bool) -> None:
        if size > TABLE_SIZE or not is_allowed:
            raise BadBlock("header table resized where it may not be")
        self._limit = size
        self._evict()

    def _evict(self) -> None:
        gone = 0
        while self._size > self._limit:
            name, value = self._entries[gone]
            self._size -= len(name) + len(value) + _OVERHEAD
            gone += 1
        del self._entries[:gone]


def _integer(block: bytes, pos: int, mask: int) -> tuple[int, int]:
    value = block[pos] & mask
    pos += 1
    if value < mask:
        return value, pos
    for shift in range(0, 28, 7):
        byte = block[pos]
        pos += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, pos
    raise BadBlock("integer too large in a header block")


def _string(block: bytes, pos: int) -> tuple[bytes, int]:
    is_huffman = block[pos] & 0x80
    length, pos = _integer(block, pos, 0x7F)
    end = pos + length
    if end > len(block):
        raise BadBlock("header block ends within a field")
    return (_unpacked(block[pos:end]) if is_huffman else block[pos:end]), end


@lru_cache(4096)
def _unpacked(code: bytes) -> bytes:
    return decode_huffman(code)
