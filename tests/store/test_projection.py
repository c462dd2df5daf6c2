"""Projections: a table of one kind, filled at first and kept with every write."""

from __future__ import annotations

from typing import Any

from emulator.store.projection import Projection, follow_config
from emulator.workloads.configs import CONFIG_MAP
from tests.world import World


class Table:
    """A projection of the ConfigMaps' data, by name, and how often it was written."""

    def __init__(self, world: World) -> None:
        self.rows: dict[str, Any] = {}
        self.writes = 0
        Projection(world.store, CONFIG_MAP, self._put, lambda gone: self.rows.pop(gone.name))

    def _put(self, resource: Any) -> None:
        self.rows[resource.name] = resource.obj["data"]
        self.writes += 1


def test_it_has_what_is_there_already() -> None:
    world = World()
    world.config("a", "default", {"k": "1"})
    assert Table(world).rows == {"a": {"k": "1"}}


def test_it_follows_each_write_before_the_writer_goes_on() -> None:
    world = World()
    table = Table(world)
    world.config("a", "default", {"k": "1"})
    assert table.rows == {"a": {"k": "1"}}
    world.config("a", "default", {"k": "2"})
    assert table.rows == {"a": {"k": "2"}}
    world.store.delete(CONFIG_MAP, "a", "default")
    assert table.rows == {}


def test_a_write_that_changes_nothing_and_other_kinds_are_no_news() -> None:
    world = World()
    table = Table(world)
    world.config("a", "default", {"k": "1"})
    world.config("a", "default", {"k": "1"})
    world.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    assert table.writes == 1


def test_one_config_map_is_followed_through_coming_and_going() -> None:
    world = World()
    seen: list[dict[str, str]] = []
    follow_config(world.store, "a", "default", lambda: seen.append(dict(world.store.config("a", "default"))))
    world.config("a", "default", {"k": "1"})
    world.config("b", "default", {"k": "2"})
    world.config("a", "other", {"k": "3"})
    world.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})
    world.store.delete(CONFIG_MAP, "a", "default")
    assert seen == [{"k": "1"}, {}]
