"""What the entries of a Route's `spec.traffic` lead to: Revisions with shares, or why they cannot be had.

Pure but for its View. One entry that cannot be had keeps the whole Route as it was. Called by routes.py. Followed:
knative/serving pkg/reconciler/route/traffic/traffic.go (serving §1.9, 2.8, 4.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emulator.control.reconciler import View
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.annotations import SERVICE_LABEL
from emulator.serving.kinds import CONFIGURATION, REVISION, RouteSpec
from emulator.serving.rollouts import Shift

ASSIGNED = "AllTrafficAssigned"
_MISSING = "RevisionMissing"
WHOLE = 100


@dataclass(frozen=True)
class Target:
    """One entry of `spec.traffic`, led to its Revision; `configuration` only where it follows the latest."""

    revision: str
    percent: int
    tag: str = ""
    configuration: str = ""


Parts = list[tuple[str, int]]
"""Revisions and their percents."""


def targets_of(route: Resource[RouteSpec], view: View) -> list[Target] | Condition:
    """The targets in the order of the spec, equal ones merged; or AllTrafficAssigned as it is then, a failure first."""
    found = [_resolve(route, entry, view) for entry in route.obj["spec"].get("traffic", ())]
    faults = [each for each in found if isinstance(each, Condition)]
    if faults:
        return next((fault for fault in faults if fault.status == "False"), faults[0])
    merged: dict[tuple[str, str, str], Target] = {}
    for target in found:
        assert isinstance(target, Target)
        key = (target.tag, target.revision, target.configuration)
        before = merged.get(key)
        merged[key] = replace(target, percent=target.percent + before.percent) if before else target
    return list(merged.values())


def tags_of(targets: Iterable[Target]) -> list[str]:
    """The names under which they are reached: "" for the Route's own, then its tags."""
    return list(dict.fromkeys(("", *(target.tag for target in targets))))


def goals(targets: Sequence[Target]) -> list[Shift]:
    """Where each Configuration's share is to end, under each tag (traffic.go, BuildRollout)."""
    return [
        Shift(target.configuration, tag, target.percent, ((target.revision, target.percent),))
        for tag in tags_of(targets)
        for target in _under(targets, tag)
        if target.configuration and target.percent
    ]


def parts(targets: Sequence[Target], tag: str, shifts: Iterable[Shift]) -> Parts:
    """Which Revisions take which percents under a tag, as far as the rollouts have come; nobody with nothing."""
    under_way = {shift.configuration: shift for shift in shifts if shift.tag == tag and not shift.is_done}
    found: dict[str, int] = {}
    for target in _under(targets, tag):
        shift = under_way.get(target.configuration)
        for name, percent in shift.revisions if shift is not None else ((target.revision, target.percent),):
            found[name] = found.get(name, 0) + percent
    return [(name, percent) for name, percent in found.items() if percent]


def traffic(targets: Sequence[Target], shifts: Sequence[Shift]) -> list[Json]:
    """`status.traffic` without urls: each target, as several while its Configuration rolls out."""
    shown: list[Json] = []
    for target in targets:
        shift = next((s for s in shifts if (s.tag, s.configuration) == (target.tag, target.configuration)), None)
        for name, percent in _shown_parts(target, shift):
            entry: Json = {"latestRevision": bool(target.configuration), "percent": percent, "revisionName": name}
            shown.append({**entry, "tag": target.tag} if target.tag else entry)
    return shown


def _shown_parts(target: Target, shift: Shift | None) -> Parts:
    """The Shift's parts of the target's percent: under a tag a Shift is of a hundred, whatever that is."""
    if not target.configuration or shift is None or shift.is_done:
        return [(target.revision, target.percent)]
    given = [(name, part * target.percent // shift.percent) for name, part in shift.revisions]
    name, last = given[-1]
    return [*given[:-1], (name, last + target.percent - sum(part for _, part in given))]


def _under(targets: Sequence[Target], tag: str) -> list[Target]:
    """Those that share the requests under a tag, one for each Revision; a single one takes all (consolidate)."""
    found: dict[str, Target] = {}
    for target in targets:
        if tag and target.tag != tag:
            continue
        before = found.get(target.revision)
        found[target.revision] = target if before is None else replace(before, percent=before.percent + target.percent)
    if len(found) == 1:
        return [replace(target, percent=WHOLE) for target in found.values()]
    return list(found.values())


# -- one target


def _resolve(route: Resource[RouteSpec], entry: Json, view: View) -> Target | Condition:
    configuration, percent = str(entry.get("configurationName") or ""), int(entry.get("percent") or 0)
    found = _latest_of(route, configuration, view) if configuration else _named(route, entry["revisionName"], view)
    if isinstance(found, Condition):
        return found
    return Target(found, percent, str(entry.get("tag") or ""), configuration)


def _latest_of(route: Resource[RouteSpec], name: str, view: View) -> str | Condition:
    configuration = view.find(CONFIGURATION, name, route.namespace)
    if configuration is None:
        said = f'Configuration "{name}" referenced in traffic not found.'
        return Condition.false(ASSIGNED, "ConfigurationMissing", said)
    if ready := configuration.status.get("latestReadyRevisionName"):
        return _usable(str(ready), view.find(REVISION, str(ready), route.namespace))
    if configuration.has_failed:
        return Condition.false(ASSIGNED, _MISSING, f'Configuration "{name}" does not have any ready Revision.')
    return Condition.unknown(ASSIGNED, _MISSING, f'Configuration "{name}" is waiting for a Revision to become ready.')


def _named(route: Resource[RouteSpec], name: str, view: View) -> str | Condition:
    revision = view.find(REVISION, name, route.namespace)
    stranger = _stranger(route, revision) if revision is not None else None
    return stranger or _usable(name, revision)


def _usable(name: str, revision: Resource[Any] | None) -> str | Condition:
    if revision is None:
        return Condition.false(ASSIGNED, _MISSING, f'Revision "{name}" referenced in traffic not found.')
    if revision.has_failed:
        return Condition.false(ASSIGNED, _MISSING, f'Revision "{name}" failed to become ready.')
    if not revision.is_ready:
        return Condition.unknown(ASSIGNED, _MISSING, f'Revision "{name}" is not yet ready.')
    return name


def _stranger(route: Resource[RouteSpec], revision: Resource[Any]) -> Condition | None:
    """A Service's Route only leads to that Service's Revisions."""
    service, other = route.labels.get(SERVICE_LABEL), revision.labels.get(SERVICE_LABEL)
    if not service or other == service or route.controller is None:
        return None
    said = f'Revision "{revision.name}" does not belong to Service "{service}".'
    if other:
        said = f'Revision "{revision.name}" belongs to Service "{other}", not Service "{service}".'
    return Condition.false(ASSIGNED, "RevisionNotOwned", said)
