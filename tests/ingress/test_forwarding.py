"""The head that a replica sees, and the head that a client sees of its answer."""

from __future__ import annotations

import re

import pytest

from emulator.ingress.forwarding import (
    Hops,
    drop_named,
    forwarded_head,
    node,
    read_special,
    relayed_head,
    tokens,
    trace_line,
)

HOPS = Hops(b"1.1.1.1", b"2.2.2.2", b"http")
Headers = list[tuple[bytes, bytes]]


def lines_of(headers: Headers, *, in_path: bool = False, hops: Hops = HOPS) -> list[bytes]:
    lines = forwarded_head([(b"Host", b"hello.test"), *headers], hops, in_path).lines
    assert lines.endswith(b"\r\n")
    return lines.split(b"\r\n")[:-1]


@pytest.mark.parametrize(
    ("headers", "in_path", "expected"),
    [
        pytest.param(
            [],
            False,
            [
                b"X-Forwarded-For: 1.1.1.1, 2.2.2.2",
                b"X-Forwarded-Proto: http",
                b"Forwarded: for=1.1.1.1;proto=http",
            ],
            id="nothing said, one hop",
        ),
        pytest.param(
            [],
            True,
            [
                b"X-Forwarded-For: 1.1.1.1, 2.2.2.2, 2.2.2.2",
                b"X-Forwarded-Proto: http",
                b"Forwarded: for=1.1.1.1;proto=http, for=2.2.2.2",
                b"K-Proxy-Request: activator",
            ],
            id="nothing said, activator in the path",
        ),
        pytest.param(
            [(b"X-Forwarded-For", b"9.9.9.9"), (b"X-Forwarded-For", b"8.8.8.8")],
            False,
            [
                b"X-Forwarded-For: 9.9.9.9, 8.8.8.8, 1.1.1.1, 2.2.2.2",
                b"X-Forwarded-Proto: http",
                b"Forwarded: for=9.9.9.9;proto=http, for=8.8.8.8, for=1.1.1.1",
            ],
            id="two lines of hops are joined",
        ),
        pytest.param(
            [(b"X-Forwarded-Host", b"shop.test")],
            False,
            [
                b"X-Forwarded-Host: shop.test",
                b"X-Forwarded-For: 1.1.1.1, 2.2.2.2",
                b"X-Forwarded-Proto: http",
                b"Forwarded: for=1.1.1.1;host=shop.test;proto=http",
            ],
            id="a host named by the client",
        ),
        pytest.param(
            [(b"Forwarded", b"for=7.7.7.7")],
            False,
            [
                b"Forwarded: for=7.7.7.7",
                b"X-Forwarded-For: 1.1.1.1, 2.2.2.2",
                b"X-Forwarded-Proto: http",
            ],
            id="the client's own Forwarded stays",
        ),
        pytest.param(
            [(b"Forwarded", b"for=7.7.7.7"), (b"X-Forwarded-For", b"9.9.9.9")],
            True,
            [
                b"Forwarded: for=7.7.7.7",
                b"X-Forwarded-For: 9.9.9.9, 1.1.1.1, 2.2.2.2, 2.2.2.2",
                b"X-Forwarded-Proto: http",
                b"K-Proxy-Request: activator",
            ],
            id="the client's own Forwarded stays with the activator in the path",
        ),
    ],
)
def test_a_replica_is_told_whom_a_request_passed(headers: Headers, in_path: bool, expected: list[bytes]) -> None:
    assert lines_of(headers, in_path=in_path) == [b"Host: hello.test", *expected]


def test_an_ipv6_address_is_quoted_in_forwarded_only() -> None:
    lines = lines_of([], hops=Hops(b"::1", b"::1", b"https"))
    assert b"X-Forwarded-For: ::1, ::1" in lines
    assert b'Forwarded: for="[::1]";proto=https' in lines
    assert (node(b"::1"), node(b"1.2.3.4")) == (b'"[::1]"', b"1.2.3.4")


@pytest.mark.parametrize(
    "name",
    [
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Connection",
        "K-Network-Hash",
        "K-Network-Probe",
        "K-Passthrough-Lb",
        "K-Proxy-Request",
        "Knative-Serving-Namespace",
        "Knative-Serving-Revision",
    ],
)
def test_what_is_for_one_hop_or_for_knative_ends_here(name: str) -> None:
    lines = lines_of([(name.encode(), b"value"), (b"X-Kept", b"1")])
    assert not [line for line in lines if line.lower().startswith(name.lower().encode())]
    assert b"X-Kept: 1" in lines


