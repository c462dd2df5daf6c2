"""Configurations: a Revision for each template, and which one is the latest (serving §1.2-1.6, 1.9, 1.11)."""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Note, Outcome
from emulator.objects.podmarks import LACKS
from emulator.objects.resource import Resource
from emulator.serving.annotations import CREATOR, ROUTES, ROUTING_STATE, ROUTING_STATE_MODIFIED
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE
from tests.world import World, child, obj, said

P = "serving.knative.dev/"


def pod(image: str) -> dict[str, Any]:
    return {"containers": [{"image": image}]}


def configuration(world: World, image: str = "app", given: str = "", **template: Any) -> Resource[Any]:
    metadata = {**template, **({"name": given} if given else {})}
    made = obj(CONFIGURATION, "hello", {"template": {"metadata": metadata, "spec": pod(image)}})
    present = world.store.find(CONFIGURATION, "hello", "default")
    return world.create(made, user="ann") if present is None else world.store.update(made, "ann")


def settle(world: World, parent: Resource[Any]) -> Outcome:
    """Store what the reconciler wants until it wants nothing more."""
    outcome = world.reconcile(parent)
    for made in outcome.children:
        world.create(made, parent)
    if outcome.children:
        outcome = world.reconcile(parent)
    conditions = [{"type": "Ready", "status": said(outcome)[0]}]
    world.status(parent, **outcome.status, conditions=conditions)
    return outcome


def revision(world: World, name: str) -> Resource[Any]:
    return world.store.get(REVISION, name, "default")


def test_what_a_revision_waits_for_in_vain_is_its_reason() -> None:
    world = World()
    parent = configuration(world)
    settle(world, parent)
    first = revision(world, "hello-00001")
    fault = 'configmap "settings" not found in namespace "default"'
    world.ready(first, "Unknown", "Deploying", "soon")
    assert said(world.reconcile(parent)) == ("Unknown", "", "")
    world.store.patch_metadata(first.key, annotations={LACKS: fault})
    world.ready(first, "Unknown", "CreateContainerConfigError", fault)
    assert said(world.reconcile(parent)) == ("Unknown", "CreateContainerConfigError", fault)


def test_the_revision_is_a_snapshot_named_after_the_generation() -> None:
    world = World()
    parent = configuration(world, labels={"app": "a"}, annotations={"mine": "1"})
    outcome = world.reconcile(parent)
    made = child(outcome, REVISION)
    assert made["metadata"]["name"] == "hello-00001"
    assert made["spec"] == parent.obj["spec"]["template"]["spec"]
    assert made["metadata"]["labels"] == {
        "app": "a",
        f"{P}configuration": "hello",
        f"{P}configurationUID": parent.uid,
        f"{P}configurationGeneration": "1",
        ROUTING_STATE: "pending",
    }
    modified = {ROUTING_STATE_MODIFIED: "2026-01-02T03:04:05Z"}
    assert made["metadata"]["annotations"] == {"mine": "1", CREATOR: "ann", **modified}
    assert outcome.status == {"latestCreatedRevisionName": "hello-00001"}
    assert said(outcome) == ("Unknown", "", "")
    assert outcome.notes == [Note("Created", 'Created Revision "hello-00001"')]


def test_the_routes_that_lead_to_it_are_noted_and_make_new_revisions_active() -> None:
    world = World()
    parent = configuration(world)
    assert world.reconcile(parent).annotations == {ROUTES: None}
    for name in ("b", "a"):
        world.create(obj(ROUTE, name, {"traffic": [{"configurationName": "hello", "percent": 100}]}))
    assert world.reconcile(parent).annotations == {ROUTES: "a,b"}
    world.store.patch_metadata(parent.key, annotations={ROUTES: "a,b"})
    made = child(world.reconcile(parent), REVISION)["metadata"]
    assert (made["labels"][ROUTING_STATE], made["annotations"][ROUTES]) == ("active", "a,b")


def test_a_long_name_is_cut() -> None:
    world = World()
    name = "a" * 60
    made = world.create(obj(CONFIGURATION, name, {"template": {"spec": pod("app")}}))
    found = child(world.reconcile(made), REVISION)["metadata"]["name"]
    assert len(found) == 63
    assert found.endswith("-00001")


