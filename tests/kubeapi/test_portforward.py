"""Port-forward over WebSockets: SPDY inside their messages, and a pair of channels for each port."""

from __future__ import annotations

import asyncio
import json
from typing import cast

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from emulator.kubeapi.portchannels import ports_of
from emulator.lib.tasks import Tasks
from emulator.objects.errors import BadRequest
from tests.kubeapi.conftest import Api
from tests.kubeapi.pods import PODS
from tests.kubeapi.spdyclient import SpdyClient
from tests.kubeapi.test_channels import opened, pod_that_runs, rest
from tests.kubeapi.test_spdyremote import backend, open_pair

V4 = "v4.channel.k8s.io"


def raw_handshake(port: int, path: str, protocol: str) -> bytes:
    """The `websockets` library refuses to offer a name with `/` in it, so the handshake is written by hand."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    return "\r\n".join([*lines, f"Sec-WebSocket-Protocol: {protocol}", "", ""]).encode()


def masked(data: bytes) -> bytes:
    """A short binary message of a client, with a mask that changes nothing."""
    return b"\x82" + bytes([0x80 | len(data)]) + b"\0\0\0\0" + data


async def message(reader: asyncio.StreamReader) -> bytes:
    """The next frame's bytes; b"" when the server closes."""
    try:
        first, length = await reader.readexactly(2)
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2))
        elif length == 127:
            length = int.from_bytes(await reader.readexactly(8))
        data = await reader.readexactly(length)
    except EOFError:
        return b""
    return data if first & 0x0F == 2 else b""


async def test_spdy_is_tunnelled_in_messages(running: Api) -> None:
    await pod_that_runs(running)
    server = await asyncio.start_server(backend, "127.0.0.1", 0)
    target = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    protocol = "SPDY/3.1+portforward.k8s.io"
    writer.write(raw_handshake(running.port, f"/secret{PODS}/p/portforward", protocol))

    async def send(data: bytes) -> None:
        for start in range(0, len(data), 7):  # messages end where they like
            writer.write(masked(data[start : start + 7]))

    async def receive() -> None:
        while data := await message(reader):
            client.feed(data)

    client = SpdyClient(send)
    async with asyncio.timeout(10), server, Tasks() as tasks:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 101")
        assert f"sec-websocket-protocol: {protocol}\r\n".lower() in head
        tasks.spawn(receive(), "client")
        data, error = await open_pair(client, target, "0")
        await client.write(data, b"x" * 1000, fin=True)
        await client.until(lambda: {data, error} <= set(client.ended), "both end")
        assert client.data[data] == b"x" * 1000 + b"bye"
        writer.close()


async def test_channels_carry_a_port_each(running: Api) -> None:
    await pod_that_runs(running)

    async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    async with await asyncio.start_server(upper, "127.0.0.1", 0) as first:
        port = first.sockets[0].getsockname()[1]
        async with opened(running, f"ports={port}&ports=1", V4, verb="portforward") as socket:
            heads = [await socket.recv() for _ in range(4)]
            numbers = [number.to_bytes(2, "little") for number in (port, port, 1, 1)]
            assert heads == [bytes([channel]) + number for channel, number in enumerate(numbers)]
            assert cast(bytes, await socket.recv()).startswith(b"\x03error forwarding port 1 to pod p, uid ")
            await socket.send(b"\x00hello\n")
            await socket.send(b"\x01nobody listens to this")
            assert await rest(socket) == [b"\x00HELLO\n"]


@pytest.mark.parametrize(
    ("query", "protocol", "said"),
    [
        ("", V4, 'query parameter "ports" must be 1 to 100 port numbers, not ""'),
        ("ports=http", V4, 'not "http"'),
        ("ports=80", "v1.portforward", "unable to negotiate protocol: client supports [v1.portforward]"),
    ],
)
async def test_what_is_wrong_is_said_before_the_handshake(running: Api, query: str, protocol: str, said: str) -> None:
    await pod_that_runs(running)
    url = f"ws://127.0.0.1:{running.port}/secret{PODS}/p/portforward?{query}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, subprotocols=[Subprotocol(protocol)], proxy=None):
            pass
    assert refused.value.response.status_code == 400
    assert said in json.loads(refused.value.response.body or b"")["message"]


@pytest.mark.parametrize(
    ("values", "ports"),
    [(["80"], [80]), (["80,81", "82"], [80, 81, 82]), ([], None), (["0"], None), (["65536"], None), (["-1"], None)],
)
def test_ports_are_numbers(values: list[str], ports: list[int] | None) -> None:
    if ports is not None:
        assert ports_of(values) == ports
        return
    with pytest.raises(BadRequest):
        ports_of(values)
