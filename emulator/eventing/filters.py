"""Which events a Trigger wants: `filter.attributes` and the dialects of `filters`, made into functions of attributes.

Pure. `matcher` compiles a Trigger's JSON once; `exact_type` gives the type that it asks for, by which the stream finds
it without asking the others. CESQL is not read here: a Trigger that uses it says so and matches nothing. Followed:
knative/eventing pkg/eventfilter (eventing §4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.eventing.cloudevents import Event
from emulator.objects.kind import Json
from emulator.objects.problems import Path, Problem, invalid_key

Matcher = Callable[[Event], bool]
DIALECTS = ("exact", "prefix", "suffix", "all", "any", "not", "cesql")
_CONTENT_TYPE = frozenset((b"datacontenttype", b"datamediatype"))
_NAME_DETAILS = "Attribute name must start with a letter and can only contain lowercase alphanumeric"


def everything(event: Event) -> bool:
    return True


def matcher(spec: Json) -> Matcher:
    """The function that says whether a Trigger with this spec wants an event."""
    if filters := spec.get("filters"):
        return _all([_dialect(part) for part in filters])
    attributes = (spec.get("filter") or {}).get("attributes") or {}
    return _exact(attributes, empty_is_any=True) if attributes else everything


def exact_type(spec: Json) -> bytes | None:
    """The one event type that can match, None if there may be several."""
    if filters := spec.get("filters"):
        wanted = [part["exact"].get("type") for part in filters if part.get("exact")]
        return next((t.encode() for t in wanted if t), None)
    found = ((spec.get("filter") or {}).get("attributes") or {}).get("type")
    return found.encode() if found else None


def uses_cesql(spec: Json) -> bool:
    """Whether an expression stands anywhere in `filters`."""

    def inside(part: Any) -> bool:
        if not isinstance(part, dict):
            return False
        nested = [*(part.get("all") or ()), *(part.get("any") or ()), part.get("not")]
        return bool(part.get("cesql")) or any(inside(p) for p in nested)

    return any(inside(part) for part in spec.get("filters") or ())


def problems_of(spec: Json) -> Iterator[Problem]:
    """The faults of `filter` and `filters`; paths start below the spec."""
    for name in (spec.get("filter") or {}).get("attributes") or {}:
        if not _is_name(name):
            yield invalid_key(name, "filter", "attributes", details=_NAME_DETAILS)
    for index, part in enumerate(spec.get("filters") or ()):
        yield from _dialect_problems(part, ("filters", index))


def _dialect_problems(part: Json, path: Path) -> Iterator[Problem]:
    given = [name for name in DIALECTS if part.get(name)]
    if len(given) > 1:
        yield Problem(path, "multiple dialects found, filters can have only one dialect set")
    for name in ("exact", "prefix", "suffix"):
        for attribute in part.get(name) or {}:
            if not _is_name(attribute):
                yield invalid_key(attribute, *path, name, details=_NAME_DETAILS)
    for name in ("all", "any"):
        for index, nested in enumerate(part.get(name) or ()):
            yield from _dialect_problems(nested, (*path, name, index))
    if part.get("not"):
        yield from _dialect_problems(part["not"], (*path, "not"))


def _is_name(name: str) -> bool:
    return name.isascii() and name.isalnum() and name.islower() and name[0].isalpha() if name else False


def _dialect(part: Json) -> Matcher:
    if part.get("exact"):
        return _exact(part["exact"], empty_is_any=False)
    if part.get("prefix"):
        return _affix(part["prefix"], bytes.startswith)
    if part.get("suffix"):
        return _affix(part["suffix"], bytes.endswith)
    if part.get("all"):
        return _all([_dialect(p) for p in part["all"]])
    if part.get("any"):
        some = [_dialect(p) for p in part["any"]]
        return lambda event: any(match(event) for match in some)
    if part.get("not"):
        nested = _dialect(part["not"])
        return lambda event: not nested(event)
    if part.get("cesql"):
        return lambda event: False
    return everything


def _all(parts: list[Matcher]) -> Matcher:
    if len(parts) == 1:
        return parts[0]
    return lambda event: all(match(event) for match in parts)


def _exact(attributes: Mapping[str, str], *, empty_is_any: bool) -> Matcher:
    """All entries equal. An empty value asks for any in `filter.attributes`, and for nothing in a dialect."""
    pairs = [(name.encode(), value.encode()) for name, value in attributes.items() if value or empty_is_any]
    if len(pairs) == 1 and pairs[0][1] and pairs[0][0] not in _CONTENT_TYPE:
        name, wanted = pairs[0]
        return lambda event: event.attributes.get(name) == wanted

    def matches(event: Event) -> bool:
        for name, wanted in pairs:
            found = _attribute(event, name)
            if not found or (wanted and found != wanted):
                return False
        return True

    return matches


def _affix(attributes: Mapping[str, str], test: Callable[[bytes, bytes], bool]) -> Matcher:
    pairs = [(name.encode(), value.encode()) for name, value in attributes.items() if value]

    def matches(event: Event) -> bool:
        return all((found := _attribute(event, name)) is not None and test(found, part) for name, part in pairs)

    return matches


def _attribute(event: Event, name: bytes) -> bytes | None:
    if name in _CONTENT_TYPE:
        return event.content_type
    return event.attributes.get(name)
