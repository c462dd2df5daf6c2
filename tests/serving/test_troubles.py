"""What the log says of containers that fail requests."""

from __future__ import annotations

import pytest

from emulator.ingress.cluster import Call, Sink
from emulator.serving.troubles import Troubles


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EOF", "POST /pay: the container's fault: EOF"),
        (
            "frame too large, note that the frame header looked like an HTTP/1.1 header",
            "POST /pay: the container's fault: frame too large, note that the frame header looked like an HTTP/1.1 "
            "header; it speaks HTTP/1.1, and its port is named h2c: name the port http1",
        ),
        (
            r'malformed HTTP response "\x00\x00\x0c"',
            r"""POST /pay: the container's fault: malformed HTTP response "\x00\x00\x0c"; it speaks HTTP/2: """
            "name its port h2c",
        ),
    ],
    ids=["plain", "HTTP/1.1 for HTTP/2", "HTTP/2 for HTTP/1.1"],
)
async def test_it_says_what_the_container_did_and_what_would_help(
    text: str, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    call = Call(b"POST", Sink("http://shop/pay"), [], b"", lambda answer: None)
    Troubles().tell("shop-00001", call, text)
    assert caplog.messages == [expected]
    assert caplog.records[0].about == "shop-00001"  # type: ignore[attr-defined]
