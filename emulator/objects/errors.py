"""What can go wrong with an object, as a Kubernetes API server says it.

    ApiError                  code, reason, message, details; `status()` is the Status object
    ├── NotFound              404 NotFound
    ├── AlreadyExists         409 AlreadyExists
    ├── Conflict              409 Conflict: the resourceVersion or uid is not the stored one
    ├── ApplyConflict         409 Conflict: an applied configuration changes what others own
    ├── Invalid               422 Invalid: Kubernetes' own kinds, with one cause per Problem
    ├── NotTyped              500: an applied configuration that does not fit its kind
    ├── Rejected              422 Invalid: a patch that does not apply
    ├── Denied                400 BadRequest: refused by a Knative admission webhook, in its words
    ├── BadRequest            400 BadRequest
    ├── Forbidden             403: what kemu does not do for anybody
    ├── Gone                  410 Expired: a watch or a page that starts too far in the past
    ├── TooLargeVersion       504 Timeout: a read that asks for the future
    ├── MethodNotAllowed      405
    ├── NotAcceptable         406
    ├── TooLarge              413 RequestEntityTooLarge
    └── UnsupportedMediaType  415

Raised by `store/` and the layers above; `kubeapi/` turns each into an answer in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from emulator.objects.problems import Problem


class ApiError(Exception):
    """An error with a Kubernetes reason and an HTTP code. `details` goes into the Status as it is."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})

    def status(self) -> dict[str, Any]:
        """The `v1 Status` that a client reads."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            status["details"] = self.details
        return status | {"code": self.code}


def _details(resource: str, name: str, group: str) -> dict[str, Any]:
    return {"name": name, "group": group, "kind": resource} if group else {"name": name, "kind": resource}


def causes_of(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """`details.causes` of a Status: each fault with its field, and how to mend it where that is known."""
    return [
        {"reason": p.reason, "message": f"{p.message}; {p.hint}" if p.hint else p.message, "field": _field(p)}
        for p in problems
    ]


def _field(problem: Problem) -> str:
    """Where a fault is; of an object as a whole, as Go prints an empty field.Path."""
    return problem.field if problem.path else "<nil>"


class NotFound(ApiError):
    """`resource` is the plural with its group: `services.serving.knative.dev`."""

    code, reason = 404, "NotFound"

    def __init__(self, resource: str, name: str) -> None:
        plural, _, group = resource.partition(".")
        super().__init__(f'{resource} "{name}" not found', _details(plural, name, group))


class AlreadyExists(ApiError):
    code, reason = 409, "AlreadyExists"

    def __init__(self, resource: str, name: str) -> None:
        plural, _, group = resource.partition(".")
        super().__init__(f'{resource} "{name}" already exists', _details(plural, name, group))


class Conflict(ApiError):
    code, reason = 409, "Conflict"

    def __init__(self, resource: str, name: str, why: str) -> None:
        plural, _, group = resource.partition(".")
        super().__init__(f'Operation cannot be fulfilled on {resource} "{name}": {why}', _details(plural, name, group))


class ApplyConflict(ApiError):
    """`conflicts` are (who owns the field, as a text; the field), by owner.

    Followed: apimachinery pkg/util/managedfields/internal/conflict.go.
    """

    code, reason = 409, "Conflict"

    def __init__(self, conflicts: Sequence[tuple[str, str]]) -> None:
        causes = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {owner}", "field": field}
            for owner, field in conflicts
        ]
        if len(conflicts) == 1:
            owner, field = conflicts[0]
            text = f"Apply failed with 1 conflict: conflict with {owner}: {field}"
        else:
            lines = []
            for owner in dict.fromkeys(owner for owner, _ in conflicts):
                lines += [f"conflicts with {owner}:", *(f"- {field}" for o, field in conflicts if o == owner)]
            text = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
        super().__init__(text, {"causes": causes})


class NotTyped(ApiError):
    """An applied configuration that is none of its kind; an API server answers 500 and gives no reason."""

    code, reason = 500, ""

    def __init__(self, config: Mapping[str, Any], fault: str) -> None:
        metadata, (group, _, version) = config.get("metadata") or {}, str(config.get("apiVersion", "")).rpartition("/")
        gvk = f"{group}/{version}, Kind={config.get('kind', '')}"
        where = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {gvk}"
        super().__init__(f"failed to create typed patch object ({where}): {fault}")


class Rejected(ApiError):
    """An operation of a patch that does not apply. An API server keeps the reason to itself; here it is the cause."""

    code, reason = 422, "Invalid"

    def __init__(self, field: str, why: str) -> None:
        causes = [{"reason": "FieldValueInvalid", "message": why, "field": field}]
        super().__init__("the server rejected our request due to an error in our request", {"causes": causes})


class Invalid(ApiError):
    """`kind` is the Kind with its group: `Pod` or `Service.serving.knative.dev`."""

    code, reason = 422, "Invalid"

    def __init__(self, kind: str, name: str, problems: Sequence[Problem]) -> None:
        causes = causes_of(problems)
        texts = [f"{_field(p)}: {p.message}" for p in problems]
        listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        bare, _, group = kind.partition(".")
        super().__init__(f'{kind} "{name}" is invalid: {listed}', _details(bare, name, group) | {"causes": causes})
        self.problems = list(problems)


class BadRequest(ApiError):
    code, reason = 400, "BadRequest"


class Denied(BadRequest):
    """A Knative webhook refused the object in these words; `problems` keeps each fault with its path."""

    def __init__(self, webhook: str, problems: Sequence[Problem], text: str, phase: str = "validation") -> None:
        super().__init__(f'admission webhook "{webhook}" denied the request: {phase} failed: {text}')
        self.problems = list(problems)


class Gone(ApiError):
    code, reason = 410, "Expired"


class Forbidden(ApiError):
    code, reason = 403, "Forbidden"


class TooLargeVersion(ApiError):
    """Followed: apiserver pkg/storage/errors.go, NewTooLargeResourceVersionError."""

    code, reason = 504, "Timeout"

    def __init__(self, asked: int, current: int) -> None:
        said = "Too large resource version"
        causes = [{"reason": "ResourceVersionTooLarge", "message": said}]
        super().__init__(f"Timeout: {said}: {asked}, current: {current}", {"causes": causes, "retryAfterSeconds": 1})


class MethodNotAllowed(ApiError):
    """`resource` is the plural with its group."""

    code, reason = 405, "MethodNotAllowed"

    def __init__(self, verb: str, resource: str) -> None:
        plural, _, group = resource.partition(".")
        details = {"kind": plural, "group": group} if group else {"kind": plural}
        super().__init__(f'{verb} is not supported on resources of kind "{resource}"', details)


class NotAcceptable(ApiError):
    code, reason = 406, "NotAcceptable"

    def __init__(self, offered: Sequence[str]) -> None:
        super().__init__(f"only the following media types are accepted: {', '.join(offered)}")


class TooLarge(ApiError):
    code, reason = 413, "RequestEntityTooLarge"

    def __init__(self, why: str) -> None:
        super().__init__(f"Request entity too large: {why}")


class UnsupportedMediaType(ApiError):
    code, reason = 415, "UnsupportedMediaType"

    def __init__(self, accepted: Sequence[str]) -> None:
        listed = ", ".join(accepted)
        super().__init__(f"the body of the request was in an unknown format - accepted media types include: {listed}")
