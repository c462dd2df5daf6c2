"""Waiting for what nobody tells of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_S = 0.005


async def until(is_so: Callable[[], object], within_s: float = 10.0) -> None:
    """Returns once `is_so()` is true; TimeoutError after `within_s`. Where an event tells of it, wait for that."""
    async with asyncio.timeout(within_s):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
