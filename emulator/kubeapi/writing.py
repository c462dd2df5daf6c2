"""Create, replace, patch and delete: from a request to one call of the Store, and its answer.

Nothing is decided here: the Store admits or refuses. The answer is made before any reconciler has run, so status and
generation in it are those of the write (spec kubernetes-api.md §1.7, §3.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from emulator.kubeapi import patching
from emulator.kubeapi.bodies import (
    addressed,
    applied_configuration,
    as_object,
    media_type,
    parsed_json,
    read,
    read_object,
    read_options,
)
from emulator.kubeapi.decoding import prepared, strict_error, validated_fields, validated_patch, warned
from emulator.kubeapi.reading import Reader, reply, sliced
from emulator.kubeapi.scales import scale_of, scaled, stated_replicas
from emulator.kubeapi.shown import Encoder, served
from emulator.kubeapi.target import Target
from emulator.lib.report import report
from emulator.objects.errors import BadRequest, Conflict, Invalid, NotFound
from emulator.objects.kind import Json
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import not_supported, required
from emulator.store.managedfields import Manager, applied
from emulator.store.store import Propagation, Store
from emulator.workloads.namespaces import check_deletable, check_writable

logger = logging.getLogger(__name__)

USER = "kubernetes-admin"
_LONGEST_MANAGER = 128  # FieldManagerMaxLength
_DELETED_AT_ONCE = 20
_POLICIES: dict[str, Propagation] = {
    "Background": "Background",
    "Foreground": "Foreground",
    "Orphan": "Orphan",
}


@dataclass(frozen=True)
class Options:
    """What a write's query asks for besides."""

    dry_run: bool
    field_validation: str
    manager: str
    force: bool = False


