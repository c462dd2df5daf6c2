"""croniter, loaded by the first schedule: with what it stands on it is more than half a MiB that most never use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from croniter import croniter


@cache
def fields() -> type[croniter]:
    """The class that reads the fields of cron expressions."""
    from croniter import croniter

    return croniter
