"""The paths of the OpenAPI documents: what may be asked of the objects of one group and version.

Pure, from the kinds' verbs and parts (`discovery.py`). kubectl finds here whether a server judges fields itself: in the
parameters of a PATCH, which must list `fieldValidation` and `dryRun` in place. Called by `openapidocuments.py`.
Followed: apiserver pkg/endpoints/installer.go, cli-runtime pkg/resource/query_param_verifier_v3.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emulator.kubeapi import discovery
from emulator.kubeapi.openapischemas import GROUP_VERSION_KIND, REFERENCE, package
from emulator.objects.kind import Json, Kind

_ACTIONS = {  # by verb: HTTP's method, and what Kubernetes calls it
    "get": ("get", "get"),
    "update": ("put", "put"),
    "patch": ("patch", "patch"),
    "delete": ("delete", "delete"),
    "list": ("get", "list"),
    "create": ("post", "post"),
    "deletecollection": ("delete", "deletecollection"),
}
_OF_ONE, _OF_MANY = ("get", "update", "patch", "delete"), ("list", "create", "deletecollection")
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
_STRATEGIC = "application/strategic-merge-patch+json"


def _parameter(name: str, said: str, kind: str = "string", place: str = "query") -> Json:
    parameter: Json = {"name": name, "in": place, "description": said, "schema": {"type": kind, "uniqueItems": True}}
    return {**parameter, "required": True} if place == "path" else parameter


_NAME = _parameter("name", "The object's name.", place="path")
_NAMESPACE = _parameter("namespace", "Where the object lives.", place="path")
_PRETTY = _parameter("pretty", "Accepted; has no effect.")
_WRITING = [
    _parameter("dryRun", '"All": answer as if it were done, and keep nothing.'),
    _parameter("fieldManager", "Who writes, for managedFields."),
    _parameter("fieldValidation", 'What to make of unknown and doubled fields: "Ignore", "Warn" or "Strict".'),
]
_FORCE = _parameter("force", "Take over fields that others own, in an apply.", "boolean")
_SELECTING = [
    _parameter("labelSelector", "Only objects with these labels."),
    _parameter("fieldSelector", "Only objects with these values in fields."),
    _parameter("limit", "At most so many objects an answer.", "integer"),
    _parameter("continue", "Where to go on, from the answer before."),
    _parameter("resourceVersion", "The state to answer from."),
    _parameter("resourceVersionMatch", "How to understand resourceVersion."),
    _parameter("timeoutSeconds", "When a watch ends.", "integer"),
]
_WATCHING = [
    _parameter("watch", "Answer with changes as they come.", "boolean"),
    _parameter("allowWatchBookmarks", "Tell from time to time how far the watch is.", "boolean"),
    _parameter("sendInitialEvents", "Begin the watch with all objects that there are.", "boolean"),
]
_DELETING = [
    _parameter("dryRun", '"All": answer as if it were done, and delete nothing.'),
    _parameter("gracePeriodSeconds", "Seconds to end well.", "integer"),
    _parameter("propagationPolicy", 'What becomes of dependents: "Orphan", "Background" or "Foreground".'),
]
_PARAMETERS = {
    "get": [],
    "update": _WRITING,
    "patch": [*_WRITING, _FORCE],
    "create": _WRITING,
    "delete": _DELETING,
    "list": [*_SELECTING, *_WATCHING],
    "deletecollection": [*_DELETING, *_SELECTING],
}


def paths_of(kind: Kind[Any], version: str) -> Iterator[tuple[str, Json]]:
    """Each path of a kind in a version, with its operations."""
    for path, item in _paths(kind, version):
        if "patch" in item and _is_strategic(kind):
            item["patch"]["requestBody"]["content"][_STRATEGIC] = {"schema": {}}
        yield path, item


def _is_strategic(kind: Kind[Any]) -> bool:
    """Whether clients make strategic patches by the schemas: custom kinds take none, and the schema of a kind that
    is merely kept does not say how.
    """
    return kind.is_builtin and bool(kind.model.model_fields)


def _paths(kind: Kind[Any], version: str) -> Iterator[tuple[str, Json]]:
    root = f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"
    base = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    own = (kind.group, version, kind.name)
    space = [_NAMESPACE] if kind.namespaced else []
    many = [verb for verb in _OF_MANY if verb in kind.verbs]
    if many:
        yield base, _item(many, own, space)
    if kind.namespaced and "list" in many:
        yield f"{root}/{kind.plural}", _item(["list"], own, [], everywhere="ForAllNamespaces")
    one = [verb for verb in _OF_ONE if verb in kind.verbs]
    if one:
        yield f"{base}/{{name}}", _item(one, own, [_NAME, *space])
    for part, exchanged, verbs in discovery.subresources(kind):
        what = own if exchanged == (kind.group, kind.version, kind.name) else exchanged
        known = [verb for verb in verbs if verb in _OF_ONE]
        yield f"{base}/{{name}}/{part}", _part(part, known, what, [_NAME, *space], own)


def review_path(api_version: str, plural: str, kind: str, *, namespaced: bool) -> tuple[str, Json]:
    """The path of a question, and its one operation."""
    group, _, version = api_version.rpartition("/")
    space = "/namespaces/{namespace}" if namespaced else ""
    path = f"/apis/{api_version}{space}/{plural}"
    return path, _item(["create"], (group, version, kind), [_NAMESPACE] if namespaced else [])


def _part(part: str, verbs: Sequence[str], what: tuple[str, str, str], shared: list[Json], own: Any) -> Json:
    if part in ("status", "scale"):
        return _item(verbs, what, shared, part=part.capitalize(), owner=own[2])
    operation = _head("get", what, f"{own[2]}{part.capitalize()}")
    operation["responses"] = {"200": {"description": "OK", "content": {"*/*": {"schema": {"type": "string"}}}}}
    return {"get": operation, "parameters": shared}


def _item(
    verbs: Sequence[str],
    what: tuple[str, str, str],
    shared: list[Json],
    *,
    everywhere: str = "",
    part: str = "",
    owner: str = "",
) -> Json:
    item: Json = {}
    for verb in verbs:
        operation = _head(verb, what, f"{owner or what[2]}{part}{everywhere}")
        name = f"{package(what[0], what[1])}.{what[2]}"
        operation["parameters"] = [_PRETTY, *_PARAMETERS[verb]]
        operation |= _bodies(verb, name)
        item[_ACTIONS[verb][0]] = operation
    return {**item, "parameters": shared} if shared else item


def _head(verb: str, what: tuple[str, str, str], named: str) -> Json:
    group, version, kind = what
    action = _ACTIONS[verb][1]
    return {
        "operationId": f"{action}{package(group, version).title().replace('.', '')}{named}",
        "tags": [f"{group.partition('.')[0] or 'core'}_{version}"],
        "x-kubernetes-action": action,
        GROUP_VERSION_KIND: {"group": group, "version": version, "kind": kind},
    }


def _bodies(verb: str, name: str) -> Json:
    """What an operation takes and gives."""
    own: Json = {"schema": {"$ref": REFERENCE + name}}
    shown = {"schema": {"$ref": f"{REFERENCE}{name}List"}} if verb == "list" else own
    if verb in ("delete", "deletecollection"):
        shown = {"schema": {"type": "object"}}
    answer = {"description": "OK", "content": {"application/json": shown}}
    found: Json = {"responses": {"200": answer}}
    if verb in ("create", "update", "patch"):
        found["responses"]["201"] = {**answer, "description": "Created"}
    if verb in ("create", "update"):
        found["requestBody"] = {"required": True, "content": {"application/json": own}}
    elif verb == "patch":
        found["requestBody"] = {"required": True, "content": {kind: {"schema": {}} for kind in _PATCHES}}
    return found
