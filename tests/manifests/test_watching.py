"""Reloads: real files in a real folder, seen by the real watcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.manifests.loader import Applied, Loader
from emulator.manifests.watching import reload, watch
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.namespaces import NAMESPACE

YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"


@dataclass
class World:
    folder: Path
    loader: Loader
    loads: asyncio.Queue[Applied]

    def write(self, path: str, name: str) -> None:
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(YAML.replace("NAME", name))

    async def until(self, text: str) -> None:
        """Until a load did this."""
        async with asyncio.timeout(20):
            while str(await self.loads.get()) != text:
                pass


@pytest.fixture
def world(tmp_path: Path) -> World:
    store = Store(Registry([CONFIG_MAP, NAMESPACE]), SystemClock(), CONFIG_MAP)
    return World(tmp_path, Loader(store, [tmp_path], {}), asyncio.Queue())


@pytest.fixture
async def watched(world: World) -> AsyncIterator[World]:
    async with Tasks() as tasks:
        tasks.spawn(watch(world.loader, 0.01, world.loads.put_nowait), "watch")
        for number in range(100):  # a watcher needs a moment before it sees anything
            world.write("first.yaml", f"first{number}")
            try:
                async with asyncio.timeout(0.3):
                    await world.loads.get()
                break
            except TimeoutError:
                continue
        yield world


async def test_a_file_that_is_saved_moved_or_removed_is_reloaded(watched: World) -> None:
    watched.write("a.yaml", "a")
    await watched.until("ConfigMap a created")
    (watched.folder / "a.yaml").unlink()
    await watched.until("ConfigMap a removed")
    watched.write("deep/b.yaml", "b")
    await watched.until("ConfigMap b created")


async def test_a_log_beside_the_manifests_is_no_reason_to_reload(watched: World) -> None:
    (watched.folder / "log").write_text("a line")
    watched.write("a.yaml", "a")
    await watched.until("ConfigMap a created")
    assert watched.loads.empty()


async def test_the_same_faults_are_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("kind: ConfigMap\n", "kind: ConfigMap\n", "kind: Secret\napiVersion: v2\n"):
        (world.folder / "bad.yaml").write_text(text)
        await reload(world.loader, world.loads.put_nowait)
    assert len(caplog.records) == 2


async def test_a_load_with_faults_is_told_and_changes_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    (world.folder / "bad.yaml").write_text("kind: ConfigMap\n")
    await reload(world.loader, world.loads.put_nowait)
    assert world.loads.empty()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("not reloaded: 1 fault; what ran before still runs\n  ")
    assert "bad.yaml:1:1 apiVersion: missing" in said


async def test_what_was_saved_before_the_system_watched_is_loaded(world: World) -> None:
    world.write("early.yaml", "early")
    async with Tasks() as tasks:
        tasks.spawn(watch(world.loader, 0.01, world.loads.put_nowait), "watch")
        await world.until("ConfigMap early created")


async def test_nothing_but_stdin_is_nothing_to_watch(world: World) -> None:
    world.loader.paths = (Path("-"),)
    async with asyncio.timeout(5):
        await watch(world.loader, 0.01, world.loads.put_nowait)
