"""Questions that clients ask about themselves: who am I, what may I do.

On a laptop there is one user, who may do everything; RBAC objects are stored and have no effect. Nothing is stored
here. Pure, but for the API in front of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.objects.kind import Json

USERNAME = "kubernetes-admin"
_GROUPS = ["system:masters", "system:authenticated"]
_USER: Json = {"username": USERNAME, "groups": _GROUPS}

# (plural, kind, namespaced) by apiVersion, in the order of discovery.
REVIEWS: Mapping[str, tuple[tuple[str, str, bool], ...]] = {
    "authorization.k8s.io/v1": (
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview", False),
        ("subjectaccessreviews", "SubjectAccessReview", False),
        ("localsubjectaccessreviews", "LocalSubjectAccessReview", True),
    ),
    "authentication.k8s.io/v1": (
        ("selfsubjectreviews", "SelfSubjectReview", False),
        ("tokenreviews", "TokenReview", False),
    ),
}


def review_kind(api_version: str, plural: str) -> str | None:
    """The kind of review behind a URL, if it is one."""
    return next((kind for name, kind, _ in REVIEWS.get(api_version, ()) if name == plural), None)


def reviewed(kind: str, api_version: str, asked: Json) -> Json:
    """The review with its answer in `status`."""
    metadata = {"creationTimestamp": None, **(asked.get("metadata") or {})}
    head: Json = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
    if kind != "SelfSubjectReview":
        head["spec"] = asked.get("spec") or {}
    return {**head, "status": _ANSWERS.get(kind, _allowed)(asked)}


def _allowed(asked: Json) -> Json:
    return {"allowed": True}


def _rules(asked: Json) -> Json:
    everything = ["*"]
    return {
        "resourceRules": [{"verbs": everything, "apiGroups": everything, "resources": everything}],
        "nonResourceRules": [{"verbs": everything, "nonResourceURLs": everything}],
        "incomplete": False,
    }


_ANSWERS: Mapping[str, Callable[[Json], Json]] = {
    "SelfSubjectRulesReview": _rules,
    "SelfSubjectReview": lambda asked: {"userInfo": _USER},
    "TokenReview": lambda asked: {"authenticated": True, "user": _USER},
}
