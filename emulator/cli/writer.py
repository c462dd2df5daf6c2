"""A stream written by a thread of its own: a terminal that stands still (Ctrl-S, a pager) must not hold up kemu.

What does not fit into the bound is dropped and counted; the count is told as soon as the reader goes on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import IO

_BOUND = 20_000
_PATIENCE_S = 2.0


class Writer:
    """Writes to `stream` until `close`. `unread` is called, in the thread, when whoever read it has left."""

    def __init__(self, stream: IO[str], unread: Callable[[], None]) -> None:
        self._stream = stream
        self._unread = unread
        self._texts: queue.Queue[str | None] = queue.Queue(_BOUND)
        self._dropped = 0  # counted by the writing side only, and `_told` by the thread only: neither needs a lock
        self._told = 0
        self._thread = threading.Thread(target=self._write_all, name="terminal", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue `text`; never blocks."""
        try:
            self._texts.put_nowait(text)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what is queued, but do not wait long for a reader that does not read."""
        try:
            self._texts.put(None, timeout=_PATIENCE_S)
        except queue.Full:
            return
        self._thread.join(_PATIENCE_S)

    def _write_all(self) -> None:
        text = self._texts.get()
        while text is not None:
            dropped = self._dropped - self._told
            if dropped:
                self._told += dropped
                text += f"… {dropped} lines were not shown: nobody read them\n"
            try:
                self._stream.write(text)
                if self._texts.empty():
                    self._stream.flush()
            except OSError:
                self._unread()
                return
            text = self._texts.get()
