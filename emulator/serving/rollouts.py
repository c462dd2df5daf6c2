"""Gradual rollout: how requests move from older Revisions of a Configuration to its newest, step by step.

Pure. The state stands on the Route's Ingress, in an annotation of Knative's own form, so a rollout goes on after a
restart. One `Shift` is the share of one Configuration under one tag; a Route may have several under way. A new
Revision gets one percent at once and the rest in equal steps, the newest of the older Revisions giving first. Called by
routes.py. Followed: knative/serving pkg/reconciler/route/traffic/rollout.go (serving §4.8).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from emulator.lib.durations import SECOND

ROLLOUT = "networking.internal.knative.dev/rollout"
_MIN_STEP_S = 1.0
"""An Ingress of kemu's is ready at once: the step that Knative derives from that delay is its least, one second."""


@dataclass(frozen=True)
class Pace:
    """When a rollout began, when its next step is due, and how long and how large steps are; nanoseconds, percents."""

    started: int = 0
    due: int = 0
    every: int = 0
    size: int = 0


@dataclass(frozen=True)
class Shift:
    """The share of one Configuration under one tag ("" for the Route's own name).

    `revisions` are (name, percent), oldest first; their percents add up to `percent`. Two or more: under way.
    """

    configuration: str
    tag: str
    percent: int
    revisions: tuple[tuple[str, int], ...]
    pace: Pace = field(default=Pace())

    @property
    def is_done(self) -> bool:
        return len(self.revisions) < 2


def stepped(goals: Iterable[Shift], before: Sequence[Shift], duration_s: int, now: int) -> list[Shift]:
    """The Shifts to have now: `goals` name the newest Revision each; `before` is how it was; `now` in nanoseconds."""
    past = {(shift.tag, shift.configuration): shift for shift in before}
    made = []
    for goal in goals:
        old = past.get((goal.tag, goal.configuration))
        is_shifted = duration_s > 0 and goal.percent > 1 and old is not None and bool(old.revisions)
        made.append(_stepped(goal, old, duration_s, now) if is_shifted and old is not None else goal)
    return sorted(made, key=lambda shift: (shift.tag, shift.configuration))


def next_due(shifts: Iterable[Shift]) -> int | None:
    """When the next step of any of them is due; None when all are done."""
    return min((shift.pace.due for shift in shifts if not shift.is_done), default=None)


def _stepped(goal: Shift, old: Shift, duration_s: int, now: int) -> Shift:
    revisions = _adjusted(old.revisions, goal.percent - old.percent)
    newest = goal.revisions[0][0]
    if revisions and revisions[-1][0] == newest:
        if len(revisions) < 2:
            return goal
        shift = replace(goal, revisions=revisions, pace=old.pace)
        return _moved(shift, now) if now >= old.pace.due else shift
    return _begun(replace(goal, revisions=_with_first_percent(revisions, newest)), duration_s, now)


def _adjusted(revisions: Sequence[tuple[str, int]], more: int) -> tuple[tuple[str, int], ...]:
    """The shares after the Configuration's whole share grew by `more`: the newest gets it; less: the oldest lose it."""
    if more >= 0:
        *older, (name, percent) = revisions
        return (*older, (name, percent + more))
    left, less = list(revisions), -more
    while left and less >= left[0][1]:
        less -= left.pop(0)[1]
    if left:
        left[0] = (left[0][0], left[0][1] - less)
    return tuple(left)


def _with_first_percent(revisions: Sequence[tuple[str, int]], newest: str) -> tuple[tuple[str, int], ...]:
    """One percent for the newest, taken from the newest of the others that has any."""
    given = list(revisions)
    for index in reversed(range(len(given))):
        name, percent = given[index]
        if percent > 0:
            given[index] = (name, percent - 1)
            break
    return (*((name, percent) for name, percent in given if percent > 0), (newest, 1))


def _begun(shift: Shift, duration_s: int, now: int) -> Shift:
    """With the size and the length of its steps (rollout.go, computeProperties)."""
    left_s = max(1.0, duration_s - _MIN_STEP_S)
    left = shift.percent - 1
    steps = min(max(1.0, left_s / _MIN_STEP_S), left)
    every = int(left_s / steps * SECOND)
    size = math.floor(left / steps + 0.5)
    return replace(shift, pace=Pace(started=now, due=now + every, every=every, size=size))


def _moved(shift: Shift, now: int) -> Shift:
    """One step on: the newest of the older Revisions gives first; at the end only the newest is left."""
    *older, (newest, percent) = shift.revisions
    wanted = shift.pace.size
    while older and wanted >= older[-1][1]:
        wanted -= older.pop()[1]
    if older:
        older[-1] = (older[-1][0], older[-1][1] - wanted)
    grown = min(percent + shift.pace.size, shift.percent)
    if not older:
        return replace(shift, revisions=((newest, shift.percent),), pace=Pace())
    pace = replace(shift.pace, due=now + shift.pace.every)
    return replace(shift, revisions=(*older, (newest, grown)), pace=pace)


# -- as an annotation

_PACE = {"started": "starttime", "due": "nextStepTime", "every": "stepDuration", "size": "stepSize"}


def written(shifts: Iterable[Shift]) -> str:
    """The annotation's text."""
    return json.dumps({"configurations": [_written(shift) for shift in shifts]}, separators=(",", ":"))


def _written(shift: Shift) -> dict[str, Any]:
    pace = {_PACE[name]: value for name, value in asdict(shift.pace).items() if value}
    tag = {"tag": shift.tag} if shift.tag else {}
    revisions = [{"revisionName": name, "percent": percent} for name, percent in shift.revisions]
    head = {"configurationName": shift.configuration, **tag, "percent": shift.percent}
    return {**head, "revisions": revisions, "stepParams": pace}


def read(text: str) -> list[Shift]:
    """The Shifts of an annotation; none if it is not what `written` makes: a rollout is not worth an error."""
    try:
        shifts = [_read(each) for each in json.loads(text or "{}").get("configurations", ())]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
    return shifts if all(_is_sound(shift) for shift in shifts) else []


def _read(raw: Mapping[str, Any]) -> Shift:
    pace = raw.get("stepParams") or {}
    return Shift(
        configuration=str(raw["configurationName"]),
        tag=str(raw.get("tag", "")),
        percent=int(raw["percent"]),
        revisions=tuple((str(each["revisionName"]), int(each["percent"])) for each in raw.get("revisions") or ()),
        pace=Pace(**{name: int(pace.get(key, 0)) for name, key in _PACE.items()}),
    )


def _is_sound(shift: Shift) -> bool:
    is_whole = sum(percent for _, percent in shift.revisions) == shift.percent or not shift.revisions
    return is_whole and shift.percent <= 100 and 0 <= shift.pace.size <= shift.percent
