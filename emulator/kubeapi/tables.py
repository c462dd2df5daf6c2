"""Tables: what `kubectl get` prints, made of the Kinds' columns.

Pure. Follows meta.k8s.io/v1 Table: every row carries its object's metadata, columns beyond the normal ones have a
priority. Ages are times here; the client turns them into "5m".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.objects.kind import Column, Json, Kind
from emulator.objects.resource import Resource


def table(kind: Kind[Any], resources: Sequence[Resource[Any]], version: str) -> Json:
    """The Table of some objects of a kind."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(c) for c in (_NAME, *kind.columns)],
        "rows": [row(kind, resource) for resource in resources],
    }


def row(kind: Kind[Any], resource: Resource[Any]) -> Json:
    cells = [_cell(column, resource) for column in (_NAME, *kind.columns)]
    about = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(resource.metadata),
    }
    return {"cells": cells, "object": about}


_NAME = Column("Name", lambda resource: resource.name)


def _definition(column: Column) -> Json:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column is _NAME else "",
        "description": column.name,
        "priority": 1 if column.wide else 0,
    }


def _cell(column: Column, resource: Resource[Any]) -> object:
    found = column.cell(resource)
    return "" if found is None else found
