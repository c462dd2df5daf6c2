"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386), as an API server applies them.

Pure; the given object is never changed. A patch that cannot be read is BadRequest, one whose operation fails is
Rejected (422): the API server keeps the reason to itself there, kemu tells it as a cause. Followed: apiserver
pkg/endpoints/handlers/patch.go, and evanphx/json-patch v4, which it uses: `replace` of a field that is not there sets
it, and negative indices count from the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from emulator.objects.errors import BadRequest, Rejected, TooLarge
from emulator.objects.kind import Json

MAX_OPERATIONS = 10_000  # patch.go, maxJSONPatchOperations
# apiserver pkg/server/config.go, JSONPatchMaxCopyBytes: a patch may double its document again and again.
MAX_COPIED_BYTES = 3 * 1024 * 1024

_MISSING = object()


class _Fails(Exception):
    """An operation that does not apply; the text says which and why."""


def merge_patch(live: Any, patch: Any) -> Any:
    """RFC 7386: null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(live: Json, patch: Any) -> Any:
    """What RFC 6902's operations make of `live`; BadRequest, TooLarge, Rejected."""
    if not isinstance(patch, list) or not all(isinstance(operation, dict) for operation in patch):
        raise BadRequest("error decoding patch: json: cannot unmarshal it into a list of operations")
    if len(patch) > MAX_OPERATIONS:
        raise TooLarge(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}")
    run = _Run(json.loads(json.dumps(live)))
    for index, operation in enumerate(patch):
        try:
            run.apply(operation)
        except _Fails as fails:
            raise Rejected(f"patch[{index}]", str(fails)) from None
    return run.document


class _Run:
    """One patch on its way through a document of its own."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._copied = 0
        self._operations: Mapping[str, Callable[[Json], None]] = {
            "add": self._add,
            "remove": self._remove,
            "replace": self._replace,
            "move": self._move,
            "copy": self._copy,
            "test": self._test,
        }

    def apply(self, operation: Json) -> None:
        act = self._operations.get(operation.get("op", ""))
        if act is None:
            raise _Fails(f"Unexpected kind: {operation.get('op', 'unknown')}")
        act(operation)

    def _add(self, operation: Json) -> None:
        place, key = self._find(operation, "path")
        _add(place, key, operation.get("value"), _path(operation, "path"))

    def _remove(self, operation: Json) -> None:
        place, key = self._find(operation, "path")
        _take(place, key, operation)

    def _replace(self, operation: Json) -> None:
        path = _path(operation, "path")
        if path == "":
            if not isinstance(operation.get("value"), dict | list):
                raise _Fails("replace operation value must be object or array")
            self.document = operation["value"]
            return
        place, key = self._find(operation, "path")
        if isinstance(place, list):
            place[_index(place, key, len(place), path, "replace")] = operation.get("value")
        else:
            place[key] = operation.get("value")

    def _move(self, operation: Json) -> None:
        place, key = self._find(operation, "from")
        value = _take(place, key, operation, "from")
        place, key = self._find(operation, "path")
        _add(place, key, value, _path(operation, "path"))

    def _copy(self, operation: Json) -> None:
        place, key = self._find(operation, "from")
        text = json.dumps(_get(place, key, _path(operation, "from"), "copy", None))
        self._copied += len(text)
        if self._copied > MAX_COPIED_BYTES:
            said = f"the accumulated size increase of copy is {self._copied}, exceeding the limit {MAX_COPIED_BYTES}"
            raise _Fails(f"Unable to complete the copy, {said}")
        place, key = self._find(operation, "path")
        _add(place, key, json.loads(text), _path(operation, "path"))

    def _test(self, operation: Json) -> None:
        path = _path(operation, "path")
        found = self.document
        if path:
            place, key = self._find(operation, "path")
            found = _get(place, key, path, "test", None)
        if not _equal(found, operation.get("value")):
            raise _Fails(f"testing value {path} failed: test failed")

    def _find(self, operation: Json, field: str) -> tuple[Any, str]:
        """The map or list that a pointer's last part stands in, and that part."""
        path = _path(operation, field)
        head, *parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
        found = self.document if parts and not head else None
        for part in parts[:-1]:
            try:
                found = _get(found, part, path, "", None)
            except _Fails:
                found = None
            if not isinstance(found, dict | list):
                break
        if not isinstance(found, dict | list):
            said = "doc is missing path" if field == "path" else "doc is missing from path"
            raise _Fails(f"{operation['op']} operation does not apply: {said}: {path}: missing value")
        return found, parts[-1]


def _path(operation: Json, field: str) -> str:
    path = operation.get(field)
    if not isinstance(path, str):
        said = "operation missing path field" if field == "path" else "operation, missing from field"
        raise _Fails(f"{operation['op']} operation failed to decode {field}: {said}: missing value")
    return path


def _index(place: list[Any], key: str, limit: int, path: str, name: str) -> int:
    """`key` as an index below `limit`; negative ones count from there."""
    try:
        index = int(key)
    except ValueError:
        raise _Fails(f"error in {name} for path: '{path}': value was not a proper array index: '{key}'") from None
    if not -limit <= index < limit:
        said = f"Unable to access invalid index: {index}: invalid index referenced"
        raise _Fails(f"error in {name} for path: '{path}': {said}")
    return index + limit if index < 0 else index


def _get(place: Any, key: str, path: str, name: str, default: Any) -> Any:
    if isinstance(place, list):
        return place[_index(place, key, len(place), path, name)]
    return place.get(key, default)


def _add(place: Any, key: str, value: Any, path: str) -> None:
    if isinstance(place, dict):
        place[key] = value
    elif key == "-":
        place.append(value)
    else:
        place.insert(_index(place, key, len(place) + 1, path, "add"), value)


def _take(place: Any, key: str, operation: Json, field: str = "path") -> Any:
    """Remove and return what is there."""
    path, name = _path(operation, field), operation["op"]
    if isinstance(place, list):
        return place.pop(_index(place, key, len(place), path, name))
    value = place.pop(key, _MISSING)
    if value is _MISSING:
        said = f"Unable to remove nonexistent key: {key}: missing value"
        raise _Fails(f"error in {name} for path: '{path}': {said}")
    return value


def _equal(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1."""
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
