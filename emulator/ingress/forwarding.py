"""The head that a user's container gets to see: spec serving.md §3.4.

Everything that the client sent is passed on as it was, in order and multiplicity, except for what HTTP says is for one
hop only and what Knative's ingress, activator and queue-proxy add or take away (networking pkg/http/header,
serving pkg/queue/forwarded_shim.go, Go's httputil.ReverseProxy). Pure functions from a request's head to bytes;
called by `Exchange` and `Call`.

X-Forwarded-For has the hops that a cluster has: the client, the ingress, and once more a hop when the activator is in
the path. Forwarded is built by the queue-proxy before it adds its own hop, hence one element shorter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from random import getrandbits

from emulator.ingress.responses import STATUS_LINE

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_CONSUMED = frozenset(
    (
        b"k-kubelet-probe",
        b"k-network-hash",
        b"k-network-probe",
        b"k-original-host",
        b"k-passthrough-lb",
        b"k-proxy-request",
        b"knative-serving-namespace",
        b"knative-serving-revision",
    )
)
_FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"))
SPECIAL = HOP_BY_HOP | _CONSUMED | _FORWARDED | frozenset((b"expect", b"traceparent"))
KUBELET_AGENT = b"kube-probe/"
_PLAIN_CONNECTION = frozenset((b"close", b"keep-alive", b"upgrade"))

# Ids need to differ, not to be unguessable: random for the process, then counted.
_TRACES = b"%016x" % (getrandbits(63) + 1)
_NUMBERS = count(getrandbits(60) + 1)

ACTIVATOR_LINE = b"K-Proxy-Request: activator\r\n"


def node(address: bytes) -> bytes:
    """An address as an element of Forwarded: IPv6 in brackets and quotes."""
    return b'"[%b]"' % address if b":" in address else address


@dataclass(frozen=True, slots=True)
class Hops:
    """Who a request passed: the client's address, the ingress's own, and how the client spoke (`http`, `https`)."""

    client: bytes
    ingress: bytes
    scheme: bytes

    def lines(self, in_path: bool, xff: bytes = b"", host: bytes = b"") -> bytes:
        """The X-Forwarded-* and Forwarded lines; `xff` and `host` are what the client said of X-Forwarded-For/-Host."""
        before = b"%b, %b" % (xff, self.client) if xff else self.client
        if in_path:
            before = b"%b, %b" % (before, self.ingress)
        first, *rest = (node(part.strip()) for part in before.split(b","))
        named = b";host=%b" % host if host else b""
        forwarded = b", ".join((b"for=%b%b;proto=%b" % (first, named, self.scheme), *(b"for=%b" % n for n in rest)))
        return self.for_lines(before) + b"Forwarded: %b\r\n" % forwarded

    def for_lines(self, before: bytes) -> bytes:
        """As `lines` where the client brought its own Forwarded."""
        return b"X-Forwarded-For: %b, %b\r\nX-Forwarded-Proto: %b\r\n" % (before, self.ingress, self.scheme)


def new_trace() -> bytes:
    """A new W3C trace context, not sampled."""
    number = next(_NUMBERS)
    return b"00-%b%016x-%016x-00" % (_TRACES, number, number)


def trace_line() -> bytes:
    """The same as a header line."""
    number = next(_NUMBERS)
    return b"Traceparent: 00-%b%016x-%016x-00\r\n" % (_TRACES, number, number)


def lines_of(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines, each ended by CRLF, as fields of HTTP/2."""
    parts = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    return [(name.lower(), value.strip()) for name, _, value in parts]


@dataclass(slots=True)
class Special:
    """What the unusual headers of a request say."""

    is_chunked: bool = False
    upgrade: bytes | None = None
    expects_continue: bool = False
    probe: bytes | None = None
    probe_hash: bytes = b""
    is_kubelet: bool = False
    """It is a kubelet's probe, by its User-Agent or K-Kubelet-Probe."""
    original_host: bytes | None = None


def read_special(headers: Iterable[tuple[bytes, bytes]]) -> Special:
    """`headers` are those whose lower-case names are in SPECIAL."""
    said = Special()
    upgrade, connection = b"", b""
    for name, value in headers:
        if name == b"transfer-encoding":
            said.is_chunked = True
        elif name == b"connection":
            connection += b"," + value.lower()
        elif name == b"upgrade":
            upgrade = value
        elif name == b"expect":
            said.expects_continue = value.lower() == b"100-continue"
        elif name == b"k-network-probe":
            said.probe = value or None
        elif name == b"k-network-hash":
            said.probe_hash = value
        elif name == b"k-original-host":
            said.original_host = value
    # An offer of HTTP/2 is not for the replica: behind a 101 all later requests of the client would be tunnelled to it.
    # Gateways ignore it, as RFC 9113 §3.1 lets them; who knows beforehand is served.
    if upgrade and upgrade.lower() != b"h2c" and b"upgrade" in tokens(connection):
        said.upgrade = upgrade
    return said


