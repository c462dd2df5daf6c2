"""Which old Revisions have had their time, by ConfigMap `config-gc` (namespace knative-serving).

Pure. Only what is in reserve may go: what a Route names, the latest ready one, and what says `no-gc` stays. First go
those that are old and were long not used, but for a least number; then the longest unused above a greatest number. A
value that cannot be used leaves Knative's default in force. Called by configurations.py.
Followed: knative/serving pkg/gc/config.go, pkg/reconciler/gc/gc.go (serving §1.12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.lib.clock import parse_rfc3339
from emulator.lib.durations import SECOND, parse_go
from emulator.objects.resource import Resource
from emulator.serving.annotations import NO_GC, ROUTING_STATE, ROUTING_STATE_MODIFIED

CONFIG = "config-gc"
_DISABLED = "disabled"


@dataclass(frozen=True)
class GcConfig:
    """Times in seconds since creation and since it was last routed to; None where the rule is disabled."""

    since_create_s: float | None = 48 * 3600
    since_active_s: float | None = 15 * 3600
    least: int = 20
    most: int | None = 1000

    @classmethod
    def of(cls, config: Mapping[str, str]) -> GcConfig:
        """The settings of the ConfigMap's `data`."""
        least = config.get("min-non-active-revisions", "")
        return cls(
            since_create_s=_seconds(config.get("retain-since-create-time", ""), cls.since_create_s),
            since_active_s=_seconds(config.get("retain-since-last-active-time", ""), cls.since_active_s),
            least=int(least) if least.isdecimal() else cls.least,
            most=_number(config.get("max-non-active-revisions", ""), cls.most),
        )

    def stale_at(self, revision: Resource[Any]) -> datetime | None:
        """When a Revision is old and unused enough; None for never."""
        created, active = parse_rfc3339(revision.metadata["creationTimestamp"]), last_active(revision)
        limits = [
            moment + timedelta(seconds=seconds)
            for moment, seconds in ((created, self.since_create_s), (active, self.since_active_s))
            if seconds is not None
        ]
        return max(limits, default=None)


@dataclass(frozen=True)
class Collected:
    """The Revisions that go now, by name, and in how many seconds the next one may; None for never."""

    names: frozenset[str] = frozenset()
    next_s: float | None = None


def collected(revisions: Sequence[Resource[Any]], latest_ready: str, config: GcConfig, now: datetime) -> Collected:
    """What becomes of the Revisions of one Configuration."""
    reserve = sorted((r for r in revisions if not _is_kept(r, latest_ready)), key=lambda r: (last_active(r), r.name))
    stale = [r for r in reserve if (at := config.stale_at(r)) is not None and at <= now]
    spare = max(0, len(reserve) - config.least)
    going = stale[:spare]
    left = [r for r in reserve if r not in going]
    if len(stale) < spare and config.most is not None:
        going += left[: max(0, len(left) - config.most)]
    waits = [at for r in reserve if r not in going and (at := config.stale_at(r)) is not None and at > now]
    may_go = len(reserve) - len(going) > config.least
    next_s = (min(waits) - now).total_seconds() if waits and may_go else None
    return Collected(frozenset(r.name for r in going), next_s)


def last_active(revision: Resource[Any]) -> datetime:
    """When its routing state changed last, else when it was made."""
    text = revision.annotations.get(ROUTING_STATE_MODIFIED) or revision.metadata["creationTimestamp"]
    return parse_rfc3339(text)


def _is_kept(revision: Resource[Any], latest_ready: str) -> bool:
    is_asked_for = revision.annotations.get(NO_GC, "").lower() == "true"
    return revision.name == latest_ready or is_asked_for or revision.labels.get(ROUTING_STATE) != "reserve"


def _seconds(text: str, default: float | None) -> float | None:
    if text.lower() == _DISABLED:
        return None
    try:
        found = parse_go(text) / SECOND if text else -1
    except ValueError:
        return default
    return found if found >= 0 else default


def _number(text: str, default: int | None) -> int | None:
    if text.lower() == _DISABLED:
        return None
    return int(text) if text.isdecimal() else default
