"""An engine that can be cut off: a Unix socket that relays to the real one while it is allowed to."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from pathlib import Path

ENGINE = "/var/run/docker.sock"


class Severable:
    """Relays connections at `path` until `cut`; after `mend` again. Use as a context manager.

    After `hang` everything stays open, and nothing comes back any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener: socket.socket | None = None
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._hangs = threading.Event()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def __enter__(self) -> Severable:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def mend(self) -> None:
        """Listen (again)."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen(128)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Close everything, as an engine that is stopped does."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            os.unlink(self.path)
        for pair in list(self._pairs):
            _close(pair)

    def hang(self) -> None:
        """Answer nothing more, as an engine that is stuck."""
        self._hangs.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            pair = (client, engine)
            self._pairs.add(pair)
            threading.Thread(target=self._relay, args=(pair,), daemon=True).start()

    def _relay(self, pair: tuple[socket.socket, socket.socket]) -> None:
        other = {pair[0]: pair[1], pair[1]: pair[0]}
        try:
            while True:
                ready, _, _ = select.select(pair, (), ())
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    if self._hangs.is_set():
                        continue
                    other[one].sendall(data)
        except (OSError, ValueError):
            return
        finally:
            self._pairs.discard(pair)
            _close(pair)


def _close(pair: tuple[socket.socket, socket.socket]) -> None:
    for one in pair:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
