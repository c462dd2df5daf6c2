"""`MemoryRuntime`: a second Runtime, all in memory, for tests of what stands above the engine.

Containers are entries of a dict; `finish` ends one as its process would, `lose` cuts the line as an engine that goes
away, `comes_back` lets `connect` succeed again; with `stuck` nothing can be paused
or thawed. Images are those in `images`; `registry` has those that can be pulled.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from emulator.runtime.base import (
    Address,
    Capacity,
    ContainerEvent,
    ContainerSpec,
    ContainerState,
    Credential,
    EngineInfo,
    ExecResult,
    ImageInfo,
    LogLine,
    NetworkInfo,
    OnProgress,
    RunningContainer,
    Status,
    Stdio,
    StdioName,
    Timings,
    Usage,
)
from emulator.runtime.errors import (
    ContainerFailed,
    ContainerGone,
    EngineLost,
    EngineUnavailable,
    ImageMissing,
    NameTaken,
)

_Action = Literal["create", "start", "oom", "die", "pause", "unpause", "destroy"]
_LOST = ("memory", "the test said so", "wait")


class MemoryStdio:
    """Implements `Stdio`: a program in Python instead of a process."""

    def __init__(self, argv: tuple[str, ...], program: Program) -> None:
        self.argv = argv
        self.sizes: list[tuple[int, int]] = []
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.is_closed = False
        self.input: asyncio.Queue[bytes | None] = asyncio.Queue(4)
        self._work: AsyncGenerator[tuple[StdioName, bytes], None] = program(self)

    async def read(self) -> tuple[StdioName, bytes] | None:
        return await anext(self._work, None)

    async def write(self, data: bytes) -> None:
        if not self.code.done():
            await self.input.put(data)

    async def end_input(self) -> None:
        await self.input.put(None)

    async def resize(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    async def exit_code(self) -> int:
        return await self.code

    async def close(self) -> None:
        self.is_closed = True


Program = Callable[[MemoryStdio], AsyncGenerator[tuple[StdioName, bytes], None]]
"""What runs in an exec: yields its output, reads `input`, and sets `code` before it ends."""


async def echo(process: MemoryStdio) -> AsyncGenerator[tuple[StdioName, bytes], None]:
    """`cat`; ends with the code that its first word says, if it is a number."""
    while (data := await process.input.get()) is not None:
        yield "stdout", data
    first = process.argv[0] if process.argv else ""
    process.code.set_result(int(first) if first.isdigit() else 0)


class MemoryRuntime:
    """Implements `Runtime`."""

    def __init__(self, *images: str) -> None:
        self.instance = "memory"
        self.images = {ref: ImageInfo(id=f"sha256:{ref}", ref=ref) for ref in images}
        self.registry: dict[str, ImageInfo] = {}
        self.specs: dict[str, ContainerSpec] = {}
        self.pulls: list[str] = []
        self.shown: list[tuple[Credential, ...]] = []
        self.lines: dict[str, list[LogLine]] = {}
        self.connects = 0
        self.exec_result: Callable[[tuple[str, ...]], ExecResult] = lambda argv: ExecResult(0, "")
        self.program: Program = echo
        self.processes: list[MemoryStdio] = []
        self.states: dict[str, ContainerState] = {}
        self.naps = 0
        self.stuck: ContainerFailed | None = None
        self._followers: set[asyncio.Queue[ContainerEvent | None]] = set()
        self._ids = itertools.count(1)
        self._is_lost = False

    # -- what a test does to it

    def finish(self, id: str, code: int = 0, *, oom_killed: bool = False) -> None:
        """The container's process ends by itself, or is killed for its hunger."""
        state = self.states[id]
        ended = {"status": Status.EXITED, "exit_code": code, "oom_killed": oom_killed}
        self.states[id] = replace(state, finished_at=datetime.now(UTC), **ended)  # type: ignore[arg-type]
        self._tell(id, "die", code)

    def lose(self) -> None:
        """The engine goes away: streams end, and calls fail until `comes_back`."""
        self._is_lost = True
        for follower in self._followers:
            follower.put_nowait(None)

    def comes_back(self) -> None:
        self._is_lost = False

    # -- Runtime

    async def connect(self) -> EngineInfo:
        self.connects += 1
        if self._is_lost:
            raise EngineUnavailable(*_LOST)
        return EngineInfo("memory", "1", "memory")

    async def capacity(self) -> Capacity:
        return Capacity(4, 8 << 30)

    async def close(self) -> None:
        for follower in self._followers:
            follower.put_nowait(None)

    async def ensure_network(self) -> NetworkInfo:
        return NetworkInfo("memory", "127.0.0.1")

    async def start(self, spec: ContainerSpec) -> RunningContainer:
        self._check()
        if spec.image not in self.images:
            raise ImageMissing(spec.image, "no such image")
        holder = next((s.id for s in self.states.values() if s.name == spec.name), None)
        if holder is not None:
            raise NameTaken(spec.name, holder)
        id = f"{next(self._ids):012x}"
        addresses: dict[int, Address] = {port: ("127.0.0.1", port) for port in spec.ports}
        self.specs[id] = spec
        self.states[id] = ContainerState(
            id=id,
            name=spec.name,
            status=Status.RUNNING,
            started_at=datetime.now(UTC),
            labels=spec.labels,
        )
        self._tell(id, "create")
        self._tell(id, "start")
        return RunningContainer(id, spec.name, addresses, Timings(1.0, 2.0))

    async def stop(self, id: str, grace_s: float) -> None:
        self._check()
        if id in self.states and self.states[id].status in (Status.RUNNING, Status.PAUSED):
            self.finish(id, 143)

    async def remove(self, id: str, *, force: bool = False) -> None:
        self._check()
        state = self.states.get(id)
        if state is None:
            return
        if state.status in (Status.RUNNING, Status.PAUSED):
            if not force:
                raise ContainerFailed(state.name, "remove", "it is running")
            self.finish(id, 137)
        self._tell(id, "destroy")
        del self.states[id]

    async def remove_volume(self, name: str) -> None:
        self._check()

    async def pause(self, id: str) -> None:
        self.naps += 1
        self._become(id, Status.PAUSED, "pause")

    async def unpause(self, id: str) -> None:
        self._become(id, Status.RUNNING, "unpause")

    async def inspect(self, id: str) -> ContainerState:
        self._check()
        return self.states.get(id) or ContainerState(id=id, name="", status=Status.GONE)

    async def usage(self, id: str) -> Usage | None:
        self._check()
        state = self.states.get(id)
        is_alive = state is not None and state.status in (Status.RUNNING, Status.PAUSED)
        return Usage(1 << 20, 0.5) if is_alive else None

    async def containers(self) -> list[ContainerState]:
        self._check()
        return list(self.states.values())

    async def exec(self, id: str, argv: tuple[str, ...], timeout_s: float) -> ExecResult:
        self._check()
        if id not in self.states:
            raise ContainerGone(id)
        return self.exec_result(argv)

    async def open_exec(self, id: str, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False) -> Stdio:
        self._check_running(id, "run a command in")
        process = MemoryStdio(argv, self.program)
        self.processes.append(process)
        return process

    async def attach(self, id: str, *, stdin: bool = False) -> Stdio:
        self._check_running(id, "attach to")
        process = MemoryStdio((), self.program)
        self.processes.append(process)
        return process

    async def reach(self, id: str, port: int) -> Address | None:
        self._check_running(id, "reach")
        return ("127.0.0.1", port)

    async def logs(
        self, id: str, *, follow: bool = False, since: datetime | None = None, tail: int | None = None
    ) -> AsyncGenerator[LogLine, None]:
        self._check()
        for line in self.lines.get(id, ()):
            yield line

    async def events(self) -> AsyncGenerator[ContainerEvent, None]:
        follower: asyncio.Queue[ContainerEvent | None] = asyncio.Queue()
        self._followers.add(follower)
        try:
            while (event := await follower.get()) is not None:
                yield event
            raise EngineLost(*_LOST)
        finally:
            self._followers.discard(follower)

    async def image(self, ref: str) -> ImageInfo | None:
        self._check()
        return self.images.get(ref)

    async def pull(
        self, ref: str, progress: OnProgress | None = None, credentials: tuple[Credential, ...] = ()
    ) -> ImageInfo:
        self._check()
        self.pulls.append(ref)
        self.shown.append(credentials)
        if ref not in self.registry:
            raise ImageMissing(ref, "no registry has it")
        self.images[ref] = self.registry[ref]
        return self.images[ref]

    async def remove_kept(self) -> list[str]:
        self._check()
        return []

    async def sweep(self, keep: Collection[str] = ()) -> list[str]:
        gone = [state for state in self.states.values() if state.id not in keep]
        for state in gone:
            await self.remove(state.id, force=True)
        return [state.name for state in gone]

    # -- inside

    def _check(self) -> None:
        if self._is_lost:
            raise EngineLost(*_LOST)

    def _check_running(self, id: str, verb: str) -> None:
        self._check()
        if id not in self.states:
            raise ContainerGone(id)
        if self.states[id].status is not Status.RUNNING:
            raise ContainerFailed(id, verb, f"Container {id} is not running")

    def _become(self, id: str, status: Status, action: _Action) -> None:
        self._check()
        if id not in self.states:
            raise ContainerGone(id)
        if self.stuck is not None:
            raise self.stuck
        if self.states[id].status not in (Status.RUNNING, Status.PAUSED):
            raise ContainerFailed(id, action, "it is not running")
        self.states[id] = replace(self.states[id], status=status)
        self._tell(id, action)

    def _tell(self, id: str, action: _Action, code: int | None = None) -> None:
        event = ContainerEvent(id, self.states[id].name, action, datetime.now(UTC), code)
        for follower in self._followers:
            follower.put_nowait(event)
