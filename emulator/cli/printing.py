"""Tables, YAML and ages as kubectl prints them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns, three spaces apart."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def as_yaml(value: Any, *, sort_keys: bool = False) -> str:
    """Block style, long lines left whole. The library is loaded here: tables do without."""
    import yaml

    return yaml.safe_dump(value, sort_keys=sort_keys, default_flow_style=False, allow_unicode=True, width=1000)


def table_rows(table: Json, *, is_wide: bool, with_namespace: bool) -> list[list[str]]:
    """Header and rows of a Table object."""
    definitions = table["columnDefinitions"]
    shown = [i for i, d in enumerate(definitions) if is_wide or not d.get("priority")]
    header = [definitions[i]["name"].upper() for i in shown]
    rows = [["NAMESPACE", *header] if with_namespace else header]
    for entry in table["rows"]:
        cells = [cell_text(entry["cells"][i], definitions[i]["type"]) for i in shown]
        namespace = entry["object"]["metadata"].get("namespace", "")
        rows.append([namespace, *cells] if with_namespace else cells)
    return rows


def cell_text(value: object, type_: str) -> str:
    if type_ == "date" and value:
        return age(str(value))
    return "" if value is None else str(value)


def age(text: str, now: datetime | None = None) -> str:
    """`5m`, `2d3h`: how long ago an RFC 3339 time was (k8s duration.HumanDuration)."""
    then = datetime.fromisoformat(text)
    return human(((now or datetime.now(UTC)) - then).total_seconds())


def human(seconds: float) -> str:
    """A duration as kubectl's AGE column has it."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y{days % 365}d"
