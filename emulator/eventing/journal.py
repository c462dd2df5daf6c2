"""The seam for the journal of events: what the data path tells of, and to whom.

The delivery engine calls a Journal for each event accepted, each attempt and each verdict. `NullJournal` keeps nothing;
the SQLite journal of design decision 7 will be the other implementation.
"""

from __future__ import annotations

from typing import Protocol

from emulator.eventing.cloudevents import Event


class Journal(Protocol):
    """Hears of everything that happens to an event; every call returns at once."""

    def accepted(self, stream: str, event: Event) -> None: ...

    def attempted(self, leg: str, event: Event, status: int, error: str) -> None: ...

    def settled(self, leg: str, event: Event, is_delivered: bool) -> None: ...


class NullJournal:
    """Keeps nothing."""

    def accepted(self, stream: str, event: Event) -> None:
        """Nothing."""

    def attempted(self, leg: str, event: Event, status: int, error: str) -> None:
        """Nothing."""

    def settled(self, leg: str, event: Event, is_delivered: bool) -> None:
        """Nothing."""
