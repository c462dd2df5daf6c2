"""Pages of long lists: `limit` and `continue`.

The rest of a list that a client reads by pages is kept as it was at the first page, so that all pages belong to one
moment. Objects are immutable and shared with the Store: a snapshot is only a list. Old ones are forgotten, and their
tokens then are 410 Expired, as an API server's are after five minutes.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulator.objects.errors import Gone
from emulator.objects.resource import Resource

_KEPT = 64


@dataclass(frozen=True)
class Page:
    """Some objects of a list as of `version`; `token` leads on to the `remaining` ones, "" if there are none."""

    resources: Sequence[Resource[Any]]
    version: int
    token: str = ""
    remaining: int = 0


class Pages:
    """The lists that somebody is in the middle of."""

    def __init__(self) -> None:
        self._rests: OrderedDict[str, tuple[Sequence[Resource[Any]], int]] = OrderedDict()

    def first(self, found: Sequence[Resource[Any]], version: int, limit: int) -> Page:
        """The first `limit` of `found` (all if 0)."""
        if not limit or len(found) <= limit:
            return Page(found, version)
        token = secrets.token_urlsafe(12)
        self._rests[token] = (found[limit:], version)
        if len(self._rests) > _KEPT:
            self._rests.popitem(last=False)
        return Page(found[:limit], version, token, len(found) - limit)

    def next(self, token: str, limit: int) -> Page:
        """The page behind a token, which stays valid: a client may ask for it again. Gone if it is forgotten."""
        rest = self._rests.get(token)
        if rest is None:
            raise Gone(
                "The provided continue parameter is too old to display a consistent list result. You can start a new "
                "list without the continue parameter."
            )
        return self.first(*rest, limit)