class Writer:
    """Answers POST, PUT, PATCH and DELETE of objects."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader

    async def create(self, request: Request, target: Target) -> Response:
        """201 with the new object."""
        options = options_of(request, "CreateOptions")
        await prepared()
        body = await read_object(request)
        obj = addressed(body.obj, target)
        check_writable(self._store, target.kind, _name_of(obj), target.namespace)
        obj, warnings = validated_fields(target.kind, target.version, obj, body.doubled, options.field_validation)
        created = self._store.create(obj, USER, manager=self._manager(target, options), dry_run=options.dry_run)
        _tell("created", created, options)
        return warned(self._created(request, target, created), warnings)

    async def replace(self, request: Request, target: Target) -> Response:
        """200 with the object, or the part of it, as it is now."""
        options = options_of(request, "UpdateOptions")
        await prepared()
        body = await read_object(request)
        obj, warnings = body.obj, list[str]()
        if target.part != "scale":
            obj = addressed(obj, target)
            obj, warnings = validated_fields(target.kind, target.version, obj, body.doubled, options.field_validation)
        return warned(self._answer(request, target, self._replaced(target, obj, options)), warnings)

    async def patch(self, request: Request, target: Target) -> Response:
        """200 with the patched object, or the patched part of it."""
        kind, media = target.kind, media_type(request)
        patching.check(media, kind)
        options = options_of(request, "PatchOptions")
        await prepared()
        if media == patching.APPLY:
            return await self._apply(request, target, options)
        patch, doubled = parsed_json(await read(request))
        present = self._store.get(kind, target.name, target.namespace)
        obj, warnings = as_object(patching.patched(media, _part(present, target), patch, kind)), list[str]()
        if target.part != "scale":
            checks = addressed(obj, target), doubled, options.field_validation, patching.quoted(media, patch)
            obj, warnings = validated_patch(kind, target.version, *checks)
        return warned(self._answer(request, target, self._replaced(target, obj, options)), warnings)

    async def delete(self, request: Request, target: Target) -> Response:
        """A Status once the object is gone, the object while finalizers hold it."""
        options = await read_options(request)
        gone = self._deleted(target, target.name, target.namespace, {**options, "by": manager_of(request)})
        if gone.is_deleting and (gone.metadata.get("finalizers") or target.kind.holds(gone)):
            held = self._store.find(target.kind, target.name, target.namespace)
            return self._reader.shown(request, target, held or gone)
        details = {"name": gone.name, "group": target.kind.group, "kind": target.kind.plural, "uid": gone.uid}
        if not target.kind.group:
            del details["group"]
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return reply(status)

    async def delete_many(self, request: Request, target: Target) -> Response:
        """The list of what was selected."""
        options = await read_options(request)
        found = self._reader.selected(request.query_params, target)
        options["by"] = manager_of(request)
        gone = []
        for resource in found:
            with contextlib.suppress(NotFound):  # somebody else was faster
                gone.append(self._deleted(target, resource.name, resource.namespace, options))
            if len(gone) % _DELETED_AT_ONCE == 0:
                await asyncio.sleep(0)
        listed = {
            "kind": f"{target.kind.name}List",
            "apiVersion": target.api_version,
            "metadata": {"resourceVersion": str(self._store.version)},
        }
        encode = Encoder()
        pieces = sliced(
            {**listed, "items": []}, gone, lambda some: b",".join(encode(r, target.api_version) for r in some)
        )
        return StreamingResponse(pieces, media_type="application/json")

    # -- inside

    async def _apply(self, request: Request, target: Target, options: Options) -> Response:
        """200 or 201 with the object that the configuration makes; patch.go, applyPatcher."""
        config, warnings = _configuration(await read(request), target, options.field_validation)
        live = self._store.find(target.kind, target.name, target.namespace)
        if live is None:
            self._check_absent(target, config)
        manager = self._manager(target, options)
        obj = applied(live.obj if live else None, config, target.kind, manager, force=options.force)
        if live is None:
            created = self._store.create(obj, USER, dry_run=options.dry_run)
            _tell("created", created, options)
            return warned(self._created(request, target, created), warnings)
        if target.part == "status":
            stored = self._store.update_status(
                live.key,
                obj.get("status") or {},
                version=target.version,
                precondition=_precondition(obj),
                dry_run=options.dry_run,
            )
        else:
            stored = self._update(obj, target, options, None)
        return warned(self._answer(request, target, stored), warnings)

    def _check_absent(self, target: Target, config: Json) -> None:
        """NotFound or Conflict for a configuration by which no new object may come."""
        check_writable(self._store, target.kind, target.name, target.namespace)
        if target.part:
            raise NotFound(target.kind.resource, target.name)
        if uid := config["metadata"].get("uid"):
            said = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise Conflict(target.kind.resource, target.name, said)

    def _created(self, request: Request, target: Target, created: Resource[Any]) -> Response:
        if target.kind.webhook:  # a Go type's empty status, which some clients read at once
            created = Resource(created.kind, {"status": {}, **created.obj}, created.spec)
        return self._reader.shown(request, target, created, 201)

    def _manager(self, target: Target, options: Options) -> Manager:
        return Manager(options.manager, target.api_version, self._store.now(), target.part)

    def _update(self, obj: Json, target: Target, options: Options, manager: Manager | None) -> Resource[Any]:
        before = self._store.get(target.kind, target.name, target.namespace).generation
        stored = self._store.update(obj, USER, manager=manager, dry_run=options.dry_run)
        if stored.generation != before:
            _tell("changed", stored, options)
        return stored

    def _answer(self, request: Request, target: Target, resource: Resource[Any]) -> Response:
        if target.part == "scale":
            return reply(_part(resource, target))
        return self._reader.shown(request, target, resource)

    def _replaced(self, target: Target, obj: Json, options: Options) -> Resource[Any]:
        manager, dry_run = self._manager(target, options), options.dry_run
        if target.part == "scale" and target.kind.scale is not None:
            present = self._store.get(target.kind, target.name, target.namespace)
            return self._update(scaled(present, target.kind.scale, obj), target, options, manager)
        if target.part == "status":
            key = self._store.get(target.kind, target.name, target.namespace).key
            precondition = {k: v for k, v in _precondition(obj).items() if k != "managedFields"}
            status, version = obj.get("status") or {}, target.version
            return self._store.update_status(
                key, status, version=version, precondition=precondition, manager=manager, dry_run=dry_run
            )
        return self._update(obj, target, options, manager)

    def _deleted(self, target: Target, name: str, namespace: str, options: Json) -> Resource[Any]:
        policy = options.get("propagationPolicy") or "Background"
        if policy not in _POLICIES:
            raise _invalid("DeleteOptions", "propagationPolicy", policy, tuple(_POLICIES))
        check_deletable(target.kind, name)
        dry_run = is_dry_run(options.get("dryRun") or (), "DeleteOptions")
        gone = self._store.delete(
            target.kind,
            name,
            namespace,
            propagation=_POLICIES[policy],
            preconditions=options.get("preconditions"),
            dry_run=dry_run,
        )
        _tell("deleted", gone, Options(dry_run, "", options.get("by", "")))
        return gone


def _configuration(text: bytes, target: Target, mode: str) -> tuple[Json, list[str]]:
    """What an apply states about the object, and warnings; BadRequest, NotTyped. `mode` is `fieldValidation`."""
    config, doubled = applied_configuration(text)
    if target.part == "scale" and target.kind.scale is not None:
        patching.check_type(config, "autoscaling/v1", "Scale")
        return addressed(stated_replicas(config, target.kind.scale), target), []
    patching.check_type(config, target.api_version, target.kind.name)
    config = addressed(config, target)
    if doubled and mode == "Strict":
        raise BadRequest(f"error strict decoding patch: {strict_error(doubled)}")
    patching.check_declared(config, target.kind)
    return validated_fields(target.kind, target.version, config, doubled, mode)


def _tell(what: str, resource: Resource[Any], options: Options) -> None:
    """A line for the user's log about what a client has done; of kinds that run, or make something run."""
    kind = resource.kind
    if not options.dry_run and (kind.webhook or kind.group in ("apps", "batch")):
        report(logger, resource.name, "%s %s by %s", kind.name, what, options.manager)


