"""Exec and attach over real WebSockets, to programs in memory."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from emulator.kubeapi.channels import PROTOCOLS, negotiated
from emulator.runtime.base import ContainerSpec, StdioName
from emulator.workloads.pods import POD
from tests.kubeapi.conftest import PREFIX, Api
from tests.kubeapi.pods import ENDED, PODS, RUNNING, make_pod, set_state
from tests.runtime.memory import MemoryStdio
from tests.waiting import until

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
ALL = "stdin=true&stdout=true&stderr=true"
TURNS = 500  # of the loop: what may move has moved by then
SUCCESS = {"metadata": {}, "status": "Success"}


async def pod_that_runs(running: Api, *names: str) -> None:
    container = await running.runtime.start(ContainerSpec(name="c", image="any"))
    states: dict[str, Any] = dict.fromkeys(names or ("c",), RUNNING)
    set_state(running.store, make_pod(running.store, *states), id=container.id, **states)


@asynccontextmanager
async def opened(
    running: Api, query: str, *protocols: str, verb: str = "exec", **headers: str
) -> AsyncIterator[ClientConnection]:
    url = f"ws://127.0.0.1:{running.port}/{PREFIX}{PODS}/p/{verb}?{query}"
    offered = [Subprotocol(name) for name in protocols] or None
    async with asyncio.timeout(5), connect(url, subprotocols=offered, additional_headers=headers, proxy=None) as socket:
        yield socket


async def rest(socket: ClientConnection) -> list[bytes]:
    """What comes until the server closes; it must do so normally."""
    frames = [cast(bytes, frame) async for frame in socket]
    assert socket.close_code == 1000
    return frames


def status(frames: Sequence[bytes]) -> Any:
    """The Status in the last frame."""
    assert frames[-1][0] == 3
    return json.loads(frames[-1][1:])


async def test_input_goes_in_and_output_and_status_come_out(running: Api) -> None:
    await pod_that_runs(running)
    async with opened(running, f"command=cat&{ALL}", V5) as socket:
        assert socket.subprotocol == V5
        await socket.send(b"\x00hello")
        await socket.send("\x00text, too")
        await socket.send(b"\xff\x00")
        await socket.send(b"\x00behind the end")
        await socket.send(b"\xff\x00")
        assert await socket.recv() == b"\x01"
        frames = await rest(socket)
    assert frames[:2] == [b"\x01hello", b"\x01text, too"]
    assert status(frames) == SUCCESS
    assert running.runtime.processes[0].argv == ("cat",)
    assert running.runtime.processes[0].is_closed
    assert running.visits == ["into p", "out of p"]


async def test_an_exit_code_is_a_status_with_a_cause(running: Api) -> None:
    await pod_that_runs(running)
    async with opened(running, f"command=7&command=x&container=c&{ALL}", V4, V5) as socket:
        assert socket.subprotocol == V4
        await socket.recv()
        await running.runtime.processes[0].end_input()
        found = status(await rest(socket))
    assert found == {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: error executing command [7 x], exit code 7",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }


async def both(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
    yield "stdout", b"out"
    yield "stderr", b"err"
    process.code.set_result(0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("stdout=true&stderr=true", [b"\x01", b"\x01out", b"\x02err"]),
        ("stdout=1", [b"\x01", b"\x01out"]),
        ("stderr=1", [b"\x02", b"\x02err"]),
        ("stdin=1", [b"\x03"]),
        ("stdout=1&stderr=1&tty=1", [b"\x01", b"\x01out"]),
    ],
)
async def test_only_what_is_asked_for_is_sent(running: Api, query: str, expected: list[bytes]) -> None:
    await pod_that_runs(running)
    running.runtime.program = both
    async with opened(running, f"command=x&{query}", V5) as socket:
        frames = await rest(socket)
    assert frames[:-1] == expected
    assert status(frames) == SUCCESS


async def test_sizes_reach_a_terminal_while_input_waits(running: Api) -> None:
    await pod_that_runs(running)

    async def deaf(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
        while len(process.sizes) < 2:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
        yield "stdout", repr(process.sizes).encode()
        process.code.set_result(0)

    running.runtime.program = deaf
    async with opened(running, f"command=x&{ALL}&tty=true", V5) as socket:
        await socket.send(b'\x04{"Width":80,"Height":24}')
        for _ in range(10):
            await socket.send(b"\x00" + b"x" * 1000)
        for junk in (b"", b"\x04", b'\x04{"Width":0,"Height":24}', b"\x04[]", b"\x09x", b"\xff"):
            await socket.send(junk)
        await socket.send(b'\x04{"Width":100,"Height":30}')
        assert (await rest(socket))[1] == b"\x01[(80, 24), (100, 30)]"


@pytest.mark.parametrize("protocol", ["v4.base64.channel.k8s.io", "base64.channel.k8s.io"])
async def test_base64_is_spoken(running: Api, protocol: str) -> None:
    await pod_that_runs(running)
    async with opened(running, f"command=7&{ALL}", protocol) as socket:
        await socket.send("0" + base64.b64encode(b"hello").decode())
        await socket.send("0no base64!")
        assert [await socket.recv(), await socket.recv()] == ["1", "1" + base64.b64encode(b"hello").decode()]
        await running.runtime.processes[0].end_input()
        last = cast(str, await socket.recv())
    assert last[0] == "3"
    said = base64.b64decode(last[1:]).decode()
    assert ('"reason": "NonZeroExitCode"' in said) == protocol.startswith("v4"), "the old one says it in a sentence"


async def test_without_a_protocol_it_is_the_first_one(running: Api) -> None:
    await pod_that_runs(running)
    async with opened(running, f"command=x&{ALL}") as socket:
        assert socket.subprotocol is None
        await socket.recv()
        await running.runtime.processes[0].end_input()
        assert await rest(socket) == []


async def test_attached_ends_with_success_whatever_the_code(running: Api) -> None:
    await pod_that_runs(running)

    async def ends(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
        yield "stdout", b"last"
        process.code.set_result(3)

    running.runtime.program = ends
    async with opened(running, "stdout=true", V5, verb="attach") as socket:
        frames = await rest(socket)
    assert frames[:2] == [b"\x01", b"\x01last"]
    assert status(frames) == SUCCESS


@pytest.mark.parametrize("unread", [0, 100], ids=["idle", "with input that nobody reads"])
async def test_when_the_client_leaves_the_process_is_let_go(running: Api, unread: int) -> None:
    await pod_that_runs(running)

    async def silent(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
        await asyncio.Event().wait()
        yield "stdout", b""

    running.runtime.program = silent
    async with opened(running, f"command=x&{ALL}", V5) as socket:
        await socket.recv()
        for _ in range(min(unread, 30)):
            await socket.send(b"\x00" + b"x" * unread)
        socket.transport.abort()
    await until(lambda: running.runtime.processes[0].is_closed)


async def test_a_slow_client_holds_up_the_process(running: Api) -> None:
    await pod_that_runs(running)
    given = 0

    async def much(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
        nonlocal given
        for given in range(400):  # noqa: B007
            yield "stdout", b"x" * 100_000
        process.code.set_result(0)

    running.runtime.program = much
    async with opened(running, f"command=x&{ALL}", V5) as socket:
        socket.transport.pause_reading()
        before = -1
        while given != before:
            before = given
            for _ in range(TURNS):
                await asyncio.sleep(0)
        assert given < 300
        socket.transport.resume_reading()
        assert sum(len(frame) - 1 for frame in (await rest(socket))[:-1]) == 40_000_000


async def test_what_cannot_be_run_is_a_status_in_the_end(running: Api) -> None:
    await pod_that_runs(running)
    for id in list(running.runtime.specs):
        running.runtime.finish(id)
    async with opened(running, f"command=x&{ALL}", V5) as socket:
        found = status(await rest(socket))
    assert found["reason"] == "InternalError"
    assert found["message"].startswith("Internal error occurred: error executing command in container: Container ")


async def test_an_engine_that_has_gone_is_told(running: Api) -> None:
    await pod_that_runs(running)
    running.runtime.lose()
    async with opened(running, f"command=x&{ALL}", V5) as socket:
        found = status(await rest(socket))
    said = "error executing command in container: container engine at memory was lost"
    assert found["message"].startswith(f"Internal error occurred: {said}")


@pytest.mark.parametrize(
    ("query", "protocols", "code", "said"),
    [
        ("stdout=1&container=c", [V5], 400, "you must specify at least one command for the container"),
        ("command=x&container=c", [V5], 400, "you must specify at least 1 of stdin, stdout, stderr"),
        ("command=x&stdout=0&container=c", [V5], 400, "you must specify at least 1 of stdin, stdout, stderr"),
        ("command=x&stdout=1&container=d", [V5], 400, "container d is not valid for pod p"),
        ("command=x&stdout=1&container=e", [V5], 500, 'container not found ("e")'),
        ("command=x&stdout=1&container=c", ["v9.channel.k8s.io"], 400, "client supports [v9.channel.k8s.io]"),
        ("command=x&stdout=1", [V5], 400, "a container name must be specified for pod p, choose one of: [c e]"),
    ],
)
async def test_what_is_wrong_is_said_before_the_handshake(
    running: Api, query: str, protocols: list[str], code: int, said: str
) -> None:
    await pod_that_runs(running, "c", "e")
    pod = running.store.get(POD, "p", "default")
    entries = [*pod.status["containerStatuses"][:1], {"name": "e", "state": ENDED}]
    running.store.update_status(pod.key, {"phase": "Running", "containerStatuses": entries})
    with pytest.raises(InvalidStatus) as refused:
        async with opened(running, query, *protocols):
            pass
    assert refused.value.response.status_code == code
    assert said in (refused.value.response.body or b"").decode()


async def test_a_pod_that_is_not_there_is_not_found(running: Api) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(running, f"command=x&{ALL}", V5):
            pass
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body or b"")["reason"] == "NotFound"


async def test_a_web_page_of_another_site_is_refused(running: Api) -> None:
    await pod_that_runs(running)
    with pytest.raises(InvalidStatus) as refused:
        async with opened(running, f"command=x&{ALL}", V5, Origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    assert running.runtime.processes == []


async def test_a_plain_request_is_told_to_upgrade(running: Api) -> None:
    await pod_that_runs(running)
    for method in ("GET", "POST"):
        code, said = await running.ask(method, f"{PODS}/p/exec?command=x&stdout=1")
        assert (code, said["message"]) == (400, "Upgrade request required")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [([], ""), ([V5, V4], V5), (["v9", V4], V4), (["v9"], None), (["channel.k8s.io"], "channel.k8s.io")],
)
def test_the_first_protocol_that_is_served_counts(offered: list[str], chosen: str | None) -> None:
    assert negotiated(offered) == chosen
    assert chosen in (None, "", *PROTOCOLS)
