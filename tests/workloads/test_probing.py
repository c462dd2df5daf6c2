"""When probes are asked, and what of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from emulator.objects.podspec import Container, Probe
from emulator.runtime.base import ContainerSpec, ExecResult
from emulator.workloads.probing import checker, first_success, steadily
from tests.runtime.memory import MemoryRuntime

pytestmark = pytest.mark.looptime(start=0)


def answers(*said: bool) -> tuple[Callable[[], Awaitable[bool]], list[float]]:
    """A check that says these, then True for ever; and the times at which it was asked."""
    left, asked = list(said), list[float]()

    async def check() -> bool:
        asked.append(asyncio.get_running_loop().time())
        return left.pop(0) if left else True

    return check, asked


async def test_the_first_success_is_asked_for_within_milliseconds() -> None:
    check, asked = answers(*[False] * 20)
    await first_success(check)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[0] < 0.003
    assert max(pauses) < 0.03


async def test_successes_must_come_in_a_row() -> None:
    check, asked = answers(True, False, True)
    await first_success(check, 2)
    assert len(asked) == 4


async def test_a_steady_probe_tells_only_what_its_thresholds_say() -> None:
    check, asked = answers(False, False, True, False, False, False)
    told: list[bool] = []
    probe = Probe.model_validate({"periodSeconds": 2, "failureThreshold": 3})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(13):
            await steadily(probe, check, told.append)
    assert told == [True, False]
    assert [round(at) for at in asked] == [2, 4, 6, 8, 10, 12]


@pytest.mark.parametrize(("code", "is_well"), [(0, True), (1, False)])
async def test_a_command_is_run_in_the_container(code: int, is_well: bool) -> None:
    runtime = MemoryRuntime("i")
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> ExecResult:
        asked.append(argv)
        return ExecResult(code, "")

    runtime.exec_result = run
    started = await runtime.start(ContainerSpec(name="c", image="i"))
    probe = Probe.model_validate({"exec": {"command": ["cat", "/x"]}})
    assert await checker(probe, Container(image="i"), runtime, started.id, {})() is is_well
    assert asked == [("cat", "/x")]


async def test_a_command_in_a_container_that_went_fails() -> None:
    probe = Probe.model_validate({"exec": {"command": ["x"]}})
    assert not await checker(probe, Container(image="i"), MemoryRuntime(), "gone", {})()


async def test_a_port_without_an_address_is_asked_where_the_engine_reaches_it() -> None:
    runtime, connected = MemoryRuntime("i"), list[str]()
    started = await runtime.start(ContainerSpec(name="side", image="i"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        probe = Probe.model_validate({"httpGet": {"port": port, "path": "/side"}})
        assert await checker(probe, Container(image="i"), runtime, started.id, {8080: ("192.0.2.1", 8080)})()
    assert connected == ["GET /side HTTP/1.1\r\n"]
    assert not await checker(probe, Container(image="i"), runtime, "gone", {})()
