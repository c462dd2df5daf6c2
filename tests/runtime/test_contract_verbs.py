"""What every Runtime promises about containers that run: stop, remove, pause, exec, and whose they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import docker
import pytest

from emulator.runtime.base import ContainerSpec, Mount, Runtime, Status
from emulator.runtime.errors import ContainerFailed, ContainerGone
from tests.runtime.asking import PYTHON, get, output, until_ended, until_printed
from tests.runtime.conftest import SpecOf

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("env", "grace_s", "exit_code", "within_s"),
    [
        pytest.param({}, 15.0, 0, 10.0, id="it ends by itself"),
        pytest.param({"IGNORE_SIGTERM": "1"}, 1.0, 137, 10.0, id="it is killed when patience ends"),
        pytest.param({"IGNORE_SIGTERM": "1"}, 0.0, 137, 10.0, id="there is no patience"),
    ],
)
async def test_stop_returns_when_the_container_has_ended(
    runtime: Runtime, spec: SpecOf, env: dict[str, str], grace_s: float, exit_code: int, within_s: float
) -> None:
    running = await runtime.start(spec(env=env))
    await until_printed(runtime, running.id, "listening")
    async with asyncio.timeout(within_s):
        await runtime.stop(running.id, grace_s)
    state = await runtime.inspect(running.id)
    assert (state.status, state.exit_code) == (Status.EXITED, exit_code)
    await runtime.stop(running.id, grace_s)


async def test_stop_sends_the_signal_of_the_spec(runtime: Runtime, spec: SpecOf) -> None:
    script = (
        "import signal; signal.signal(signal.SIGUSR1, lambda *_: exit(7)); print('ready', flush=True); signal.pause()"
    )
    running = await runtime.start(spec(image=PYTHON, command=("python3", "-c", script), stop_signal="SIGUSR1"))
    await until_printed(runtime, running.id, "ready")
    await runtime.stop(running.id, 10.0)
    assert (await runtime.inspect(running.id)).exit_code == 7


async def test_remove_takes_an_ended_container_and_a_running_one_by_force_only(runtime: Runtime, spec: SpecOf) -> None:
    ended = await runtime.start(spec("ended", env={"EXIT_AT_START": "0"}))
    lives = await runtime.start(spec("lives"))
    await until_ended(runtime, ended.id)
    await runtime.remove(ended.id)
    with pytest.raises(ContainerFailed, match="running"):
        await runtime.remove(lives.id)
    assert [state.name for state in await runtime.containers()] == [lives.name]
    await runtime.remove(lives.id, force=True)
    assert await runtime.containers() == []
    assert (await runtime.inspect(lives.id)).status is Status.GONE


async def test_containers_that_are_removed_twice_at_once_are_gone(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec())
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(runtime.remove(running.id, force=True))
    await runtime.start(spec())


async def test_a_volume_in_use_stays(runtime: Runtime, spec: SpecOf) -> None:
    volume = f"{runtime.instance}-used"
    running = await runtime.start(spec(mounts=(Mount(kind="volume", source=volume, target="/data"),)))
    await runtime.remove_volume(volume)
    await runtime.remove(running.id, force=True)
    await runtime.remove_volume(volume)


async def test_a_volume_that_is_kept_outlives_all_but_its_own_verb(runtime: Runtime, spec: SpecOf) -> None:
    volume = f"{runtime.instance}-kept"
    mount = Mount(kind="volume", source=volume, target="/data", is_kept=True)

    def python(name: str, code: str, mount: Mount = mount) -> ContainerSpec:
        return spec(name, image=PYTHON, command=("python3", "-c", code), mounts=(mount,), user="1234")

    writes = await runtime.start(python("writes", "open('/data/word', 'w').write('kept')"))
    await until_ended(runtime, writes.id)
    await runtime.remove(writes.id)
    await runtime.remove_volume(volume)
    await runtime.sweep()
    reads = await runtime.start(python("reads", "print(open('/data/word').read())", replace(mount, read_only=True)))
    assert [line.text for line in await output(runtime, reads.id)] == ["kept"]
    assert await runtime.remove_kept() == [], "it is in use"
    await runtime.remove(reads.id, force=True)
    assert await runtime.remove_kept() == [volume]
    assert await runtime.remove_kept() == []


async def test_a_paused_container_thaws_where_it_was(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(ports=(8080,)))
    assert await get(running.address) == "ok\n"
    await runtime.pause(running.id)
    await runtime.pause(running.id)
    assert (await runtime.inspect(running.id)).status is Status.PAUSED
    assert [state.status for state in await runtime.containers()] == [Status.PAUSED]
    await runtime.unpause(running.id)
    await runtime.unpause(running.id)
    assert (await runtime.inspect(running.id)).status is Status.RUNNING
    assert '"requests":1' in await get(running.address, "/stats")


async def test_what_a_container_uses_is_known_while_it_runs_or_is_paused(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(ports=(8080,)))
    assert await get(running.address) == "ok\n"
    await runtime.pause(running.id)
    used = await runtime.usage(running.id)
    assert used is not None
    assert 100_000 < used.memory_bytes < 100_000_000
    assert 0 < used.cpu_s < 10
    await runtime.remove(running.id, force=True)
    assert await runtime.usage(running.id) is None


async def test_a_paused_container_can_be_stopped(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec())
    await until_printed(runtime, running.id, "listening")
    await runtime.pause(running.id)
    await runtime.stop(running.id, 10.0)
    assert (await runtime.inspect(running.id)).status is Status.EXITED


async def test_what_has_ended_is_neither_paused_nor_asked(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(env={"EXIT_AT_START": "0"}))
    await until_ended(runtime, running.id)
    with pytest.raises(ContainerFailed, match="not running") as failed:
        await runtime.pause(running.id)
    assert failed.value.stage == "pause"
    with pytest.raises(ContainerFailed, match="not running"):
        await runtime.exec(running.id, ("true",), 5.0)


async def test_exec_tells_code_and_output(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, env={"WORD": "hello"}))
    # Each line in one write: of two streams that are read as one, nothing else stays together.
    script = "import os; os.write(1, os.environb[b'WORD'] + b'\\n'); os.write(2, b'oops\\n'); exit(3)"
    result = await runtime.exec(running.id, ("python3", "-c", script), 20.0)
    assert result.code == 3
    assert sorted(result.output.split()) == ["hello", "oops"]
    most = await runtime.exec(running.id, ("python3", "-c", "print('x' * 20_000)"), 20.0)
    assert (most.code, len(most.output)) == (0, 10 * 1024)
    none = await runtime.exec(running.id, ("no-such-command",), 20.0)
    assert none.code in (126, 127)


async def test_exec_is_given_up_in_time(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON))
    with pytest.raises(TimeoutError):
        await runtime.exec(running.id, ("python3", "-c", "import signal; signal.pause()"), 0.5)
    assert (await runtime.inspect(running.id)).status is Status.RUNNING


async def test_only_its_own_containers_are_listed_and_swept(
    runtime: Runtime, neighbour: Runtime, spec: SpecOf, engine: docker.DockerClient, engine_labels: dict[str, str]
) -> None:
    nobodys = engine.containers.create("kemu.test/scriptable", labels=engine_labels)
    theirs = await neighbour.start(spec("theirs"))
    kept, ended = await runtime.start(spec("kept")), await runtime.start(spec("ended", env={"EXIT_AT_START": "0"}))
    await until_ended(runtime, ended.id)
    assert {state.id: state.status for state in await runtime.containers()} == {
        kept.id: Status.RUNNING,
        ended.id: Status.EXITED,
    }
    assert await runtime.sweep(keep=[kept.id]) == [ended.name]
    assert [state.id for state in await runtime.containers()] == [kept.id]
    assert await runtime.sweep() == [kept.name]
    assert await runtime.sweep() == []
    assert [state.status for state in await neighbour.containers()] == [Status.RUNNING]
    nobodys.reload()
    nobodys.remove()
    assert (await neighbour.inspect(theirs.id)).status is Status.RUNNING


async def test_anothers_container_is_as_good_as_gone(runtime: Runtime, neighbour: Runtime, spec: SpecOf) -> None:
    theirs = await neighbour.start(spec(mounts=(Mount(kind="volume", source=f"{neighbour.instance}-v", target="/v"),)))
    await runtime.stop(theirs.id, 0.0)
    await runtime.remove(theirs.id, force=True)
    await runtime.remove_volume(f"{neighbour.instance}-v")
    for call in (runtime.pause(theirs.id), runtime.unpause(theirs.id), runtime.exec(theirs.id, ("true",), 5.0)):
        with pytest.raises(ContainerGone):
            await call
    with pytest.raises(ContainerGone):
        await output(runtime, theirs.id)
    assert (await runtime.inspect(theirs.id)).status is Status.GONE
    assert (await neighbour.inspect(theirs.id)).status is Status.RUNNING


async def test_after_a_sweep_it_starts_anew(runtime: Runtime, spec: SpecOf) -> None:
    mounts = (Mount(kind="volume", source=f"{runtime.instance}-v", target="/app"),)
    write = ("python3", "-c", "import os; print(os.listdir('.')); open('word', 'w')")
    for _ in range(2):
        running = await runtime.start(spec(image=PYTHON, command=write, mounts=mounts))
        assert [line.text for line in await output(runtime, running.id)] == ["[]"]
        assert await runtime.sweep() == [running.name]
