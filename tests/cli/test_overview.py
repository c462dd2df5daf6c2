"""What stands in the terminal at the start."""

from __future__ import annotations

from typing import Any

from emulator.cli.overview import overview, talkers
from emulator.eventing.kinds import BROKER
from emulator.objects.kind import Kind
from emulator.objects.resource import Resource
from emulator.serving.domainmappings import DOMAIN_MAPPING
from emulator.serving.kinds import ROUTE, SERVICE
from tests.world import World, obj

SERVICE_SPEC = {"template": {"spec": {"containers": [{"image": "app"}]}}}
ROUTE_SPEC = {"traffic": [{"configurationName": "blue", "latestRevision": True, "percent": 100}]}
REF = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Route", "name": "shop"}}


def made(world: World, kind: Kind[Any], name: str, spec: dict[str, Any], ready: dict[str, str]) -> Resource[Any]:
    created = world.create(obj(kind, name, spec))
    conditions = [{"type": "Ready", **ready}]
    return world.store.update_status(created.key, {"url": f"http://{name}.test", "conditions": conditions})


def shown(world: World, *, is_empty: bool = False) -> list[list[str]]:
    text = overview(world.store, "http://127.0.0.1:8080", is_empty=is_empty, is_rollout=False)
    return [line.split() for line in text.splitlines() if line]


def test_services_routes_and_domains_stand_with_url_and_state() -> None:
    world = World()
    made(world, SERVICE, "hello", SERVICE_SPEC, {"status": "True"})
    made(world, ROUTE, "shop", ROUTE_SPEC, {"status": "False", "reason": "RevisionMissing"})
    made(world, DOMAIN_MAPPING, "shop.test", REF, {"status": "Unknown", "reason": "IngressNotConfigured"})
    rows = shown(world)
    assert ["hello", "http://hello.test", "ready"] in rows
    assert rows.index(["ROUTE", "URL", "STATE"]) + 1 == rows.index(["shop", "http://shop.test", "RevisionMissing"])
    assert rows.index(["DOMAIN", "URL", "STATE"]) + 1 == rows.index(["shop.test", "http://shop.test.test", "starting"])


def test_a_table_without_rows_is_left_out() -> None:
    world = World()
    made(world, SERVICE, "hello", SERVICE_SPEC, {"status": "True"})
    assert not any(row[0] in ("ROUTE", "DOMAIN", "no") for row in shown(world))


def test_nothing_that_answers_is_told_apart_from_nothing_at_all() -> None:
    assert shown(World())[1] == ["no", "Services", "in", "these", "manifests"]
    assert shown(World(), is_empty=True)[1] == ["no", "objects", "in", "these", "manifests"]


def test_what_has_to_do_with_events_is_counted_and_talks() -> None:
    world = World()
    world.create(obj(BROKER, "default", {}))
    assert ["and", "1", "Broker"] in shown(world)
    assert talkers(world.store) == ["default"]
