"""Conditions, and the rule by which Ready follows from the rest.

Follows knative/pkg apis/condition_set.go: Ready is the newest False among the dependents, else the newest Unknown,
else True, and it copies that one's reason and message. A reconciler states its dependents from scratch each time;
`lastTransitionTime` of one that did not change is carried over, so that running twice writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class Condition:
    """One statement about an object. `severity` "Info" keeps it out of Ready."""

    type: str
    status: Status
    reason: str = ""
    message: str = ""
    severity: str = ""

    @classmethod
    def true(cls, type_: str, reason: str = "", message: str = "") -> Condition:
        return cls(type_, "True", reason, message)

    @classmethod
    def false(cls, type_: str, reason: str, message: str = "") -> Condition:
        return cls(type_, "False", reason, message)

    @classmethod
    def unknown(cls, type_: str, reason: str = "", message: str = "") -> Condition:
        return cls(type_, "Unknown", reason, message)

    @classmethod
    def read(cls, raw: Mapping[str, Any], as_type: str = "") -> Condition:
        """A stored condition, possibly under another type (Service's ConfigurationsReady is Configuration's Ready)."""
        return cls(as_type or raw["type"], raw["status"], raw.get("reason", ""), raw.get("message", ""))


def summarize(
    stated: Iterable[Condition], before: Sequence[Mapping[str, Any]], now: str, happy: str = "Ready"
) -> list[dict[str, Any]]:
    """The `status.conditions` list, sorted by type: what is stated, and Ready (`happy`) as it follows.

    `before` is the list stored so far, `now` an RFC 3339 time for what changed. A kind without dependents states
    Ready itself.
    """
    said = written(stated, before, now)
    if not any(w["type"] == happy for w in said):
        dependents = [w for w in said if not w.get("severity")]
        said += written([_worst(dependents, happy)], before, now)
    return sorted(said, key=lambda w: str(w["type"]))


def written(stated: Iterable[Condition], before: Sequence[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
    """Just what is stated, as JSON; for kinds whose conditions have no sum (Deployment, Pod)."""
    old = {condition["type"]: condition for condition in before}
    return [_written(condition, old.get(condition.type), now) for condition in stated]


def _worst(dependents: Sequence[Mapping[str, Any]], happy: str) -> Condition:
    for status in ("False", "Unknown"):
        bad = [d for d in dependents if d["status"] == status]
        if bad:
            return Condition.read(max(bad, key=lambda d: str(d["lastTransitionTime"])), happy)
    return Condition.true(happy)


def _written(condition: Condition, old: Mapping[str, Any] | None, now: str) -> dict[str, Any]:
    raw: dict[str, Any] = {"type": condition.type, "status": condition.status}
    for name in ("severity", "reason", "message"):
        if value := getattr(condition, name):
            raw[name] = value
    same = old is not None and {k: v for k, v in old.items() if k != "lastTransitionTime"} == raw
    raw["lastTransitionTime"] = old["lastTransitionTime"] if same and old is not None else now
    return raw
