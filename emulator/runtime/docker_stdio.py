"""Standard streams of processes in the Docker Engine's containers: exec and attach as `Stdio`.

Without a terminal the engine frames output (a byte for the stream, three of nothing, four of length); with one it is
the bytes themselves. Nothing is decided here about who may run what. The engine has no call that kills what exec has
started, and lets it run on when the client leaves; Kubernetes' runtimes kill it. `DockerExec.close` does so where the
process can be seen (an engine on this machine); elsewhere it ends with its input, if it reads any. Used by `docker.py`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from emulator.runtime.base import StdioName
from emulator.runtime.docker_sdk import APIError, NotFound, docker
from emulator.runtime.errors import ContainerFailed, ContainerGone, EngineUnavailable

T = TypeVar("T")
Json = dict[str, Any]
Ask = Callable[[Callable[[docker.APIClient], T]], Awaitable[T]]
"""Runs a short call of the SDK in a thread."""

_CHUNK = 64 * 1024
_HEADER = 8
_POLL_S, _POLL_MOST_S = 0.005, 0.25
_RESIZE_TRIES = 10
_KILLED = 137
# How the engine says on stdout that there was nothing to run (moby, api/server/router/container/exec.go).
_NOT_STARTED = b"OCI runtime exec failed: "


class _Streams:
    """A hijacked connection as output in pieces and input with back-pressure."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, is_raw: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._is_raw = is_raw
        self._stream: StdioName = "stdout"
        self._left = 0

    async def read(self) -> tuple[StdioName, bytes] | None:
        try:
            while self._left == 0 and not self._is_raw:
                header = await self._reader.readexactly(_HEADER)
                self._stream = "stderr" if header[0] == 2 else "stdout"
                self._left = int.from_bytes(header[4:])
            data = await self._reader.read(_CHUNK if self._is_raw else min(self._left, _CHUNK))
        except (OSError, EOFError):  # cut, or ended within a frame: whoever asks for the exit code learns why
            return None
        self._left -= 0 if self._is_raw else len(data)
        return (self._stream, data) if data else None

    async def write(self, data: bytes) -> None:
        with suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def end_input(self) -> None:
        with suppress(OSError):
            if self._writer.can_write_eof():
                self._writer.write_eof()

    def shut(self) -> None:
        self._writer.close()


class DockerExec:
    """What `open_exec` has started; implements `Stdio`. `is_near`: its processes are this machine's."""

    def __init__(self, id: str, container: str, streams: _Streams, ask: Ask[Any], is_near: bool) -> None:
        self._id = id
        self._container = container
        self._streams = streams
        self._ask = ask
        self._is_near = is_near
        self._is_first = True
        self._code: int | None = None

    async def read(self) -> tuple[StdioName, bytes] | None:
        found = await self._streams.read()
        if self._is_first and found is not None and found[1].startswith(_NOT_STARTED):
            why = found[1]
            while (more := await self._streams.read()) is not None:
                why += more[1]
            raise ContainerFailed(self._container[:12], "run a command in", why.decode("utf-8", "replace").strip())
        self._is_first = False
        return found

    async def write(self, data: bytes) -> None:
        await self._streams.write(data)

    async def end_input(self) -> None:
        await self._streams.end_input()

    async def resize(self, width: int, height: int) -> None:
        await _resize(self._ask, lambda client: client.exec_resize(self._id, height, width))

    async def exit_code(self) -> int:
        if self._code is None:
            self._code = await _polled(self._code_by_now)
        return self._code

    async def _code_by_now(self) -> int | None:
        found = await self._inspect()
        if found is not None and found["Running"]:
            return None
        code = found["ExitCode"] if found else None
        return _KILLED if code is None else int(code)

    async def close(self) -> None:
        self._streams.shut()
        if self._code is not None:
            return
        with suppress(EngineUnavailable):
            found = await self._inspect()
            if found is None or not found["Running"] or not self._is_near:
                return
            inside = await asyncio.to_thread(_kill_tree, int(found["Pid"]), self._container)
            if inside:
                await self._ask(lambda client: _kill_inside(client, self._container, inside))

    async def _inspect(self) -> Json | None:
        def work(client: docker.APIClient) -> Json | None:
            try:
                return client.exec_inspect(self._id)
            except NotFound:
                return None

        return cast("Json | None", await self._ask(work))


class DockerAttach:
    """The streams of a container's own process; implements `Stdio`."""

    def __init__(
        self, container: str, streams: _Streams, ask: Ask[Any], code: Callable[[], Awaitable[int | None]]
    ) -> None:
        self._container = container
        self._streams = streams
        self._ask = ask
        self._code = code

    async def read(self) -> tuple[StdioName, bytes] | None:
        return await self._streams.read()

    async def write(self, data: bytes) -> None:
        await self._streams.write(data)

    async def end_input(self) -> None:
        await self._streams.end_input()

    async def resize(self, width: int, height: int) -> None:
        await _resize(self._ask, lambda client: client.resize(self._container, height, width))

    async def exit_code(self) -> int:
        return await _polled(self._code)

    async def close(self) -> None:
        self._streams.shut()


def streams(line: tuple[StreamReader, StreamWriter], is_raw: bool) -> _Streams:
    """The streams on a connection that was taken over; `is_raw` with a terminal."""
    return _Streams(*line, is_raw)


def exec_id(client: docker.APIClient, container: str, argv: tuple[str, ...], stdin: bool, tty: bool) -> str:
    """Prepare a command. ContainerGone, ContainerFailed."""
    try:
        return cast(str, client.exec_create(container, list(argv), stdin=stdin, tty=tty)["Id"])
    except NotFound:
        raise ContainerGone(container) from None
    except APIError as error:
        raise ContainerFailed(container[:12], "run a command in", str(error.explanation)) from error


async def _polled(code: Callable[[], Awaitable[int | None]]) -> int:
    """The first answer. Output can end before its process does, and not every engine has an event for that."""
    wait_s = _POLL_S
    while (found := await code()) is None:
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, _POLL_MOST_S)
    return found


async def _resize(ask: Ask[Any], work: Callable[[docker.APIClient], object]) -> None:
    """The engine refuses a size for what is not quite started yet; docker/cli tries again, too."""
    for attempt in range(_RESIZE_TRIES):
        try:
            await ask(work)
            return
        except EngineUnavailable:
            return  # whoever reads its output learns of it
        except APIError:
            await asyncio.sleep(_POLL_S * (attempt + 1))


def _kill_tree(pid: int, container: str) -> list[int]:
    """Kill process `pid` and what it has started, if they are in `container`.

    Returns the process ids, as the container counts them, of those that this user may not kill.
    """
    left = []
    for found in _tree(pid):
        with suppress(OSError, ValueError, StopIteration):
            if container not in Path(f"/proc/{found}/cgroup").read_text():
                continue
            try:
                os.kill(found, signal.SIGKILL)
            except PermissionError:
                status = Path(f"/proc/{found}/status").read_text().splitlines()
                left.append(int(next(line for line in status if line.startswith("NSpid:")).split()[-1]))
    return left


def _tree(pid: int) -> list[int]:
    """`pid` and its descendants, parents first."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _kill_inside(client: docker.APIClient, container: str, pids: list[int]) -> None:
    """Let the container's own shell kill them: root's processes, and kemu's user is not root."""
    with suppress(APIError):
        command = ["sh", "-c", f"kill -9 {' '.join(map(str, pids))}"]
        client.exec_start(client.exec_create(container, command, user="0")["Id"], detach=True)
