"""What the manifests last said of each object, and which file said it.

The loader's memory: by it a reload knows what changed, what left the files, and what others wrote since. It is kept on
disk beside the objects (`disk.py`), so that the next `up` knows as much. Nothing else decides by it; `kemu ps` shows
where an object is no longer as its file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from emulator.objects.kind import Json
from emulator.objects.resource import Key


@dataclass(frozen=True)
class Stated:
    """A document as it was applied last; `file` is its name as the user gave it, or `stdin`.

    `generation` is the object's after it: while it has that, nobody has edited its spec.
    """

    file: str
    value: Json
    generation: int = 0


Listener = Callable[[Key, "Stated | None"], None]


class Ledger:
    """The last statement of each object that a manifest stands for."""

    def __init__(self) -> None:
        self._stated: dict[Key, Stated] = {}
        self._listeners: list[Listener] = []

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._stated))

    def of(self, key: Key) -> Stated | None:
        return self._stated.get(key)

    def restore(self, key: Key, stated: Stated) -> None:
        """Take over what an earlier run noted."""
        self._stated[key] = stated

    def note(self, key: Key, stated: Stated | None) -> None:
        """`stated` is what the manifests say now; None where they no longer speak of the object."""
        if stated is None:
            self._stated.pop(key, None)
        elif self._stated.get(key) == stated:
            return
        else:
            self._stated[key] = stated
        for listener in self._listeners:
            listener(key, stated)

    def observe(self, listener: Listener) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)
