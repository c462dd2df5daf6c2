"""Keeps web pages away from the API: everyone's browser can reach 127.0.0.1, and the API starts containers.

Only requests under the secret prefix, to a loopback Host, and without a browser's marks of another site get through
(design decision 9). An Origin is the server's own or none: a page of another site always names itself, and one that
has a name rebound to loopback has the wrong Host. A pure ASGI wrapper; the prefix is taken off the path.
"""

from __future__ import annotations

import hmac
from typing import Any

from starlette.responses import PlainTextResponse

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Wraps an ASGI app."""

    def __init__(self, app: Any, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        headers = dict(scope["headers"])
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        root = f"/{self._prefix}"
        path = scope["path"].removeprefix(root) or "/"
        await self._app({**scope, "path": path, "raw_path": path.encode(), "root_path": ""}, receive, send)

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> PlainTextResponse | None:
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        if name not in _LOOPBACK:
            return PlainTextResponse("this is kemu's API: ask it at 127.0.0.1\n", 403)
        if not _is_own(headers.get(b"origin"), host) or headers.get(b"sec-fetch-site", b"none") not in (
            b"none",
            b"same-origin",
        ):
            return PlainTextResponse("kemu's API does not answer to web pages\n", 403)
        first = path.removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(first.encode(), self._prefix.encode()):
            return PlainTextResponse("not found\n", 404)
        return None


def _is_own(origin: bytes | None, host: str) -> bool:
    """Whether an Origin, where there is one, is this server's: some clients send it with a WebSocket's handshake."""
    return origin is None or origin == b"http://" + host.encode("latin-1")
