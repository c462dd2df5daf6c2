"""Exec and port-forward over SPDY on a connection that was upgraded from HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from emulator.lib.tasks import Tasks
from emulator.runtime.base import StdioName
from tests.kubeapi.conftest import PREFIX, Api
from tests.kubeapi.pods import PODS
from tests.kubeapi.spdyclient import SpdyClient
from tests.kubeapi.test_channels import ALL, pod_that_runs
from tests.runtime.memory import MemoryStdio
from tests.waiting import until

OFFER = ("v4.channel.k8s.io", "v3.channel.k8s.io", "channel.k8s.io")


@asynccontextmanager
async def upgraded(running: Api, path: str, *offer: str) -> AsyncIterator[tuple[SpdyClient, asyncio.StreamWriter, str]]:
    """A SPDY client behind the upgrade, its connection, and the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    lines = [f"POST /{PREFIX}{path} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: SPDY/3.1"]
    lines += ["Content-Length: 0", *(f"X-Stream-Protocol-Version: {name}" for name in offer), "", ""]
    writer.write("\r\n".join(lines).encode())

    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    async def receive() -> None:
        while data := await reader.read(65536):
            client.feed(data)
        client.is_cut.set()

    client = SpdyClient(send)
    async with asyncio.timeout(10), Tasks() as tasks:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("HTTP/1.1 101"):
            tasks.spawn(receive(), "client")
        else:
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            head += (await reader.readexactly(length)).decode()
        try:
            yield client, writer, head
        finally:
            writer.close()


async def open_all(client: SpdyClient, *names: str) -> dict[str, int]:
    streams = {name: await client.open(streamtype=name) for name in names}
    await client.until(lambda: len(client.replied) >= len(names), "all streams are answered")
    return streams


async def test_input_goes_in_and_output_and_status_come_out(running: Api) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/exec?command=cat&{ALL}", *OFFER) as (client, _, head):
        assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
        assert "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n" in head
        assert running.visits == ["into p"]
        streams = await open_all(client, "error", "stdin", "stdout", "stderr")
        await client.write(streams["stdin"], b"hel")
        await client.write(streams["stdin"], b"lo", fin=True)
        await client.until(lambda: len(client.ended) == 4, "all streams end")
    assert client.data[streams["stdout"]] == b"hello"
    assert json.loads(client.data[streams["error"]]) == {"metadata": {}, "status": "Success"}
    assert running.runtime.processes[0].is_closed
    await until(lambda: running.visits == ["into p", "out of p"])


