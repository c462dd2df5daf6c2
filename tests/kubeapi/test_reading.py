"""Lists in all their forms: tables, metadata, YAML, pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import quote

import pytest

from emulator.kubeapi.reading import sliced, sliced_yaml
from emulator.kubeapi.shown import encoded
from emulator.lib.tasks import Tasks
from emulator.manifests.documents import read_documents
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from tests.kubeapi.conftest import MAPS, Api, config_map
from tests.world import World

Form = Callable[[Json, Sequence[Resource[Any]]], AsyncIterator[bytes]]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_a_long_list_comes_in_pages_of_one_moment(running: Api) -> None:
    for name in "abcde":
        running.store.create(config_map(name))
    _, first = await running.ask("GET", f"{MAPS}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    running.store.create(config_map("aa"))
    names, version, token = [], first["metadata"]["resourceVersion"], first["metadata"]["continue"]
    while token:
        _, page = await running.ask("GET", f"{MAPS}?limit=2&continue={quote(token)}")
        assert page["metadata"]["resourceVersion"] == version
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue")
    assert names == ["c", "d", "e"]


async def test_an_empty_list_has_an_empty_list_of_items(running: Api) -> None:
    _, found = await running.ask("GET", MAPS)
    assert (found["kind"], found["items"]) == ("ConfigMapList", [])


async def test_more_objects_than_a_slice_come_whole_and_in_order(running: Api) -> None:
    names = [f"m{number:03}" for number in range(120)]
    for name in names:
        running.store.create(config_map(name))
    _, found = await running.ask("GET", MAPS)
    assert [item["metadata"]["name"] for item in found["items"]] == names


@pytest.mark.parametrize(
    ("include", "kind"), [("Metadata", "PartialObjectMetadata"), ("Object", "ConfigMap"), ("None", None)]
)
async def test_rows_hold_as_much_of_the_object_as_is_asked_for(running: Api, include: str, kind: str | None) -> None:
    running.store.create(config_map("a", x="1"))
    _, table = await running.ask("GET", f"{MAPS}?includeObject={include}", Accept=TABLE)
    assert table["rows"][0].get("object", {}).get("kind") == kind


async def test_metadata_can_be_had_alone(running: Api) -> None:
    running.store.create(config_map("a", x="1"))
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    _, found = await running.ask("GET", MAPS, Accept=accept)
    assert found["kind"] == "PartialObjectMetadataList"
    assert set(found["items"][0]) == {"kind", "apiVersion", "metadata"}


async def test_objects_can_be_had_as_yaml(running: Api) -> None:
    running.store.create(config_map("a", x="1"))
    _, text = await running.ask("GET", f"{MAPS}/a", Accept="application/yaml")
    assert "kind: ConfigMap\n" in text


@pytest.mark.parametrize("count", [0, 1, 120])
async def test_a_list_is_the_same_in_yaml(running: Api, count: int) -> None:
    for number in range(count):
        running.store.create(config_map(f"m{number:03}", x="1e3", y="a: b"))
    _, found = await running.ask("GET", MAPS)
    _, text = await running.ask("GET", MAPS, Accept="application/yaml")
    assert [document.value for document in read_documents(text)] == [found]


@pytest.mark.parametrize(
    ("form", "pieces"),
    [
        (lambda empty, many: sliced(empty, many, lambda some: b",".join(encoded(r.obj) for r in some)), 4),
        (lambda empty, many: sliced_yaml(empty, many, lambda resource: resource.obj), 122),
    ],
    ids=["json", "yaml"],
)
async def test_the_loop_has_a_turn_between_the_pieces_of_a_list(form: Form, pieces: int) -> None:
    world, turn = World(), 0
    many = [world.create(config_map(f"m{number:03}")) for number in range(121)]

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with Tasks() as tasks:
        tasks.spawn(count(), "count")
        seen = [turn async for _ in form({"items": []}, many)]
    assert len(seen) == pieces
    assert len(set(seen)) >= pieces - 1


async def test_a_form_that_nobody_knows_is_not_acceptable(running: Api) -> None:
    status, said = await running.ask("GET", MAPS, Accept="application/vnd.kubernetes.protobuf")
    assert (status, said["reason"]) == (406, "NotAcceptable")


async def test_old_kinds_show_no_generation(running: Api) -> None:
    running.store.create(config_map("a"))
    assert "generation" not in (await running.ask("GET", f"{MAPS}/a"))[1]["metadata"]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("resourceVersionMatch=Exact", 422, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersion=1&resourceVersionMatch=Any", 422, 'Unsupported value: "Any"'),
        ("resourceVersion=1&resourceVersionMatch=Exact", 410, "too old"),
    ],
)
async def test_versions_that_cannot_be_had_are_refused(running: Api, query: str, status: int, text: str) -> None:
    found, said = await running.ask("GET", f"{MAPS}?{query}")
    assert found == status
    assert text in said["message"]
