"""A question to whoever sits before the terminal that kemu runs in, without holding anything up meanwhile."""

from __future__ import annotations

import asyncio
import logging
import sys

logger = logging.getLogger(__name__)


async def ask(question: str) -> bool:
    """Whether the answer is yes; waits for it as long as it takes. An end of input is a no."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        # A terminal is readable once a line is complete.
        line = sys.stdin.readline()
        if not answered.done():
            answered.set_result(line)

    logger.warning("%s Type y or n, then Enter", question, extra={"about": "kemu", "fields": {}})
    loop.add_reader(sys.stdin, read)
    try:
        return (await answered).strip().lower() in ("y", "yes")
    finally:
        loop.remove_reader(sys.stdin)
