"""Images: found, pulled once, told to those who want them, and found later when somebody builds them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.runtime.base import Credential, ImageInfo
from emulator.runtime.errors import ImageMissing
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP, SECRET
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.imagekeeper import ImageKeeper, key_repository
from emulator.workloads.images import IMAGE, PULL_POLICY
from tests.runtime.memory import MemoryRuntime

pytestmark = pytest.mark.looptime(start=0)


class World:
    def __init__(self) -> None:
        self.runtime = MemoryRuntime("here:1")
        self.store = Store(Registry([IMAGE, CONFIG_MAP, SECRET]), SystemClock(), CONFIG_MAP)
        self.keeper = ImageKeeper(self.store, EngineLink(self.runtime, 1.0, 4.0))

    def want(self, name: str, ref: str, policy: str = "", **spec: Any) -> None:
        metadata = {"name": name, "annotations": {PULL_POLICY: policy}}
        self.store.create(
            {"apiVersion": IMAGE.api_version, "kind": "Image", "metadata": metadata, "spec": {"image": ref, **spec}}
        )

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.store.get(IMAGE, name, "default").status)

    def ready(self, name: str) -> Any:
        return self.store.get(IMAGE, name, "default").condition("Ready")["status"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with Tasks() as tasks:
        tasks.spawn(world.keeper.run(), "images")
        await asyncio.sleep(0)
        yield world


async def test_an_image_that_is_present_is_used_and_no_registry_asked(world: World) -> None:
    world.want("a", "here:1")
    await asyncio.sleep(0.1)
    assert world.ready("a") == "True"
    assert (world.status("a")["imageID"], world.runtime.pulls) == ("sha256:here:1", [])


async def test_a_missing_image_is_pulled_and_told_with_its_digest(world: World) -> None:
    world.runtime.registry["host:5/far:1"] = ImageInfo(id="i", ref="far", digest="sha256:d", exposed_ports=(80,))
    world.want("a", "host:5/far:1")
    await asyncio.sleep(0.1)
    status = world.status("a")
    assert (status["imageDigest"], status["exposedPorts"]) == ("host:5/far@sha256:d", [80])


async def test_an_image_that_is_nowhere_is_told_and_found_once_somebody_builds_it(world: World) -> None:
    world.want("a", "mine:1")
    await asyncio.sleep(0.1)
    assert world.ready("a") == "False"
    world.runtime.images["mine:1"] = ImageInfo(id="i", ref="mine:1")
    await asyncio.sleep(15)
    assert world.ready("a") == "True"
    assert world.runtime.pulls == ["mine:1"]


async def test_two_that_want_the_same_image_are_both_told(world: World) -> None:
    world.want("a", "here:1")
    world.want("b", "here:1")
    await asyncio.sleep(0.1)
    assert (world.ready("a"), world.ready("b")) == ("True", "True")


async def test_one_that_comes_later_has_the_registry_asked_again_at_once(world: World) -> None:
    world.want("a", "mine:1")
    await asyncio.sleep(0.1)
    world.want("b", "mine:1")
    await asyncio.sleep(0.1)
    assert (world.ready("b"), world.runtime.pulls) == ("False", ["mine:1", "mine:1"])


async def test_have_gives_the_image_or_says_that_there_is_none(world: World) -> None:
    assert (await world.keeper.have("here:1")).id == "sha256:here:1"
    with pytest.raises(ImageMissing, match='image "no:1" is missing: no registry has it'):
        await world.keeper.have("no:1")


@pytest.mark.parametrize(
    ("ref", "repository"),
    [("a", "a"), ("a:1", "a"), ("h:5/a", "h:5/a"), ("h:5/a:1", "h:5/a"), ("h/a@sha256:d", "h/a")],
)
async def test_a_repository_is_a_reference_without_tag_and_digest(ref: str, repository: str) -> None:
    assert key_repository(ref) == repository


async def test_an_image_that_must_not_be_pulled_is_only_looked_for(world: World) -> None:
    world.want("a", "later:1", policy="Never")
    await asyncio.sleep(60)
    assert (world.ready("a"), world.runtime.pulls) == ("False", [])
    said = 'Container image "later:1" is not present with pull policy of Never'
    assert world.store.get(IMAGE, "a", "default").condition("Ready")["message"] == said
    world.runtime.images["later:1"] = ImageInfo(id="sha256:1", ref="later:1")
    await asyncio.sleep(15)
    assert world.ready("a") == "True"


async def test_a_registry_is_shown_what_the_pull_secrets_have_for_it(world: World) -> None:
    auths = {"auths": {"r.io": {"username": "me", "password": "s3cret"}, "other.io": {"auth": "eDp5"}}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}}
    world.store.create({**secret, "stringData": {".dockerconfigjson": json.dumps(auths)}})
    world.runtime.registry["r.io/a:1"] = ImageInfo(id="sha256:1", ref="r.io/a:1")
    world.want("a", "r.io/a:1", imagePullSecrets=[{"name": "pull"}])
    await asyncio.sleep(1)
    assert world.runtime.shown == [(Credential("me", "s3cret"),)]
    assert world.ready("a") == "True"
