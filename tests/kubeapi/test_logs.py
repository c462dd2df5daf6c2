"""`pods/log` by all its parameters, over a Pod whose status and output a test makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from emulator.lib.ringlog import RingLog
from tests.kubeapi.conftest import PREFIX, Api
from tests.kubeapi.pods import ENDED, PODS, RUNNING, make_pod, set_state, waiting
from tests.waiting import until

LOG = f"{PODS}/p/log"


def fill(running: Api, runs: int = 1, container: str = "c") -> RingLog:
    """Three lines for each run, the last run going on; each line a minute after the one before, the last one now."""
    log, now = running.logs.of("default", "p", container), running.store.clock.now()
    for run in range(runs):
        log.begin()
        for number in range(3):
            minutes = 3 * (runs - run) - number - 1
            log.append(f"run {run} line {number}", now - timedelta(minutes=minutes), ("stdout", "stderr")[number % 2])
    return log


@asynccontextmanager
async def followed(running: Api, path: str) -> AsyncIterator[asyncio.StreamReader]:
    """A response that goes on, behind its head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(f"GET /{PREFIX}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        await reader.readuntil(b"\r\n\r\n")
        yield reader
    writer.close()


async def test_all_lines_are_plain_text(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    fill(running)
    assert await running.ask("GET", LOG) == (200, "run 0 line 0\nrun 0 line 1\nrun 0 line 2\n")
    assert running.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("container=c&tailLines=2", "12"),
        ("tailLines=0", ""),
        ("tailLines=99", "012"),
        ("sinceSeconds=30", "2"),
        ("sinceSeconds=90", "12"),
        ("sinceSeconds=90&tailLines=1", "2"),
        ("sinceTime=2020-01-01T00:00:00Z", "012"),
        ("sinceTime=2100-01-01T00:00:00.5Z", ""),
        ("stream=Stderr", "1"),
        ("stream=Stdout", "02"),
        ("stream=All", "012"),
        ("follow=false&previous=0&pretty=true", "012"),
    ],
)
async def test_lines_are_narrowed(running: Api, query: str, lines: str) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    fill(running)
    expected = "".join(f"run 0 line {number}\n" for number in lines)
    assert await running.ask("GET", f"{LOG}?{query}") == (200, expected)


