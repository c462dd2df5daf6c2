"""Faults in what a user wrote, collected rather than raised.

A Problem says what is wrong and where; `manifests/` adds the file position, `kubeapi/` turns a list of them into a
Status. Two makers: pydantic's error list (`from_validation`, with "did you mean"), and the validate functions of the
kinds, which use Knative's own phrases (knative/pkg apis/field_error.go): `missing`, `disallowed`, `invalid_value`, …
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from emulator.lib.guesses import did_you_mean

Path = tuple[str | int, ...]
QUOTES = "write it in quotes"


class MapKey(str):
    """A part of a Path that is a key of the user's own making, which Kubernetes writes in brackets."""

    __slots__ = ()


def dotted(path: Path) -> str:
    """`("spec", "containers", 0, "image")` as Kubernetes writes it: `spec.containers[0].image`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int | MapKey) else f".{part}" if text else part
    return text


@dataclass(frozen=True)
class Problem:
    """One fault: `path` inside the object, message, Kubernetes cause reason, further detail lines, a hint to mend it.

    `others` are the further places of a fault that has several (`expected exactly one, got both: a, b`). `told` are the
    places as Knative's webhook tells them, where it tells none or wrong ones; people are shown the true one.
    """

    path: Path
    message: str
    reason: str = "FieldValueInvalid"
    details: str = ""
    hint: str = ""
    others: tuple[Path, ...] = ()
    told: tuple[Path, ...] | None = None

    @property
    def places(self) -> tuple[Path, ...]:
        """Where the webhook says that the fault is."""
        return (self.path, *self.others) if self.told is None else self.told

    @property
    def field(self) -> str:
        return ", ".join(dotted(p) for p in (self.path, *self.others)) or "<root>"

    def under(self, *prefix: str | int) -> Problem:
        """The same fault, seen from further out."""
        return self.moved(prefix, prefix)

    def moved(self, prefix: Path, told: Path) -> Problem:
        """The same, where the webhook's words go another way."""
        others = tuple(prefix + p for p in self.others)
        said = None if self.told is None and prefix == told else tuple(told + p for p in self.places)
        return replace(self, path=prefix + self.path, others=others, told=said)

    def __str__(self) -> str:
        details = f" ({self.details})" if self.details else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.field}: {self.message}{details}{hint}"


def under(problems: Iterable[Problem], *prefix: str | int) -> list[Problem]:
    return [p.under(*prefix) for p in problems]


# -- Knative's phrases --


def missing(*path: str | int) -> Problem:
    return Problem(path, "missing field(s)", "FieldValueRequired")


def disallowed(*path: str | int) -> Problem:
    return Problem(path, "must not set the field(s)", "FieldValueForbidden")


def invalid_value(value: object, *path: str | int, details: str = "") -> Problem:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return Problem(path, f"invalid value: {shown}", details=details)


def invalid_key(key: str, *path: str | int, details: str = "") -> Problem:
    return Problem(path, f'invalid key name "{key}"', details=details)


def out_of_range(value: object, low: object, high: object, *path: str | int) -> Problem:
    return Problem(path, f"expected {low} <= {value} <= {high}")


def neither(*paths: Path) -> Problem:
    first, *rest = sorted(paths, key=dotted)
    return Problem(first, "expected exactly one, got neither", "FieldValueRequired", others=tuple(rest))


def both(*paths: Path) -> Problem:
    first, *rest = sorted(paths, key=dotted)
    return Problem(first, "expected exactly one, got both", others=tuple(rest))


def none_of(*paths: Path) -> Problem:
    first, *rest = sorted(paths, key=dotted)
    return Problem(first, "expected at least one, got none", "FieldValueRequired", others=tuple(rest))


def knative_text(problems: Sequence[Problem]) -> str:
    """The webhook's text: equal faults merged with their paths sorted, one a line, by message and details."""
    merged: dict[tuple[str, str], set[str]] = {}
    for problem in problems:
        fields = {dotted(p) for p in problem.places}
        merged.setdefault((problem.message, problem.details), set()).update(fields)
    lines = []
    for (message, details), fields in sorted(merged.items()):
        line = f"{message}: {', '.join(sorted(fields))}"
        lines.append(f"{line}\n{details}" if details else line)
    return "\n".join(lines)


# -- pydantic's errors --

_SAID = {
    "missing": ("FieldValueRequired", "required field is missing"),
    "extra_forbidden": ("FieldValueInvalid", "unknown field"),
    "string_type": ("FieldValueTypeInvalid", "must be a string"),
    "int_type": ("FieldValueTypeInvalid", "must be an integer"),
    "bool_type": ("FieldValueTypeInvalid", "must be true or false"),
    "float_type": ("FieldValueTypeInvalid", "must be a number"),
    "list_type": ("FieldValueTypeInvalid", "must be a list"),
    "dict_type": ("FieldValueTypeInvalid", "must be a map"),
    "model_type": ("FieldValueTypeInvalid", "must be a map"),
    "model_attributes_type": ("FieldValueTypeInvalid", "must be a map"),
}


def from_validation(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """One Problem per fault of pydantic's list, in its order; unknown fields come with the nearest known name."""
    return [_problem(dict(item), model) for item in error.errors(include_url=False)]


def _problem(item: dict[str, Any], model: type[BaseModel]) -> Problem:
    path: Path = item["loc"]
    reason, said = _SAID.get(item["type"], ("FieldValueInvalid", item["msg"].removeprefix("Value error, ")))
    if item["type"] == "extra_forbidden":
        return Problem(path, said, reason, hint=did_you_mean(str(path[-1]), field_names(model, path[:-1])))
    if item["type"].endswith("_type"):
        said = f"{said}, not {_shown(item['input'])}"
        if hint := _colon_missing(item["input"], model, path):
            return Problem(path, said, reason, hint=hint)
        if item["type"] == "string_type" and isinstance(item["input"], int | float | bool):
            return Problem(path, said, reason, hint=f'{QUOTES}: "{_plain(item["input"])}"')
    return Problem(path, said, reason)


def _colon_missing(value: object, model: type[BaseModel], path: Path) -> str:
    """`- image x` is the text "image x" to YAML."""
    word, space, rest = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not space or word not in field_names(model, path):
        return ""
    return f'is a colon missing: "{word}: {rest}"?'


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    match value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case None:
            return "null"
        case str():
            return f'the string "{value}"' if len(value) < 40 else "a string"
        case _:
            return _plain(value)


def field_names(model: type[BaseModel], path: Path) -> list[str]:
    """The field names that the model allows at `path` (their names in YAML); empty where any is allowed."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None:
            return []
        if isinstance(part, str):
            current = _inner_model(current, part)
    return [info.alias or name for name, info in current.model_fields.items()] if current else []


def _inner_model(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    for field, info in model.model_fields.items():
        if name in (field, info.alias):
            return _first_model(info.annotation)
    return None


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _first_model(argument)
        if found is not None:
            return found
    return None
