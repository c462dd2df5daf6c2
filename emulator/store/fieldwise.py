"""Objects field by field: which fields one has, how two differ, their merge, and one without some fields.

Pure; nothing given is changed. What is one field and what leads to others is the MergeRule's to say: maps are walked
unless atomic, lists only where they are maps by key or sets. Followed: structured-merge-diff/v6 typed (tofieldset.go,
compare.go, merge.go, remove.go). Two objects that are equal in a part are not walked there, which is most of the speed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.objects.mergerules import MergeRule
from emulator.store.fieldsets import Element, FieldPath, FieldSet, key_element, rule_below, text_of, value_element


class Untyped(ValueError):
    """A list that its rule cannot tell the items of apart; the text says where and why."""


@dataclass(frozen=True)
class Comparison:
    """The fields that differ between an old and a new object; each stands in one of the sets."""

    added: FieldSet = field(default_factory=FieldSet)
    modified: FieldSet = field(default_factory=FieldSet)
    removed: FieldSet = field(default_factory=FieldSet)

    def without(self, fields: FieldSet) -> Comparison:
        """Without these fields and what is below them."""
        return Comparison(self.added.without(fields), self.modified.without(fields), self.removed.without(fields))


# -- which fields an object has


def fields_of(value: Any, rule: MergeRule, path: FieldPath = (), *, unique: bool = True) -> FieldSet:
    """The fields that an object states. Untyped if a list has an item without its key, or if `unique`, twice."""
    found = FieldSet()
    for element, inner in _items(value, rule, path, unique=unique):
        below = rule_below(rule, element)
        if _is_whole(inner, below) or not _is_declared(element, rule) or inner == {}:
            found.members.add(element)
        if not _is_leaf(inner, below) and (deeper := fields_of(inner, below, (*path, element), unique=unique)):
            found.children[element] = deeper
    return found


def _all_fields(value: Any, rule: MergeRule, into: FieldSet, path: FieldPath) -> None:
    """All fields of a value that is only in one of two objects, those that lead to others included."""
    into.insert(path)
    if _is_leaf(value, rule):
        return
    for element, inner in _items(value, rule, path):
        _all_fields(inner, rule_below(rule, element), into, (*path, element))


# -- how two objects differ


def compared(old: Any, new: Any, rule: MergeRule) -> Comparison:
    """What `new` adds to, changes and removes from `old`."""
    comparison = Comparison()
    _compare(old, new, rule, (), comparison)
    return comparison


def _compare(old: Any, new: Any, rule: MergeRule, path: FieldPath, into: Comparison) -> None:
    if old == new:
        return
    was_leaf, is_leaf = _is_leaf(old, rule), _is_leaf(new, rule)
    if was_leaf and is_leaf:
        into.modified.insert(path)
    elif type(old) is not type(new):
        _compare_kinds(old, new, rule, path, into)
    elif isinstance(old, dict):
        for name in old.keys() | new.keys():
            _compare_items(
                [old[name]] if name in old else [],
                [new[name]] if name in new else [],
                rule_below(rule, f"f:{name}"),
                (*path, f"f:{name}"),
                into,
            )
    else:
        before, after = _grouped(old, rule, path), _grouped(new, rule, path)
        for element in before.keys() | after.keys():
            _compare_items(before.get(element, []), after.get(element, []), rule.of_item(), (*path, element), into)


def _compare_kinds(old: Any, new: Any, rule: MergeRule, path: FieldPath, into: Comparison) -> None:
    """A map became a list or a scalar, or the other way round."""
    for value, fields in ((old, into.removed), (new, into.added)):
        if _is_leaf(value, rule):
            into.modified.insert(path)
            continue
        for element, inner in _items(value, rule, path):
            _all_fields(inner, rule_below(rule, element), fields, (*path, element))


def _compare_items(old: list[Any], new: list[Any], rule: MergeRule, path: FieldPath, into: Comparison) -> None:
    """One element of both; an item that a list has twice is one value."""
    if len(old) > 1 and len(new) > 1:
        if old != new:
            into.modified.insert(path)
    elif len(old) > 1:
        if new:
            _all_fields(new[0], rule, into.added, path)
        into.removed.insert(path)
    elif len(new) > 1:
        if old:
            _all_fields(old[0], rule, into.removed, path)
        into.added.insert(path)
    elif not old:
        _all_fields(new[0], rule, into.added, path)
    elif not new:
        _all_fields(old[0], rule, into.removed, path)
    else:
        _compare(old[0], new[0], rule, path, into)


# -- merging


def merged(live: Any, config: Any, rule: MergeRule, path: FieldPath = ()) -> Any:
    """`live` with all that `config` states. Order of lists: as `live` where `config` has the same, else as `config`."""
    if type(live) is not type(config) or (_is_leaf(live, rule) and _is_leaf(config, rule)):
        return config
    if isinstance(config, dict):
        both = dict(live)
        for name, value in config.items():
            inner = rule.of_field(name)
            both[name] = merged(live[name], value, inner, (*path, f"f:{name}")) if name in live else value
        return both
    return _merged_list(live, config, rule, path)


def _merged_list(live: list[Any], config: list[Any], rule: MergeRule, path: FieldPath) -> list[Any]:
    mine = dict(_items(config, rule, path, unique=True))
    theirs = _grouped(live, rule, path)
    found = []
    for index, element in _interleaved([element for element, _ in _items(live, rule, path)], [*mine]):
        before = theirs.get(element, [])
        if index is not None:
            found.append(live[index])
        elif len(before) == 1:
            found.append(merged(before[0], mine[element], rule.of_item(), (*path, element)))
        else:
            found.append(mine[element])
    return found


def _interleaved(left: list[Element], right: list[Element]) -> Iterator[tuple[int | None, Element]]:
    """The items of both: (place in `left`, element) of its own, (None, element) of `right`'s.

    Those of both stand as in `right`; the others stay between their neighbours (mergingWalker.visitListItems).
    """
    mine, theirs, done = {*right}, {*left}, set[Element]()
    shared = deque(element for element in right if element in theirs)
    i = j = 0
    while i < len(left) or j < len(right):
        own = left[i] if i < len(left) else None
        if own is not None and own not in mine:
            yield i, own
            i += 1
            continue
        given = right[j] if j < len(right) else None
        if own is not None and given not in (None, own) and shared and own != shared[0]:
            i += 1  # one of both, which is not due
            continue
        if own is not None and (own in done or own == given):
            i += 1
        if given is not None:
            yield None, given
            done.add(given)
            j += 1
            if shared and shared[0] == given:
                shared.popleft()


# -- removing


def removed(value: Any, fields: FieldSet, rule: MergeRule) -> Any:
    """Without these fields; None for a map or list of which nothing is left, or an atomic one that is cut into."""
    if not isinstance(value, dict | list):
        return value
    if not value or _is_leaf(value, rule):
        return None
    if isinstance(value, dict):
        kept = {}
        for name, inner in value.items():
            element = f"f:{name}"
            if element not in fields.members and (left := _cut(inner, element, fields, rule)) is not None:
                kept[name] = left
        return kept or None
    items = [(element, item) for element, item in _items(value, rule, ()) if element not in fields.members]
    return [left for element, item in items if (left := _cut(item, element, fields, rule)) is not None] or None


def _cut(value: Any, element: Element, fields: FieldSet, rule: MergeRule) -> Any:
    below = fields.children.get(element)
    return removed(value, below, rule_below(rule, element)) if below else value


def item_element(items: list[Any], index: int, rule: MergeRule) -> Element:
    """How a list's item is named in a path; Untyped."""
    if rule.list_type == "atomic":
        return f"i:{index}"
    return (
        _set_element(items[index], index, ())
        if rule.list_type == "set"
        else _key_element(items[index], rule, index, ())
    )


