"""The table of what works with which client: a row for every test, a column for every version of its client.

It is gathered while tests run and shown at the end. `KEMU_MATRIX=write` puts it into docs/kubernetes-api.md; without,
a whole run only compares: a command that is missing there or is too much fails the run, versions may differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "kubernetes-api.md"
_BEGIN, _END = "<!-- matrix: written by KEMU_MATRIX=write scripts/test tests/clients -->", "<!-- end of matrix -->"
_MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "-"}


class Matrix:
    """Outcomes by client, command and version."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[str, dict[str, str]]] = {}

    def note(self, client: str, command: str, version: str, outcome: str) -> None:
        row = self._cells.setdefault(client, {}).setdefault(command, {})
        if row.get(version) != "failed":
            row[version] = outcome

    @property
    def is_empty(self) -> bool:
        return not self._cells

    @property
    def has_gaps(self) -> bool:
        """Whether something did not pass, so that this is no truth to write down."""
        return any(
            outcome != "passed" for rows in self._cells.values() for row in rows.values() for outcome in row.values()
        )

    def text(self) -> str:
        """Markdown: one table a client."""
        return "\n\n".join("\n".join(self._table(client)) for client in sorted(self._cells))

    def _table(self, client: str) -> Iterable[str]:
        rows = self._cells[client]
        versions = sorted({version for row in rows.values() for version in row}, key=_number)
        yield "| " + " | ".join([client, *versions]) + " |"
        yield "|---" * (len(versions) + 1) + "|"
        for command, row in rows.items():
            marks = [_MARKS.get(row.get(version, ""), "") for version in versions]
            yield "| " + " | ".join([command, *marks]) + " |"


def commands(text: str) -> set[tuple[str, str]]:
    """Client and command of every row of the tables in a text."""
    found, client = set(), ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            client = ""
        elif not client:
            client = cells[0]
        elif not cells[0].startswith("---"):
            found.add((client, cells[0]))
    return found


def written() -> str:
    """The matrix as the document has it."""
    _, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    return rest.partition(_END)[0].strip()


def write(text: str) -> None:
    head, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    DOCUMENT.write_text(f"{head}{_BEGIN}\n\n{text}\n\n{_END}{tail}")


def _number(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
