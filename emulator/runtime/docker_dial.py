"""A connection to the Docker Engine that belongs to one process's streams, on the event loop.

The SDK's requests live in threads; a stream in both directions would take two threads each. So exec and attach dial the
engine's endpoint themselves and ask it to hand over the connection (`Upgrade: tcp`, Engine API, "Attach to a
container"). So does what a request waits for and is asked in one line (`tell`): a thread's turn costs milliseconds on a
busy computer. Everything else stays with the SDK.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
from asyncio import StreamReader, StreamWriter
from typing import Any
from urllib.parse import unquote, urlsplit

from emulator.runtime.engine import Endpoint, TlsFiles, explain
from emulator.runtime.errors import EngineLost, EngineUnavailable

API_VERSION = "1.41"
_ANSWER_S = 60.0
_HEAD_BOUND = 64 * 1024
_NOTHING = "Content-Length: 0"
_PORT, _TLS_PORT = 2375, 2376


class Refused(Exception):
    """The engine did not do what it was asked: its HTTP status, and what it says."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


async def hijack(endpoint: Endpoint, path: str, body: Any = None) -> tuple[StreamReader, StreamWriter]:
    """POST `body` as JSON (None: nothing) to `path` and take over the connection. Refused, EngineLost.

    Where the line can be ended in one direction only (all but TLS), `write_eof` of the writer does.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await _dial(endpoint)
            try:
                # A body that the engine does not read would be taken for input.
                writer.write(_request(path, b"" if body is None else json.dumps(body).encode()))
                await _handed_over(reader)
            except BaseException:
                writer.close()
                raise
            return reader, writer
    except (OSError, EOFError, TimeoutError, ssl.SSLError) as error:
        raise EngineLost(str(endpoint), *explain(error)) from error


async def tell(endpoint: Endpoint, path: str) -> None:
    """POST nothing to `path`. Refused, EngineLost."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await _dial(endpoint)
            try:
                head = [f"POST /v{API_VERSION}{path} HTTP/1.1", "Host: docker", "Connection: close", _NOTHING]
                writer.write("\r\n".join([*head, "", ""]).encode())
                status, _ = _read_head((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
                if not http.client.OK <= status < http.client.MULTIPLE_CHOICES:
                    raise Refused(status, _message(await reader.read(_HEAD_BOUND)))
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError, ssl.SSLError) as error:
        raise EngineLost(str(endpoint), *explain(error)) from error


async def _dial(endpoint: Endpoint) -> tuple[StreamReader, StreamWriter]:
    parts = urlsplit(endpoint.url)
    match endpoint.scheme:
        case "unix":
            return await asyncio.open_unix_connection(unquote(endpoint.url.removeprefix("unix://")))
        case "tcp" | "http" | "https":
            tls = await asyncio.to_thread(_tls, endpoint.tls) if endpoint.tls or parts.scheme == "https" else None
            port = parts.port or (_PORT if tls is None else _TLS_PORT)
            return await asyncio.open_connection(parts.hostname, port, ssl=tls)
        case "ssh":
            return await _dial_ssh(endpoint)
    why = "exec and attach do not go through a named pipe"
    raise EngineUnavailable(str(endpoint), why, "set DOCKER_HOST to a tcp:// address of the engine")


async def _dial_ssh(endpoint: Endpoint) -> tuple[StreamReader, StreamWriter]:
    """As docker/cli does: `docker system dial-stdio` on the other side."""
    parts = urlsplit(endpoint.url)
    options = [*(["-l", parts.username] if parts.username else []), *(["-p", str(parts.port)] if parts.port else [])]
    command = ("ssh", "-T", *options, "--", parts.hostname or "", "docker", "system", "dial-stdio")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None and process.stdout is not None
    return process.stdout, process.stdin


def _tls(files: TlsFiles | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files.ca) if files and files.ca else None)
    if files is not None and not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files is not None and files.cert and files.key:
        context.load_cert_chain(str(files.cert), str(files.key))
    return context


def _request(path: str, body: bytes) -> bytes:
    lines = [
        f"POST /v{API_VERSION}{path} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        "Upgrade: tcp",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _handed_over(reader: StreamReader) -> None:
    """Read the answer's head; Refused unless the connection is now ours."""
    status, headers = _read_head((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
    if status == http.client.SWITCHING_PROTOCOLS:
        return
    if status == http.client.OK and "content-length" not in headers and "chunked" not in headers.values():
        return  # a proxy took the Upgrade away; the stream is the same
    text = await reader.read(_HEAD_BOUND)
    raise Refused(status, _message(text))


def _read_head(head: str) -> tuple[int, dict[str, str]]:
    first, *lines = head.split("\r\n")
    words = first.split(" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return status, {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()
