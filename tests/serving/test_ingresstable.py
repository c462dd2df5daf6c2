"""From Ingresses to host names: what the data plane looks at."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.ingresses import EXTERNAL, INGRESS, LOCAL
from emulator.serving.ingresstable import SEED
from emulator.serving.kinds import REVISION
from emulator.serving.rulehandlers import RuleHandler
from emulator.serving.throttler import Throttler
from tests.serving.test_backends import World as Plane
from tests.world import obj

pytestmark = pytest.mark.looptime
INSIDE = ["hello.default", "hello.default.svc", "hello.default.svc.cluster.local"]


class World(Plane):
    def handler(self, host: str) -> RuleHandler:
        handler = self.hosts.internal.find(host.encode())
        assert isinstance(handler, RuleHandler)
        return handler

    def inside(self) -> list[str]:
        """The cluster-local names that are not of a Revision's own."""
        return [name for name in self.hosts.internal.names() if not name.startswith(("r1", "r2", "r3"))]

    def throttler(self, name: str) -> Throttler | None:
        return self.backends.throttler("default", name)


@pytest.fixture
async def world() -> World:
    made = World()
    for name in ("r1", "r2", "r3"):
        made.revision(name)
    return made


def split(revision: str, percent: int = 100) -> Json:
    headers = {"Knative-Serving-Revision": revision, "Knative-Serving-Namespace": "default"}
    where = {"serviceName": revision, "serviceNamespace": "default", "servicePort": 80}
    return {**where, "percent": percent, "appendHeaders": headers}


def rules(*splits: Json, public: str = "hello.test", **path: Any) -> Json:
    http = {"paths": [{"splits": [*splits], **path}]}
    outside = [{"hosts": [public], "visibility": EXTERNAL, "http": http}] if public else []
    return {"rules": [{"hosts": INSIDE, "visibility": LOCAL, "http": http}, *outside]}


def ingress(world: World, spec: Json, **annotations: str) -> Resource[Any]:
    return world.create(obj(INGRESS, "hello", spec, annotations=annotations))


async def test_public_names_lead_there_on_both_listeners_and_local_ones_inside(world: World) -> None:
    ingress(world, rules(split("r1")))
    assert world.hosts.public.names() == ["hello.default.svc.cluster.local", "hello.test"]
    assert world.inside() == INSIDE
    assert world.handler("hello.test").choose() is world.handler("hello.default").choose() is world.throttler("r1")


async def test_what_is_private_is_only_inside(world: World) -> None:
    ingress(world, rules(split("r1"), public=""))
    assert world.hosts.public.names() == []
    assert world.handler("hello.default").choose() is world.throttler("r1")


async def test_a_split_reaches_all_that_have_a_share(world: World) -> None:
    ingress(world, rules(split("r1", 50), split("r2", 50), split("r3", 0)))
    chosen = {id(world.handler("hello.test").choose()) for _ in range(100)}
    assert chosen == {id(world.throttler("r1")), id(world.throttler("r2"))}


async def test_names_keep_their_handler_while_the_split_changes_and_go_with_the_ingress(world: World) -> None:
    made = ingress(world, rules(split("r1")))
    before = world.handler("hello.test")
    world.edit(made, spec=rules(split("r2")))
    assert world.handler("hello.test") is before
    assert before.choose() is world.throttler("r2")
    world.edit(made, spec=rules(split("r2"), public="other.test"))
    assert world.hosts.public.names() == ["hello.default.svc.cluster.local", "other.test"]
    world.store.delete(INGRESS, "hello", "default")
    assert world.hosts.public.names() == world.inside() == []


async def test_a_revision_that_goes_loses_its_share_and_has_it_again_when_it_is_back(world: World) -> None:
    ingress(world, rules(split("r1", 50), split("r2", 50)))
    world.store.delete(REVISION, "r1", "default")
    assert {world.handler("hello.test").choose() for _ in range(20)} == {world.throttler("r2")}
    world.store.delete(REVISION, "r2", "default")
    assert world.hosts.public.names() == []
    world.revision("r1")
    assert world.handler("hello.test").choose() is world.throttler("r1")


async def test_a_seeded_split_goes_on_through_what_is_no_change_of_it(world: World) -> None:
    half = rules(split("r1", 50), split("r2", 50))

    def choices(number: int) -> list[bool]:
        return [world.handler("hello.test").choose() is world.throttler("r1") for _ in range(number)]

    made = ingress(world, half, **{SEED: "7"})
    whole = choices(40)
    world.edit(made, spec=rules(split("r1")))
    world.edit(made, spec=half)
    first = choices(20)
    world.ready(made)
    assert first + choices(20) == whole


async def test_another_ingress_of_the_name_keeps_it(world: World) -> None:
    ingress(world, rules(split("r1")))
    world.create(obj(INGRESS, "late", rules(split("r2"))))
    world.store.delete(INGRESS, "hello", "default")
    assert world.handler("hello.test").choose() is world.throttler("r2")
