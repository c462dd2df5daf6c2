"""Admission to replicas: order, limits, load, draining."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from emulator.ingress.handler import Timeouts
from emulator.ingress.upstream import Dialer, Endpoint
from emulator.lib.tasks import Tasks
from emulator.serving.throttler import QUEUE_FULL, Hooks, Throttler


class Job:
    """A request, as far as a Throttler knows one."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.replica: object | None = None
        self.admitted = self.arrived = self.dispatched = self.first_byte = 0.0
        self.waited = self.finished = False
        self.status = self.size = 0
        self.method = self.target = b""
        self.endpoint: Endpoint | None = None
        self.failure: tuple[int, str] | None = None

    def dispatch(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def fail(self, status: int, text: str) -> None:
        self.failure = (status, text)
        self.finished = True

    def seen_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"User-Agent", b"curl")]


class Poked:
    """Counts pokes and remembers which requests started replicas."""

    def __init__(self) -> None:
        self.times = 0
        self.started: list[Job] = []

    def poke(self) -> None:
        self.times += 1


def make(concurrency: int = 0) -> tuple[Throttler, Poked]:
    poked = Poked()
    return Throttler(concurrency, Timeouts(), Hooks(poked.poke, lambda w, pod: poked.started.append(w))), poked  # type: ignore[arg-type]


def replicas(*ports: int) -> dict[str, Callable[[], Endpoint]]:
    dialer = Dialer(Tasks())
    return {f"pod-{port}": lambda port=port: Endpoint("127.0.0.1", port, dialer) for port in ports}  # type: ignore[misc]


def admit(throttler: Throttler, *names: str) -> list[Job]:
    jobs = [Job(name) for name in names]
    for job in jobs:
        throttler.admit(job)
    return jobs


async def test_without_replicas_requests_wait_and_each_pokes() -> None:
    throttler, poked = make()
    jobs = admit(throttler, "a", "b")
    assert [job.endpoint for job in jobs] == [None, None]
    assert (throttler.waiting, throttler.in_flight, poked.times) == (2, 2, 2)


async def test_what_waited_is_dispatched_together_when_a_replica_comes() -> None:
    throttler, _ = make()
    jobs = admit(throttler, "a", "b")
    throttler.set_replicas(replicas(1))
    assert all(job.endpoint is not None for job in jobs)
    assert all(job.waited for job in jobs)


async def test_only_the_request_that_waited_longest_is_the_one_a_replica_was_started_for() -> None:
    throttler, poked = make()
    jobs = admit(throttler, "a", "b")
    throttler.set_replicas(replicas(1))
    for job in reversed(jobs):
        job.finished = True
        throttler.leave(job)
    assert [job.name for job in poked.started] == ["a"]


async def test_never_more_than_the_concurrency_is_in_a_replica_and_the_rest_goes_in_order() -> None:
    throttler, _ = make(concurrency=2)
    throttler.set_replicas(replicas(1))
    jobs = admit(throttler, *"abcd")
    assert [job.endpoint is not None for job in jobs] == [True, True, False, False]
    throttler.leave(jobs[0])
    assert [job.endpoint is not None for job in jobs] == [True, True, True, False]


async def test_without_the_activator_a_replica_lets_ten_times_its_concurrency_wait_and_refuses_in_knatives_words() -> (
    None
):
    throttler, _ = make(concurrency=1)
    throttler.set_mode(is_proxied=False)
    throttler.set_replicas(replicas(1))
    jobs = admit(throttler, *(str(n) for n in range(12)))
    assert [job.failure for job in jobs[:11]] == [None] * 11
    assert jobs[11].failure == (503, QUEUE_FULL)


@pytest.mark.parametrize("ports", [(), (1,)], ids=["asleep", "awake"])
async def test_the_activator_lets_ten_thousand_wait(ports: tuple[int, ...]) -> None:
    throttler, _ = make(concurrency=1)
    throttler.set_replicas(replicas(*ports))
    jobs = admit(throttler, *(str(n) for n in range(10_000 + len(ports) + 1)))
    assert [job.failure for job in jobs if job.failure] == [(503, QUEUE_FULL)]
    assert jobs[-1].failure is not None