async def test_bytes_are_limited_in_the_midst_of_a_line(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    fill(running)
    assert await running.ask("GET", f"{LOG}?limitBytes=17") == (200, "run 0 line 0\nrun ")
    assert await running.ask("GET", f"{LOG}?limitBytes=13&follow=true") == (200, "run 0 line 0\n")


async def test_time_stamps_have_nine_digits(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    line = fill(running).read()[0]
    _, text = await running.ask("GET", f"{LOG}?timestamps=true")
    assert text.splitlines()[0] == f"{line.at:%Y-%m-%dT%H:%M:%S.%f}000Z run 0 line 0"


async def test_following_ends_with_the_container_and_not_with_the_pod(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    log = fill(running)
    async with followed(running, f"{LOG}?follow=true&tailLines=1") as lines:
        assert b"run 0 line 2\n" in await lines.readuntil(b"line 2\n")
        log.append("new", running.store.clock.now())
        assert b"new\n" in await lines.readuntil(b"new\n")
        log.rest()
        log.begin()
        log.append("of the next run", running.store.clock.now())
        assert await lines.read() == b"\r\n0\r\n\r\n"


async def test_lines_that_come_before_the_time_asked_for_are_not_followed(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    log, later = fill(running), running.store.clock.now() + timedelta(hours=1)
    async with followed(running, f"{LOG}?follow=true&sinceTime={later:%Y-%m-%dT%H:%M:%SZ}") as lines:
        log.append("too early", running.store.clock.now())
        log.append("late enough", later)
        log.rest()
        text = await lines.read()
    assert b"late enough\n" in text
    assert b"early" not in text


async def test_who_stops_following_leaves_nothing_behind(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=RUNNING)
    log = fill(running)
    async with followed(running, f"{LOG}?follow=true") as lines:
        await lines.readuntil(b"line 2\n")
        assert len(log._followers) == 1
    await until(lambda: not log._followers)


@pytest.mark.parametrize(
    ("state", "last", "query", "run"),
    [
        pytest.param(RUNNING, ENDED, "", 1, id="the current run"),
        pytest.param(RUNNING, ENDED, "previous=true", 0, id="the one before"),
        pytest.param(waiting("CrashLoopBackOff"), ENDED, "", 1, id="waiting for its restart: the last one"),
        pytest.param(waiting("CrashLoopBackOff"), ENDED, "previous=true", 1, id="the last one is the previous, too"),
        pytest.param(ENDED, None, "", 1, id="ended for good"),
    ],
)
async def test_runs_are_told_apart(running: Api, state: Any, last: Any, query: str, run: int) -> None:
    set_state(running.store, make_pod(running.store, "c"), c=state, last=last)
    fill(running, runs=2)
    _, text = await running.ask("GET", f"{LOG}?{query}")
    assert {line[:5] for line in text.splitlines()} == {f"run {run}"}


@pytest.mark.parametrize(
    ("state", "query", "code", "said"),
    [
        (None, "", 400, 'container "c" in pod "p" is waiting to start: ContainerCreating'),
        (waiting("ContainerCreating"), "", 400, 'container "c" in pod "p" is waiting to start: ContainerCreating'),
        (waiting("ErrImagePull"), "", 400, 'container "c" in pod "p" is waiting to start: image can\'t be pulled'),
        (
            waiting("ImagePullBackOff"),
            "follow=true",
            400,
            'container "c" in pod "p" is waiting to start: trying and failing to pull image',
        ),
        (RUNNING, "previous=true", 400, 'previous terminated container "c" in pod "p" not found'),
        (RUNNING, "container=x", 400, "container x is not valid for pod p"),
        (
            RUNNING,
            "tailLines=-1",
            422,
            'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
        ),
        (RUNNING, "limitBytes=0", 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        (RUNNING, "sinceSeconds=0", 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        (RUNNING, "sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z", 422, "at most one of `sinceTime` or `sinceSeconds`"),
        (RUNNING, "stream=stderr", 422, 'stream: Unsupported value: "stderr": supported values: "All", "Stderr"'),
        (RUNNING, "stream=Stderr&tailLines=1", 422, "`tailLines` and specific `stream` are mutually exclusive for now"),
        (RUNNING, "tailLines=some", 400, 'parsing "some": invalid syntax'),
        (RUNNING, "sinceTime=today", 400, 'parsing time "today"'),
    ],
)
async def test_what_cannot_be_read_is_said_as_kubernetes_says_it(
    running: Api, state: Any, query: str, code: int, said: str
) -> None:
    pod = make_pod(running.store, "c")
    if state is not None:
        set_state(running.store, pod, c=state)
    found, status = await running.ask("GET", f"{LOG}?{query}")
    assert found == code
    assert said in status["message"]


async def test_among_several_containers_one_is_named(running: Api) -> None:
    set_state(running.store, make_pod(running.store, "a", "b", init=("i",)), a=RUNNING, b=RUNNING, i=ENDED)
    fill(running, container="b")
    _, status = await running.ask("GET", LOG)
    assert status["message"] == "a container name must be specified for pod p, choose one of: [i a b]"
    assert (await running.ask("GET", f"{LOG}?container=b"))[0] == 200
    assert await running.ask("GET", f"{LOG}?container=i") == (200, "")


async def test_a_container_without_a_process_is_read_from_the_log_of_its_name(running: Api) -> None:
    states: dict[str, Any] = {"c": RUNNING, "queue-proxy": RUNNING}
    set_state(running.store, make_pod(running.store, "c", "queue-proxy"), **states)
    running.logs.of("default", "p", "queue-proxy").append("GET / 200", running.store.clock.now())
    assert await running.ask("GET", f"{LOG}?container=queue-proxy") == (200, "GET / 200\n")


async def test_a_pod_that_is_not_there_is_not_found(running: Api) -> None:
    code, status = await running.ask("GET", LOG)
    assert (code, status["message"]) == (404, 'pods "p" not found')


async def test_kemus_own_way_reads_pods_that_are_gone_and_all_their_runs(running: Api) -> None:
    fill(running, runs=2)
    _, text = await running.ask("GET", "/kemu/logs/default/p?tailLines=4")
    assert text == "run 0 line 2\nrun 1 line 0\nrun 1 line 1\nrun 1 line 2\n"
    assert (await running.ask("GET", "/kemu/logs/default/none"))[0] == 404
