"""Says in the log which of the user's objects are not ready, and when they are again.

Each once for each message. What another object controls is left out: its owner's condition repeats what it says.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from emulator.lib.report import report, trouble
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store

logger = logging.getLogger(__name__)


class Standing:
    """One for the Controller, which notes what it has written and tells once nothing is left to do."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[Key, None] = {}
        self._told: dict[Key, str] = {}

    def note(self, before: Resource[Any], ready: str | None) -> None:
        """The condition Ready of an object is now `ready`; until `tell` it may change again."""
        if ready != "Unknown" and before.controller is None and (ready == "False" or before.key in self._told):
            self._noted[before.key] = None

    def tell(self, explained: Collection[Key]) -> None:
        """Say what has come of all that was noted, but of those that a line of the log has `explained`."""
        noted, self._noted = self._noted, {}
        for key in noted:
            resource = self._store.find(key.kind, key.name, key.namespace)
            ready = resource.condition("Ready") if resource is not None else {}
            if ready.get("status") == "False":
                self._tell_lack(key, str(ready.get("message") or ready.get("reason", "")), key in explained)
            elif ready.get("status") == "True" and self._told.pop(key, None) is not None:
                report(logger, key.name, "%s is ready", key.kind.name)

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._noted.pop(key, None)
        self._told.pop(key, None)

    def _tell_lack(self, key: Key, message: str, is_explained: bool) -> None:
        before, self._told[key] = self._told.get(key), message
        if before != message and not is_explained:
            trouble(logger, key.name, "%s is not ready: %s", key.kind.name, message)