async def test_without_the_activator_the_least_loaded_replica_is_chosen() -> None:
    throttler, _ = make()
    throttler.set_mode(is_proxied=False)
    throttler.set_replicas(replicas(1, 2, 3))
    jobs = admit(throttler, *"abcdef")
    assert sorted(job.endpoint.port for job in jobs if job.endpoint) == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("concurrency", "expected"),
    [(2, [1, 1, 2, 2, 3, 3, None]), (4, [1, 2, 3, 1, 2, 3, 1])],
    ids=["filled one by one", "each in turn"],
)
async def test_the_activator_chooses_by_the_concurrency_in_order_of_addresses(
    concurrency: int, expected: list[int | None]
) -> None:
    throttler, _ = make(concurrency)
    throttler.set_replicas(replicas(2, 3, 1))
    jobs = admit(throttler, *"abcdefg")
    assert [job.endpoint and job.endpoint.port for job in jobs] == expected


async def test_a_request_that_leaves_while_waiting_gives_its_place_away() -> None:
    throttler, _ = make(concurrency=1)
    throttler.set_replicas(replicas(1))
    first, second, third = admit(throttler, *"abc")
    second.finished = True
    throttler.leave(second)
    throttler.leave(first)
    assert second.endpoint is None
    assert third.endpoint is not None


async def test_a_replica_that_left_may_stop_while_it_has_but_tunnels() -> None:
    throttler, _ = make()
    throttler.set_replicas(replicas(1))
    opened, opening, request = admit(throttler, *"abc")
    throttler.tunnelled(opened)
    throttler.set_replicas({})
    drained = asyncio.ensure_future(throttler.drained("127.0.0.1:1"))  # noqa: TID251
    throttler.leave(request)
    await asyncio.sleep(0)
    assert not drained.done()
    throttler.tunnelled(opening)
    await asyncio.wait_for(drained, 1)
    for tunnel in (opened, opening):
        throttler.leave(tunnel)
    assert throttler.in_flight == 0


async def test_a_replica_that_left_gets_nothing_new_and_is_drained_when_its_last_request_ends() -> None:
    throttler, _ = make()
    throttler.set_replicas(replicas(1))
    (job,) = admit(throttler, "a")
    throttler.set_replicas({})
    (waiting,) = admit(throttler, "b")
    assert waiting.endpoint is None
    drained = asyncio.ensure_future(throttler.drained("127.0.0.1:1"))  # noqa: TID251
    await asyncio.sleep(0)
    assert not drained.done()
    throttler.leave(job)
    await asyncio.wait_for(drained, 1)


async def test_a_sample_is_the_average_over_time() -> None:
    throttler, _ = make()
    throttler.set_replicas(replicas(1))
    loop = asyncio.get_running_loop()
    throttler.take(loop.time())
    (job,) = admit(throttler, "a")
    await asyncio.sleep(1)
    throttler.leave(job)
    await asyncio.sleep(1)
    sample = throttler.take(loop.time())
    assert sample.concurrency == pytest.approx(0.5, abs=0.01)
    assert sample.requests == pytest.approx(0.5, abs=0.01)


async def test_without_a_ready_replica_the_activator_is_in_the_path_whatever_was_said() -> None:
    throttler, _ = make()
    throttler.set_mode(is_proxied=False)
    seen = [throttler.in_path]
    throttler.set_replicas(replicas(1))
    seen.append(throttler.in_path)
    throttler.set_mode(is_proxied=True)
    seen.append(throttler.in_path)
    throttler.set_mode(is_proxied=False)
    throttler.set_replicas({})
    seen.append(throttler.in_path)
    assert seen == [True, False, True, True]


async def test_what_waits_for_a_deleted_revision_is_answered() -> None:
    throttler, _ = make()
    (job,) = admit(throttler, "a")
    throttler.fail_waiting(503, "gone")
    assert job.failure == (503, "gone")


pytestmark = pytest.mark.looptime
