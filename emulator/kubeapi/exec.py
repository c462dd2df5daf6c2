"""`pods/exec` and `pods/attach`: a process in a container and a client, connected until one of them ends.

What is the same however the client is connected: which container and command are meant, how input, output and sizes
flow, and the Status that ends it. How that travels is a `Remote`'s affair (`channels.py` over WebSocket,
`spdyremote.py` over SPDY). Words follow kubelet/pkg/cri/streaming/remotecommand and client-go's expectations of them.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from emulator.kubeapi.logs import flag
from emulator.kubeapi.podcontainers import Containers, chosen, running_id
from emulator.lib.tasks import Tasks
from emulator.objects.errors import BadRequest
from emulator.objects.resource import Resource
from emulator.runtime.base import Stdio, StdioName
from emulator.runtime.errors import ContainerFailed, RuntimeFault

Json = dict[str, Any]

# Bytes of a client that are read before the process has taken the first: enough to notice that it has left, although
# the process reads nothing.
_READ_AHEAD = 1 << 20
_SIZE_BOUND = 0xFFFF


class ClientLeft(Exception):
    """The client has closed the connection, or it broke."""


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes for the process's input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """Nothing more will come for the process's input."""


@dataclass(frozen=True, slots=True)
class Size:
    """The client's terminal, in characters."""

    width: int
    height: int


Message = Data | EndOfInput | Size


class Remote(Protocol):
    """The client's end."""

    async def receive(self) -> Message:
        """ClientLeft."""

    async def send(self, stream: StdioName, data: bytes) -> None:
        """Waits while the client is slow; ClientLeft."""

    async def finish(self, status: Json) -> None:
        """All has been sent: say how it ended, and close. ClientLeft."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run, or attached to, in which container (the Runtime's `id`)."""

    verb: str
    id: str
    command: tuple[str, ...] = ()
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


def plan_of(pod: Resource[Any], verb: str, query: QueryParams) -> Plan:
    """What a request for `verb` (exec, attach) asks for; BadRequest, HTTPException for what does not run."""
    container = chosen(pod, query.get("container", ""))
    command = tuple(query.getlist("command"))
    stdin, stdout, stderr, tty = (flag(query, name) for name in ("stdin", "stdout", "stderr", "tty"))
    if verb == "exec" and not command:
        raise BadRequest("you must specify at least one command for the container")
    if not (stdin or stdout or stderr):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    id = running_id(pod, container)
    if id is None:
        # The kubelet's own answer, which is no Status; clients show it as it is.
        raise HTTPException(500, f'container not found ("{container}")')
    # With a terminal there is one stream of output.
    return Plan(verb=verb, id=id, command=command, stdin=stdin, stdout=stdout, stderr=stderr and not tty, tty=tty)


async def converse(plan: Plan, containers: Containers, remote: Remote) -> None:
    """Connect the process and the client until one ends; whatever happens, the process is let go of."""
    try:
        try:
            stdio = await _opened(plan, containers)
        except RuntimeFault as fault:
            await remote.finish(_failed(plan, fault))
            return
        try:
            status = await _connected(plan, stdio, remote)
            await remote.finish(status)
        finally:
            await stdio.close()
    except* ClientLeft:
        pass


async def _opened(plan: Plan, containers: Containers) -> Stdio:
    if plan.verb == "attach":
        return await containers.attach(plan.id, stdin=plan.stdin)
    return await containers.open_exec(plan.id, plan.command, stdin=plan.stdin, tty=plan.tty)


async def _connected(plan: Plan, stdio: Stdio, remote: Remote) -> Json:
    """Both directions until the process has ended; its Status. ClientLeft in a group."""
    inbox = _Inbox()
    async with Tasks() as tasks:
        tasks.spawn(_receive(remote, inbox, stdio, plan.tty), "receive")
        tasks.spawn(_feed(inbox, stdio), "input")
        try:
            while (found := await stdio.read()) is not None:
                stream, data = found
                if plan.stdout if stream == "stdout" else plan.stderr:
                    await remote.send(stream, data)
            return _ended(plan, await stdio.exit_code())
        except RuntimeFault as fault:
            return _failed(plan, fault)


class _Inbox:
    """A process's input on its way: at most `_READ_AHEAD` bytes, and the message that exceeds them."""

    def __init__(self) -> None:
        self._messages: deque[Data | EndOfInput] = deque()
        self._size = 0
        self._changed = asyncio.Condition()

    async def put(self, message: Data | EndOfInput) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._size < _READ_AHEAD)
            self._messages.append(message)
            self._size += _size(message)
            self._changed.notify_all()

    async def get(self) -> Data | EndOfInput:
        async with self._changed:
            await self._changed.wait_for(lambda: self._messages)
            message = self._messages.popleft()
            self._size -= _size(message)
            self._changed.notify_all()
            return message


def _size(message: Data | EndOfInput) -> int:
    return len(message.data) if isinstance(message, Data) else 0


async def _receive(remote: Remote, inbox: _Inbox, stdio: Stdio, has_tty: bool) -> None:
    """Sizes count at once, input in its turn."""
    while True:
        message = await remote.receive()
        if not isinstance(message, Size):
            await inbox.put(message)
        elif has_tty:
            await stdio.resize(message.width, message.height)


async def _feed(inbox: _Inbox, stdio: Stdio) -> None:
    """What comes behind the end of input is thrown away."""
    is_ended = False
    while True:
        match await inbox.get():
            case Data(data) if not is_ended:
                await stdio.write(data)
            case EndOfInput() if not is_ended:
                is_ended = True
                await stdio.end_input()


# -- how it ended


def _ended(plan: Plan, code: int) -> Json:
    if code == 0 or plan.verb == "attach":
        return {"metadata": {}, "status": "Success"}
    said = f"error executing command [{' '.join(plan.command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {said}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _failed(plan: Plan, fault: RuntimeFault) -> Json:
    doing = "executing command in" if plan.verb == "exec" else "attaching to"
    said = f"error {doing} container: {fault.why if isinstance(fault, ContainerFailed) else fault}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {said}",
        "reason": "InternalError",
        "details": {"causes": [{"message": said}]},
        "code": 500,
    }


def size_of(data: bytes) -> Size | None:
    """A terminal's size as clients send it: `{"Width":80,"Height":24}`; None for anything else."""
    try:
        found = json.loads(data)
        width, height = int(found["Width"]), int(found["Height"])
    except (ValueError, KeyError, TypeError):
        return None
    return Size(width, height) if 0 < width <= _SIZE_BOUND and 0 < height <= _SIZE_BOUND else None