async def test_sizes_come_on_a_stream_of_their_own(running: Api) -> None:
    await pod_that_runs(running)

    async def sized(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
        await until(lambda: (100, 30) in process.sizes)
        yield "stdout", b"seen"
        process.code.set_result(2)

    running.runtime.program = sized
    query = "command=x&stdin=true&stdout=true&tty=true"
    async with upgraded(running, f"{PODS}/p/exec?{query}", *OFFER) as (client, _, _):
        streams = await open_all(client, "error", "stdin", "stdout", "resize")
        await client.write(streams["resize"], b'{"Width":80,"Height":24}\n{"Width":90,')
        await client.write(streams["resize"], b'"Height":25}{"Width":100,"Height":30}')
        await client.until(lambda: streams["error"] in client.ended, "the Status comes")
    assert client.data[streams["stdout"]] == b"seen"
    assert json.loads(client.data[streams["error"]])["details"]["causes"][0]["message"] == "2"


async def test_when_the_client_leaves_the_process_is_let_go(running: Api) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/exec?command=cat&{ALL}", *OFFER) as (client, writer, _):
        await open_all(client, "error", "stdin", "stdout", "stderr")
        await until(lambda: running.runtime.processes)
        writer.transport.abort()
        await until(lambda: running.runtime.processes[0].is_closed)


@pytest.mark.parametrize(
    ("query", "offer", "code", "said"),
    [
        ("stdout=1", OFFER, 400, "you must specify at least one command for the container"),
        ("command=x&stdout=1", ("v9",), 403, "unable to negotiate protocol: client supports [v9], server accepts [v4."),
        ("command=x&stdout=1&container=d", OFFER, 400, "container d is not valid for pod p"),
    ],
)
async def test_what_is_wrong_is_said_before_the_upgrade(
    running: Api, query: str, offer: tuple[str, ...], code: int, said: str
) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/exec?{query}", *offer) as (_, _, answer):
        assert answer.startswith(f"HTTP/1.1 {code} ")
        assert said in answer


async def test_a_client_that_speaks_something_else_is_cut_off(running: Api) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/exec?command=x&{ALL}", *OFFER) as (client, _, _):
        await client.control(1, b"\0" * 10, version=2)
        await client.is_cut.wait()
    assert running.runtime.processes == []


async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says back what it hears, and `bye` at its end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write(b"bye")
    writer.close()


async def test_connections_are_forwarded_side_by_side(running: Api) -> None:
    await pod_that_runs(running)
    server = await asyncio.start_server(backend, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, upgraded(running, f"{PODS}/p/portforward", "portforward.k8s.io") as (client, _, head):
        assert "X-Stream-Protocol-Version: portforward.k8s.io\r\n" in head
        pairs = [await open_pair(client, port, str(number)) for number in range(8)]
        for number, (data, _) in enumerate(pairs):
            await client.write(data, b"%d" % number * 100_000)
        for data, _ in pairs:
            await client.write(data, b"", fin=True)
        await client.until(lambda: len(client.ended) == 16, "both streams of all end")
    for number, (data, error) in enumerate(pairs):
        assert client.data[data] == b"%d" % number * 100_000 + b"bye"
        assert client.data[error] == b""


async def open_pair(client: SpdyClient, port: int, request: str) -> tuple[int, int]:
    about: dict[str, Any] = {"port": str(port), "requestid": request}
    error = await client.open(streamtype="error", fin=True, **about)
    return await client.open(streamtype="data", **about), error


async def test_a_port_that_nobody_listens_on_is_told_on_the_error_stream(running: Api) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/portforward", "portforward.k8s.io") as (client, _, _):
        data, error = await open_pair(client, 1, "0")
        await client.until(lambda: {data, error} <= set(client.ended), "both end")
    uid = (await running.ask("GET", f"{PODS}/p"))[1]["metadata"]["uid"]
    said = f"error forwarding port 1 to pod p, uid {uid}: dial tcp 127.0.0.1:1: connect: connection refused"
    assert client.data[error].decode() == said


async def test_a_pod_that_does_not_run_has_no_ports(running: Api) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/portforward", "portforward.k8s.io") as (client, _, _):
        for id in running.runtime.specs:
            running.runtime.finish(id)
        _, error = await open_pair(client, 1, "0")
        await client.until(lambda: error in client.ended, "it ends")
        assert b"is not running" in client.data[error]


async def test_streams_that_make_no_pair_are_reset(running: Api) -> None:
    await pod_that_runs(running)
    async with upgraded(running, f"{PODS}/p/portforward", "portforward.k8s.io") as (client, _, _):
        bad = [
            await client.open(streamtype="data", port="80"),
            await client.open(streamtype="other", port="80", requestid="1"),
            await client.open(streamtype="data", port="65536", requestid="2"),
            await client.open(streamtype="data", port="80", requestid="3"),
            await client.open(streamtype="data", port="80", requestid="3"),
        ]
        await client.until(lambda: sorted(client.resets) == bad, "all are reset")
        await client.control(6, b"\0\0\0\5")
        await client.until(lambda: client.pings == [5], "a ping comes back")


async def test_a_stream_that_the_client_resets_ends_its_connection(running: Api) -> None:
    await pod_that_runs(running)
    gone = asyncio.Event()

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(watched, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, upgraded(running, f"{PODS}/p/portforward", "portforward.k8s.io") as (client, _, _):
        data, _ = await open_pair(client, port, "0")
        await client.until(lambda: client.data[data] == b"here", "it answers")
        await client.reset(data)
        async with asyncio.timeout(5):
            await gone.wait()