def special_lines(  # noqa: C901 (one branch for each header)
    headers: list[tuple[bytes, bytes]], said: Special, hops: Hops, in_path: bool
) -> list[bytes]:
    """The lines that stand for the SPECIAL headers of a request: kept, rewritten and added ones."""
    lines: list[bytes] = []
    xff, host, forwarded = [], b"", False
    for name, value in headers:
        if name == b"x-forwarded-for":
            xff.append(value)
        elif name == b"x-forwarded-host":
            host = value
            lines.append(b"X-Forwarded-Host: %b\r\n" % value)
        elif name == b"forwarded" and value:
            forwarded = True
            lines.append(b"Forwarded: %b\r\n" % value)
        elif name == b"traceparent":
            lines.append(b"Traceparent: %b\r\n" % value)
        elif name == b"expect":
            lines.append(b"Expect: %b\r\n" % value)
        elif name == b"te" and b"trailers" in tokens(value):
            lines.append(b"Te: trailers\r\n")
        elif name == b"trailer" and said.is_chunked:
            lines.append(b"Trailer: %b\r\n" % value)
    if said.is_chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    if said.upgrade:
        lines.append(b"Connection: Upgrade\r\nUpgrade: %b\r\n" % said.upgrade)
    lines.append(_hop_lines(hops, in_path, b", ".join(xff), host if not forwarded else None))
    return lines


def _hop_lines(hops: Hops, in_path: bool, xff: bytes, host: bytes | None) -> bytes:
    if host is not None:
        return hops.lines(in_path, xff, host)
    before = b"%b, %b" % (xff, hops.client) if xff else hops.client
    return hops.for_lines(b"%b, %b" % (before, hops.ingress) if in_path else before)


def tokens(value: bytes) -> set[bytes]:
    """The elements of a comma-separated header value, lower case."""
    return {token.strip().lower() for token in value.split(b",")}


def drop_named(lines: list[bytes], special: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """`lines` without the headers that a `Connection` header names as meant for one hop."""
    named: set[bytes] = set()
    for name, value in special:
        if name == b"connection":
            named |= tokens(value)
    named -= _PLAIN_CONNECTION
    return [line for line in lines if line.partition(b":")[0].lower() not in named] if named else lines


@dataclass(frozen=True, slots=True)
class ForwardedHead:
    """The header lines of a forwarded request, without request line and trace context; what they were made of."""

    headers: list[tuple[bytes, bytes]]
    in_path: bool
    lines: bytes
    said: Special
    framing: list[tuple[bytes, bytes]]
    has_connection: bool
    is_traced: bool


def forwarded_head(headers: list[tuple[bytes, bytes]], hops: Hops, in_path: bool) -> ForwardedHead:
    """The head that a replica gets for a request with these headers."""
    lines: list[bytes] = []
    special: list[tuple[bytes, bytes]] = []
    framing: list[tuple[bytes, bytes]] = []
    is_kubelet = False
    for name, value in headers:
        lower = name.lower()
        if lower in SPECIAL:
            special.append((lower, value))
            if lower == b"transfer-encoding":
                framing.append((lower, value))
            elif lower == b"k-kubelet-probe":
                is_kubelet = is_kubelet or bool(value)
            continue
        lines.append(b"%b: %b\r\n" % (name, value))
        if lower == b"content-length":
            framing.append((lower, value))
        elif lower == b"user-agent":
            is_kubelet = is_kubelet or value.startswith(KUBELET_AGENT)
    said = read_special(special)
    said.is_kubelet = is_kubelet
    lines = drop_named(lines, special)
    if said.original_host is not None:
        host = b"Host: %b\r\n" % said.original_host
        lines = [host if line[:5].lower() == b"host:" else line for line in lines]
    lines += special_lines(special, said, hops, in_path)
    if in_path:
        lines.append(ACTIVATOR_LINE)
    names = {name for name, _ in special}
    is_traced = b"traceparent" in names
    return ForwardedHead(headers, in_path, b"".join(lines), said, framing, b"connection" in names, is_traced)


@dataclass(frozen=True, slots=True)
class RelayedHead:
    """Status line and end-to-end header lines of a response, without framing; what they were made of."""

    status: int
    headers: list[tuple[bytes, bytes]]
    lines: bytes
    length: int | None


def relayed_head(status: int, headers: list[tuple[bytes, bytes]], more: bytes) -> RelayedHead:
    """What a client gets of a response's head; `more` are complete lines that are added."""
    lines: list[bytes] = []
    named: set[bytes] = set()
    length = None
    for name, value in headers:
        lower = name.lower()
        if lower == b"connection":
            named |= tokens(value)
        elif lower == b"trailer":
            lines.append(b"Trailer: %b\r\n" % value)
        elif lower not in HOP_BY_HOP:
            if lower == b"content-length":
                length = int(value)
            lines.append(b"%b: %b\r\n" % (name, value))
    named -= _PLAIN_CONNECTION
    if named:
        lines = [line for line in lines if line.partition(b":")[0].lower() not in named]
    return RelayedHead(status, headers, STATUS_LINE[status] + b"".join(lines) + more, length)
