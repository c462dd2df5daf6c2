"""Exec and attach over SPDY: one stream for each of error, stdin, stdout, stderr and resize.

The client opens them all, in that order, before anything flows; each says in `streamtype` which it is. The Status that
ends it goes to the error stream. Only version 4 of the protocol is spoken, which every kubectl since 1.3 offers.
Followed: kubelet pkg/cri/streaming/remotecommand/httpstream.go, k8s.io/client-go tools/remotecommand/v4.go.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from emulator.kubeapi.carriers import TunnelCarrier
from emulator.kubeapi.exec import ClientLeft, Data, EndOfInput, Message, Plan, converse, size_of
from emulator.kubeapi.podcontainers import Containers
from emulator.kubeapi.spdyconnection import SpdyConnection, SpdyStream
from emulator.lib.tasks import Tasks
from emulator.runtime.base import StdioName

Json = dict[str, Any]

V4 = "v4.channel.k8s.io"
# remotecommandconsts.DefaultStreamCreationTimeout.
_STREAMS_S = 30.0
_LINGER_S = 5.0
_SIZE_BOUND = 1024


async def serve_exec(plan: Plan, containers: Containers, carrier: TunnelCarrier) -> None:
    """The whole life of a connection that was taken over for exec or attach."""
    remote = SpdyRemote(plan)
    connection = SpdyConnection(carrier, remote.opened)
    try:
        async with Tasks() as tasks:
            tasks.spawn(connection.run(), "connection")
            async with asyncio.timeout(_STREAMS_S):
                await remote.is_complete.wait()
            for work, name in remote.readers():
                tasks.spawn(work, name)
            await converse(plan, containers, remote)
            # Closed at once, what the client has sent and nobody has read would make the line break, and take with
            # it what the client has not read.
            await asyncio.sleep(_LINGER_S)
    except* (ClientLeft, TimeoutError):
        pass
    finally:
        carrier.close()


class SpdyRemote:
    """Implements `Remote`."""

    def __init__(self, plan: Plan) -> None:
        wanted = {"error": True, "stdin": plan.stdin, "stdout": plan.stdout, "stderr": plan.stderr, "resize": plan.tty}
        self._wanted = {name for name, is_wanted in wanted.items() if is_wanted}
        self._streams: dict[str, SpdyStream] = {}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue(1)
        self.is_complete = asyncio.Event()
        """All streams that the request speaks of are there."""

    def opened(self, stream: SpdyStream) -> None:
        name = stream.headers.get("streamtype", "")
        if name not in self._wanted or name in self._streams:
            stream.drop()
            return
        self._streams[name] = stream
        if self._streams.keys() == self._wanted:
            self.is_complete.set()

    def readers(self) -> list[tuple[Any, str]]:
        """What must run, as coroutines with their names."""
        found = {"stdin": self._read_input, "resize": self._read_sizes}
        return [(read(self._streams[name]), name) for name, read in found.items() if name in self._streams]

    async def receive(self) -> Message:
        return await self._inbox.get()

    async def send(self, stream: StdioName, data: bytes) -> None:
        await self._streams[stream].write(data)

    async def finish(self, status: Json) -> None:
        await self._streams["error"].write(json.dumps(status).encode())
        for name, stream in self._streams.items():
            if name in ("stdin", "resize"):
                stream.drop()
            await stream.finish()

    async def _read_input(self, stream: SpdyStream) -> None:
        while data := await stream.read():
            await self._inbox.put(Data(data))
        await self._inbox.put(EndOfInput())

    async def _read_sizes(self, stream: SpdyStream) -> None:
        """One JSON object after another, without anything between them; the last of what has come counts."""
        waiting = b""
        while data := await stream.read():
            *whole, waiting = (waiting + data)[-_SIZE_BOUND:].replace(b"}", b"}\n").split(b"\n")
            size = next((found for text in reversed(whole) if (found := size_of(text)) is not None), None)
            if size is not None:
                await self._inbox.put(size)
