"""Events about objects (eventing §8.4), and how their sources stand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.eventing.sources.apiserversources import API_SERVER_SOURCE
from emulator.eventing.sources.objects import ObjectReporter
from emulator.eventing.sources.sender import Sender
from emulator.objects.errors import Denied
from emulator.objects.resource import Resource
from emulator.workloads.configs import CONFIG_MAP
from tests.eventing.subscribers import World as Running
from tests.world import obj

pytestmark = pytest.mark.looptime
SINK = {"uri": "http://a.test/in"}
MAPS = {"apiVersion": "v1", "kind": "ConfigMap"}


class World(Running):
    """With an ObjectReporter."""

    def __init__(self) -> None:
        super().__init__()
        ObjectReporter(self.store, Sender(self.client)).start()
        self.a = self.subscriber("a")

    def source(self, *resources: dict[str, Any], **spec: Any) -> Resource[Any]:
        made = self.create(obj(API_SERVER_SOURCE, "s", {"sink": SINK, "resources": list(resources or (MAPS,)), **spec}))
        self.settle()
        return self.store.get(API_SERVER_SOURCE, "s", made.namespace)

    def map(self, name: str, **metadata: Any) -> None:
        self.create({**MAPS, "metadata": {"name": name, "namespace": "default", **metadata}})

    async def heard(self) -> list[tuple[str, str]]:
        """What has arrived: the last part of the type, and the object's name."""
        await asyncio.sleep(1)
        return [
            (r.headers[b"ce-type"].decode().rpartition(".")[2], r.headers[b"ce-name"].decode()) for r in self.a.received
        ]


async def test_a_change_makes_an_event_and_what_was_there_makes_none() -> None:
    world = World()
    world.map("old")
    world.source()
    world.map("new")
    world.store.update({**MAPS, "metadata": {"name": "new"}, "data": {"x": "1"}})
    world.store.delete(CONFIG_MAP, "new", "default")
    assert await world.heard() == [("add", "new"), ("update", "new"), ("delete", "new")]


async def test_a_reference_names_the_object_and_so_do_the_extensions() -> None:
    world = World()
    world.source(ceOverrides={"extensions": {"team": "blue"}})
    world.map("m")
    await world.heard()
    (event,) = world.a.received
    found = {name.decode(): value.decode() for name, value in event.headers.items() if name.startswith(b"ce-")}
    assert found.pop("ce-id") and found.pop("ce-time")
    assert found == {
        "ce-specversion": "1.0",
        "ce-type": "dev.knative.apiserver.ref.add",
        "ce-source": "https://kubernetes.default.svc",
        "ce-subject": "/apis/v1/namespaces/default/configmaps/m",
        "ce-kind": "ConfigMap",
        "ce-apiversion": "v1",
        "ce-name": "m",
        "ce-namespace": "default",
        "ce-team": "blue",
    }
    assert event.headers[b"content-type"] == b"application/json"
    assert json.loads(event.body) == {"kind": "ConfigMap", "namespace": "default", "name": "m", "apiVersion": "v1"}


async def test_the_resource_mode_sends_the_whole_object() -> None:
    world = World()
    world.source(mode="Resource")
    world.map("m", labels={"x": "y"})
    await world.heard()
    (event,) = world.a.received
    assert event.headers[b"ce-type"] == b"dev.knative.apiserver.resource.add"
    assert json.loads(event.body)["metadata"]["labels"] == {"x": "y"}


@pytest.mark.parametrize(
    ("resource", "spec", "heard"),
    [
        ({"selector": {"matchLabels": {"x": "y"}}}, {}, ["b"]),
        ({"selector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}, {}, ["a", "c"]),
        ({}, {"namespaceSelector": {}}, ["a", "b", "c", "far"]),
        ({}, {"owner": {"apiVersion": "v1", "kind": "Pod"}}, ["c"]),
        ({}, {"filters": [{"exact": {"name": "a"}}]}, ["a"]),
    ],
    ids=["labels", "expressions", "all namespaces", "owner", "filters"],
)
async def test_only_what_is_selected_makes_events(
    resource: dict[str, Any], spec: dict[str, Any], heard: list[str]
) -> None:
    world = World()
    world.config("config-features", "knative-eventing", {"new-apiserversource-filters": "enabled"})
    world.source({**MAPS, **resource}, **spec)
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": True}
    world.map("a")
    world.map("b", labels={"x": "y"})
    world.map("c", ownerReferences=[owner])
    world.create({**MAPS, "metadata": {"name": "far", "namespace": "elsewhere"}})
    assert [name for _, name in await world.heard()] == heard


async def test_a_deleted_source_sends_no_more() -> None:
    world = World()
    world.source()
    world.store.delete(API_SERVER_SOURCE, "s", "default")
    world.map("m")
    assert await world.heard() == []


async def test_what_gets_no_answer_is_sent_again() -> None:
    world = World()
    b = world.subscriber("b", 503, 503, 202)
    world.source(sink={"uri": "http://b.test/"})
    world.map("m")
    await asyncio.sleep(60)
    assert len(b.received) == 3
    assert len({r.headers[b"ce-id"] for r in b.received}) == 1


def test_its_status_says_what_it_sends_and_where() -> None:
    world = World()
    status = world.source(mode="Resource").status
    assert status["sinkUri"] == "http://a.test/in"
    assert status["namespaces"] == ["default"]
    assert [a["type"].rpartition(".")[2] for a in status["ceAttributes"]] == ["add", "update", "delete"]


def test_a_kind_that_nobody_knows_keeps_it_from_being_ready() -> None:
    source = World().source({"apiVersion": "v1", "kind": "Nothing"})
    ready = source.condition("Ready")
    assert (ready["status"], ready["message"]) == ("False", 'no matches for kind "Nothing" in version "v1"')


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"resources": []}, "missing field(s): spec.resources"),
        ({"mode": "Loud"}, "invalid value: Loud: spec.mode"),
        ({"resources": [{"apiVersion": "a/b/c", "kind": "K"}]}, "invalid value: a/b/c: spec.resources[0].apiVersion"),
        ({"resources": [{"apiVersion": "v1"}]}, "missing field(s): spec.resources[0].kind"),
        ({"owner": {"apiVersion": "v1"}}, "missing field(s): spec.owner.kind"),
        ({"sink": {}}, "expected at least one, got none: spec.sink.ref, spec.sink.uri"),
        (
            {"filters": [{"exact": {"type": "x"}}]},
            "Filters is not empty but the NewAPIServerFilters feature is disabled.",
        ),
    ],
)
def test_bad_sources_are_refused_in_knatives_words(spec: dict[str, Any], said: str) -> None:
    whole = {"sink": SINK, "resources": [MAPS], **spec}
    with pytest.raises(Denied) as caught:
        World().store.create(obj(API_SERVER_SOURCE, "s", whole))
    assert said in str(caught.value)
