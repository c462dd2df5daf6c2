"""Reads YAML and JSON text into documents whose every value knows its line and column.

Composes nodes with libyaml, builds plain JSON values itself (`scalars.py`), refuses doubled keys, and bounds what
anchors may expand to. Nothing is applied or judged here. Blocking only by its use of the processor: callers run it in a
thread for large inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from emulator.manifests.scalars import plain
from emulator.objects.problems import Path

NODE_LIMIT = 200_000
"""Values that one file may expand to: far above any manifest, far below a billion laughs."""
DEPTH_LIMIT = 100
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, order=True)
class Position:
    """1-based line and column."""

    line: int
    column: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file at a position; `hint` says how to mend it."""

    position: Position
    message: str
    hint: str = ""


@dataclass
class Document:
    """One document: its JSON value, where the key (or item) of each path stands, and how a number or a boolean was
    `written` where JSON writes it otherwise (`1.10`, `on`).
    """

    value: Any
    positions: dict[Path, Position] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)

    def position(self, path: Path) -> Position:
        """Where `path` stands, or the nearest thing around it that was written."""
        for length in range(len(path), -1, -1):
            if (found := self.positions.get(path[:length])) is not None:
                return found
        return Position(1, 1)


class Unreadable(Exception):
    """The text is no YAML, or not what kubectl would take."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f.message for f in faults))
        self.faults = faults


def read_documents(text: str) -> list[Document]:
    """The documents of one file, empty ones left out. Unreadable."""
    text = text.removeprefix("\ufeff")
    documents: list[Document] = []
    budget = _Budget()
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            builder = _Builder(budget)
            value = builder.build(node, (), 0)
            if builder.faults:
                raise Unreadable(builder.faults)
            if value is not None:
                documents.append(Document(value, builder.positions, builder.written))
    except yaml.MarkedYAMLError as error:
        raise Unreadable([_syntax_fault(error, text)]) from error
    except yaml.YAMLError as error:
        raise Unreadable([Fault(Position(1, 1), f"no YAML: {error}")]) from error
    return documents


def split_lists(documents: list[Document]) -> Iterator[Document]:
    """Documents of `kind: List` are taken apart into their items."""
    for document in documents:
        value = document.value
        is_list = isinstance(value, dict) and str(value.get("kind", "")).endswith("List")
        if not is_list or not isinstance(value.get("items"), list):
            yield document
            continue
        for index, item in enumerate(value["items"]):
            prefix: Path = ("items", index)
            positions = {p[2:]: at for p, at in document.positions.items() if p[:2] == prefix}
            yield Document(item, positions)


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Budget:
    """How many values may still be made."""

    def __init__(self) -> None:
        self.left = NODE_LIMIT


class _Builder:
    """Turns the nodes of one document into JSON values."""

    def __init__(self, budget: _Budget) -> None:
        self.positions: dict[Path, Position] = {}
        self.written: dict[Path, str] = {}
        self.faults: list[Fault] = []
        self._budget = budget

    def build(self, node: Node, path: Path, depth: int) -> Any:
        self._budget.left -= 1
        if self._budget.left < 0 or depth > DEPTH_LIMIT:
            what = "nested too deeply" if depth > DEPTH_LIMIT else f"expands to more than {NODE_LIMIT} values"
            raise Unreadable([Fault(_at(node), f"the document is {what}", "write anchors out, or split the file")])
        self.positions.setdefault(path, _at(node))
        if isinstance(node, ScalarNode):
            value = self._scalar(node)
            if isinstance(value, bool | int | float) and json.dumps(value) != node.value:
                self.written.setdefault(path, node.value)
            return value
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        assert isinstance(node, MappingNode)
        return self._mapping(node, path, depth)

    def _scalar(self, node: ScalarNode) -> Any:
        # A plain scalar carries the tag that PyYAML's resolver gave it, a quoted one "str"; `!!int "1"` says its own.
        is_plain = not node.style and node.tag.startswith(_TAG)
        return plain(node.value) if is_plain or node.tag in _EXPLICIT else node.value

    def _mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if isinstance(key_node, ScalarNode) and not key_node.style and key_node.value == "<<":
                merged |= self._merged(value_node, path, depth)
                continue
            key = self._key(key_node)
            if key in built:
                first = self.positions[(*path, key)]
                said = f'key "{key}" is there twice (first at line {first.line})'
                self.faults.append(Fault(_at(key_node), said, "remove one of the two"))
                continue
            self.positions[(*path, key)] = _at(key_node)
            built[key] = self.build(value_node, (*path, key), depth + 1)
        return {**{k: v for k, v in merged.items() if k not in built}, **built}

    def _merged(self, node: Node, path: Path, depth: int) -> dict[str, Any]:
        parts = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            value = self.build(part, (*path, "<<"), depth + 1)
            if isinstance(value, dict):
                merged = {**value, **merged}
            else:
                self.faults.append(Fault(_at(part), "only a map can be merged with <<", "let it name a map's anchor"))
        return merged

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            self.faults.append(Fault(_at(node), "a key must be plain text", "quote it"))
            return ""
        value = self._scalar(node)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "null" if value is None else str(value)


_EXPLICIT = frozenset(f"{_TAG}{name}" for name in ("int", "float", "bool", "null"))


def _at(node: Node) -> Position:
    mark = node.start_mark
    return Position(mark.line + 1, mark.column + 1)


def _syntax_fault(error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    lines = text.splitlines()
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    before = line[: max(position.column, len(line) - len(line.lstrip()))]
    if "\t" in before:
        column = line.index("\t") + 1
        return Fault(Position(position.line, column), "a tab where YAML wants spaces", "indent with spaces")
    said = " ".join(str(error.problem or error).split())
    context = f" {error.context}" if error.context else ""
    return Fault(position, f"no YAML:{context} {said}".replace("  ", " "), _syntax_hint(said))


def _syntax_hint(said: str) -> str:
    if "mapping values are not allowed" in said:
        return "is the indentation right, or does the value before need quotes?"
    if "did not find expected" in said or "could not find expected" in said:
        return "is the indentation right, or a bracket or quote left open?"
    return ""
