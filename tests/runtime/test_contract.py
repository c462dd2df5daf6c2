"""What every Runtime promises about containers, with a real engine and containers that do as their environment says.

A runtime that is new gets a line in `RUNTIMES` of `conftest.py`, and must pass this file and `test_contract_streams.py`
as they are.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.base import INSTANCE_LABEL, Mount, Runtime, Status
from emulator.runtime.errors import ContainerFailed, ContainerGone, ImageMissing, NameTaken
from tests.runtime.asking import PYTHON, get, output, told, until_ended, until_event
from tests.runtime.conftest import RUNTIMES, SpecOf

pytestmark = pytest.mark.engine

NOBODY = "f" * 64
TRIES = 20


async def test_connect_tells_what_answers_and_may_be_called_again(runtime: Runtime) -> None:
    info = await runtime.connect()
    assert info == await runtime.connect()
    assert info.kind in RUNTIMES
    assert info.version and info.endpoint


async def test_the_network_is_made_once_and_its_gateway_is_this_computer(runtime: Runtime) -> None:
    network = await runtime.ensure_network()
    assert await runtime.ensure_network() == network
    await runtime.connect()
    assert await runtime.ensure_network() == network
    if network.gateway is not None:
        with socket.create_server((network.gateway, 0)) as server:
            assert server.getsockname()[0] == network.gateway


async def test_containers_that_start_side_by_side_make_one_network(runtime: Runtime, spec: SpecOf) -> None:
    async with asyncio.TaskGroup() as group:
        started = [group.create_task(runtime.start(spec(str(n), ports=(8080,)))) for n in range(3)]
    assert len({task.result().address for task in started}) == 3


async def test_a_started_container_answers_at_its_addresses(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(ports=(8080, 9090), env={"MESSAGE": "hello"}))
    assert list(running.addresses) == [8080, 9090]
    assert running.address == running.addresses[8080]
    assert await get(running.address) == "hello\n"
    assert 0 < running.timings.create_ms < 20_000
    assert 0 < running.timings.start_ms < 20_000


async def test_a_container_without_ports_has_no_address(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec())
    assert (dict(running.addresses), running.address) == ({}, None)
    if (await runtime.ensure_network()).is_direct:
        assert await get((running.host, 8080)) == "ok\n"


TELL = """
import json, os, sys, socket
print(json.dumps({
    "args": sys.argv[1:], "cwd": os.getcwd(), "ids": [os.getuid(), os.getgid()], "groups": sorted(os.getgroups()),
    "name": socket.gethostname(), "env": os.environ.get("WORD"), "stdin": sys.stdin.read(), "tty": sys.stdout.isatty(),
}))
"""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {"args": [], "cwd": "/app", "ids": [0, 0], "stdin": "", "tty": False}, id="nothing given"),
        pytest.param({"env": {"WORD": "a=b c"}}, {"env": "a=b c"}, id="env"),
        pytest.param({"working_dir": "/tmp"}, {"cwd": "/tmp"}, id="working dir"),
        pytest.param({"user": "1000"}, {"ids": [1000, 0]}, id="uid"),
        pytest.param(
            {"user": "1000:2000", "groups": (3000,)}, {"ids": [1000, 2000], "groups": [2000, 3000]}, id="groups"
        ),
        pytest.param({"hostname": "pod-1"}, {"name": "pod-1"}, id="hostname"),
        pytest.param({"args": ("one", "two words")}, {"args": ["one", "two words"]}, id="args"),
    ],
)
async def test_a_container_finds_what_its_spec_says(
    runtime: Runtime, spec: SpecOf, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = await told(runtime, spec(image=PYTHON, command=("python3", "-c", TELL), **fields))
    assert {name: found[name] for name in expected} == expected


async def test_args_alone_go_to_the_images_entrypoint(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(args=("ignored",), ports=(8080,)))
    assert await get(running.address) == "ok\n"


async def test_a_command_alone_drops_the_images_own_arguments(runtime: Runtime, spec: SpecOf) -> None:
    found = await told(runtime, spec(image=PYTHON, command=("python3", "-c", TELL)))
    assert found["args"] == []  # and not what stands in the image's CMD


LIMITS = """
import json, os
lines = open("/proc/self/status").read().splitlines()
status = dict(line.split(":\\t") for line in lines if ":\\t" in line)
def writes(path):
    try:
        open(path, "w").close()
        return True
    except OSError:
        return False
