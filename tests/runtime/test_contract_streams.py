"""What every Runtime promises about what lasts: output, events and images."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from emulator.runtime.base import ContainerEvent, ImageInfo, LogLine, Runtime, Status
from emulator.runtime.errors import ContainerGone, EngineLost, ImageMissing
from tests.runtime.asking import PYTHON, WITHIN_S, get, output, until_event, until_printed
from tests.runtime.conftest import Make, SpecOf

pytestmark = pytest.mark.engine

NOWHERE = "127.0.0.1:1/nothing:v1"
"""Port 1 refuses at once, and needs neither a network nor a name server."""

SPEAK = ("python3", "-uc", "import sys\nfor n in range(4): print('out', n); print('err', n, file=sys.stderr)")


async def lines_of(runtime: Runtime, id: str, **how: object) -> list[LogLine]:
    async with asyncio.timeout(WITHIN_S), aclosing(runtime.logs(id, **how)) as lines:  # type: ignore[arg-type]
        return [line async for line in lines]


async def test_output_is_read_as_lines_of_two_streams(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=SPEAK))
    lines = await output(runtime, running.id)
    assert [line.text for line in lines if line.stream == "stdout"] == ["out 0", "out 1", "out 2", "out 3"]
    assert [line.text for line in lines if line.stream == "stderr"] == ["err 0", "err 1", "err 2", "err 3"]
    began = (await runtime.inspect(running.id)).started_at
    assert began is not None and all(began <= line.time for line in lines)


async def test_output_can_be_narrowed_to_its_end_and_to_a_time(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(image=PYTHON, command=("python3", "-uc", "for n in range(50): print(n)")))
    lines = await output(runtime, running.id)
    assert await lines_of(runtime, running.id) == lines
    assert await lines_of(runtime, running.id, tail=2) == lines[-2:]
    assert await lines_of(runtime, running.id, tail=0) == []
    for line in lines:
        later = [other for other in lines if other.time >= line.time]
        assert await lines_of(runtime, running.id, since=line.time) == later


async def test_following_ends_with_the_container(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec(ports=(8080,)))
    async with asyncio.timeout(WITHIN_S), aclosing(runtime.logs(running.id, follow=True)) as lines:
        assert (await anext(lines)).text == "listening on 8080"
        await get(running.address, "/some/path")
        assert (await anext(lines)).text == "GET /some/path"
        await runtime.stop(running.id, 10.0)
        assert [line async for line in lines] == []


async def test_reading_without_following_ends_while_the_container_runs(runtime: Runtime, spec: SpecOf) -> None:
    running = await runtime.start(spec())
    await until_printed(runtime, running.id, "listening")
    assert [line.text for line in await lines_of(runtime, running.id)] == ["listening on 8080"]
    assert (await runtime.inspect(running.id)).status is Status.RUNNING


async def test_a_long_line_stays_one_line(runtime: Runtime, spec: SpecOf) -> None:
    script = "print('x' * 50_000); print(); print('é')"
    running = await runtime.start(spec(image=PYTHON, command=("python3", "-Xutf8", "-c", script)))
    assert [line.text for line in await output(runtime, running.id)] == ["x" * 50_000, "", "é"]


@pytest.mark.parametrize("before", ["", "print('first'); "], ids=["alone", "after another"])
async def test_a_last_line_without_an_end_is_not_lost(runtime: Runtime, spec: SpecOf, before: str) -> None:
    script = f"{before}print('last', end='')"
    running = await runtime.start(spec(image=PYTHON, command=("python3", "-uc", script)))
    assert [line.text for line in await output(runtime, running.id)] == [*(["first"] if before else []), "last"]


async def test_nobodys_output_cannot_be_read(runtime: Runtime) -> None:
    with pytest.raises(ContainerGone):
        await output(runtime, "f" * 64)


async def test_many_followers_do_not_hold_up_a_start(runtime: Runtime, spec: SpecOf) -> None:
    first = await runtime.start(spec("first"))
    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(output(runtime, first.id)) for _ in range(40)]
        await runtime.start(spec("second"))
        await runtime.stop(first.id, 10.0)
    assert {len(follower.result()) for follower in followers} == {1}


async def test_events_tell_a_containers_life(runtime: Runtime, neighbour: Runtime, spec: SpecOf) -> None:
    async with aclosing(runtime.events()) as events:
        await neighbour.start(spec("theirs"))
        running = await runtime.start(spec(labels={"colour": "blue"}))
        await until_printed(runtime, running.id, "listening")
        await runtime.pause(running.id)
        await runtime.unpause(running.id)
        await runtime.stop(running.id, 10.0)
        await runtime.remove(running.id)
        seen: list[ContainerEvent] = await until_event(events, running.name, "destroy")
    # Each may be told more than once.
    actions = list(dict.fromkeys(event.action for event in seen))
    assert actions == ["create", "start", "pause", "unpause", "die", "destroy"]
    assert {event.id for event in seen} == {running.id}
    assert {event.labels["colour"] for event in seen} == {"blue"}
    assert {event.exit_code for event in seen if event.action == "die"} == {0}
    assert {event.exit_code for event in seen if event.action != "die"} == {None}
    assert seen == sorted(seen, key=lambda event: event.time)


async def test_only_its_own_containers_have_events(runtime: Runtime, neighbour: Runtime, spec: SpecOf) -> None:
    async with asyncio.timeout(WITHIN_S), aclosing(runtime.events()) as events:
        await neighbour.start(spec("theirs"))
        running = await runtime.start(spec("mine"))
        assert (await anext(events)).id == running.id


async def test_close_ends_what_is_followed(runtime: Runtime, make: Make, spec: SpecOf) -> None:
    running = await runtime.start(spec())
    other = make(runtime.instance)
    await other.connect()
    reading = asyncio.Event()

    async def follow() -> list[str]:
        async with aclosing(other.logs(running.id, follow=True)) as lines:
            return [reading.set() or line.text async for line in lines]  # type: ignore[func-returns-value]

    async def watch() -> None:
        with pytest.raises(EngineLost):
            async with aclosing(other.events()) as events:
                async for _ in events:
                    pass

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        group.create_task(watch())
        await reading.wait()
        await other.close()
    await other.close()
    assert following.result() == ["listening on 8080"]
    assert (await runtime.inspect(running.id)).status is Status.RUNNING


async def test_an_image_that_is_there_is_described(runtime: Runtime) -> None:
    found = await runtime.image("kemu.test/scriptable")
    assert isinstance(found, ImageInfo)
    assert found.id.startswith("sha256:")
    assert (found.ref, found.entrypoint, found.cmd) == ("kemu.test/scriptable", ("/scriptable",), ())
    assert (found.exposed_ports, found.digest) == ((8080,), None)
    assert (await runtime.image("kemu.test/scriptable:latest") or found).id == found.id
    python = await runtime.image(PYTHON)
    assert python is not None
    assert (python.cmd, python.working_dir) == (("python3", "-u", "function.py"), "/app")
    assert "PATH" in python.env


async def test_an_image_is_found_and_run_by_its_id_as_a_digest(runtime: Runtime, spec: SpecOf) -> None:
    found = await runtime.image("kemu.test/scriptable")
    assert found is not None
    ref = f"kemu.test/scriptable@{found.id}"
    again = await runtime.image(ref)
    assert again is not None
    assert (again.id, again.ref) == (found.id, ref)
    running = await runtime.start(spec(image=ref))
    assert (await runtime.inspect(running.id)).status is Status.RUNNING


async def test_an_image_that_is_not_there_is_none(runtime: Runtime) -> None:
    assert await runtime.image("kemu.test/nothing") is None
    assert await runtime.image("kemu.test/scriptable:nothing") is None


@pytest.mark.parametrize("ref", ["Kemu.test/UPPER", "a:b:c", "-", "name:"])
async def test_what_is_no_image_name_is_said_so(runtime: Runtime, ref: str) -> None:
    for ask in (runtime.image, runtime.pull):
        with pytest.raises(ImageMissing) as missing:
            await ask(ref)
        assert missing.value.ref == ref
        assert missing.value.fix


async def test_an_image_that_exists_nowhere_cannot_be_pulled(runtime: Runtime) -> None:
    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(ImageMissing, match="refused") as missing:
            await runtime.pull(NOWHERE)
    assert missing.value.ref == NOWHERE
    assert "docker build" in missing.value.fix
