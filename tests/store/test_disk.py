"""What is written to the Store is there again in the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.errors import ApiError, Gone
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.resource import Key, Resource
from emulator.store.database import Database
from emulator.store.disk import Disk
from emulator.store.ledger import Ledger, Stated
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.configs import CONFIG_MAP


class Spec(Model):
    size: int = 0


def kind(name: str, **more: Any) -> Kind[Spec]:
    return Kind(group="test.dev", version="v1", name=name, plural=f"{name.lower()}s", spec=Spec, **more)


THING, FLEETING = kind("Thing"), kind("Fleeting", ephemeral=True)
BARE = kind("Bare", ephemeral=True, keeps_bare=True)
MAKER = kind("Maker", ephemeral_children=True)
KINDS = (THING, FLEETING, BARE, MAKER, CONFIG_MAP)


def obj(kind: str, name: str, size: int = 1, owner: Resource[Any] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if owner is not None:
        metadata["ownerReferences"] = [owner.owner_reference()]
    return {"apiVersion": "test.dev/v1", "kind": kind, "metadata": metadata, "spec": {"size": size}}


class Life:
    """One run: a Store with its disk. The file is not closed, as after `kill -9`."""

    def __init__(self, folder: Path, kinds: tuple[Kind[Any], ...] = KINDS) -> None:
        self.store = Store(Registry(kinds), SystemClock(), CONFIG_MAP)
        self.ledger = Ledger()
        self.database = Database(folder)
        self.disk = Disk(self.database, self.store, self.ledger)
        self.notes = self.disk.restore(self.database.open())
        self.seen: list[Change] = []
        self.store.observe(self.seen.append)


class Lives:
    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self._folder = folder
        self._closing = closing

    async def next(self, kinds: tuple[Kind[Any], ...] = KINDS) -> Life:
        life = await asyncio.to_thread(Life, self._folder, kinds)
        self._closing.callback(life.database.close)
        return life


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    with ExitStack() as closing:
        yield Lives(tmp_path, closing)


async def test_an_object_comes_back_as_it_was(lives: Lives) -> None:
    first = await lives.next()
    made = first.store.create(obj("Thing", "a"))
    first.store.update(obj("Thing", "a", size=2))
    first.store.update_status(made.key, {"phase": "Ready"})
    first.store.patch_metadata(made.key, labels={"x": "y"}, finalizers=["test.dev/f"])
    last = first.store.get(THING, "a", "default")
    await first.disk.flush()
    second = await lives.next()
    back = second.store.get(THING, "a", "default")
    assert back.obj == last.obj
    assert (back.uid, back.generation, back.spec.size) == (made.uid, 2, 2)


async def test_what_was_deleted_stays_away(lives: Lives) -> None:
    first = await lives.next()
    first.store.create(obj("Thing", "a"))
    await first.disk.flush()
    first.store.delete(THING, "a", "default")
    first.store.create(obj("Thing", "b"))
    first.store.delete(THING, "b", "default")
    await first.disk.flush()
    assert (await lives.next()).store.list(THING) == []


async def test_what_speaks_of_running_things_is_made_anew(lives: Lives) -> None:
    first = await lives.next()
    maker = first.store.create(obj("Maker", "m"))
    child = first.store.create(obj("Thing", "child", owner=maker))
    first.store.create(obj("Thing", "grandchild", owner=child))
    first.store.create(obj("Fleeting", "f"))
    thing = first.store.create(obj("Thing", "t"))
    first.store.create(obj("Thing", "kept-child", owner=thing))
    await first.disk.flush()
    second = await lives.next()
    assert [r.name for r in second.store.list(THING)] == ["kept-child", "t"]
    assert [r.name for r in second.store.list(MAKER)] == ["m"]
    assert second.store.list(FLEETING) == []


async def test_of_some_kinds_what_nobody_makes_anew_is_kept(lives: Lives) -> None:
    first = await lives.next()
    first.store.create(obj("Bare", "alone"))
    first.store.create(obj("Bare", "controlled", owner=first.store.create(obj("Thing", "t"))))
    by_file = first.store.create(obj("Bare", "by-file"))
    first.ledger.note(by_file.key, Stated("a.yaml", obj("Bare", "by-file"), 1))
    first.store.delete(BARE, first.store.create(obj("Bare", "gone")).name, "default")
    await first.disk.flush()
    assert [r.name for r in (await lives.next()).store.list(BARE)] == ["alone"]


async def test_owners_in_a_circle_end_nothing(lives: Lives) -> None:
    first = await lives.next()
    a = first.store.create(obj("Thing", "a"))
    b = first.store.create(obj("Thing", "b", owner=a))
    first.store.update(obj("Thing", "a", owner=b))
    await first.disk.flush()
    assert len((await lives.next()).store.list(THING)) == 2


async def test_observers_are_told_of_everything_once_and_watches_of_nothing(lives: Lives) -> None:
    first = await lives.next()
    first.store.create(obj("Thing", "b"))
    old = first.store.create(obj("Thing", "a"))
    await first.disk.flush()
    second = await lives.next()
    second.store.announce()
    assert [(c.type, c.resource.name) for c in second.seen] == [("ADDED", "b"), ("ADDED", "a")]
    with pytest.raises(Gone):
        second.store.watch(since=old.resource_version)
    assert second.store.create(obj("Thing", "c")).resource_version > old.resource_version + 1


async def test_what_observers_write_while_they_are_told_comes_after(lives: Lives) -> None:
    first = await lives.next()
    first.store.create(obj("Thing", "a"))
    first.store.create(obj("Thing", "b"))
    await first.disk.flush()
    second = await lives.next()

    def write(change: Change) -> None:
        if change.resource.name == "a" and change.type == "ADDED":
            second.store.delete(THING, "b", "default")

    second.store.observe(write)
    second.store.announce()
    assert [(c.type, c.resource.name) for c in second.seen] == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "b")]
    await second.disk.flush()
    assert [r.name for r in (await lives.next()).store.list(THING)] == ["a"]


async def test_versions_rise_from_run_to_run_also_when_the_clock_goes_back(lives: Lives) -> None:
    first = await lives.next()
    first.store.version += 10**9  # as if written a thousand times a second for days, or a clock set back
    first.store.create(obj("Fleeting", "f"))
    first.store.create(obj("Thing", "a"))
    await first.disk.flush()
    assert (await lives.next()).store.version > first.store.version


async def test_what_does_not_fit_is_told_and_kept_for_whoever_knows_it(lives: Lives) -> None:
    first = await lives.next()
    first.store.create(obj("Maker", "m"))
    first.store.create(obj("Thing", "a", size=1))
    await first.disk.flush()

    class Other(Model):
        size: str

    other: Kind[Other] = Kind(group="test.dev", version="v1", name="Thing", plural="things", spec=Other)
    second = await lives.next((other, CONFIG_MAP))
    assert second.store.list(other) == []
    assert len(second.notes) == 2
    assert 'Maker default/m: no matches for kind "Maker" in version "test.dev/v1"' in second.notes[0]
    assert "Thing default/a: " in second.notes[1]
    assert len((await lives.next()).store.list(THING)) == 1


async def test_objects_of_kinds_that_users_define_come_after_their_definitions(lives: Lives) -> None:
    definition = kind("CustomResourceDefinition")
    first = await lives.next((definition, THING, CONFIG_MAP))
    first.store.create(obj("Thing", "a"))
    first.store.create(obj("CustomResourceDefinition", "things"))
    await first.disk.flush()
    store, ledger = Store(Registry((definition, CONFIG_MAP)), SystemClock(), CONFIG_MAP), Ledger()

    def define() -> None:
        assert [found.name for found in store.list(definition)] == ["things"]
        store.registry.add(THING)

    disk = Disk(first.database, store, ledger)
    await asyncio.to_thread(first.database.close)
    assert disk.restore(await asyncio.to_thread(first.database.open), define=define) == []
    assert [found.name for found in store.list(THING)] == ["a"]


async def test_what_manifests_said_comes_back(lives: Lives) -> None:
    first = await lives.next()
    key, stated = Key(THING, "default", "a"), Stated("a.yaml", {"spec": {"size": 1}}, 2)
    first.ledger.note(key, stated)
    await first.disk.flush()
    second = await lives.next()
    assert [(k, second.ledger.of(k)) for k in second.ledger] == [(key, stated)]
    second.ledger.note(key, None)
    await second.disk.flush()
    assert list((await lives.next()).ledger) == []


async def test_nobody_need_ask_for_a_write(lives: Lives) -> None:
    first = await lives.next()
    async with Tasks() as tasks:
        tasks.spawn(first.disk.run(), "disk")
        first.store.create(obj("Thing", "a"))
        for _ in range(500):
            if (await lives.next()).store.list(THING):
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("not written within five seconds")


async def test_a_write_that_fails_is_told_and_made_later(lives: Lives) -> None:
    first = await lives.next()
    await asyncio.to_thread(first.database._connection.execute, "PRAGMA query_only = ON")  # type: ignore[union-attr]
    first.store.create(obj("Thing", "a"))
    with pytest.raises(ApiError, match="could not be written") as failed:
        await first.disk.flush()
    assert failed.value.code == 500
    first.store.update(obj("Thing", "a", size=2))
    await asyncio.to_thread(first.database._connection.execute, "PRAGMA query_only = OFF")  # type: ignore[union-attr]
    await first.disk.flush()
    assert (await lives.next()).store.get(THING, "a", "default").spec.size == 2


async def test_many_writes_at_once_are_one_transaction_and_do_not_hold_up_the_loop(lives: Lives) -> None:
    first = await lives.next()
    for number in range(1000):
        first.store.create(obj("Thing", f"t{number}"))
    gaps = []

    async def tick() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0)
            gaps.append(time.perf_counter() - start)

    async with Tasks() as tasks:
        tasks.spawn(tick(), "tick")
        await asyncio.gather(*(first.disk.flush() for _ in range(50)))
    assert sorted(gaps)[int(len(gaps) * 0.9)] < 0.005
    assert len((await lives.next()).store.list(THING)) == 1000
