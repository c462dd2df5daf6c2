"""Strategic merge patch: a merge patch that knows which lists are maps or sets.

Pure; neither the object nor the patch is changed. Directives: `$patch` (delete, replace, merge), `$retainKeys`,
`$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`. Only Kubernetes' own kinds take such patches; the caller
refuses them for others. Followed: apimachinery pkg/util/strategicpatch/patch.go (mergeMap and below it, as the API
server calls it) and its texts; where that reads Go types, `objects/mergerules.py` is read. Every fault of a patch is
the client's here (400, 422), while an API server answers some of them 500.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.objects.errors import BadRequest, Rejected
from emulator.objects.jsonvalues import copied
from emulator.objects.kind import Json, Kind
from emulator.objects.mergerules import MergeRule, rule_of

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_DELETE_FROM = "$deleteFromPrimitiveList"
_ORDER = "$setElementOrder"
_BAD_ORDER = "invalid patch format of setElementOrder list"
_BAD_RETAIN = "invalid patch format of retainKeys"
_BAD_PRIMITIVES = "invalid patch format of primitive list"
_NO_LISTS_OF_LISTS = "lists of lists are not supported"

Items = list[Any]


def strategic_merge(live: Json, patch: Json, kind: Kind[Any]) -> Json:
    """What the patch makes of the object; BadRequest, Rejected."""
    return _merged_map(copied(live), copied(patch), rule_of(kind))


def _merged_map(live: Json, patch: Json, rule: MergeRule) -> Json:
    """Merge `patch` into `live`, both of which are used up."""
    if _PATCH in patch:
        return _by_directive(patch)
    _retain_keys(live, patch)
    for name in [name for name in patch if name.startswith(_ORDER)]:
        _merge_ordered(live, patch, name, rule)
    for name, value in patch.items():
        if name.startswith(_DELETE_FROM):
            field = _field_of(name, _DELETE_FROM, _BAD_PRIMITIVES)
            _delete_from(live, field, value)
        elif value is None:
            live.pop(name, None)
        elif isinstance(value, dict) and isinstance(live.get(name), dict):
            live[name] = _merged_inner(live[name], value, rule.of_field(name))
        elif isinstance(value, list) and isinstance(live.get(name), list):
            live[name] = _merged_list(live[name], value, rule.of_field(name))
        else:
            _set(live, name, value)
    return live


def _merged_inner(live: Json, patch: Json, rule: MergeRule) -> Json:
    return patch if "replace" in rule.strategies else _merged_map(live, patch, rule)


def _by_directive(patch: Json) -> Json:
    directive = patch[_PATCH]
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _PATCH}
    if directive == "delete":
        return {}
    raise BadRequest(f"unknown patch type: {directive} in map: {_go(patch)}")


def _set(live: Json, name: str, value: Any) -> None:
    """A new value, or one of another type: the patch's, without what only speaks to a merge."""
    if _is_directive(value):
        live.pop(name, None)
    else:
        live[name] = _plain(value)


