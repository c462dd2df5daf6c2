"""Python's collector of reference cycles, kept from holding up the loop.

It looks at every object it knows, and kemu has many that live as long as it does: modules, models, the Store. Most
others are freed by their count of references; cycles are few. So it looks less often, and at what it has once found
alive not again: a cycle among those is never freed, and only few objects of each full collection are part of one.
"""

from __future__ import annotations

import gc
from typing import Any

THRESHOLDS = (5_000, 10, 10)
"""Python's own are 700, 10, 10: a collection for every few modules that are loaded."""


def begin() -> None:
    """Look less often; for an import of many modules."""
    gc.set_threshold(*THRESHOLDS)


def spare() -> None:
    """What is there by now stays; and from here on what each full collection has found alive."""
    gc.freeze()
    if _spare_survivors not in gc.callbacks:
        gc.callbacks.append(_spare_survivors)


def _spare_survivors(phase: str, info: dict[str, Any]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()
