"""Sets of fields of an object: who owns what, as FieldsV1 of `metadata.managedFields` writes it.

Pure. A field is a path of elements in FieldsV1's own text: `f:NAME` of a map, `k:{"KEY":VALUE…}` of a list that is a
map, `v:VALUE` of a set, `i:INDEX`. A set knows for each element whether it is a member itself and which members are
below it; that a field is in does not mean that what is above or below it is. Followed: structured-merge-diff/v6
fieldpath (set.go, serialize.go, element.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from emulator.objects.kind import Json
from emulator.objects.mergerules import UNDECLARED, MergeRule

Element = str
FieldPath = tuple[Element, ...]

_SELF = "."


class FieldSet:
    """Fields by their elements: `members` end here, `children` lead on. Not changed once it is handed out."""

    __slots__ = ("children", "members")

    def __init__(self, members: Iterable[Element] = (), children: Mapping[Element, FieldSet] | None = None) -> None:
        self.members = set(members)
        self.children = dict(children or {})

    @classmethod
    def of(cls, *paths: FieldPath) -> FieldSet:
        """The set of these fields."""
        found = cls()
        for path in paths:
            found.insert(path)
        return found

    def insert(self, path: FieldPath) -> None:
        """Only while a set is built. The object as a whole is no field."""
        if not path:
            return
        here = self
        for element in path[:-1]:
            here = here.children.setdefault(element, FieldSet())
        here.members.add(path[-1])

    def __bool__(self) -> bool:
        return bool(self.members) or any(self.children.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<FieldSet {' '.join(map(text_of, self))}>"

    def __iter__(self) -> Iterator[FieldPath]:
        """All fields: those of a level before those below it, each in order."""
        for element in sorted(self.members, key=_place):
            yield (element,)
        for element in sorted(self.children, key=_place):
            for path in self.children[element]:
                yield (element, *path)

    def has(self, path: FieldPath) -> bool:
        here: FieldSet | None = self
        for element in path[:-1]:
            here = here.children.get(element) if here is not None else None
        return here is not None and bool(path) and path[-1] in here.members

    def below(self, element: Element) -> FieldSet:
        """What is in of an element's inside."""
        return self.children.get(element) or _NOTHING

    def union(self, other: FieldSet) -> FieldSet:
        children = {**self.children, **other.children}
        for element in self.children.keys() & other.children.keys():
            children[element] = self.children[element].union(other.children[element])
        return FieldSet(self.members | other.members, children)

    def intersection(self, other: FieldSet) -> FieldSet:
        shared = self.children.keys() & other.children.keys()
        inner = ((element, self.children[element].intersection(other.children[element])) for element in shared)
        return FieldSet(self.members & other.members, {element: found for element, found in inner if found})

    def difference(self, other: FieldSet) -> FieldSet:
        """Without the fields of `other`; what is below one of these stays."""
        children = {}
        for element, inner in self.children.items():
            theirs = other.children.get(element)
            if left := inner if theirs is None else inner.difference(theirs):
                children[element] = left
        return FieldSet(self.members - other.members, children)

    def without(self, other: FieldSet) -> FieldSet:
        """Without the fields of `other` and all that is below them."""
        children = {}
        for element, inner in self.children.items():
            if element in other.members:
                continue
            theirs = other.children.get(element)
            if left := inner if theirs is None else inner.without(theirs):
                children[element] = left
        return FieldSet(self.members - other.members, children)

    def leaves(self) -> FieldSet:
        """The fields that have no other below them."""
        children = {element: inner.leaves() for element, inner in self.children.items()}
        return FieldSet(self.members - self.children.keys(), children)

    def with_named(self, rule: MergeRule) -> FieldSet:
        """With the declared fields, too, that something is below of: `spec`, but no key of a map or a list."""
        named = {element for element in self.children if element[:2] == "f:" and element[2:] in rule.fields}
        children = {element: inner.with_named(rule_below(rule, element)) for element, inner in self.children.items()}
        return FieldSet(self.members | named, children)

    def to_json(self) -> Json:
        """FieldsV1."""
        found: Json = {}
        for element in sorted(self.members | self.children.keys(), key=_place):
            inner = self.children.get(element)
            below = inner.to_json() if inner is not None else {}
            found[element] = {_SELF: {}, **below} if below and element in self.members else below
        return found

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> FieldSet:
        """The set that FieldsV1 writes; ValueError. Elements of an unknown sort are left out."""
        found = cls()
        for name, inner in fields.items():
            if name == _SELF:
                continue
            if not isinstance(inner, dict):
                raise ValueError(f"{name} must be a map")
            element = _canonical(name)
            if element is None:
                continue
            if not inner or _SELF in inner:
                found.members.add(element)
            if below := cls.from_json(inner):
                found.children[element] = below
        return found


_NOTHING = FieldSet()


def rule_below(rule: MergeRule, element: Element) -> MergeRule:
    """The rule of what an element leads to."""
    if element[:2] == "f:":
        return rule.of_field(element[2:])
    return rule.of_item() if element[:2] == "k:" else UNDECLARED


def value_element(value: Any) -> Element:
    """A set's item."""
    return f"v:{_compact(value)}"


def key_element(keys: Mapping[str, Any]) -> Element:
    """A keyed list's item."""
    return f"k:{_compact(keys)}"


def text_of(path: FieldPath) -> str:
    """A field as conflicts name it: `.spec.containers[name="web"].image`."""
    return "".join(map(_element_text, path))


def _element_text(element: Element) -> str:
    kind, inner = element[:2], element[2:]
    match kind:
        case "f:":
            return f".{inner}"
        case "k:":
            return f"[{','.join(f'{name}={_compact(value)}' for name, value in sorted(json.loads(inner).items()))}]"
        case "v:":
            return f"[={inner}]"
    return f"[{inner}]"


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_ORDER = {"f:": 0, "k:": 1, "v:": 2, "i:": 3}


def _place(element: Element) -> tuple[int, int, str]:
    """Fields before keys, these before values, and these before indices."""
    index = int(element[2:]) if element[:2] == "i:" else 0
    return _ORDER[element[:2]], index, element[2:]


def _canonical(name: str) -> Element | None:
    """An element in the one way in which it is written here."""
    kind, inner = name[:2], name[2:]
    if kind == "f:":
        return name
    if kind == "i:":
        return f"i:{int(inner)}"
    if kind not in ("k:", "v:"):
        return None
    value = json.loads(inner)
    if kind == "k:" and not isinstance(value, dict):
        raise ValueError(f"{name} must be a map of keys")
    return f"{kind}{_compact(value)}"
