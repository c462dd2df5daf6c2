"""The blocks of an Exchange that speaks HTTP/2."""

from __future__ import annotations

from hpack import Decoder

from emulator.ingress.forwarding import Hops, forwarded_head
from emulator.ingress.http2 import request_block

HOPS = Hops(b"10.0.0.1", b"10.0.0.2", b"http")


def test_what_is_about_a_connection_and_what_stands_in_the_first_line_is_left_out() -> None:
    headers = [
        (b"Host", b"a.test"),
        (b"X-Upper", b"Kept"),
        (b"Connection", b"keep-alive, X-Private"),
        (b"X-Private", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"TE", b"trailers, deflate"),
    ]
    fields = Decoder().decode(request_block(forwarded_head(headers, HOPS, in_path=False)), raw=True)
    assert fields == [
        (b"x-upper", b"Kept"),
        (b"te", b"trailers"),
        (b"x-forwarded-for", b"10.0.0.1, 10.0.0.2"),
        (b"x-forwarded-proto", b"http"),
        (b"forwarded", b"for=10.0.0.1;proto=http"),
    ]
