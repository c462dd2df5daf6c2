"""JSONPath in Kubernetes' dialect, as far as the columns and the scale of custom resources use it.

Fields (`.spec.size`, `['name']`, dots escaped by a backslash), `*`, `..`, indices, slices, unions of these, and filters
`[?(@.type=="Ready")]`. Not taken over: `range`/`end` and text around braces, which only templates have. Follows
client-go util/jsonpath with AllowMissingKeys: what is not there yields no result. `value_at` follows
paths that are names and dots only.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Step = Callable[[Any], Iterator[Any]]

_FIELD = re.compile(r"(?:\\.|[^\\\s.,\[\]$@{}()|])+")
_KEY = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_SLICE = re.compile(r"(-?\d*)(?::(-?\d*))?(?::(-?\d*))?")
_FILTER = re.compile(r"\?\((.+)\)", re.DOTALL)
_COMPARED = re.compile(r"([^!<>=]+)([!<>=]+)(.+)", re.DOTALL)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class JsonPath:
    """A path that is ready to be followed. ValueError when `text` is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps = _steps(text)

    def find(self, value: Any) -> list[Any]:
        """What the path leads to, in document order; empty where it leads nowhere, or not into what it takes it for."""
        try:
            return list(_follow(self._steps, value))
        except (TypeError, IndexError):
            return []


def value_at(value: Any, path: str) -> Any:
    """The value at a plain dotted path, names only; None where nothing stands."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def printed(value: Any) -> str:
    """A result as it is shown as text (PrintResults): maps and lists as JSON, text without quotes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case dict() | list():
            return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) and value != int(value) else str(int(value))


def _follow(steps: Sequence[Step], value: Any) -> Iterator[Any]:
    if not steps:
        yield value
        return
    for found in steps[0](value):
        yield from _follow(steps[1:], found)


def _steps(text: str) -> list[Step]:
    steps: list[Step] = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if rest.startswith(".."):
            steps.append(_everything)
            at += 2 if rest[2:3] == "[" else 1
        elif rest[0] in ".":
            step, length = _after_dot(rest)
            steps += [step] if step else []
            at += length
        elif rest[0] == "[":
            inside = rest[1 : _closing(rest)]
            steps.append(_bracketed(inside))
            at += len(inside) + 2
        elif rest[0] in "@$ ":
            at += 1
        else:
            raise ValueError(f"unrecognized character in action: {rest[0]!r}")
    return steps


def _after_dot(rest: str) -> tuple[Step | None, int]:
    if rest[1:2] == "*":
        return _children, 2
    found = _FIELD.match(rest, 1)
    if found is None:
        return None, 1
    name = re.sub(r"\\(.)", r"\1", found[0])
    return _named(name), 1 + len(found[0])


def _closing(rest: str) -> int:
    """Where the bracket that `rest` begins with is closed, quotes and inner brackets left alone."""
    depth, quote = 0, ""
    for at, letter in enumerate(rest):
        if quote:
            quote = "" if letter == quote and rest[at - 1] != "\\" else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
            if not depth:
                return at
    raise ValueError("unterminated array")


def _bracketed(inside: str) -> Step:
    if filter_ := _FILTER.fullmatch(inside.strip()):
        return _filtered(filter_[1])
    parts = [_selected(part.strip()) for part in inside.split(",")]
    if len(parts) == 1:
        return parts[0]

    def union(value: Any) -> Iterator[Any]:
        for part in parts:
            yield from part(value)

    return union


def _selected(text: str) -> Step:
    if text == "*":
        return _children
    if key := _KEY.fullmatch(text):
        return _named(key[1] if key[1] is not None else key[2])
    found = _SLICE.fullmatch(text)
    if found is None or not text:
        raise ValueError(f"invalid array index {text}")
    return _sliced(*found.groups())


def _named(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _everything(value: Any) -> Iterator[Any]:
    """The value and all that is inside it."""
    if isinstance(value, dict | list):
        yield value
        for child in _children(value):
            yield from _everything(child)


def _sliced(first: str, end: str | None, stride: str | None) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if value is None:
            return
        if not isinstance(value, list):
            raise TypeError("not an array")
        if end is None and stride is None:
            yield value[int(first)]
            return
        yield from value[slice(*(int(text) if text else None for text in (first, end, stride)))]

    return step


def _filtered(text: str) -> Step:
    compared = _COMPARED.fullmatch(text.strip())
    left = _steps((compared[1] if compared else text).strip())
    if compared is None:
        return lambda value: (item for item in _items(value) if list(_follow(left, item)))
    compare = _OPERATORS.get(compared[2])
    if compare is None:
        raise ValueError(f"unrecognized filter operator {compared[2]}")
    right = _operand(compared[3].strip())

    def step(value: Any) -> Iterator[Any]:
        for item in _items(value):
            lefts, rights = list(_follow(left, item)), list(right(item))
            if len(lefts) == len(rights) == 1 and compare(lefts[0], rights[0]):
                yield item

    return step


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not an array, and cannot be filtered")
    return value


def _operand(text: str) -> Step:
    """The right side of a comparison: a literal, or a path from the same item."""
    if text[:1] in "'\"":
        literal: Any = text[1:-1].replace(f"\\{text[0]}", text[0])
    elif text in ("true", "false"):
        literal = text == "true"
    elif re.fullmatch(r"[+-]?\d+(?:\.\d+)?", text):
        literal = float(text) if "." in text else int(text)
    else:
        steps = _steps(text)
        return lambda value: _follow(steps, value)
    return lambda value: iter((literal,))