def options_of(request: Request, kind: str) -> Options:
    """`dryRun`, `fieldValidation`, `fieldManager` and `force` of a write; Invalid for values that there are not."""
    query = request.query_params
    validation = query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Warn", "Strict"):
        raise _invalid(kind, "fieldValidation", validation, ("Ignore", "Strict", "Warn"))
    force = query.get("force") in ("true", "1", "True", "t", "T", "TRUE")
    if kind == "PatchOptions":
        _check_apply_options(query, is_apply=media_type(request) == patching.APPLY)
    _check_manager(kind, query.get("fieldManager", ""))
    return Options(is_dry_run(query.getlist("dryRun"), kind), validation, manager_of(request), force)


def _check_apply_options(query: Mapping[str, str], *, is_apply: bool) -> None:
    """Followed: apimachinery pkg/apis/meta/v1/validation, ValidatePatchOptions."""
    problem = None
    if is_apply and not query.get("fieldManager"):
        problem = required(("fieldManager",), "is required for apply patch")
    elif not is_apply and "force" in query:
        problem = Problem(("force",), "Forbidden: may not be specified for non-apply patch", "FieldValueForbidden")
    if problem is not None:
        raise Invalid("PatchOptions.meta.k8s.io", "", [problem])


def _check_manager(kind: str, manager: str) -> None:
    """Followed: apimachinery pkg/apis/meta/v1/validation, ValidateFieldManager."""
    said, reason = "", "FieldValueInvalid"
    if len(manager.encode()) > _LONGEST_MANAGER:
        said, reason = f"Too long: may not be more than {_LONGEST_MANAGER} bytes", "FieldValueTooLong"
    elif not manager.isprintable():
        place, char = next((place, char) for place, char in enumerate(manager) if not char.isprintable())
        said = f"Invalid value: {json.dumps(manager)}: invalid character U+{ord(char):04X} (at position {place})"
    if said:
        raise Invalid(f"{kind}.meta.k8s.io", "", [Problem(("fieldManager",), said, reason)])


def is_dry_run(values: Any, kind: str) -> bool:
    """Whether `dryRun` says All; Invalid if it says anything else."""
    for value in values:
        if value != "All":
            raise _invalid(kind, "dryRun", value, ("All",))
    return bool(values)


def manager_of(request: Request) -> str:
    """`fieldManager`, or what the client calls itself (apiserver pkg/endpoints/handlers, managerOrUserAgent)."""
    given = request.query_params.get("fieldManager")
    return given or request.headers.get("user-agent", "unknown").partition("/")[0][:_LONGEST_MANAGER]


def _part(resource: Resource[Any], target: Target) -> Json:
    """What is exchanged at the target: the object, or its Scale."""
    if target.part == "scale" and target.kind.scale is not None:
        return scale_of(resource, target.kind.scale)
    return served(resource, target.api_version)


def _name_of(obj: Json) -> str:
    metadata = obj.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


def _precondition(obj: Mapping[str, Any]) -> Json:
    metadata = obj["metadata"]
    return {name: metadata[name] for name in ("resourceVersion", "uid", "managedFields") if name in metadata}


def _invalid(kind: str, field: str, value: str, known: tuple[str, ...]) -> Invalid:
    return Invalid(f"{kind}.meta.k8s.io", "", [not_supported((field,), value, known)])
