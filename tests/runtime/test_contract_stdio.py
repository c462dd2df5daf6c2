"""What every Runtime promises about processes whose streams are held open: exec, attach, and reaching a port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from emulator.runtime.base import Runtime, Status, Stdio
from emulator.runtime.errors import ContainerFailed, ContainerGone
from tests.runtime.asking import PYTHON, WITHIN_S, get, output, until_ended, until_printed
from tests.runtime.conftest import SpecOf

pytestmark = pytest.mark.engine

SLEEP = ("sleep", "1000")


@asynccontextmanager
async def execed(runtime: Runtime, id: str, *argv: str, stdin: bool = False, tty: bool = False) -> AsyncIterator[Stdio]:
    """A command's streams, let go in the end; all of it within a deadline."""
    async with asyncio.timeout(WITHIN_S):
        stdio = await runtime.open_exec(id, argv, stdin=stdin, tty=tty)
        try:
            yield stdio
        finally:
            await stdio.close()


async def until(stdio: Stdio, text: bytes) -> bytes:
    """The output up to `text`."""
    seen = b""
    while text not in seen:
        found = await stdio.read()
        assert found is not None, f"it ended with {seen!r}"
        seen += found[1]
    return seen


async def rest(stdio: Stdio) -> dict[str, bytes]:
    """All output to its end, by stream."""
    seen: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    while (found := await stdio.read()) is not None:
        seen[found[0]].append(found[1])
    return {name: b"".join(parts) for name, parts in seen.items()}


async def processes(runtime: Runtime, id: str, word: str) -> list[str]:
    """The command lines in the container that have `word` in them."""
    script = (
        "import glob\n"
        "for path in glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try: line = open(path).read().replace('\\0', ' ')\n"
        "    except OSError: continue\n"
        "    print(line)"
    )
    found = await runtime.exec(id, ("python3", "-c", script), WITHIN_S)
    return [line for line in found.output.splitlines() if word in line and "import glob" not in line]


