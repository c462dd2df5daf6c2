"""What happens between a JSON document and the Store: complete it, decode it, judge it.

Admission has no side effects, so a whole load can be judged before anything of it is written. It raises `Denied` or
`Invalid` with all Problems of the object; the manifests loader asks `problems` instead and adds file positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from emulator.objects.errors import ApiError, BadRequest, Denied, Invalid
from emulator.objects.jsonvalues import copied
from emulator.objects.kind import Json, Kind, Registry
from emulator.objects.names import generated_name
from emulator.objects.problems import Problem, from_validation, knative_text, under
from emulator.objects.refs import ObjectMeta
from emulator.objects.resource import Resource

ReadConfig = Callable[[str, str], Mapping[str, str]]
_SYSTEM = ("apiVersion", "kind", "metadata", "status")


@dataclass(frozen=True)
class Webhook:
    """One more judge of a kind's objects, who knows what the kind itself does not: which ConfigMaps are settings.

    `judge` is asked once the object is complete and keeps to its kind's own rules, or of dry runs only. The texts of
    its refusals stand alone: they name their place themselves. `phase` is what they say has failed.
    """

    name: str
    kind: Kind[Any]
    judge: Callable[[Resource[Any]], Iterable[Problem]]
    phase: str = "validation"
    of_dry_runs: bool = False


@dataclass(frozen=True)
class Request:
    """Implements `objects.kind.Request`: the stored object, who writes, the ConfigMaps in force, the object's uid.

    `webhooks` are asked besides the kind.
    """

    old: Resource[Any] | None
    user: str
    read_config: ReadConfig
    uid: str = ""
    webhooks: Sequence[Webhook] = ()

    def config(self, name: str, namespace: str) -> Mapping[str, str]:
        return self.read_config(name, namespace)


class Faulty(Exception):
    """The object has these Problems (schema faults first; rules are only checked once the schema fits)."""

    def __init__(self, problems: list[Problem], *, by_rule: bool, webhook: Webhook | None = None) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
        self.by_rule = by_rule
        self.webhook = webhook


def kind_of(obj: Mapping[str, Any], registry: Registry) -> Kind[Any]:
    """The Kind of a document; BadRequest when kemu has none of that name."""
    kind = registry.of(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    if kind is None:
        raise BadRequest(f'no matches for kind "{obj.get("kind", "")}" in version "{obj.get("apiVersion", "")}"')
    return kind


def admit(kind: Kind[Any], obj: Json, request: Request) -> Resource[Any]:
    """The object completed and decoded, or ApiError. `obj` is not changed."""
    try:
        return examine(kind, obj, request)
    except Faulty as faulty:
        raise refusal(kind, obj, faulty) from None


def examine(kind: Kind[Any], obj: Json, request: Request) -> Resource[Any]:
    """As `admit`, raising `Faulty` with the bare Problems."""
    obj = copied(obj)
    version = str(obj.get("apiVersion", "")).rpartition("/")[2]
    metadata_problems = _metadata_problems(kind, obj)
    if not metadata_problems:
        _complete_metadata(kind, obj)
    before_defaults = _schema_problems(kind, obj)
    if kind.shape is not None:
        before_defaults += kind.shape(obj, version, False)
    if metadata_problems or before_defaults:
        raise Faulty(metadata_problems + before_defaults, by_rule=False)
    kind.default(obj, request)
    resource = decode(kind, obj)
    problems = list(kind.validate(resource, request))
    if problems:
        raise Faulty(problems, by_rule=True)
    for webhook in request.webhooks:
        if webhook.kind is kind and (problems := list(webhook.judge(resource))):
            raise Faulty(problems, by_rule=True, webhook=webhook)
    return resource


def admit_status(resource: Resource[Any], status: Json, version: str) -> Json:
    """A status as it is stored, or Invalid. kemu's own kinds have statuses that only kemu writes: nothing to judge."""
    kind = resource.kind
    if kind.shape is None:
        return status
    obj = copied({**resource.obj, "status": status})
    if problems := list(kind.shape(obj, version or kind.version, True)):
        raise Invalid(kind.qualified, resource.name, problems)
    shaped: Json = obj.get("status") or {}
    return shaped


def decode(kind: Kind[Any], obj: Json) -> Resource[Any]:
    """The Resource of JSON that is known to fit the kind's model (pydantic's error otherwise)."""
    return Resource(kind, obj, kind.model.model_validate(body_of(kind, obj)))


def refusal(kind: Kind[Any], obj: Json, faulty: Faulty) -> ApiError:
    """What a client is told: the webhook's words for broken rules of Knative, else 422."""
    if faulty.webhook is not None:
        text = "; ".join(p.message for p in faulty.problems)
        return Denied(faulty.webhook.name, faulty.problems, text, faulty.webhook.phase)
    if faulty.by_rule and kind.webhook:
        return Denied(kind.webhook, faulty.problems, knative_text(faulty.problems))
    metadata = obj.get("metadata")
    name = metadata.get("name", "") if isinstance(metadata, dict) else ""
    return Invalid(kind.qualified, str(name), faulty.problems)


def body_of(kind: Kind[Any], obj: Json) -> Any:
    if kind.root:
        return {k: v for k, v in obj.items() if k not in _SYSTEM}
    spec = obj.get("spec")
    return {} if spec is None else spec


def shape_problems(kind: Kind[Any], obj: Json) -> list[Problem]:
    """All that is wrong with the object's shape: fields, types, metadata; no rule is asked."""
    return _metadata_problems(kind, obj) + _schema_problems(kind, obj)


def _schema_problems(kind: Kind[Any], obj: Json) -> list[Problem]:
    stray = [] if kind.root else [k for k in obj if k not in (*_SYSTEM, "spec")]
    problems = [Problem((k,), "unknown field", hint=_stray_hint(kind, k)) for k in stray]
    try:
        kind.model.model_validate(body_of(kind, obj))
    except ValidationError as error:
        found = from_validation(error, kind.model)
        problems += found if kind.root else under(found, "spec")
    return problems


def _stray_hint(kind: Kind[Any], name: str) -> str:
    known = [info.alias or field for field, info in kind.model.model_fields.items()]
    return 'it belongs under "spec"; is the indentation right?' if name in known else ""


def _metadata_problems(kind: Kind[Any], obj: Json) -> list[Problem]:
    metadata = obj.get("metadata")
    if metadata is None:
        return [Problem(("metadata", "name"), "name is required", "FieldValueRequired", hint="add metadata.name")]
    try:
        meta = ObjectMeta.model_validate(metadata)
    except ValidationError as error:
        return under(from_validation(error, ObjectMeta), "metadata")
    if not meta.name and not meta.generate_name:
        said = "name or generateName is required"
        return [Problem(("metadata", "name"), said, "FieldValueRequired", hint="add metadata.name")]
    faults = kind.names(meta.name) if meta.name and not kind.webhook else []
    return [Problem(("metadata", "name"), f'Invalid value: "{meta.name}": {fault}') for fault in faults]


def _complete_metadata(kind: Kind[Any], obj: Json) -> None:
    metadata = {k: v for k, v in obj["metadata"].items() if v is not None}
    obj["apiVersion"], obj["metadata"] = kind.api_version, metadata
    if "name" not in metadata:
        metadata["name"] = generated_name(metadata["generateName"])
    if kind.namespaced:
        metadata.setdefault("namespace", "default")
    else:
        metadata.pop("namespace", None)