print(json.dumps({
    "root": writes("/file"), "tmpfs": writes("/tmpfs/file"), "caps": int(status["CapEff"], 16) >> 10 & 1,
    "raw": int(status["CapEff"], 16) >> 13 & 1, "gains": status["NoNewPrivs"].strip() == "0",
}))
"""


async def test_a_container_is_confined_as_its_spec_says(runtime: Runtime, spec: SpecOf) -> None:
    confined = spec(
        image=PYTHON,
        command=("python3", "-c", LIMITS),
        read_only_root=True,
        mounts=(Mount(kind="tmpfs", target="/tmpfs", size_bytes=1 << 20),),
        cap_drop=("ALL",),
        cap_add=("NET_BIND_SERVICE",),
        memory_bytes=64 << 20,
        cpu_nano=500_000_000,
        cpu_shares=512,
    )
    assert await told(runtime, confined) == {"root": False, "tmpfs": True, "caps": 1, "raw": 0, "gains": False}


async def test_files_of_this_computer_are_mounted(runtime: Runtime, spec: SpecOf, tmp_path: Path) -> None:
    (tmp_path / "word").write_text("hello")
    script = "import os; print(open('/given/word').read()); os.remove('/given/word')"
    mounts = (Mount(kind="bind", source=str(tmp_path), target="/given", read_only=True),)
    running = await runtime.start(spec(image=PYTHON, command=("python3", "-c", script), mounts=mounts))
    said = {line.stream: line.text for line in await output(runtime, running.id)}
    assert said["stdout"] == "hello"
    assert "Read-only file system" in said["stderr"]
    assert (tmp_path / "word").exists()


@pytest.mark.parametrize("root", [False, True], ids=["writable root", "read-only root"])
async def test_a_volume_is_empty_shared_and_written_by_every_user(runtime: Runtime, spec: SpecOf, root: bool) -> None:
    mounts = (Mount(kind="volume", source=f"{runtime.instance}-shared", target="/app"),)
    common = {"image": PYTHON, "user": "1000", "mounts": mounts, "read_only_root": root}
    write = "import os; print(os.listdir('.')); open('word', 'w').write('hello')"
    first = await runtime.start(spec("1", command=("python3", "-c", write), **common))
    assert [line.text for line in await output(runtime, first.id)] == ["[]"]
    read = "import os; print(open('word').read()); os.remove('word'); print(os.listdir('.'))"
    second = await runtime.start(spec("2", command=("python3", "-c", read), **common))
    assert [line.text for line in await output(runtime, second.id)] == ["hello", "[]"]


async def test_an_image_named_by_its_id_gets_volumes_too(runtime: Runtime, spec: SpecOf) -> None:
    found = await runtime.image(PYTHON)
    assert found is not None
    mounts = (Mount(kind="volume", source=f"{runtime.instance}-new", target="/app"),)
    made = spec("1", image=f"never.test/python@{found.id}", mounts=mounts, command=("python3", "-c", "print('well')"))
    assert [line.text for line in await output(runtime, (await runtime.start(made)).id)] == ["well"]


async def test_a_folder_inside_a_volume_is_made_once(runtime: Runtime, spec: SpecOf) -> None:
    volume = f"{runtime.instance}-shared"
    inside = (Mount(kind="volume", source=volume, sub_path="a/b", target="/app"),)

    async def says(user: str, mounts: tuple[Mount, ...], script: str) -> list[str]:
        made = spec(user, image=PYTHON, user=user, command=("python3", "-c", f"import os; {script}"), mounts=mounts)
        return [line.text for line in await output(runtime, (await runtime.start(made)).id)]

    assert await says("1000", inside, "print(os.listdir('.')); open('word', 'w').write('hello')") == ["[]"]
    assert await says("0", inside, "print(os.listdir('.')); os.chmod('.', 0o711)") == ["['word']"]
    assert await says("1001", inside, "print(oct(os.stat('.').st_mode & 0o777))") == ["0o711"]
    whole = (Mount(kind="volume", source=volume, target="/app", read_only=True),)
    assert await says("1002", whole, "print(open('a/b/word').read(), os.access('a', os.W_OK))") == ["hello False"]


async def test_the_engines_computer_has_a_size(runtime: Runtime) -> None:
    capacity = await runtime.capacity()
    assert capacity.cpus >= 1
    assert capacity.memory_bytes > 1 << 20


async def test_containers_that_start_side_by_side_share_a_new_volume(runtime: Runtime, spec: SpecOf) -> None:
    mounts = (Mount(kind="volume", source=f"{runtime.instance}-shared", target="/data"),)
    write = ("python3", "-c", "import os; open(f'/data/{os.getuid()}', 'w')")
    made = [spec(str(n), image=PYTHON, command=write, user=str(1000 + n), mounts=mounts) for n in range(3)]
    async with asyncio.TaskGroup() as group:
        started = [group.create_task(runtime.start(one)) for one in made]
    for task in started:
        assert await output(runtime, task.result().id) == []
    assert len(await runtime.containers()) == 3


async def test_one_container_joins_the_network_of_another(runtime: Runtime, spec: SpecOf) -> None:
    main = await runtime.start(spec("main", ports=(8080, 8081)))
    beside = await runtime.start(spec("beside", share_network_of=main.id, env={"PORT": "8081", "MESSAGE": "beside"}))
    assert beside.address is None
    assert await get(main.addresses[8081]) == "beside\n"


async def test_containers_find_each_other_by_hostname_and_alias(runtime: Runtime, spec: SpecOf) -> None:
    await runtime.start(spec("server", hostname="server", aliases=("also-server",)))
    ask = "import socket, json; print(json.dumps([socket.gethostbyname(n) for n in ('server', 'also-server')]))"
    first, second = await told(runtime, spec("client", image=PYTHON, command=("python3", "-c", ask)))
    assert first == second


@pytest.mark.parametrize(
    ("fields", "stage", "why"),
    [
        ({"command": ("/nothing",)}, "start", "no such file"),
        ({"share_network_of": NOBODY}, "start", "No such container"),
        ({"mounts": (Mount(kind="bind", source="/nothing/at/all", target="/x"),)}, "create", "does not exist"),
    ],
    ids=["command", "network", "mount"],
)
async def test_a_start_that_fails_says_why_and_leaves_nothing(
    runtime: Runtime, spec: SpecOf, fields: dict[str, Any], stage: str, why: str
) -> None:
    with pytest.raises(ContainerFailed, match=why) as failed:
        await runtime.start(spec(**fields))
    assert failed.value.stage == stage
    assert await runtime.containers() == []


async def test_an_image_that_is_not_there_is_missing_and_not_pulled(runtime: Runtime, spec: SpecOf) -> None:
    with pytest.raises(ImageMissing) as missing:
        await runtime.start(spec(image="kemu.test/nothing:v1"))
    assert missing.value.ref == "kemu.test/nothing:v1"
    assert await runtime.containers() == []


async def test_a_name_is_taken_by_whoever_has_it_first(runtime: Runtime, spec: SpecOf) -> None:
    first = await runtime.start(spec())
    with pytest.raises(NameTaken) as taken:
        await runtime.start(spec())
    assert (taken.value.name, taken.value.holder) == (first.name, first.id)


@pytest.mark.parametrize("moment", ["at once", "create", "start"])
async def test_a_start_that_is_cancelled_leaves_nothing(runtime: Runtime, spec: SpecOf, moment: str) -> None:
    await runtime.ensure_network()
    async with aclosing(runtime.events()) as events, asyncio.TaskGroup() as group:
        for number in range(TRIES):
            wanted = spec(str(number))
            starting = group.create_task(runtime.start(wanted))
            if moment == "at once":
                await asyncio.sleep(0)
            else:
                await until_event(events, wanted.name, moment)
            if starting.cancel():
                await until_event(events, wanted.name, "destroy")
                break
            # The engine's event and its answer race each other here: after the answer nothing is left to cancel.
            await runtime.remove(starting.result().id, force=True)
    assert starting.cancelled()
    assert await runtime.containers() == []


async def test_a_container_that_ends_at_once_keeps_its_exit_code(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(env={"EXIT_AT_START": "3"}, ports=(8080,)))
    await until_ended(runtime, running.id)
    state = await runtime.inspect(running.id)
    assert (state.id, state.name, state.status, state.exit_code) == (running.id, running.name, Status.EXITED, 3)
    assert state.started_at is not None and state.finished_at is not None
    assert state.started_at <= state.finished_at
    assert not state.oom_killed


async def test_a_running_container_has_neither_exit_code_nor_end(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(labels={"colour": "blue"}))
    state = await runtime.inspect(running.id)
    assert (state.status, state.exit_code, state.finished_at) == (Status.RUNNING, None, None)
    assert state.labels["colour"] == "blue"
    assert state.labels[INSTANCE_LABEL] == runtime.instance


async def test_what_is_not_there_is_gone(runtime: Runtime) -> None:
    state = await runtime.inspect(NOBODY)
    assert (state.id, state.status, state.exit_code) == (NOBODY, Status.GONE, None)
    await runtime.stop(NOBODY, 1.0)
    await runtime.remove(NOBODY)
    await runtime.remove(NOBODY, force=True)
    await runtime.remove_volume("kemu-no-such-volume")
    for call in (runtime.pause(NOBODY), runtime.unpause(NOBODY), runtime.exec(NOBODY, ("true",), 5.0)):
        with pytest.raises(ContainerGone) as gone:
            await call
        assert gone.value.id == NOBODY
