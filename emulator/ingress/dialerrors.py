"""Why there is no connection, or no answer on it, in the words of Go's net package, which Knative puts into 502s."""

from __future__ import annotations

import os
import socket
import ssl
from asyncio import Transport
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emulator.ingress.upstream import Endpoint

_HTTP_FOR_TLS = "http: server gave HTTP response to HTTPS client"
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
"""OpenSSL's reasons, by version, when the other side answers in plain text."""


class Opened(Protocol):
    """A connection to an endpoint."""

    @property
    def transport(self) -> Transport: ...

    @property
    def endpoint(self) -> Endpoint: ...


def dial_error(error: OSError, endpoint: Endpoint) -> str:
    """Why no connection could be made, as Go's net.OpError says it."""
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {endpoint.host}: no such host"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return _HTTP_FOR_TLS if error.reason in _NO_TLS else f"tls: {error.reason}"
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"dial tcp {endpoint.address}: i/o timeout"
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"dial tcp {endpoint.address}: connect: {reason}"


def lost_error(error: Exception | None, upstream: Opened) -> str:
    """Why no response came on a connection that had been made, as Go's transport says it."""
    if not isinstance(error, OSError) or not error.errno:
        return "EOF"
    local = upstream.transport.get_extra_info("sockname") or ("", 0)
    reason = os.strerror(error.errno).lower()
    return f"read tcp {local[0]}:{local[1]}->{upstream.endpoint.address}: read: {reason}"
