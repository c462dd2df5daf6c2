"""Asking a container's port whether it is ready: over TCP, HTTP and gRPC's health service.

Plain questions with a yes or no; when to ask is the caller's affair. A published port is accepted by the engine's
proxy before the container listens, and closed again at once: so a connection only counts when it is still open a
moment later. Direct addresses need no such wait. Followed: knative/serving pkg/queue/health/probe.go, Kubernetes
pkg/probe.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from emulator.runtime.base import Address

USER_AGENT = "kube-probe/1.31"
_PROXY_S = 0.01


async def tcp_connects(address: Address, timeout_s: float) -> bool:
    """Whether somebody listens at `address`."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError):
        return False
    try:
        return not _is_proxied(address) or not await _closes(reader)
    finally:
        writer.close()


async def http_get(
    address: Address, path: str, headers: Sequence[tuple[str, str]], scheme: str, timeout_s: float
) -> bool:
    """Whether GET answers with a status of 200 to 399. Certificates are not checked, as by the kubelet."""
    tls = _unchecked() if scheme == "https" else None
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: {address[0]}:{address[1]}")
    lines += [f"User-Agent: {USER_AGENT}", "Accept: */*", "Connection: close", "", ""]
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address, ssl=tls)
            try:
                writer.write("\r\n".join(lines).encode())
                words = (await reader.readline()).split()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return len(words) > 1 and words[1].isdigit() and 200 <= int(words[1]) < 400


async def grpc_health(address: Address, service: str, timeout_s: float) -> bool:
    """Whether grpc.health.v1.Health/Check says SERVING for `service`, over prior-knowledge HTTP/2."""
    message = b"\x0a" + bytes([len(service)]) + service.encode() if service else b""
    request = _PREFACE + _frame(4, 0, 0, b"") + _frame(1, 4, 1, _grpc_head(address))
    request += _frame(0, 1, 1, b"\0" + len(message).to_bytes(4, "big") + message)
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(request)
                return await _is_serving(reader, writer)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _grpc_head(address: Address) -> bytes:
    """The request's headers in HPACK, all literal and never indexed: no table has to be kept."""
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", f"{address[0]}:{address[1]}"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
    return b"".join(
        b"\x10" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in fields
    )


async def _is_serving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Reads frames until the answer's data: HealthCheckResponse{status: SERVING} is 08 01."""
    while True:
        head = await reader.readexactly(9)
        payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
        kind, flags = head[3], head[4]
        if kind == 4 and not flags & 1:
            writer.write(_frame(4, 1, 0, b""))
        elif kind == 0 and payload:
            return payload[5:7] == b"\x08\x01"
        elif kind in (3, 7) or (kind == 1 and flags & 1):
            return False


def _is_proxied(address: Address) -> bool:
    return address[0] in ("127.0.0.1", "localhost", "::1")


async def _closes(reader: asyncio.StreamReader) -> bool:
    """Whether the other side closes at once; a server that waits for a request does not."""
    try:
        async with asyncio.timeout(_PROXY_S):
            return await reader.read(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
