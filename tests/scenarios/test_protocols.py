"""Real clients of gRPC, WebSocket and HTTP/2, and a real container that speaks all of it: `kemu up` in between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from websockets.exceptions import ConnectionClosed

from tests.contract.contract import must
from tests.scenarios.harness import Kemu, eventually, service
from tests.scenarios.speaking import H2C, ONLY_HTTP2, PROTOCOLS, channel, curl, method, websocket

pytestmark = pytest.mark.engine


def protocols(name: str, *, is_h2c: bool = True, **more: Any) -> str:
    """A Service of the image that speaks everything; with `is_h2c` nothing but HTTP/2."""
    if is_h2c:
        return service(name, image=PROTOCOLS, env=ONLY_HTTP2, container=H2C, **more)
    return service(name, image=PROTOCOLS, **more)


def unary(port: int, name: str) -> object:
    with channel(port, name) as calls:
        return method(calls, "unary_unary", "Unary")(b"hello", timeout=30)


def collected(port: int, name: str) -> object:
    with channel(port, name) as calls:
        return method(calls, "stream_unary", "Collect")(iter([b"a", b"b", b"c"]), timeout=30)


def expanded(port: int, name: str) -> object:
    with channel(port, name) as calls:
        return list(method(calls, "unary_stream", "Expand")(b"abc", timeout=30))


def chatted(port: int, name: str) -> object:
    """Each message is sent only when the one before has come back."""
    said: list[bytes] = []

    def say() -> Iterator[bytes]:
        for word in (b"one", b"two", b"three"):
            yield word
            eventually(lambda word=word: word in said, "the echo of a message")  # type: ignore[misc]

    with channel(port, name) as calls:
        for message in method(calls, "stream_stream", "Chat")(say(), timeout=30):
            said.append(message)
    return said


def echoed(port: int, name: str) -> object:
    with websocket(port, name) as line:
        line.send("text")
        line.send(b"\0\xff")
        return [line.recv(), line.recv()]


def streamed(port: int, name: str) -> object:
    return curl(port, name, "/events?n=2&ms=1", "-N")


def duplexed(port: int, name: str) -> object:
    return curl(port, name, "/duplex", "--http2-prior-knowledge", "-d", "both ways")


def continued(port: int, name: str) -> object:
    return curl(port, name, "/count", "-H", "Expect: 100-continue", "-d", "x" * 5000)


FIRST: dict[str, tuple[Callable[[int, str], object], object, bool]] = {
    "unary": (unary, b"hello", True),
    "collect": (collected, b"abc", True),
    "expand": (expanded, [b"a", b"b", b"c"], True),
    "chat": (chatted, [b"one", b"two", b"three"], True),
    "websocket": (echoed, ["text", b"\0\xff"], False),
    "events": (streamed, "data: 0\n\ndata: 1\n\n", False),
    "duplex": (duplexed, "both ways", True),
    "continue": (continued, "5000", False),
}


@must("e2e/TestGRPCUnaryPing")
@must("e2e/TestGRPCStreamingPing")
@must("e2e/TestWebSocket")
def test_each_protocol_may_be_the_first_request_to_a_service_at_zero(kemu: Kemu) -> None:
    for name, (_, _, is_h2c) in FIRST.items():
        kemu.write(f"{name}.yaml", protocols(name, is_h2c=is_h2c, annotations={}))
    port = kemu.up().port
    assert kemu.containers() == []
    assert {name: ask(port, name) for name, (ask, _, _) in FIRST.items()} == {
        name: expected for name, (_, expected, _) in FIRST.items()
    }
    assert [name for name, (ask, expected, _) in FIRST.items() if ask(port, name) != expected] == []  # warm


@must("e2e/TestHelloHTTP2WithPortNameH2C")
def test_the_container_sees_the_version_that_its_port_is_named_for(kemu: Kemu) -> None:
    kemu.write("h2c.yaml", protocols("h2c"))
    kemu.write("plain.yaml", protocols("plain", is_h2c=False))
    port = kemu.up().port
    ways = {"1.1": ("--http1.1",), "2": ("--http2-prior-knowledge",), "upgrade": ("--http2",)}
    seen = {(name, way): curl(port, name, "/proto", *ways[way]) for name in ("h2c", "plain") for way in ways}
    assert seen == {(n, w): "HTTP/2.0" if n == "h2c" else "HTTP/1.1" for n in ("h2c", "plain") for w in ways}


def test_how_calls_end_is_told_to_both_sides(kemu: Kemu) -> None:
    kemu.write("echo.yaml", protocols("echo"))
    port = kemu.up().port
    with channel(port, "echo") as calls:
        hang = method(calls, "unary_unary", "Hang")
        with pytest.raises(grpc.RpcError) as failed:
            method(calls, "unary_unary", "Fail")(b"", timeout=30)
        assert (failed.value.code(), failed.value.details()) == (grpc.StatusCode.NOT_FOUND, "not here")
        with pytest.raises(grpc.RpcError) as failed:
            hang(b"", timeout=0.3)
        assert failed.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        left = hang.future(b"", timeout=30)
        time.sleep(0.2)
        left.cancel()
        eventually(lambda: curl(port, "echo", "/left") == "2", "the container sees its callers leave")
        cut = method(calls, "unary_stream", "Cut")(b"", timeout=30)
        assert next(cut) == b"half"
        with pytest.raises(grpc.RpcError) as failed:
            next(cut)
        assert failed.value.code() == grpc.StatusCode.INTERNAL
        assert method(calls, "unary_unary", "Unary")(b"still there", timeout=30) == b"still there"
    line = eventually(lambda: [r for r in kemu.log() if "the container's fault" in r["message"]], "a line in the log")
    assert "ended within its response" in line[0]["message"]


def test_a_port_with_the_wrong_name_is_told_with_its_cure(kemu: Kemu) -> None:
    kemu.write("wrong.yaml", service("wrong", container=H2C))
    port = kemu.up().port
    with channel(port, "wrong") as calls, pytest.raises(grpc.RpcError) as failed:
        method(calls, "unary_unary", "Unary")(b"", timeout=30)
    assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
    eventually(lambda: [r for r in kemu.log() if "name the port http1" in r["message"]], "a hint in the log")


def test_websockets_keep_their_close_codes_and_are_cut_at_the_timeout(kemu: Kemu) -> None:
    kemu.write("chat.yaml", protocols("chat", is_h2c=False, spec={"timeoutSeconds": 3}))
    port = kemu.up().port
    with websocket(port, "chat") as line:
        line.send("close 4001")
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=10)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4001
    begun = time.monotonic()
    with websocket(port, "chat") as line:
        line.send("hang")
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=20)
    assert 2.5 < time.monotonic() - begun < 8


def test_an_event_reaches_a_subscriber_that_speaks_http2(kemu: Kemu) -> None:
    broker = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "default"}}
    subscriber = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "sink"}}
    spec = {"broker": "default", "subscriber": {**subscriber, "uri": "/bytes"}}
    trigger = {**broker, "kind": "Trigger", "metadata": {"name": "all"}, "spec": spec}
    kemu.write("sink.yaml", protocols("sink"))
    kemu.write("broker.yaml", json.dumps(broker))
    kemu.write("trigger.yaml", json.dumps(trigger))
    kemu.up()
    assert kemu.run("send", "broker:default", "--type", "t", "--data", "{}").code == 0
    eventually(lambda: [r for r in kemu.log() if "answered 200" in r["message"]], "the subscriber's answer")


def test_large_bodies_pass_both_ways(kemu: Kemu) -> None:
    kemu.write("h2c.yaml", protocols("h2c"))
    kemu.write("plain.yaml", protocols("plain", is_h2c=False))
    port = kemu.up().port
    size = 64 << 20
    for name in ("h2c", "plain"):
        for way in ("--http1.1", "--http2-prior-knowledge"):
            down = curl(port, name, f"/bytes?n={size}", way, "-o", "/dev/null", "-w", "%{http_code} %{size_download}")
            assert down == f"200 {size}", (name, way)
            with (kemu.data / "body").open("wb") as body:
                body.truncate(size)
            assert curl(port, name, "/count", way, "-T", str(kemu.data / "body")) == str(size), (name, way)
