"""From the Store to host names and Throttlers: what the data plane looks at."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.control.addresses import Addresses
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.upstream import Dialer
from emulator.lib.tasks import Tasks
from emulator.objects.podmarks import ADDRESS, COLD_START, FROZEN, LAST_START, REVISION_LABEL
from emulator.objects.resource import Resource
from emulator.serving.backends import Backends
from emulator.serving.kinds import REVISION
from emulator.workloads.pods import POD
from tests import world as objects
from tests.serving.test_throttler import Job
from tests.world import obj

pytestmark = pytest.mark.looptime


class World(objects.World):
    """With the tables of the data plane."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts = VirtualHosts()
        self.dials = Tasks()
        self.poked: list[tuple[str, str]] = []
        self.backends = Backends(
            self.store, self.hosts, Dialer(self.dials), Addresses(), lambda *revision: self.poked.append(revision)
        )
        self.backends.start()

    def revision(self, name: str, **spec: Any) -> Resource[Any]:
        return self.create(obj(REVISION, name, {"containers": [{"image": "app"}], **spec}))

    def pod(self, name: str, revision: str, port: int, value: str = "True") -> Resource[Any]:
        spec = {"containers": [{"name": "c", "image": "app"}]}
        annotations = {ADDRESS: f"127.0.0.1:{port}", COLD_START: "image=1 start=20"}
        made = self.create(obj(POD, name, spec, labels={REVISION_LABEL: revision}, annotations=annotations))
        return self.ready(made, value)


@pytest.fixture
async def world() -> World:
    return World()


async def test_ready_pods_are_replicas_and_others_are_not(world: World) -> None:
    world.revision("r1")
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    world.pod("a", "r1", 1, "False")
    assert not throttler.is_ready
    pod = world.ready(world.store.get(POD, "a", "default"))
    assert throttler.is_ready
    world.ready(pod, "Unknown")
    assert not throttler.is_ready
    world.ready(pod)
    world.store.delete(POD, "a", "default")
    assert not throttler.is_ready


async def test_a_pod_that_is_to_be_frozen_gets_nothing_from_that_moment_on(world: World) -> None:
    world.revision("r1")
    pod = world.pod("a", "r1", 1)
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    world.store.patch_metadata(pod.key, annotations={FROZEN: "2026-01-01T00:00:00Z"})
    assert not throttler.is_ready
    world.store.patch_metadata(pod.key, annotations={FROZEN: None})
    assert throttler.is_ready


async def test_a_pod_that_is_being_thawed_is_dialled_meanwhile(world: World) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.set()
        writer.close()

    dialled = asyncio.Event()
    async with world.dials, await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        world.revision("r1")
        pod = world.pod("a", "r1", server.sockets[0].getsockname()[1], "False")
        frozen = {"reason": "Frozen", "conditions": [{"type": "Ready", "status": "False"}]}
        world.store.patch_metadata(pod.key, annotations={FROZEN: "2026-01-01T00:00:00Z"})
        world.store.update_status(pod.key, frozen)
        await asyncio.sleep(0.1)
        assert not dialled.is_set()
        world.store.patch_metadata(pod.key, annotations={FROZEN: None})
        async with asyncio.timeout(5):
            await dialled.wait()
        throttler = world.backends.throttler("default", "r1")
        assert throttler is not None
        assert not throttler.is_ready
        world.ready(pod)
        assert throttler.is_ready


async def test_a_pod_that_is_being_deleted_gets_nothing_new(world: World) -> None:
    world.revision("r1")
    pod = world.pod("a", "r1", 1)
    world.store.patch_metadata(pod.key, finalizers=["kemu.dev/stop"])
    world.store.delete(POD, "a", "default")
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    assert not throttler.is_ready


async def test_a_revisions_limits_are_its_throttlers(world: World) -> None:
    world.revision("r1", timeoutSeconds=7, responseStartTimeoutSeconds=5, idleTimeoutSeconds=3)
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    assert (throttler.timeouts.total_s, throttler.timeouts.response_start_s, throttler.timeouts.idle_s) == (7, 5, 3)


async def test_a_request_without_a_replica_pokes_and_a_deleted_revision_answers_it(world: World) -> None:
    world.revision("r1")
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    job = Job()
    throttler.admit(job)
    assert world.poked == [("default", "r1")]
    assert world.backends.stats("default", "r1")["requests"]["count"] == 1
    world.store.delete(REVISION, "r1", "default")
    assert job.failure == (503, 'revision "r1" was deleted')
    assert world.backends.stats("default", "r1")["requests"]["count"] == 0


async def test_the_cold_start_of_a_new_replica_is_told_part_by_part(world: World) -> None:
    world.revision("r1")
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    job = Job()
    throttler.admit(job)
    job.arrived = 1.0
    world.pod("a", "r1", 1)
    job.dispatched, job.first_byte = 1.021, 1.024
    job.finished = True
    throttler.leave(job)
    found = world.backends.stats("default", "r1")
    assert found["started"] == {"count": 1, "p50Ms": 24.0, "p95Ms": 24.0}
    text = "cold start 24 ms: queued 0.0 · image 1.0 · start 20 · first byte 3.0"
    assert found["lastStart"] == {"way": "started", "totalMs": 24.0, "text": text}
    note = world.store.get(POD, "a", "default").annotations[LAST_START]
    assert note == "started total=24.0 queued=0.0 image=1.0 start=20.0 first-byte=3.0"


async def test_a_request_that_came_while_a_replica_was_starting_tells_of_no_cold_start(world: World) -> None:
    world.revision("r1")
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    job = Job()
    throttler.admit(job)
    job.arrived = 1.019
    world.pod("a", "r1", 1)
    job.dispatched, job.first_byte = 1.021, 1.024
    job.finished = True
    throttler.leave(job)
    assert world.backends.stats("default", "r1")["lastStart"] is None


async def test_draining_ends_with_the_last_request_or_after_its_time(world: World) -> None:
    world.revision("r1")
    world.pod("a", "r1", 1)
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    throttler.admit(Job())
    world.store.delete(POD, "a", "default")
    await world.backends.drain(("127.0.0.1", 1), 5.0)
    await world.backends.drain(("127.0.0.1", 2), 5.0)


async def test_requests_of_a_deleted_revision_are_waited_for(world: World) -> None:
    world.revision("r1")
    world.pod("a", "r1", 1)
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    job = Job()
    throttler.admit(job)
    world.store.delete(REVISION, "r1", "default")
    world.store.delete(POD, "a", "default")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    loop.call_later(20, throttler.leave, job)
    await world.backends.drain(("127.0.0.1", 1), 45.0)
    assert loop.time() - begun == 20