async def test_output_comes_by_stream_and_the_exit_code_after_it(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    async with execed(runtime, running.id, "sh", "-c", "echo out; echo err >&2; exit 3") as stdio:
        assert await rest(stdio) == {"stdout": b"out\n", "stderr": b"err\n"}
        assert await stdio.exit_code() == 3
        assert await stdio.read() is None
        await stdio.write(b"nobody reads this")
        await stdio.end_input()


async def test_input_of_ten_megabytes_comes_back_whole(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    sent = bytes(range(256)) * 4096 * 10
    async with execed(runtime, running.id, "cat", stdin=True) as stdio, asyncio.TaskGroup() as group:

        async def write() -> None:
            for start in range(0, len(sent), 100_000):
                await stdio.write(sent[start : start + 100_000])
            await stdio.end_input()

        group.create_task(write())
        assert (await rest(stdio))["stdout"] == sent
        assert await stdio.exit_code() == 0


async def test_the_end_of_input_does_not_end_the_output(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    async with execed(runtime, running.id, "sh", "-c", "wc -c; sleep 0.2; echo later", stdin=True) as stdio:
        await stdio.write(b"12345")
        await stdio.end_input()
        assert (await rest(stdio))["stdout"] == b"5\nlater\n"


async def test_without_stdin_the_input_is_at_its_end(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    async with execed(runtime, running.id, "wc", "-c") as stdio:
        assert (await rest(stdio))["stdout"] == b"0\n"


async def test_a_process_whose_output_nobody_reads_waits(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    script = "import sys\nfor n in range(400): sys.stdout.write('x' * 100_000); sys.stdout.flush()\n"
    async with execed(runtime, running.id, "python3", "-c", script) as stdio:
        await until(stdio, b"x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await stdio.exit_code()
        seen = await rest(stdio)
        assert 39_000_000 < len(seen["stdout"]) < 40_000_000
        assert await stdio.exit_code() == 0


async def test_a_terminal_has_a_size_and_echoes(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    async with execed(runtime, running.id, "sh", stdin=True, tty=True) as stdio:
        await stdio.resize(101, 33)
        await stdio.write(b"stty size; tty >&2\n")
        assert b"33 101" in await until(stdio, b"/dev/pts/")
        await stdio.resize(80, 24)
        await stdio.write(b"stty size; exit 7\n")
        seen = await rest(stdio)
        assert b"24 80" in seen["stdout"]
        assert seen["stderr"] == b""
        assert await stdio.exit_code() == 7
        await stdio.resize(10, 10)


async def test_a_command_that_is_not_there_is_a_failure_and_no_output(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec())
    with pytest.raises(ContainerFailed, match=r'exec: "no-such-command": executable file not found in \$PATH'):
        async with execed(runtime, running.id, "no-such-command") as stdio:
            await stdio.read()


@pytest.mark.parametrize("tty", [False, True], ids=["without a terminal", "with a terminal"])
async def test_who_leaves_leaves_no_process(runtime: Runtime, spec: SpecOf, tty: bool) -> None:
    running = await runtime.start(spec(image=PYTHON, command=("sleep", "2000")))
    script = "trap '' HUP TERM; echo ready; sleep 3333 & sleep 3334; wait"
    async with execed(runtime, running.id, "sh", "-c", script, stdin=True, tty=tty) as stdio:
        await until(stdio, b"ready")
        async with asyncio.timeout(WITHIN_S):
            while len(await processes(runtime, running.id, "sleep 333")) < 2:
                pass
    async with asyncio.timeout(WITHIN_S):
        while await processes(runtime, running.id, "sleep 333"):
            pass
    assert (await runtime.inspect(running.id)).status is Status.RUNNING


async def test_many_streams_take_no_thread_each(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SLEEP))
    async with asyncio.timeout(WITHIN_S):
        before = threading.active_count()
        held = await asyncio.gather(*(runtime.open_exec(running.id, ("cat",), stdin=True) for _ in range(20)))
        idle = threading.active_count() - before
        for stdio in held:
            await stdio.write(b"here")
        assert [await stdio.read() for stdio in held] == [("stdout", b"here")] * 20
        await asyncio.gather(*(stdio.close() for stdio in held))
    assert idle <= 16, "the pool of short calls, and nothing else"


async def test_attached_are_its_output_from_now_on_and_its_input(runtime: Runtime, spec: SpecOf) -> None:
    script = "import sys\nprint('before', flush=True)\nfor line in sys.stdin: print('got', line, end='', flush=True)"
    running = await runtime.start(spec(image=PYTHON, command=("python3", "-c", script), stdin=True))
    await until_printed(runtime, running.id, "before")
    async with asyncio.timeout(WITHIN_S):
        first = await runtime.attach(running.id, stdin=True)
        await first.write(b"one\n")
        assert await until(first, b"one") == b"got one\n"
        await first.close()
        assert (await runtime.inspect(running.id)).status is Status.RUNNING
        second = await runtime.attach(running.id, stdin=True)
        await second.write(b"two\n")
        assert await until(second, b"two") == b"got two\n"
        await runtime.stop(running.id, 0.0)
        assert (await rest(second))["stdout"] == b""
        assert await second.exit_code() == 137
        await second.close()


async def test_input_once_ends_with_the_first_who_gave_it(runtime: Runtime, spec: SpecOf) -> None:
    script = "import sys; print(len(sys.stdin.read()), flush=True); exit(4)"
    command = ("python3", "-c", script)
    running = await runtime.start(spec(image=PYTHON, command=command, stdin=True, stdin_once=True))
    async with asyncio.timeout(WITHIN_S):
        stdio = await runtime.attach(running.id, stdin=True)
        await stdio.write(b"12345")
        await stdio.end_input()
        assert (await rest(stdio))["stdout"] == b"5\n"
        assert await stdio.exit_code() == 4
        await stdio.close()


async def test_a_container_with_a_terminal_is_attached_and_read(runtime: Runtime, spec: SpecOf) -> None:
    script = "stty size; read line; echo got $line; stty size; echo err >&2"
    running = await runtime.start(spec(image=PYTHON, command=("sh", "-c", script), stdin=True, tty=True))
    async with asyncio.timeout(WITHIN_S):
        stdio = await runtime.attach(running.id, stdin=True)
        await stdio.resize(90, 30)
        await stdio.write(b"hello\r")
        assert b"got hello\r\n30 90\r\nerr\r\n" in (await rest(stdio))["stdout"]
        await stdio.close()
    await until_ended(runtime, running.id)
    assert [line.text for line in await output(runtime, running.id)][-3:] == ["got hello", "30 90", "err"]


async def test_what_does_not_run_has_no_streams_and_no_port(runtime: Runtime, neighbour: Runtime, spec: SpecOf) -> None:
    ended = await runtime.start(spec("ended", env={"EXIT_AT_START": "0"}))
    theirs = await neighbour.start(spec("theirs"))
    await until_ended(runtime, ended.id)
    for id, fault in ((ended.id, ContainerFailed), (theirs.id, ContainerGone), ("f" * 64, ContainerGone)):
        for call in (runtime.open_exec(id, ("true",)), runtime.attach(id), runtime.reach(id, 8080)):
            with pytest.raises(fault):
                await call


async def test_a_port_is_reached_also_through_a_shared_network(runtime: Runtime, spec: SpecOf) -> None:
    owner = await runtime.start(spec("owner", ports=(8080,)))
    shares = await runtime.start(spec("shares", share_network_of=owner.id, env={"PORT": "9999"}))
    await until_printed(runtime, shares.id, "listening")
    address = await runtime.reach(owner.id, 8080)
    assert address == owner.address
    assert await runtime.reach(shares.id, 8080) == address
    if (await runtime.ensure_network()).is_direct:
        assert await get(await runtime.reach(owner.id, 9999), "/anything")
