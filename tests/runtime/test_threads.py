"""Blocking work beside the loop: calls, and streams that can be left."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from emulator.lib.tasks import Tasks
from emulator.runtime.threads import CLOSE_S, STREAM_BOUND, Threads

WITHIN_S = 10.0


class Tap:
    """A source that gives what is put into it, and blocks while there is nothing; None ends it."""

    def __init__(self, *items: int | Exception | None) -> None:
        self.items: queue.SimpleQueue[int | Exception | None] = queue.SimpleQueue()
        self.read = 0
        self.closed = threading.Event()
        for item in items:
            self.items.put(item)

    def __iter__(self) -> Iterator[int]:
        while (item := self.items.get()) is not None:
            if isinstance(item, Exception):
                raise item
            self.read += 1
            yield item

    def close(self) -> None:
        self.closed.set()
        self.items.put(None)


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads(2)
    yield threads
    await threads.close()


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, WITHIN_S)


async def test_calls_give_their_results_and_errors(threads: Threads) -> None:
    assert await threads.call(lambda: 5) == 5
    assert await threads.long(lambda: 6, "six") == 6
    for work in (threads.call(lambda: 1 // 0), threads.long(lambda: 1 // 0, "fault")):
        with pytest.raises(ZeroDivisionError):
            await work


async def test_long_calls_do_not_hold_up_short_ones(threads: Threads) -> None:
    gate = threading.Event()
    waiting = [threads.long(lambda: gate.wait(WITHIN_S), "long") for _ in range(8)]
    async with asyncio.timeout(WITHIN_S):
        assert await threads.call(lambda: "short") == "short"
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * 8


async def test_a_long_call_whose_caller_has_left_ends_quietly(threads: Threads) -> None:
    gate, ended = threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(WITHIN_S)
        ended.set()

    threads.long(work, "left").cancel()
    gate.set()
    await until(ended)


async def test_a_stream_gives_all_items_in_order_and_is_closed(threads: Threads) -> None:
    tap = Tap(1, 2, 3, None)
    assert [item async for item in threads.stream(lambda: tap, "tap")] == [1, 2, 3]
    await until(tap.closed)


async def test_a_stream_tells_what_came_before_a_fault_and_the_fault(threads: Threads) -> None:
    tap, seen = Tap(1, OSError("cut")), []
    with pytest.raises(OSError, match="cut"):
        async for item in threads.stream(lambda: tap, "tap"):
            seen.append(item)
    assert seen == [1]
    await until(tap.closed)


async def test_a_stream_that_cannot_be_opened_says_so(threads: Threads) -> None:
    def fail() -> Tap:
        raise OSError("nobody there")

    with pytest.raises(OSError, match="nobody there"):
        async for _ in threads.stream(fail, "tap"):
            pass


async def test_leaving_a_stream_early_ends_its_thread_while_it_waits(threads: Threads) -> None:
    tap = Tap(1)
    async with aclosing(threads.stream(lambda: tap, "left early")) as items:
        assert await anext(items) == 1
        (reader,) = [thread for thread in threading.enumerate() if thread.name == "left early"]
    await asyncio.to_thread(reader.join, WITHIN_S)
    assert not reader.is_alive()
    assert tap.closed.is_set()


async def test_close_ends_every_stream(threads: Threads) -> None:
    taps = [Tap(1), Tap(2)]
    first = asyncio.Barrier(3)

    async def read(tap: Tap) -> list[int]:
        seen = []
        async with aclosing(threads.stream(lambda: tap, "tap")) as items:
            async for item in items:
                seen.append(item)
                await first.wait()
        return seen

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        reading = [group.create_task(read(tap)) for tap in taps]
        await first.wait()
        await threads.close()
    assert [task.result() for task in reading] == [[1], [2]]
    await threads.close()


async def test_a_stream_reads_no_further_ahead_than_its_bound(threads: Threads) -> None:
    tap = Tap(*range(STREAM_BOUND + 100), None)
    async with asyncio.timeout(WITHIN_S), aclosing(threads.stream(lambda: tap, "tap")) as items:
        seen = [await anext(items)]
        assert tap.read <= STREAM_BOUND + 2
        seen += [item async for item in items]
    assert seen == list(range(STREAM_BOUND + 100))


async def test_calls_share_a_bounded_number_of_threads(threads: Threads) -> None:
    gate, names = threading.Event(), list[str]()

    def work() -> None:
        names.append(threading.current_thread().name)
        gate.wait(WITHIN_S)

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(threads.call(work))
        await asyncio.sleep(0)
        gate.set()
    assert len(names) == 5
    assert len(set(names)) <= 2


async def test_close_does_not_wait_for_a_call_that_never_ends() -> None:
    threads, gate, begun = Threads(2), threading.Event(), threading.Event()
    workers: list[threading.Thread] = []

    def hang() -> None:
        workers.append(threading.current_thread())
        begun.set()
        gate.wait()

    async with Tasks() as tasks:
        tasks.spawn(threads.call(hang), "call")
        await until(begun)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await threads.close()
        assert loop.time() - started == pytest.approx(CLOSE_S, abs=0.5)
    assert workers[0].daemon, "the interpreter does not wait for it"
    gate.set()
    await asyncio.to_thread(workers[0].join, WITHIN_S)
    assert not workers[0].is_alive()
