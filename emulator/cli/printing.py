"""Tables, YAML and ages as kubectl prints them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.lib.durations import human

Json = dict[str, Any]


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns, three spaces apart."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def as_yaml(value: Any, *, sort_keys: bool = False) -> str:
    """Block style, long lines left whole; read again, by kubectl or `kemu up`, it is the same."""
    from emulator.manifests.writing import text_of  # loads the library: tables do without

    return text_of(value, sort_keys=sort_keys)


def table_rows(table: Json, *, is_wide: bool, with_namespace: bool) -> list[list[str]]:
    """Header and rows of a Table object."""
    definitions = table["columnDefinitions"]
    shown = [i for i, d in enumerate(definitions) if is_wide or not d.get("priority")]
    header = [definitions[i]["name"].upper() for i in shown]
    rows = [["NAMESPACE", *header] if with_namespace else header]
    for entry in table["rows"]:
        cells = ["" if (cell := entry["cells"][i]) is None else str(cell) for i in shown]
        namespace = entry["object"]["metadata"].get("namespace", "")
        rows.append([namespace, *cells] if with_namespace else cells)
    return rows


def age(text: str, now: datetime | None = None) -> str:
    """`5m`, `2d3h`: how long ago an RFC 3339 time was (k8s duration.HumanDuration)."""
    then = datetime.fromisoformat(text)
    return human(((now or datetime.now(UTC)) - then).total_seconds())
