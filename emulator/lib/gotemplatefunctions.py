"""The functions that Go's text/template has of its own, and how it prints values.

Followed: Go 1.25 text/template funcs.go and fmt.
"""

from __future__ import annotations

import operator
import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.lib.gonumbers import format_float

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<precision>\d+))?(?P<verb>[a-zA-Z%])")
_HTML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\N{REPLACEMENT CHARACTER}"}
)
_JS = {"\\": r"\\", "'": r"\'", '"': r"\"", "<": r"\u003C", ">": r"\u003E", "&": r"\u0026", "=": r"\u003D"}


class TemplateFault(ValueError):
    """The text is no template, or the data do not fit it."""


def is_true(value: Any) -> bool:
    """What `if` asks: not the zero value of its type, nor empty."""
    return bool(value)


def printed(value: Any) -> str:
    """A value as an action prints it (fmt's %v)."""
    if callable(value):
        value = value()
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_float(value)
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{printed(k)}:{printed(v)}' for k, v in sorted(value.items()))}]"
    if isinstance(value, list | tuple):
        return f"[{' '.join(printed(v) for v in value)}]"
    return str(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "")
        elif isinstance(value, Sequence) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        elif isinstance(value, Sequence):
            raise TemplateFault(f"error calling index: index out of range: {printed(key)}")
        else:
            raise TemplateFault(f"error calling index: can't index item of type {type(value).__name__}")
    return value


def _slice(value: Any, *bounds: int) -> Any:
    start, end, *_ = (*bounds, *(0, len(value))[len(bounds) :])
    if not 0 <= start <= end <= len(value):
        raise TemplateFault(f"error calling slice: index out of range: {end}")
    return value[start:end]


def _printf(template: str, *values: Any) -> str:
    given = iter(values)
    return _VERB.sub(lambda match: "%" if match["verb"] == "%" else _formatted(match, next(given, None)), template)


def _formatted(match: re.Match[str], value: Any) -> str:
    verb, width = match["verb"], int(match["width"] or 0)
    if verb in "efgEG" and isinstance(value, int | float):
        text = f"{float(value):.{match['precision'] or 6}{verb}}"
    elif verb in "dxXob" and isinstance(value, int):
        text = format(value, verb)
    elif verb == "q":
        text = '"' + printed(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        text = printed(value)[: int(match["precision"]) if match["precision"] else None]
    if "-" in match["flags"]:
        return text.ljust(width)
    return text.rjust(width, "0" if "0" in match["flags"] else " ")


def _print(*values: Any) -> str:
    """fmt.Sprint: a space between two that are both no texts."""
    text = ""
    for at, value in enumerate(values):
        both = at and not isinstance(value, str) and not isinstance(values[at - 1], str)
        text += (" " if both else "") + printed(value)
    return text


def _js(*values: Any) -> str:
    return "".join(_JS.get(c) or (c if c.isprintable() else f"\\u{ord(c):04X}") for c in _print(*values))


def _html(*values: Any) -> str:
    return _print(*values).translate(_HTML)


def _and(*values: Any) -> Any:
    return next((v for v in values if not is_true(v)), values[-1])


def _or(*values: Any) -> Any:
    return next((v for v in values if is_true(v)), values[-1])


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(one: Any, other: Any) -> bool:
        if isinstance(one, str) != isinstance(other, str):
            raise TemplateFault("incompatible types for comparison")
        return compare(one, other)

    return compared


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "and": _and,
    "or": _or,
    "not": lambda value: not is_true(value),
    "len": len,
    "index": _index,
    "slice": _slice,
    "call": lambda function, *given: function(*given),
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(map(printed, values)) + "\n",
    "html": _html,
    "js": _js,
    "urlquery": lambda *values: urllib.parse.quote_plus(_print(*values)),
    "eq": lambda one, *others: any(_comparison(operator.eq)(one, other) for other in others),
    "ne": _comparison(operator.ne),
    "lt": _comparison(operator.lt),
    "le": _comparison(operator.le),
    "gt": _comparison(operator.gt),
    "ge": _comparison(operator.ge),
}
