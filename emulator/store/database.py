"""The file `objects.sqlite`: rows in, rows out, in whole transactions. All of it blocks; `disk.py` calls it in threads.

A write-ahead log with `synchronous=NORMAL`: what a transaction wrote is with the kernel when it ends, so `kill -9`
loses nothing of it; a loss of power may lose the last seconds, and never leaves half of a transaction. A damaged file
is moved aside and told; a file of a newer kemu is refused rather than misread. Mode 0600: Secrets are in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from emulator.objects.kind import Json
from emulator.store.ledger import Stated

T = TypeVar("T")
FILE = "objects.sqlite"
PARTS = (FILE, f"{FILE}-wal", f"{FILE}-shm")
_FORMAT = 1
_CACHE_KIB = 256  # all is read once, at the start; after that, rows are only written
_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    api_group TEXT, kind TEXT, namespace TEXT, name TEXT, body TEXT NOT NULL,
    PRIMARY KEY (api_group, kind, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifests (
    api_group TEXT, kind TEXT, namespace TEXT, name TEXT,
    file TEXT NOT NULL, body TEXT NOT NULL, generation INTEGER NOT NULL,
    PRIMARY KEY (api_group, kind, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_PUT_OBJECT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
_PUT_STATED = "INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM {} WHERE api_group = ? AND kind = ? AND namespace = ? AND name = ?"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Unusable(Exception):
    """The file can be neither read nor replaced."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} {why}; choose another --data-dir, or forget what is there with `kemu down --purge`")


class Row(NamedTuple):
    """Where an object is kept."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


@dataclass
class Batch:
    """One transaction: rows to write, or with None to delete. `version` is the highest resourceVersion given out."""

    objects: dict[Row, Json | None] = field(default_factory=dict)
    stated: dict[Row, Stated | None] = field(default_factory=dict)
    version: int = 0

    def __bool__(self) -> bool:
        return bool(self.objects or self.stated)


@dataclass
class Found:
    """What an earlier run left. `notes` is what the user should know of it."""

    objects: dict[Row, Json] = field(default_factory=dict)
    stated: dict[Row, Stated] = field(default_factory=dict)
    version: int = 0
    notes: list[str] = field(default_factory=list)


def kept(folder: Path) -> list[Row]:
    """The objects kept in a folder that no other one made; none where nothing can be read."""
    path = folder / FILE
    if not path.exists():
        return []
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT * FROM objects").fetchall()
            return [
                Row(*row) for *row, body in rows if not (json.loads(body).get("metadata") or {}).get("ownerReferences")
            ]
    except (sqlite3.Error, ValueError, LookupError, TypeError):
        return []


class _Damaged(Exception):
    """The file cannot be trusted."""


class Database:
    """One file, one connection."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def open(self) -> Found:
        """Read everything; Unusable."""
        notes = []
        try:
            found = self._read()
        except _Damaged as damaged:
            aside = self._move_aside()
            notes = [
                f"{self.path} is damaged ({damaged}) and was moved to {aside.name}: "
                "what came through the API in earlier runs is not there; what is in files is"
            ]
            found = self._read()
        found.notes = [*notes, *found.notes]
        return found

    def write(self, batch: Batch) -> None:
        """All of it or nothing. sqlite3.Error."""
        assert self._connection is not None
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._write(self._connection, batch)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # -- inside

    def _read(self) -> Found:
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise Unusable(self.path, f"cannot be used: {error.strerror}") from error
        self._connection = connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
            found = Found()
            for *row, body in connection.execute("SELECT * FROM objects"):
                _take(Row(*row), body, found)
            for *row, file, body, generation in connection.execute("SELECT * FROM manifests"):
                found.stated[Row(*row)] = Stated(file, json.loads(body), generation)
            for (value,) in connection.execute("SELECT value FROM counters WHERE name = 'version'"):
                found.version = value
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in _DAMAGE:
                raise _Damaged(str(error)) from error
            raise Unusable(self.path, f"cannot be used: {error}") from error
        except (ValueError, TypeError) as error:
            raise _Damaged(str(error)) from error
        return found

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _FORMAT:
            why = f"was written by a newer kemu (format {version}; this one reads {_FORMAT})"
            raise Unusable(self.path, why)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise _Damaged(state)
        if version < _FORMAT:
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def _move_aside(self) -> Path:
        self.close()
        mark = datetime.now(UTC).strftime("damaged-%Y%m%dT%H%M%S")
        for part in PARTS:
            path = self.path.with_name(part)
            if path.exists():
                path.replace(path.with_name(f"{part}.{mark}"))
        return self.path.with_name(f"{FILE}.{mark}")

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        put, gone = _split(batch.objects)
        connection.executemany(_PUT_OBJECT, ((*row, _text(body)) for row, body in put.items()))
        connection.executemany(_DELETE.format("objects"), gone)
        stated, unstated = _split(batch.stated)
        connection.executemany(_PUT_STATED, ((*row, s.file, _text(s.value), s.generation) for row, s in stated.items()))
        connection.executemany(_DELETE.format("manifests"), unstated)
        connection.execute("INSERT OR REPLACE INTO counters VALUES ('version', ?)", (batch.version,))


def _take(row: Row, body: str, found: Found) -> None:
    try:
        found.objects[row] = json.loads(body)
    except ValueError as error:
        found.notes.append(f"{row} in {FILE} cannot be read and is left out: {error}")


def _split(rows: Mapping[Row, T | None]) -> tuple[dict[Row, T], list[Row]]:
    """What to write, and what to delete."""
    gone = [row for row, body in rows.items() if body is None]
    return {row: body for row, body in rows.items() if body is not None}, gone


def _text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
