"""Tells the user what becomes of events: one line an occurrence, and a count where there are too many.

The lines are ordinary log records (`lib/report.py`). A budget of lines a second keeps the log readable and the delivery
fast under load: beyond it occurrences are only counted, and the count is told when the second is over.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from emulator.eventing.cloudevents import Event
from emulator.ingress.cluster import Answer
from emulator.lib.linebudget import LineBudget
from emulator.lib.report import report, trouble

if TYPE_CHECKING:
    from emulator.eventing.delivery import Leg

logger = logging.getLogger(__name__)

_SHOWN_ID = 8


class Narrator:
    """One for the process."""

    def __init__(self) -> None:
        self._budget = LineBudget(logger, "events")

    def accepted(self, stream: str, event: Event) -> None:
        if self._budget.may_speak():
            report(logger, stream, "accepted %s", _named(event), event=event.id, type=event.type)

    def matched(self, stream: str, event: Event, names: list[str]) -> None:
        if not self._budget.may_speak():
            return
        if names:
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            report(logger, stream, "%s matches %s", _named(event), shown, event=event.id)
        else:
            report(logger, stream, "%s matches no Trigger", _named(event), event=event.id)

    def refused(self, stream: str, why: str) -> None:
        if self._budget.may_speak():
            trouble(logger, stream, "refused an event: %s", why)

    def answered(self, leg: Leg, event: Event, answer: Answer, reply: Event | None, took_s: float) -> None:
        if self._budget.may_speak():
            replied = f", replied {_named(reply)}" if reply is not None else ""
            said = "%s → %s answered %d in %.0f ms%s"
            report(
                logger, leg.name, said, _named(event), leg.shown, answer.status, took_s * 1000, replied, event=event.id
            )

    def retrying(self, leg: Leg, event: Event, answer: Answer, delay_s: float, tries: int) -> None:
        if self._budget.may_speak():
            said = "%s → %s failed (%s); retry %d of %d in %.1f s"
            why, retries = _why(answer), leg.policy.retry
            trouble(logger, leg.name, said, _named(event), leg.shown, why, tries, retries, delay_s, event=event.id)

    def failed(self, leg: Leg, event: Event, answer: Answer, dead_letter: str) -> None:
        if self._budget.may_speak():
            then = (
                f"to the dead letter sink {dead_letter}" if dead_letter else "there is no dead letter sink: it is lost"
            )
            said = "%s → %s failed for good (%s); %s"
            trouble(logger, leg.name, said, _named(event), leg.shown, _why(answer), then, event=event.id)

    def abandoned(self, leg: Leg, event: Event) -> None:
        if self._budget.may_speak():
            said = "%s → %s given up: its producer left before the answer; it is lost"
            trouble(logger, leg.name, said, _named(event), leg.shown, event=event.id)

    def dead_lettered(self, leg: Leg, event: Event, dead_letter: str) -> None:
        if self._budget.may_speak():
            report(logger, leg.name, "%s is with the dead letter sink %s", _named(event), dead_letter, event=event.id)

    def lost(self, leg: Leg, event: Event, answer: Answer, dead_letter: str) -> None:
        if self._budget.may_speak():
            said = "%s is lost: the dead letter sink %s failed, too (%s)"
            trouble(logger, leg.name, said, _named(event), dead_letter, _why(answer), event=event.id)

    def ticked(self, source: str, event: Event, sink: str) -> None:
        if self._budget.may_speak():
            report(logger, source, "tick: %s → %s", _named(event), sink, event=event.id)

    def left_behind(self, count: int) -> None:
        if count:
            trouble(logger, "events", "%d not delivered by the end: lost", count)


def _named(event: Event) -> str:
    return f"{event.type} {event.id[:_SHOWN_ID]}"


def _why(answer: Answer) -> str:
    return f"status {answer.status}" if answer.status else answer.error