def _plain(value: Any) -> Any:
    """Without nulls, and without maps that hold a directive."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None and not _is_directive(v)}
    if isinstance(value, list):
        return [_plain(item) for item in value if not _is_directive(item)]
    return value


def _is_directive(value: Any) -> bool:
    return isinstance(value, dict) and _PATCH in value


def _retain_keys(live: Json, patch: Json) -> None:
    """Drop what `$retainKeys` does not name; what the patch sets must be named."""
    if _RETAIN not in patch:
        return
    kept = patch.pop(_RETAIN)
    if not isinstance(kept, list):
        raise BadRequest(_BAD_RETAIN)
    for name, value in patch.items():
        if value is not None and not name.startswith((_DELETE_FROM, _ORDER)) and name not in kept:
            raise BadRequest(_BAD_RETAIN)
    for name in [name for name in live if name not in kept]:
        del live[name]


def _field_of(name: str, prefix: str, fault: str) -> str:
    """`x` of `$setElementOrder/x`."""
    found, slash, field = name.partition("/")
    if not slash or found != prefix:
        raise BadRequest(fault)
    return field


# -- lists


def _delete_from(live: Json, field: str, gone: Any) -> None:
    present = live.get(field)
    if not isinstance(present, list) or not isinstance(gone, list):
        return
    if _are_maps([*present, *gone]):
        raise BadRequest(_BAD_PRIMITIVES)
    live[field] = [item for item in present if item not in gone]


def _merge_ordered(live: Json, patch: Json, name: str, rule: MergeRule) -> None:
    """Merge the list that `$setElementOrder/LIST` speaks of, and put it in that order."""
    field = _field_of(name, _ORDER, _BAD_ORDER)
    order = patch.pop(name)
    present, given = live.get(field), patch.get(field)
    for value in (order, *(v for v in (present, given) if v is not None)):
        if not isinstance(value, list):
            raise BadRequest(_BAD_ORDER)
    inner = rule.of_field(field)
    _check_order(given or [], order, inner.patch_key)
    if given is None and present is None:
        return
    before: Items = [*(present or ())]
    if given is None:
        merged = before
    elif present is None:
        merged = _plain(given)
    else:
        merged = _merged_list(present, given, inner)
    patch.pop(field, None)
    live[field] = _in_order(merged, order, before, inner.patch_key)


def _check_order(given: Items, order: Items, key: str) -> None:
    """What the patch sets must stand in the order in the same sequence."""
    if not given or not order:
        return
    places = iter(order)
    for item in given:
        if key and _is_directive(item):
            continue
        wanted = _identity(item, key)
        if not any(_identity(other, key) == wanted for other in places):
            said = f"The order in patch list:\n{_go(given)}\n doesn't match {_ORDER} list:\n{_go(order)}\n"
            raise BadRequest(said)


def _merged_list(live: Items, patch: Items, rule: MergeRule) -> Items:
    if "merge" not in rule.strategies:
        return patch
    if not live and not patch:
        return live
    key = rule.patch_key
    if not _are_maps([*live, *patch]):
        both = [*live, *patch]
        merged = [item for index, item in enumerate(both) if item not in both[:index]]
        return _in_order(merged, patch, live, "")
    if not key:
        raise BadRequest("cannot merge lists without merge key")
    live, patch = _by_item_directives(live, patch, key)
    before = [*live]
    for item in patch:
        wanted = _identity(item, key)
        place = next((i for i, other in enumerate(live) if other.get(key) == wanted), None)
        if place is None:
            live.append(_plain(item))
        else:
            live[place] = _merged_map(live[place], item, rule.of_item())
    return _in_order(live, patch, before, key)


def _by_item_directives(live: Items, patch: Items, key: str) -> tuple[Items, Items]:
    """Follow `$patch` in items; what is left of both lists."""
    rest: Items = []
    is_replaced = False
    for item in patch:
        match item.get(_PATCH, _PATCH):
            case "$patch":
                rest.append(item)
            case "delete":
                gone = _identity(item, key)
                live = [other for other in live if other.get(key) != gone]
            case "replace":
                is_replaced = True
            case "merge":
                raise BadRequest("merging lists cannot yet be specified in the patch")
            case other:
                raise BadRequest(f"unknown patch type: {other} in map: {_go(item)}")
    return (rest, []) if is_replaced else (live, rest)


def _in_order(merged: Items, order: Items, before: Items, key: str) -> Items:
    """Items of `order` in its sequence, before the others, unless these stood in front of them in `before`."""
    wanted = {_hashed(_identity(item, key)): place for place, item in reversed([*enumerate(order)])}
    was = {_hashed(_identity(item, key)): place for place, item in reversed([*enumerate(before)])}
    ids = [_hashed(_identity(item, key)) for item in merged]
    own = sorted((i for i, id_ in enumerate(ids) if id_ in wanted), key=lambda i: wanted[ids[i]])
    others = sorted((i for i, id_ in enumerate(ids) if id_ not in wanted), key=lambda i: was.get(ids[i], len(was)))
    return [merged[i] for i in _interleaved(own, others, [was.get(id_) for id_ in ids])]


def _interleaved(own: Sequence[int], others: Sequence[int], was: Sequence[int | None]) -> list[int]:
    """Both sequences as one: `own` goes first, but for what stood in front of its next item before."""
    found: list[int] = []
    left, right = [*own], [*others]
    while left and right:
        mine, theirs = was[left[0]], was[right[0]]
        stays = theirs is not None and mine is not None and theirs < mine
        found.append(right.pop(0) if stays else left.pop(0))
    return [*found, *left, *right]


def _are_maps(items: Items) -> bool:
    """Whether a list's items are maps; Rejected where they are lists, BadRequest where they differ."""
    kinds = {type(item) for item in items}
    if list in kinds:
        raise Rejected("patch", _NO_LISTS_OF_LISTS)
    if len(kinds) > 1:
        raise BadRequest(f"list element types are not identical: {_go(items)}")
    return dict in kinds


def _identity(item: Any, key: str) -> Any:
    if not key:
        return item
    if not isinstance(item, dict):
        raise BadRequest("expected a map, but received another type")
    if key not in item:
        raise BadRequest(f"map: {_go(item)} does not contain declared merge key: {key}")
    return item[key]


def _go(value: Any) -> str:
    """A value as Go prints it."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go(inner)}' for key, inner in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_go, value))}]"
    return "<nil>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _hashed(value: Any) -> Any:
    return repr(value) if isinstance(value, dict | list) else value
