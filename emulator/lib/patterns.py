"""Regular expressions as Go reads them: matched in time linear to the text, and without look-around.

`matcher` compiles with the engine inside pydantic, which is Rust's and of Go's kind; where that refuses what Go takes
(a `[` inside a class), Python's own is asked. Differences of the dialects that patterns in schemas run into are
translated: `\\d`, `\\s` and `\\w` mean ASCII.

Followed: Go's regexp/syntax. Not taken over: `\\C`, and `\\b` between letters that are not ASCII.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

Matcher = Callable[[str], bool]

_CLASSES = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "s": r"[\t\n\f\r ]",
    "S": r"[^\t\n\f\r ]",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_]",
}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KEPT = 512


@lru_cache(_KEPT)
def matcher(pattern: str) -> Matcher:
    """Whether a text contains a match, as Go's `MatchString`; ValueError says why `pattern` is none."""
    translated = _ESCAPE.sub(lambda found: _CLASSES.get(found[1], found[0]), pattern)
    try:
        validator = SchemaValidator(core_schema.str_schema(pattern=translated, regex_engine="rust-regex"))
    except SchemaError as error:
        return _python(pattern, str(error))
    return lambda text: validator.isinstance_python(text)


def _python(pattern: str, refusal: str) -> Matcher:
    if "(?=" in pattern or "(?!" in pattern or "(?<=" in pattern or "(?<!" in pattern or re.search(r"\\[1-9]", pattern):
        raise ValueError(f"error parsing regexp: {_why(refusal)}")
    try:
        # `$` is the very end of the text in Go, in Python it may stand before a last line break.
        ends = re.sub(r"(?<!\\)\$", r"\\Z", pattern).replace(r"\z", r"\Z")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of classes that later Pythons may read as nested
            compiled = re.compile(ends, re.ASCII)
    except re.error as error:
        raise ValueError(f"error parsing regexp: {error}") from None
    return lambda text: compiled.search(text) is not None


def _why(refusal: str) -> str:
    """The last line of what Rust says, which names the fault."""
    lines = [line.strip() for line in refusal.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "invalid"
