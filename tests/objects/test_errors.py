"""Errors as a Kubernetes API server says them."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Denied,
    Gone,
    Invalid,
    MethodNotAllowed,
    NotFound,
)
from emulator.objects.problems import knative_text, missing

FAULTS = [missing("spec", "b"), missing("spec", "a")]
KSVC = "services.serving.knative.dev"
DETAILS = {"name": "a", "group": "serving.knative.dev", "kind": "services"}


@pytest.mark.parametrize(
    ("error", "code", "reason", "message", "details"),
    [
        (NotFound(KSVC, "a"), 404, "NotFound", f'{KSVC} "a" not found', DETAILS),
        (NotFound("pods", "a"), 404, "NotFound", 'pods "a" not found', {"name": "a", "kind": "pods"}),
        (AlreadyExists(KSVC, "a"), 409, "AlreadyExists", f'{KSVC} "a" already exists', DETAILS),
        (
            Conflict(KSVC, "a", "it changed"),
            409,
            "Conflict",
            f'Operation cannot be fulfilled on {KSVC} "a": it changed',
            DETAILS,
        ),
        (BadRequest("no"), 400, "BadRequest", "no", None),
        (Gone("too old"), 410, "Expired", "too old", None),
        (
            MethodNotAllowed("create", "pods"),
            405,
            "MethodNotAllowed",
            'create is not supported on resources of kind "pods"',
            {"kind": "pods"},
        ),
        (
            Denied("w.dev", FAULTS, knative_text(FAULTS)),
            400,
            "BadRequest",
            'admission webhook "w.dev" denied the request: validation failed: missing field(s): spec.a, spec.b',
            None,
        ),
    ],
)
def test_a_status(error: ApiError, code: int, reason: str, message: str, details: dict[str, Any] | None) -> None:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    expected = {**status, "message": message, "reason": reason}
    assert error.status() == (expected | {"details": details} if details else expected)
    assert str(error) == message


def test_an_invalid_object_has_a_cause_for_each_fault() -> None:
    error = Invalid("Pod", "a", [missing("spec", "x"), missing("spec", "y")])
    assert error.message == 'Pod "a" is invalid: [spec.x: missing field(s), spec.y: missing field(s)]'
    assert error.status()["details"]["causes"] == [
        {"reason": "FieldValueRequired", "message": "missing field(s)", "field": f"spec.{name}"} for name in "xy"
    ]
    assert Invalid("Pod", "a", [missing("spec")]).message == 'Pod "a" is invalid: spec: missing field(s)'
