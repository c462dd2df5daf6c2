"""Tables: what `kubectl get` prints, made of the Kinds' columns.

Pure. Follows meta.k8s.io/v1 Table: every row carries its object's metadata (or all of it, or nothing), columns beyond
the normal ones have a priority. The server writes the cells as they are printed: an age is "5m", not a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from emulator.kubeapi.shown import partial, served
from emulator.lib.clock import parse_rfc3339
from emulator.lib.durations import human
from emulator.objects.kind import Column, Json, Kind
from emulator.objects.resource import Resource

NAME = Column("Name", lambda resource: resource.name)


def table(kind: Kind[Any], rows: Sequence[Json], version: str, meta: str = "v1") -> Json:
    """A Table of `rows`; `meta` is the version of `meta.k8s.io`."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{meta}",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(column, kind) for column in _columns(kind)],
        "rows": rows,
    }


def rows(resources: Iterable[Resource[Any]], now: datetime, include: str = "Metadata", meta: str = "v1") -> list[Json]:
    """A row for each object, with as much of it as `include` says: None, Metadata or Object."""
    return [_row(resource, now, include, meta) for resource in resources]


def _row(resource: Resource[Any], now: datetime, include: str, meta: str) -> Json:
    row: Json = {"cells": [_cell(column, resource, now) for column in _columns(resource.kind)]}
    if include == "Object":
        row["object"] = served(resource)
    elif include != "None":
        row["object"] = partial(resource, meta)
    return row


def _columns(kind: Kind[Any]) -> tuple[Column, ...]:
    return kind.columns if kind.columns and kind.columns[0].name == "Last Seen" else (NAME, *kind.columns)


def _definition(column: Column, kind: Kind[Any]) -> Json:
    return {
        "name": column.name,
        "type": "string" if column.type == "date" and kind.is_builtin else column.type,
        "format": "name" if column is NAME else column.format,
        "description": column.description or column.name,
        "priority": 1 if column.wide else 0,
    }


def _cell(column: Column, resource: Resource[Any], now: datetime) -> object:
    found = column.cell(resource)
    if column.type == "date":
        return _age(found, now)
    return "" if found is None else found


def _age(found: object, now: datetime) -> str:
    """How long ago a time was; what is none stays as the column has it."""
    if found is None:
        return "<unknown>"
    try:
        return human((now - parse_rfc3339(str(found))).total_seconds())
    except ValueError:
        return str(found)
