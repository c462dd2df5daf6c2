"""What containers do wrong with requests, said in the log: one line an occurrence, a number where there are too many.

The client was given what spec serving.md §4.5 says, or had its response cut off; here stands whose fault that was.
"""

from __future__ import annotations

import logging

from emulator.ingress.handler import Work
from emulator.lib.linebudget import LineBudget
from emulator.lib.report import trouble

logger = logging.getLogger(__name__)

_HTTP1_FOR_HTTP2 = "looked like an HTTP/1.1 header"
_HTTP2_FOR_HTTP1 = 'malformed HTTP response "\\x00\\x00'


class Troubles:
    """One for the process."""

    def __init__(self) -> None:
        self._budget = LineBudget(logger, "requests")

    def tell(self, revision: str, work: Work, text: str) -> None:
        """A replica of `revision` did with `work` what `text` says."""
        if self._budget.may_speak():
            asked = f"{work.method.decode('latin-1')} {work.target.decode('latin-1')}"
            trouble(logger, revision, "%s: the container's fault: %s%s", asked, text, _advice(text))


def _advice(text: str) -> str:
    if _HTTP1_FOR_HTTP2 in text:
        return "; it speaks HTTP/1.1, and its port is named h2c: name the port http1"
    if _HTTP2_FOR_HTTP1 in text:
        return "; it speaks HTTP/2: name its port h2c"
    return ""
