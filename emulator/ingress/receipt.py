"""`Receipt`: a request that this process answers itself: its body is collected, and a function is handed the whole.

Base of what receives events. The function gets the Receipt, may keep it, and calls `answer` once, at any time later;
`is_gone` tells that nobody waits any more. Bodies are bounded; a larger one is answered 413 at once. A request that
comes while an earlier one on its connection is unanswered (pipelining) waits for its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emulator.ingress.cycle import Client, Cycle, Headers

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))
BODY_LIMIT = 64 * 1024 * 1024


class Receipt(Cycle):
    """See the module's text. `headers` keep the client's spelling; `host` is the Host header as it came."""

    __slots__ = (
        "_is_awaited",
        "_is_turn",
        "_is_whole",
        "_pieces",
        "_size",
        "_take",
        "body",
        "connection",
        "disconnected",
        "framing",
        "headers",
        "host",
        "keep_alive",
        "method",
        "on_gone",
        "response_complete",
        "target",
    )

    def __init__(self, connection: Client, take: Callable[[Receipt], None]) -> None:
        self.connection = connection
        self._take = take
        self.method = connection.method
        self.target = connection.url
        self.host = connection.host
        self.headers: list[tuple[bytes, bytes]] = connection.headers
        self.framing = []
        self._is_awaited = self._is_turn = self._is_whole = False
        for name, value in self.headers:
            lower = name.lower()
            if lower in _FRAMING:
                self.framing.append((lower, value))
            elif lower == b"expect":
                self._is_awaited = value.lower() == b"100-continue"
        self.keep_alive = connection.keeps_alive()
        self.response_complete = self.disconnected = False
        self.on_gone: Callable[[], None] | None = None
        """May be set by who was handed this: called when the client goes before its answer."""
        self.body = b""
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def is_gone(self) -> bool:
        return self.disconnected

    def start(self) -> None:
        self._is_turn = True
        if self._size > BODY_LIMIT:
            self._refuse()
        elif self._is_whole:
            self._take(self)
        elif self._is_awaited:
            self.connection.send_continue()

    def request_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= BODY_LIMIT:
            self._pieces.append(data)
        elif self._is_turn:
            self._refuse()

    def request_end(self) -> None:
        self.body = b"".join(self._pieces)
        self._pieces.clear()
        self._is_whole = True
        if self._is_turn:
            self._take(self)

    def client_lost(self) -> None:
        self.disconnected = self.response_complete = True
        on_gone, self.on_gone = self.on_gone, None
        if on_gone is not None:
            on_gone()

    def answer(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Send the response; a second one, or one that nobody waits for, is dropped."""
        if self.response_complete:
            return
        self.response_complete = True
        self.on_gone = None
        shown = b"" if self.method == b"HEAD" else body
        self.connection.respond(status, headers, shown, keep_alive=self.keep_alive)
        self.connection.finished(self)

    def _refuse(self) -> None:
        self.keep_alive = False
        self.answer(413, (), b"request body too large\n")


def header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first value of the header `name` (lower case), or None."""
    return next((value for key, value in headers if key.lower() == name), None)