# -- inside


def _is_whole(value: Any, rule: MergeRule) -> bool:
    """Whether a value is one field, whatever is in it."""
    if isinstance(value, dict):
        return rule.is_atomic_map
    return not isinstance(value, list) or rule.list_type == "atomic"


def _is_leaf(value: Any, rule: MergeRule) -> bool:
    """Whether nothing leads on from a value."""
    return not value or _is_whole(value, rule)


def _is_declared(element: Element, rule: MergeRule) -> bool:
    return element[:2] == "f:" and element[2:] in rule.fields


def _grouped(value: list[Any], rule: MergeRule, path: FieldPath) -> dict[Element, list[Any]]:
    found: dict[Element, list[Any]] = {}
    for element, item in _items(value, rule, path):
        found.setdefault(element, []).append(item)
    return found


def _items(value: Any, rule: MergeRule, path: FieldPath, *, unique: bool = False) -> Iterator[tuple[Element, Any]]:
    """What is inside of a map, a set or a keyed list, by its element."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"f:{name}", inner
        return
    seen: set[Element] = set()
    for index, item in enumerate(value):
        element = _set_element(item, index, path) if rule.list_type == "set" else _key_element(item, rule, index, path)
        if unique and element in seen:
            raise Untyped(f"{text_of(path)}: duplicate entries for key {text_of((element,))}")
        seen.add(element)
        yield element, item


def _set_element(item: Any, index: int, path: FieldPath) -> Element:
    if isinstance(item, dict | list) or item is None:
        said = "a map type" if isinstance(item, dict) else "a list type" if item is not None else "an explicit null"
        raise Untyped(f"{text_of(path)}: element {index}: associative list without keys has an element that's {said}")
    return value_element(item)


def _key_element(item: Any, rule: MergeRule, index: int, path: FieldPath) -> Element:
    where = f"{text_of(path)}: element {index}"
    if not isinstance(item, dict):
        which = "a null element" if item is None else "non-map elements"
        raise Untyped(f"{where}: associative list with keys may not have {which}")
    keys = {}
    for name in rule.keys:
        value = item.get(name, rule.of_item().of_field(name).default)
        if value is not None:
            keys[name] = value
    if not keys:
        listed = " ".join(f'"{name}"' for name in rule.keys)
        said = f"associative list with keys has an element that omits all key fields [{listed}]"
        raise Untyped(f"{where}: {said} (and doesn't have default values for any key fields)")
    return key_element(keys)
