"""Judges JSON by an OpenAPI v3 schema, in the words of an API server that judges a custom resource.

Pure. `problems` is the one way in; the schema is known to be structural (`crdrules.py`). Follows kube-openapi
pkg/validation/validate and apiextensions-apiserver pkg/apiserver/validation/validation.go: the same order of checks,
and of several alternatives the faults of the one that came closest. Rules in CEL are not looked at here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulator.lib.gonumbers import INT32_MAX
from emulator.lib.patterns import matcher
from emulator.objects import formats
from emulator.objects.problems import Path, Problem, dotted

Schema = Mapping[str, Any]

_INT64_MAX = 2**63 - 1
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def problems(schema: Schema, value: Any, path: Path = ()) -> list[Problem]:
    """The faults of `value`, which stands at `path`; empty if it fits."""
    return _judge(schema, value, path).faults


# -- the words of a fault (apimachinery pkg/util/validation/field/errors.go) --


def shown(value: Any) -> str:
    """A value as faults quote it: text in quotes, numbers bare, everything else as compact JSON."""
    if isinstance(value, float) and value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def invalid(path: Path, value: Any, detail: str, reason: str = "FieldValueInvalid") -> Problem:
    return Problem(path, f"Invalid value: {shown(value)}{f': {detail}' if detail else ''}", reason)


def required(path: Path, detail: str = "") -> Problem:
    return Problem(path, f"Required value{f': {detail}' if detail else ''}", "FieldValueRequired")


def forbidden(path: Path, detail: str) -> Problem:
    return Problem(path, f"Forbidden: {detail}", "FieldValueForbidden")


def duplicate(path: Path, value: Any) -> Problem:
    return Problem(path, f"Duplicate value: {shown(value)}", "FieldValueDuplicate")


def not_supported(path: Path, value: Any, supported: Sequence[Any]) -> Problem:
    texts = [json.dumps(item if isinstance(item, str) else shown(item), ensure_ascii=False) for item in supported]
    return Problem(
        path, f"Unsupported value: {shown(value)}: supported values: {', '.join(texts)}", "FieldValueNotSupported"
    )


def too_many(path: Path, count: int, limit: int) -> Problem:
    items = "item" if limit == 1 else "items"
    return Problem(path, f"Too many: {count}: must have at most {limit} {items}", "FieldValueTooMany")


# -- judging --


@dataclass
class _Result:
    """Faults, and how many checks were passed on the way to them: of alternatives the best one is told."""

    faults: list[Problem] = field(default_factory=list)
    matches: int = 0

    def add(self, *faults: Problem) -> None:
        self.faults += [fault for fault in faults if fault not in self.faults]

    def merge(self, other: _Result) -> None:
        self.add(*other.faults)
        self.matches += other.matches


def _judge(schema: Schema, value: Any, path: Path) -> _Result:
    result = _Result()
    result.merge(_type(schema, value, path))
    if value is None:
        result.add(*_enum(schema, value, path))
        return result
    result.matches += 1
    result.merge(_junctors(schema, value, path))
    match value:
        case str():
            result.add(*_text(schema, value, path))
            result.matches += 1
        case bool():
            pass
        case int() | float():
            result.add(*_number(schema, value, path))
            result.matches += 2
        case list():
            result.merge(_list(schema, value, path))
    result.add(*_enum(schema, value, path))
    if isinstance(value, dict):
        result.merge(_map(schema, value, path))
    result.matches += 2
    return result


def _type_name(value: Any) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "null")


def _types(schema: Schema) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def _in_body(path: Path) -> str:
    return f"{dotted(path)} in body"


def _type(schema: Schema, value: Any, path: Path) -> _Result:
    wanted, actual = _types(schema), _type_name(value)
    is_whole = isinstance(value, float) and value == int(value) if actual == "number" else False
    is_fine = (
        not wanted
        or actual in wanted
        or (value is None and bool(schema.get("nullable")))
        or (is_whole and "integer" in wanted)
        or (actual == "integer" and "number" in wanted)
    )
    if is_fine:
        return _Result(matches=1)
    return _Result([_wrong_type(path, ",".join(wanted), actual)])


def _wrong_type(path: Path, wanted: str, actual: str) -> Problem:
    said = f"{_in_body(path)} must be of type {wanted}: {shown(actual)}"
    return invalid(path, actual, said, "FieldValueTypeInvalid")


def _junctors(schema: Schema, value: Any, path: Path) -> _Result:
    """anyOf, oneOf, allOf and not."""
    result = _Result(matches=1)
    name = shown(dotted(path))
    if any_of := schema.get("anyOf"):
        tried = [_judge(part, value, path) for part in any_of]
        fitting = next((one for one in tried if not one.faults), None)
        if fitting is None:
            result.add(invalid((), "", f"{name} must validate at least one schema (anyOf)"))
        result.merge(fitting or _closest(tried))
    if one_of := schema.get("oneOf"):
        tried = [_judge(part, value, path) for part in one_of]
        fits = [one for one in tried if not one.faults]
        if len(fits) != 1:
            found = f"Found {len(fits)} valid alternatives" if fits else "Found none valid"
            result.add(invalid((), "", f"{name} must validate one and only one schema (oneOf). {found}"))
        if len(fits) < 2:
            result.merge(fits[0] if fits else _closest(tried))
    if all_of := schema.get("allOf"):
        tried = [_judge(part, value, path) for part in all_of]
        for one in tried:
            result.merge(one)
        if any(one.faults for one in tried):
            none = "" if any(not one.faults for one in tried) else ". None validated"
            result.add(invalid((), "", f"{name} must validate all the schemas (allOf){none}"))
    if "not" in schema and not _judge(schema["not"], value, path).faults:
        result.add(invalid((), "", f"{name} must not validate the schema (not)"))
    return result


def _closest(tried: Sequence[_Result]) -> _Result:
    return max(tried, key=lambda one: one.matches)


def _text(schema: Schema, value: str, path: Path) -> Iterator[Problem]:
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        unit = "byte" if longest == 1 else "bytes"
        yield Problem(path, f"Too long: may not be more than {longest} {unit}", "FieldValueTooLong")
    elif shortest is not None and len(value) < shortest:
        yield invalid(path, value, f"{_in_body(path)} should be at least {shortest} chars long")
    elif pattern and not matcher(pattern)(value):
        yield invalid(path, value, f"{_in_body(path)} should match '{pattern}'")
    format_ = schema.get("format")
    if format_ and schema.get("type", "string") == "string" and not formats.check(format_, value):
        said = f"{_in_body(path)} must be of type {format_}: {shown(value)}"
        yield invalid(path, value, said, "FieldValueTypeInvalid")


def _number(schema: Schema, value: int | float, path: Path) -> Iterator[Problem]:
    type_, format_ = schema.get("type"), schema.get("format")
    if type_ == "integer" and not _fits(value, INT32_MAX if format_ == "int32" else _INT64_MAX):
        of = f"with format {format_}" if format_ in ("int32", "int64") else "(default format)"
        yield invalid((), "", f"Checked value must be of type integer {of} in {dotted(path)}")
    factor = schema.get("multipleOf")
    if factor and (value / factor) != int(value / factor):
        yield invalid(path, value, f"{_in_body(path)} should be a multiple of {shown(factor)}")
    yield from _bound(schema, value, path, "maximum")
    yield from _bound(schema, value, path, "minimum")


def _fits(value: int | float, largest: int) -> bool:
    return -largest - 1 <= value <= largest


def _bound(schema: Schema, value: int | float, path: Path, which: str) -> Iterator[Problem]:
    limit = schema.get(which)
    if limit is None:
        return
    is_strict = bool(schema.get(f"exclusive{which.capitalize()}"))
    beyond: Callable[[], bool] = (lambda: value > limit) if which == "maximum" else (lambda: value < limit)
    if beyond() or (is_strict and value == limit):
        word = "less than" if which == "maximum" else "greater than"
        said = word if is_strict else f"{word} or equal to"
        yield invalid(path, value, f"{_in_body(path)} should be {said} {shown(limit)}")


def _list(schema: Schema, value: list[Any], path: Path) -> _Result:
    result = _Result(matches=1)
    if isinstance(items := schema.get("items"), dict):
        for index, item in enumerate(value):
            result.merge(_judge(items, item, (*path, index)))
    count, fewest, most = len(value), schema.get("minItems"), schema.get("maxItems")
    if fewest is not None and count < fewest:
        result.add(invalid(path, count, f"{_in_body(path)} should have at least {fewest} items"))
    if most is not None and count > most:
        result.add(too_many(path, count, most))
    return result


def _enum(schema: Schema, value: Any, path: Path) -> Iterator[Problem]:
    allowed = schema.get("enum")
    if allowed and not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed):
        yield not_supported(path, value, allowed)


def _map(schema: Schema, value: dict[str, Any], path: Path) -> _Result:
    result = _Result()
    count, fewest, most = len(value), schema.get("minProperties"), schema.get("maxProperties")
    if fewest is not None and count < fewest:
        result.add(invalid(path, count, f"{_in_body(path)} should have at least {fewest} properties"))
    if most is not None and count > most:
        result.add(too_many(path, count, most))
    known: Mapping[str, Schema] = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    for key, item in value.items():
        here = (*path, key)
        if key in known:
            result.merge(_judge(known[key], item, here))
        elif isinstance(others, dict):
            result.merge(_judge(others, item, here))
        elif others is False:
            result.add(invalid(path, key, f"{_in_body(here)} is a forbidden property"))
    result.add(*(required((*path, key)) for key in schema.get("required") or () if key not in value))
    return result
