"""Blocking work beside the event loop: short calls, long calls, and streams.

Short calls share a bounded pool. What may last (a stop with its grace, a pull, following a log or the engine's events)
has a thread of its own, so that fifty followers never starve a cold start; a thread that sleeps in a read costs some
20 KiB. All are daemons: a process that must end at once does not wait for them. Knows nothing of engines.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

STREAM_BOUND = 1024
"""Items a stream reads ahead of its consumer; then the reading thread waits, and so does the writer behind it."""


CLOSE_S = 2.0


class Source(Protocol[T_co]):
    """What a stream reads: blocks in iteration; `close` may come from another thread and ends the iteration."""

    def __iter__(self) -> Iterator[T_co]: ...

    def close(self) -> None: ...


class Threads:
    """The pool, and every long thread under way. One belongs to a Runtime."""

    def __init__(self, workers: int) -> None:
        self._pool = _Pool(workers)
        self._pumps: set[_Pump[Any]] = set()
        self.is_closed = False

    async def call(self, work: Callable[[], T]) -> T:
        """Run a short blocking call. When the caller is cancelled the call still runs to its end."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._pool.submit(lambda: _run(loop, work, done))
        return await done

    def submit(self, work: Callable[[], object]) -> None:
        """Run a short call whose result nobody waits for; dropped after `close`."""
        if not self.is_closed:
            self._pool.submit(work)

    def long(self, work: Callable[[], T], name: str) -> asyncio.Future[T]:
        """Run a blocking call that may take minutes in a thread of its own."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        threading.Thread(target=_run, args=(loop, work, done), name=name, daemon=True).start()
        return done

    async def stream(self, open: Callable[[], Source[T]], name: str) -> AsyncGenerator[T, None]:
        """Items of the source that `open` (blocking) returns, read by a thread of its own; close when leaving early."""
        pump = _Pump(open, asyncio.get_running_loop())
        self._pumps.add(pump)
        threading.Thread(target=pump.run, name=name, daemon=True).start()
        try:
            while (item := await pump.next()) is not None:
                yield item[0]
        finally:
            self._pumps.discard(pump)
            pump.close()

    async def close(self) -> None:
        """End all streams and wait for the short calls under way; for so long as an engine that answers may take."""
        self.is_closed = True
        for pump in list(self._pumps):
            pump.close()
        self._pool.close()
        deadline = asyncio.get_running_loop().time() + CLOSE_S
        while self._pool.is_busy and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 (they are threads)
            await asyncio.sleep(0.01)


class _Pool:
    """Daemon threads that take calls in turn, made as they are needed. The standard library's would be waited for at
    the interpreter's end, for as long as an engine that hangs leaves a call unanswered.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._made = 0
        self._open = 0

    @property
    def is_busy(self) -> bool:
        return self._open > 0

    def submit(self, call: Callable[[], object]) -> None:
        with self._lock:
            self._open += 1
            is_new = self._open > self._made < self._workers
            self._made += is_new
        self._calls.put(call)
        if is_new:
            threading.Thread(target=self._work, name=f"engine {self._made}", daemon=True).start()

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in range(self._made):
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            with contextlib.suppress(Exception):  # told to whoever waits; a call of `submit` has nobody
                call()
            with self._lock:
                self._open -= 1


def _run(loop: asyncio.AbstractEventLoop, work: Callable[[], T], done: asyncio.Future[T]) -> None:
    try:
        result = work()
    except Exception as error:  # handed to whoever waits
        _tell(loop, _settle, done, None, error)
    else:
        _tell(loop, _settle, done, result, None)


def _settle(future: asyncio.Future[T], result: T, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: object) -> None:
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:  # the loop is closed: nobody is left to tell
        return


class _Pump(Generic[T]):
    """Carries items from a blocking source in a thread to one consumer on the loop."""

    def __init__(self, open: Callable[[], Source[T]], loop: asyncio.AbstractEventLoop) -> None:
        self._open = open
        self._loop = loop
        self._slots = threading.Semaphore(STREAM_BOUND)
        self._lock = threading.Lock()
        self._source: Source[T] | None = None
        self._closed = False
        self._items: deque[tuple[T]] = deque()
        self._ended = False
        self._error: Exception | None = None
        self._wake = asyncio.Event()

    def run(self) -> None:
        error: Exception | None = None
        try:
            self._read(self._open())
        except Exception as caught:  # handed to the consumer, unless it has left
            error = caught
        _tell(self._loop, self._end, error)

    def _read(self, source: Source[T]) -> None:
        with self._lock:
            self._source = source
            closed = self._closed
        try:
            if closed:
                return
            for item in source:
                self._slots.acquire()
                if self._closed:
                    return
                _tell(self._loop, self._put, item)
        finally:
            source.close()

    def _put(self, item: T) -> None:
        self._items.append((item,))
        self._wake.set()

    def _end(self, error: Exception | None) -> None:
        self._ended, self._error = True, error
        self._wake.set()

    async def next(self) -> tuple[T] | None:
        """The next item in a tuple; None when the source ended or this was closed. Raises what the source raised."""
        while not self._items:
            if self._closed:
                return None
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            self._wake.clear()
            await self._wake.wait()
        item = self._items.popleft()
        self._slots.release()
        return item

    def close(self) -> None:
        """On the loop. Ends the thread, wherever it waits; may be called again."""
        with self._lock:
            first, self._closed = not self._closed, True
            source = self._source
        if not first:
            return
        self._wake.set()
        if source is not None:
            source.close()
        self._slots.release()  # the thread may wait for one
