"""A backend that does all that HTTP allows, and some that it does not: each path misbehaves in its own way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BIG = 4 << 20
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
# By path: what is written, and whether the connection goes on.
ANSWERS = {
    b"/chunked": (CHUNKED + b"\r\n" + b"5\r\nhello\r\n" * 3 + b"0\r\n\r\n", True),
    b"/trailers": (CHUNKED + b"Trailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n", True),
    b"/eof": (OK + b"\r\nuntil the end", False),
    b"/204": (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    b"/304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", True),
    b"/103": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", True),
    b"/garbage": (b"SPAM 1 2 3\r\n\r\n", False),
    b"/truncated": (OK + b"Content-Length: 100\r\n\r\n0123456789", False),
    b"/slow": (b"", False),
    b"/slow-body": (CHUNKED + b"\r\n5\r\nhello\r\n", False),
    b"/slow-counted": (OK + b"Content-Length: 100\r\n\r\n0123456789", False),
    b"/early": (b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig", False),
    b"/hop": (OK + b"Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n", True),
    b"/big": (OK + b"Content-Length: %d\r\n\r\n" % BIG + b"0" * BIG, True),
}


class Backend:
    """Listens on a free port; `heads` are the request heads that it has read."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.ended = asyncio.Event()
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Backend:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        requests = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                requests += 1
                self.heads.append(head)
                if not await self._answer(head, requests, reader, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()
        finally:
            writer.close()

    async def _answer(
        self, head: bytes, requests: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; whether the connection goes on."""
        method, path = head.split(b" ")[:2]
        if path == b"/die" or (path == b"/die-on-second" and requests > 1):
            return False
        if path in ANSWERS:
            answer, goes_on = ANSWERS[path]
            writer.write(answer)
            await writer.drain()
            if path.startswith(b"/slow"):
                await reader.read(1)  # until the other side leaves
            return goes_on
        if path == b"/100":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + await reader.readexactly(4))
            return True
        if path == b"/upgrade":
            writer.write(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi!")
            while data := await reader.read(100):
                writer.write(data)
            self.ended.set()
            return False
        body = await self._body(head, reader)
        shown = b"" if method == b"HEAD" else body or b"ok"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body or b"ok") + shown)
        return True

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
            return body
        for line in lower.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return await reader.readexactly(int(line.partition(b":")[2]))
        return b""


@asynccontextmanager
async def plain(answer: bytes) -> AsyncIterator[int]:
    """The port of a server that answers the first bytes that it reads, whatever they are."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answer)
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
