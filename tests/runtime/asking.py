"""Asking containers: over HTTP, through what they print, and through their events. Each wait has a deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from emulator.runtime.base import Address, ContainerEvent, ContainerSpec, LogLine, Runtime, Status
from emulator.runtime.probes import tcp_connects

WITHIN_S = 20.0
PYTHON = "kemu.test/pyfunc"


async def get(address: Address | None, path: str = "/") -> str:
    """The body of the answer, once somebody listens at `address`."""
    assert address is not None
    async with asyncio.timeout(WITHIN_S):
        while not await tcp_connects(address, 1.0):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def output(runtime: Runtime, id: str) -> list[LogLine]:
    """All that the container prints until it ends."""
    async with asyncio.timeout(WITHIN_S), aclosing(runtime.logs(id, follow=True)) as lines:
        return [line async for line in lines]


async def until_printed(runtime: Runtime, id: str, text: str) -> None:
    """Returns when the container has printed `text`."""
    async with asyncio.timeout(WITHIN_S), aclosing(runtime.logs(id, follow=True)) as lines:
        async for line in lines:
            if text in line.text:
                return
    raise AssertionError(f"it ended without saying {text!r}")


async def until_ended(runtime: Runtime, id: str) -> None:
    """Returns when the container no longer runs."""
    async with asyncio.timeout(WITHIN_S):
        while (await runtime.inspect(id)).status is Status.RUNNING:  # noqa: ASYNC110 - asks for the state alone
            await asyncio.sleep(0.005)


async def until_event(events: AsyncGenerator[ContainerEvent, None], name: str, action: str) -> list[ContainerEvent]:
    """The events of container `name` up to the first `action`."""
    seen = []
    async with asyncio.timeout(WITHIN_S):
        async for event in events:
            if event.name == name:
                seen.append(event)
                if event.action == action:
                    return seen
    raise AssertionError(f"no {action} in {seen}")


async def told(runtime: Runtime, spec: ContainerSpec) -> Any:
    """The JSON that a container prints on its first line."""
    running = await runtime.start(spec)
    return json.loads((await output(runtime, running.id))[0].text)
