"""Requests that come together begin a few in each turn of the loop."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from emulator.kubeapi.turns import PER_TURN, Turns


@pytest.mark.parametrize("count", [1, PER_TURN, PER_TURN + 1, 10 * PER_TURN])
async def test_no_more_begin_in_a_turn_and_all_in_their_order(count: int) -> None:
    turn, begun = 0, []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append((turn, scope["number"]))

    async def receive() -> dict[str, str]:
        return {}

    async def send(message: object) -> None:
        return

    turns = Turns(app)
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(turns({"number": number}, receive, send))
        while len(begun) < count:
            turn += 1
            await asyncio.sleep(0)
    assert [number for _, number in begun] == [*range(count)]
    assert max(sum(t == each for t, _ in begun) for each in range(turn + 1)) == min(count, PER_TURN)