@pytest.mark.parametrize(
    ("headers", "line"),
    [
        pytest.param([(b"TE", b"gzip, trailers")], b"Te: trailers", id="trailers are understood"),
        pytest.param([(b"expect", b"100-continue")], b"Expect: 100-continue", id="the replica continues"),
        pytest.param([(b"TraceParent", b"00-a-b-01")], b"Traceparent: 00-a-b-01", id="a trace goes on"),
        pytest.param([(b"X-tWice", b"1")], b"X-tWice: 1", id="spelling stays"),
        pytest.param(
            [(b"Transfer-Encoding", b"chunked"), (b"Trailer", b"X-Sum")], b"Trailer: X-Sum", id="a chunked trailer"
        ),
        pytest.param([(b"Transfer-Encoding", b"chunked")], b"Transfer-Encoding: chunked", id="chunks"),
    ],
)
def test_what_the_replica_needs_is_passed_on(headers: Headers, line: bytes) -> None:
    assert line in lines_of(headers)


def test_a_trailer_without_chunks_and_a_te_without_trailers_are_dropped() -> None:
    lines = b"\n".join(lines_of([(b"Trailer", b"X-Sum"), (b"TE", b"gzip")])).lower()
    assert b"trailer" not in lines
    assert b"te:" not in lines


def test_headers_keep_order_and_multiplicity() -> None:
    lines = lines_of([(b"B", b"1"), (b"A", b"2"), (b"B", b"3")])
    assert lines[1:4] == [b"B: 1", b"A: 2", b"B: 3"]


def test_headers_that_connection_names_are_dropped() -> None:
    lines = lines_of([(b"Connection", b"close, X-Mine"), (b"x-mine", b"1"), (b"X-Other", b"2")])
    assert not [line for line in lines if line.lower().startswith(b"x-mine")]
    assert b"X-Other: 2" in lines


def test_the_plain_words_of_connection_drop_nothing() -> None:
    lines = [b"Close: 1\r\n", b"Upgrade-Insecure-Requests: 1\r\n"]
    assert drop_named(lines, [(b"connection", b"close, keep-alive, upgrade")]) == lines


def test_the_original_host_takes_the_hosts_place() -> None:
    lines = lines_of([(b"K-Original-Host", b"first.test")])
    assert lines[0] == b"Host: first.test"
    assert b"first.test" not in b"".join(lines[1:])


@pytest.mark.parametrize(
    ("headers", "upgrade"),
    [
        ([(b"connection", b"keep-alive, Upgrade"), (b"upgrade", b"websocket")], b"websocket"),
        ([(b"connection", b"keep-alive"), (b"connection", b"upgrade"), (b"upgrade", b"echo")], b"echo"),
        ([(b"connection", b"upgrade, http2-settings"), (b"upgrade", b"h2c")], None),
        ([(b"upgrade", b"websocket")], None),
        ([(b"connection", b"upgrade")], None),
    ],
)
def test_an_upgrade_needs_both_headers(headers: Headers, upgrade: bytes | None) -> None:
    assert read_special(headers).upgrade == upgrade


def test_an_upgrade_is_offered_to_the_replica() -> None:
    lines = lines_of([(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Sec-WebSocket-Key", b"k")])
    assert lines[lines.index(b"Connection: Upgrade") + 1] == b"Upgrade: websocket"
    assert b"Sec-WebSocket-Key: k" in lines


def test_probes_are_read_with_their_hash() -> None:
    said = read_special([(b"k-network-probe", b"queue"), (b"k-network-hash", b"abc")])
    assert (said.probe, said.probe_hash) == (b"queue", b"abc")


def test_a_head_remembers_its_framing_and_whether_it_is_traced() -> None:
    head = forwarded_head([(b"Content-Length", b"3"), (b"Connection", b"close"), (b"traceparent", b"x")], HOPS, False)
    assert head.framing == [(b"content-length", b"3")]
    assert (head.has_connection, head.is_traced) == (True, True)
    plain = forwarded_head([(b"Transfer-Encoding", b"chunked")], HOPS, False)
    assert plain.framing == [(b"transfer-encoding", b"chunked")]
    assert (plain.has_connection, plain.is_traced) == (False, False)


def test_trace_contexts_are_well_formed_and_differ() -> None:
    first, second = trace_line(), trace_line()
    assert re.fullmatch(rb"Traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n", first)
    assert first != second


def test_tokens_are_lower_case_and_without_spaces() -> None:
    assert tokens(b"Keep-Alive,  X-A ,upgrade") == {b"keep-alive", b"x-a", b"upgrade"}


def test_a_response_loses_what_was_for_one_hop_and_gains_the_revision() -> None:
    headers = [
        (b"Content-Length", b"7"),
        (b"Connection", b"keep-alive, X-Private"),
        (b"X-Private", b"1"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b"),
    ]
    head = relayed_head(201, headers, b"Kemu-Revision: r1\r\n")
    assert head.lines == (
        b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nKemu-Revision: r1\r\n"
    )
    assert (head.status, head.length) == (201, 7)


def test_a_chunked_response_has_no_length_and_keeps_its_trailer() -> None:
    head = relayed_head(200, [(b"Transfer-Encoding", b"chunked"), (b"trailer", b"X-Sum")], b"")
    assert (head.lines, head.length) == (b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n", None)
