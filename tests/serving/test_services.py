"""Services: a Configuration and a Route, and the status of all three (serving §1.2-1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.resource import Resource
from emulator.serving.annotations import LAST_APPLIED, ROLLOUT_DURATION, SERVICE_LABEL, SERVICE_UID
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE
from emulator.serving.scaler import START
from tests.world import World, child, obj, said

POD = {"containers": [{"image": "app"}]}
TRAFFIC = [{"latestRevision": True, "percent": 100}]


def service(world: World, given: str = "", traffic: Any = TRAFFIC, **metadata: Any) -> Resource[Any]:
    template = {"metadata": {"name": given} if given else {}, "spec": POD}
    return world.create(obj(SERVICE, "hello", {"template": template, "traffic": traffic}, **metadata))


def made(world: World, parent: Resource[Any]) -> tuple[Resource[Any], Resource[Any]]:
    """The Configuration and the Route that the Service wants, stored."""
    outcome = world.reconcile(parent)
    return world.create(child(outcome, CONFIGURATION), parent), world.create(child(outcome, ROUTE), parent)


def test_both_children_bear_the_services_name_labels_and_annotations() -> None:
    world = World()
    hidden = {LAST_APPLIED: "{}", ROLLOUT_DURATION: "60s"}
    parent = service(world, labels={"app": "a"}, annotations={"mine": "1", **hidden})
    outcome = world.reconcile(parent)
    configuration, route = child(outcome, CONFIGURATION)["metadata"], child(outcome, ROUTE)["metadata"]
    assert configuration["name"] == route["name"] == "hello"
    assert configuration["labels"] == {"app": "a", SERVICE_LABEL: "hello", SERVICE_UID: parent.uid}
    assert route["labels"] == {"app": "a", SERVICE_LABEL: "hello"}
    assert configuration["annotations"].keys() & {"mine", *hidden} == {"mine"}
    assert route["annotations"].keys() & {"mine", *hidden} == {"mine", ROLLOUT_DURATION}


def test_traffic_without_a_revision_goes_to_the_configuration() -> None:
    world = World()
    old = {"revisionName": "hello-00001", "percent": 20}
    parent = service(world, traffic=[{"latestRevision": True, "percent": 80}, old])
    assert child(world.reconcile(parent), ROUTE)["spec"]["traffic"] == [
        {"latestRevision": True, "percent": 80, "configurationName": "hello"},
        {"latestRevision": False, **old},
    ]


def test_at_first_both_are_out_of_date() -> None:
    world = World()
    outcome = world.reconcile(service(world))
    text = "The {} is still working to reflect the latest desired specification."
    assert said(outcome, "ConfigurationsReady") == ("Unknown", "OutOfDate", text.format("Configuration"))
    assert said(outcome, "RoutesReady") == ("Unknown", "OutOfDate", text.format("Route"))


def test_what_it_creates_is_an_event() -> None:
    world = World()
    parent = service(world)
    outcome = world.reconcile(parent)
    assert [note.message for note in outcome.notes] == ['Created Configuration "hello"', 'Created Route "hello"']
    made(world, parent)
    assert world.reconcile(parent).notes == []


def test_conditions_and_status_are_those_of_the_children() -> None:
    world = World()
    parent = service(world)
    configuration, route = made(world, parent)
    names = {"latestCreatedRevisionName": "hello-00001", "latestReadyRevisionName": "hello-00001"}
    world.ready(configuration, **names)
    traffic = [{"revisionName": "hello-00001", "percent": 100, "latestRevision": True}]
    address = {"url": "http://hello.default.svc.cluster.local"}
    world.ready(route, traffic=traffic, url="http://hello.default.localhost", address=address)
    outcome = world.reconcile(parent)
    assert said(outcome) == ("True", "", "")
    assert outcome.status == {
        **names,
        "traffic": traffic,
        "url": "http://hello.default.localhost",
        "address": address,
    }


def test_a_failed_configuration_lends_its_reason() -> None:
    world = World()
    parent = service(world)
    configuration, _ = made(world, parent)
    world.ready(configuration, "False", "RevisionFailed", "it broke")
    world.clock.advance(1)
    assert said(world.reconcile(parent)) == ("False", "RevisionFailed", "it broke")


def test_a_configuration_with_another_template_is_out_of_date() -> None:
    world = World()
    parent = service(world)
    configuration, _ = made(world, parent)
    world.ready(configuration)
    parent = world.edit(parent, spec={"template": {"spec": {"containers": [{"image": "new"}]}}})
    assert said(world.reconcile(parent), "ConfigurationsReady")[1] == "OutOfDate"


def test_a_route_with_other_traffic_is_out_of_date() -> None:
    world = World()
    parent = service(world)
    configuration, route = made(world, parent)
    world.ready(configuration, latestReadyRevisionName="hello-00001")
    world.ready(route, traffic=[{"revisionName": "hello-00001", "percent": 100, "latestRevision": True}])
    assert said(world.reconcile(parent)) == ("True", "", "")
    spec = {**parent.obj["spec"], "traffic": [{"revisionName": "nope", "percent": 100}]}
    parent = world.edit(parent, spec=spec)
    assert said(world.reconcile(parent), "RoutesReady")[:2] == ("Unknown", "OutOfDate")


def test_a_failure_is_told_once_who_wrote_has_had_time_to_read() -> None:
    world = World()
    parent = service(world)
    configuration, _ = made(world, parent)
    world.ready(configuration, "False", "RevisionFailed", "it broke")
    world.clock.advance(0.2)
    outcome = world.reconcile(parent)
    assert said(outcome, "ConfigurationsReady")[:2] == ("Unknown", "OutOfDate")
    assert outcome.requeue_s == pytest.approx(0.3)
    world.clock.advance(0.3)
    outcome = world.reconcile(parent)
    assert said(outcome)[:2] == ("False", "RevisionFailed")
    assert outcome.requeue_s is None


def test_a_failure_of_what_is_found_at_the_start_is_told_at_once() -> None:
    world = World()
    parent = service(world, annotations={START: "asleep"})
    configuration, _ = made(world, parent)
    world.ready(configuration, "False", "RevisionFailed", "it broke")
    assert said(world.reconcile(parent))[0] == "False"


def test_traffic_that_is_not_there_yet_is_told() -> None:
    world = World()
    parent = service(world)
    configuration, route = made(world, parent)
    world.ready(configuration, latestReadyRevisionName="hello-00002")
    world.ready(route, traffic=[{"revisionName": "hello-00001", "percent": 100, "latestRevision": True}])
    text = "Traffic is not yet migrated to the latest revision."
    assert said(world.reconcile(parent), "RoutesReady") == ("Unknown", "TrafficNotMigrated", text)


def test_a_child_of_somebody_else_is_told() -> None:
    world = World()
    parent = service(world)
    world.create(obj(CONFIGURATION, "hello", {"template": {"spec": POD}}))
    world.create(obj(ROUTE, "hello", {"traffic": [{"configurationName": "hello", "percent": 100}]}))
    world.clock.advance(1)
    outcome = world.reconcile(parent)
    text = 'There is an existing {} "hello" that we do not own.'
    assert said(outcome, "ConfigurationsReady") == ("False", "NotOwned", text.format("Configuration"))
    assert said(outcome, "RoutesReady") == ("False", "NotOwned", text.format("Route"))


def test_with_a_given_name_the_route_waits_for_the_configuration() -> None:
    world = World()
    parent = service(world, "hello-v1")
    outcome = world.reconcile(parent)
    assert [c["kind"] for c in outcome.children] == ["Configuration"]
    world.ready(world.create(child(outcome, CONFIGURATION), parent), "Unknown")
    assert [c["kind"] for c in world.reconcile(parent).children] == ["Configuration", "Route"]


def test_with_a_given_name_that_is_taken_there_is_no_route() -> None:
    world = World()
    parent = service(world, "hello-v1")
    configuration = world.create(child(world.reconcile(parent), CONFIGURATION), parent)
    world.create(obj(REVISION, "hello-v1", {"containers": [{"image": "other"}]}))
    world.ready(configuration, "False", "RevisionFailed", "taken")
    world.clock.advance(1)
    outcome = world.reconcile(parent)
    text = 'The revision name "hello-v1" is taken by a conflicting Revision, so traffic will not be migrated'
    assert said(outcome, "RoutesReady") == ("False", "RevisionNameTaken", text)
    assert [c["kind"] for c in outcome.children] == ["Configuration"]