def test_it_is_ready_with_its_latest_revision() -> None:
    world = World()
    parent = configuration(world)
    settle(world, parent)
    world.ready(revision(world, "hello-00001"))
    outcome = world.reconcile(parent)
    assert said(outcome) == ("True", "", "")
    assert outcome.status["latestReadyRevisionName"] == "hello-00001"
    assert outcome.notes == [
        Note("LatestReadyUpdate", 'LatestReadyRevisionName updated to "hello-00001"'),
        Note("ConfigurationReady", "Configuration becomes ready"),
    ]


def test_a_new_template_makes_a_new_revision_while_the_old_one_stays_the_ready_one() -> None:
    world = World()
    settle(world, configuration(world))
    world.ready(revision(world, "hello-00001"))
    settle(world, configuration(world))
    outcome = settle(world, configuration(world, "app:2"))
    assert outcome.status == {
        "latestCreatedRevisionName": "hello-00002",
        "latestReadyRevisionName": "hello-00001",
    }
    assert said(outcome)[0] == "Unknown"


def test_a_failed_revision_fails_it_and_the_old_one_stays_the_ready_one() -> None:
    world = World()
    settle(world, configuration(world))
    world.ready(revision(world, "hello-00001"))
    settle(world, configuration(world))
    parent = configuration(world, "app:2")
    settle(world, parent)
    world.ready(revision(world, "hello-00002"), "False", "ContainerMissing", "no image")
    outcome = world.reconcile(parent)
    assert said(outcome) == ("False", "RevisionFailed", 'Revision "hello-00002" failed with message: no image.')
    assert outcome.status["latestReadyRevisionName"] == "hello-00001"
    note = Note("LatestCreatedFailed", 'Latest created revision "hello-00002" has failed', "Warning")
    assert outcome.notes == [note]


def test_the_ready_one_never_becomes_an_older_one() -> None:
    world = World()
    for image in ("app", "app:2"):
        settle(world, configuration(world, image))
        name = f"hello-0000{world.store.get(CONFIGURATION, 'hello', 'default').generation}"
        world.ready(revision(world, name))
        settle(world, configuration(world, image))
    world.ready(revision(world, "hello-00002"), "False", "Broken", "later")
    parent = world.store.get(CONFIGURATION, "hello", "default")
    assert world.reconcile(parent).status["latestReadyRevisionName"] == "hello-00002"


def test_a_deleted_latest_revision_is_made_again_under_its_name() -> None:
    world = World()
    parent = configuration(world)
    settle(world, parent)
    world.ready(revision(world, "hello-00001"))
    settle(world, parent)
    world.store.delete(REVISION, "hello-00001", "default")
    assert child(world.reconcile(parent), REVISION)["metadata"]["name"] == "hello-00001"


def test_a_given_name_is_the_revisions() -> None:
    world = World()
    parent = configuration(world, given="hello-v1")
    assert child(world.reconcile(parent), REVISION)["metadata"]["name"] == "hello-v1"


def test_a_given_name_goes_back_to_a_revision_of_the_same_content() -> None:
    world = World()
    for image, name in (("app", "hello-v1"), ("app:2", "hello-v2")):
        parent = configuration(world, image, name)
        settle(world, parent)
        world.ready(revision(world, name))
        settle(world, parent)
    outcome = world.reconcile(configuration(world, "app", "hello-v1"))
    assert not outcome.children
    assert outcome.status == {"latestCreatedRevisionName": "hello-v1", "latestReadyRevisionName": "hello-v1"}
    assert said(outcome)[0] == "True"


def test_a_given_name_of_another_content_is_taken() -> None:
    world = World()
    world.create(obj(REVISION, "hello-v1", pod("other")))
    outcome = world.reconcile(configuration(world, given="hello-v1"))
    exists = 'revisions.serving.knative.dev "hello-v1" already exists'
    assert said(outcome) == ("False", "RevisionFailed", f"Revision creation failed with message: {exists}.")
    assert not outcome.children
    assert [note.reason for note in outcome.notes] == ["CreationFailed"]
