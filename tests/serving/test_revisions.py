"""Revisions: from images over scale to Ready, and who routes to them (serving §1.4, 1.5, 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.podmarks import LACKS
from emulator.objects.resource import Resource
from emulator.serving.annotations import (
    CONFIGURATION_LABEL,
    IDLE,
    NAMESPACE,
    ROUTES,
    ROUTING_STATE,
    ROUTING_STATE_MODIFIED,
)
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.serving.revisions import reachability, routing
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from emulator.workloads.images import IMAGE
from emulator.workloads.pods import POD
from emulator.workloads.replicasets import REPLICA_SET
from tests.world import NOW, World, child, obj, said

SPEC = {"containers": [{"image": "app"}]}


def revision(world: World, **labels: str) -> Resource[Any]:
    return world.create(obj(REVISION, "hello-00001", SPEC, labels=labels))


def image(world: World, made: Resource[Any], value: str = "True", **status: Any) -> None:
    (wanted,) = (c for c in world.reconcile(made).children if c["kind"] == "Image")
    message = status.pop("message", "")
    world.ready(world.create(wanted, made), value, message=message, **status)


def deployed(world: World, made: Resource[Any]) -> tuple[Resource[Any], Resource[Any]]:
    """Its PodAutoscaler and Deployment, stored, its image being there."""
    image(world, made, imageDigest="app@sha256:1")
    outcome = world.reconcile(made)
    return world.create(child(outcome, POD_AUTOSCALER), made), world.create(child(outcome, DEPLOYMENT), made)


def scaled(world: World, autoscaler: Resource[Any], initialized: str, active: tuple[str, str], **status: Any) -> None:
    conditions = [
        {"type": "Active", "status": active[0], "reason": active[1]},
        {"type": "ScaleTargetInitialized", "status": initialized},
    ]
    world.status(autoscaler, conditions=conditions, **status)


def test_at_first_it_only_wants_its_images() -> None:
    world = World()
    outcome = world.reconcile(revision(world))
    assert [c["kind"] for c in outcome.children] == ["Image"]
    assert said(outcome) == ("Unknown", "ResolvingDigests", "")


def test_a_missing_image_is_told_in_knatives_words() -> None:
    world = World()
    made = revision(world)
    image(world, made, "False", message="no such image")
    outcome = world.reconcile(made)
    text = 'Unable to fetch image "app": failed to resolve image to digest: no such image'
    assert said(outcome, "ContainerHealthy") == ("False", "ContainerMissing", text)
    assert said(outcome)[1] == "ContainerMissing"
    assert [c["kind"] for c in outcome.children] == ["Image"]


@pytest.mark.parametrize("ref", ["app@sha256:" + "0" * 64, "dev.local/app", "own.test/app"])
def test_an_image_that_no_registry_is_asked_about_fails_as_its_pods_would(ref: str) -> None:
    world = World()
    world.config("config-deployment", NAMESPACE, UNASKED)
    made = world.create(obj(REVISION, "hello-00001", {"containers": [{"image": ref}]}))
    image(world, made, "False", message="no such image")
    outcome = world.reconcile(made)
    assert said(outcome) == ("False", "ErrImagePull", f'Unable to pull image "{ref}": no such image')


UNASKED = {"registries-skipping-tag-resolving": "own.test, dev.local"}


def test_with_its_images_it_is_deployed_with_no_replica_of_its_own() -> None:
    world = World()
    made = revision(world)
    _, deployment = deployed(world, made)
    assert deployment.obj["spec"]["replicas"] == 0
    outcome = world.reconcile(made)
    assert outcome.status["containerStatuses"] == [{"name": "user-container", "imageDigest": "app@sha256:1"}]
    assert said(outcome, "ResourcesAvailable")[1] == "Deploying"


def test_its_deployment_has_the_progress_deadline_of_the_cluster() -> None:
    world = World()
    world.config("config-deployment", NAMESPACE, {"progress-deadline": "120s"})
    _, deployment = deployed(world, revision(world))
    assert deployment.obj["spec"]["progressDeadlineSeconds"] == 120


def test_a_strangers_deployment_of_its_name_is_told() -> None:
    world = World()
    made = revision(world)
    image(world, made)
    world.create(child(world.reconcile(made), DEPLOYMENT))
    outcome = world.reconcile(made)
    text = 'There is an existing Deployment "hello-00001-deployment" that we do not own.'
    assert said(outcome, "ResourcesAvailable") == said(outcome) == ("False", "NotOwned", text)


def test_the_replicas_that_the_scaler_wrote_stay() -> None:
    world = World()
    made = revision(world)
    _, deployment = deployed(world, made)
    world.edit(deployment, spec={**deployment.obj["spec"], "replicas": 3})
    assert child(world.reconcile(made), DEPLOYMENT)["spec"]["replicas"] == 3


def test_it_is_ready_once_it_was_scaled_and_stays_so_at_zero() -> None:
    world = World()
    made = revision(world)
    autoscaler, _ = deployed(world, made)
    scaled(world, autoscaler, "True", ("False", "NoTraffic"), actualScale=0, desiredScale=-1)
    outcome = world.reconcile(made)
    assert said(outcome)[0] == "True"
    assert said(outcome, "Active")[:2] == ("False", "NoTraffic")
    assert {c.type: c.severity for c in outcome.conditions or ()}["Active"] == "Info"
    assert outcome.status["actualReplicas"] == 0
    assert "desiredReplicas" not in outcome.status, "what the autoscaler does not know yet is no number"
    assert [note.reason for note in outcome.notes] == ["RevisionReady"]


def test_one_that_never_came_up_missed_its_deadline() -> None:
    world = World()
    made = revision(world)
    autoscaler, _ = deployed(world, made)
    scaled(world, autoscaler, "Unknown", ("False", "TimedOut"))
    expected = ("False", "ProgressDeadlineExceeded", "Initial scale was never achieved")
    assert said(world.reconcile(made), "ResourcesAvailable") == expected


LATE = ("ProgressDeadlineExceeded", 'ReplicaSet "s" has timed out progressing.')


@pytest.mark.parametrize(
    ("initialized", "states", "expected"),
    [
        ("Unknown", [{"running": {}}], LATE),
        ("True", [{"running": {}}], LATE),
        ("Unknown", [{"waiting": {"reason": "ContainerCreating"}}], LATE),
        ("Unknown", [{"waiting": {"reason": "ErrImagePull", "message": "no"}}], ("ErrImagePull", "no")),
    ],
    ids=["never ready", "never ready again", "only made", "what it waits for"],
)
def test_a_deployment_past_its_deadline_is_told(
    initialized: str, states: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    world = World()
    made = revision(world)
    autoscaler, deployment = deployed(world, made)
    deployment = world.edit(deployment, spec={**deployment.obj["spec"], "replicas": 1})
    scaled(world, autoscaler, initialized, ("Unknown", "Queued"))
    template = deployment.obj["spec"]["template"]
    spec = {"selector": deployment.obj["spec"]["selector"], "template": template}
    owner = world.create(obj(REPLICA_SET, "s", spec), deployment)
    pod = world.create(obj(POD, "p", template["spec"]), owner)
    world.status(pod, containerStatuses=[{"name": "c", "state": state} for state in states])
    condition = {"type": "Progressing", "status": "False", "reason": LATE[0], "message": LATE[1]}
    world.status(deployment, conditions=[condition])
    assert said(world.reconcile(made), "ResourcesAvailable") == ("False", *expected)


CONFIGURED = {"containers": [{"image": "app", "envFrom": [{"configMapRef": {"name": "settings"}}]}]}
MISSING = 'configmap "settings" not found in namespace "default"'


def configured(world: World, **annotations: str) -> tuple[Resource[Any], Resource[Any]]:
    """A Revision that needs the ConfigMap `settings`, and its PodAutoscaler."""
    made = world.create(obj(REVISION, "hello-00001", CONFIGURED, annotations=annotations))
    return made, deployed(world, made)[0]


def test_one_that_sleeps_without_its_config_map_is_not_ready_and_says_so_once() -> None:
    world = World()
    made, autoscaler = configured(world, **{"kemu.dev/start": "asleep"})
    scaled(world, autoscaler, "True", ("False", "NoTraffic"))
    outcome = world.reconcile(made)
    assert said(outcome) == ("False", "CreateContainerConfigError", MISSING)
    (note,) = outcome.notes
    where = "spec.template.spec.containers[0].envFrom[0].configMapRef"
    assert note.message == f"{MISSING}; {where} names it: create it, or mark it there with optional: true"
    assert (note.type, note.is_told) == ("Warning", True)
    world.store.patch_metadata(made.key, annotations=outcome.annotations)
    assert world.reconcile(made).notes == []
    assert LACKS not in child(outcome, DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"]


def test_it_becomes_ready_by_itself_once_the_config_map_is_there() -> None:
    world = World()
    made, autoscaler = configured(world, **{"kemu.dev/start": "asleep"})
    scaled(world, autoscaler, "True", ("False", "NoTraffic"))
    world.store.patch_metadata(made.key, annotations=world.reconcile(made).annotations)
    world.config("settings", "default", {"A": "1"})
    outcome = world.reconcile(made)
    assert said(outcome)[0] == "True"
    assert [(note.reason, note.is_told) for note in outcome.notes] == [
        ("Configured", True),
        ("RevisionReady", False),
    ]


@pytest.mark.parametrize(
    ("initialized", "active", "ready", "reason"),
    [
        ("Unknown", ("Unknown", "Queued"), "Unknown", "CreateContainerConfigError"),
        ("Unknown", ("False", "TimedOut"), "False", "CreateContainerConfigError"),
        ("True", ("False", "NoTraffic"), "True", ""),
    ],
    ids=["while it is rolled out", "past its deadline", "with an initial scale of zero"],
)
def test_one_that_is_rolled_out_without_its_config_map_is_ready_as_on_a_cluster(
    initialized: str, active: tuple[str, str], ready: str, reason: str
) -> None:
    world = World()
    made, autoscaler = configured(world)
    scaled(world, autoscaler, initialized, active)
    outcome = world.reconcile(made)
    assert said(outcome, "ResourcesAvailable")[:2] == (ready, reason)
    if reason:
        assert said(outcome) == (ready, reason, MISSING)


def test_one_that_was_ready_stays_so_when_its_config_map_goes_and_says_it() -> None:
    world = World()
    made, autoscaler = configured(world, **{"kemu.dev/start": "asleep"})
    scaled(world, autoscaler, "True", ("False", "NoTraffic"))
    world.ready(made)
    outcome = world.reconcile(made)
    assert said(outcome)[0] == "True"
    assert [note.reason for note in outcome.notes] == ["CreateContainerConfigError"]


@pytest.mark.parametrize(("where", "fault"), [("volumes", None), ("env", "couldn't find key K in ConfigMap default/b")])
def test_binary_data_counts_for_files_and_not_for_variables(where: str, fault: str | None) -> None:
    world = World()
    binary = obj(CONFIG_MAP, "b", {})
    del binary["spec"]
    world.create({**binary, "binaryData": {"K": "/w=="}})
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "K"}}}]
    volumes = [{"name": "v", "configMap": {"name": "b", "items": [{"key": "K", "path": "k"}]}}]
    container: dict[str, Any] = {"image": "app", "env": env}
    spec: dict[str, Any] = {"containers": [container]}
    if where == "volumes":
        container |= {"env": [], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        spec["volumes"] = volumes
    made = world.create(obj(REVISION, "r", spec))
    deployed(world, made)
    assert said(world.reconcile(made), "ResourcesAvailable")[2] == (fault or "")


@pytest.mark.parametrize(
    ("ended", "reason", "message"),
    [
        ({"exitCode": 3, "message": "boom"}, "ExitCode3", "Container failed with: boom"),
        ({"exitCode": 0}, "ExitCode0", "Container failed with: container exited with no error"),
        (
            {"exitCode": 137, "reason": "OOMKilled"},
            "ExitCode137",
            "Container failed with: exit code 137 (OOMKilled), without a word",
        ),
        ({"exitCode": 1}, "ExitCode1", "Container failed with: exit code 1, without a word"),
    ],
)
@pytest.mark.parametrize("where", ["state", "lastState"])
def test_a_crash_is_told_while_no_replica_is_available(
    ended: dict[str, Any], reason: str, message: str, where: str
) -> None:
    world = World()
    made = revision(world)
    _, deployment = deployed(world, made)
    deployment = world.edit(deployment, spec={**deployment.obj["spec"], "replicas": 1})
    template = {"metadata": {"labels": {"a": "1"}}, "spec": {"containers": [{"name": "c", "image": "app"}]}}
    spec = {"selector": {"matchLabels": {"a": "1"}}, "template": template}
    replica_set = world.create(obj(REPLICA_SET, "rs", spec), deployment)
    pod = world.create(obj(POD, "p", {"containers": [{"name": "c", "image": "app"}]}), replica_set)
    statuses = [{"name": "c", "state": {}, where: {"terminated": ended}}]
    world.status(pod, containerStatuses=statuses)
    assert said(world.reconcile(made), "ContainerHealthy") == ("False", reason, message)
    world.status(pod, containerStatuses=statuses, reason="Frozen")
    assert said(world.reconcile(made), "ContainerHealthy")[0] != "False"
    world.status(pod, containerStatuses=statuses)
    assert said(world.reconcile(made), "ContainerHealthy")[0] == "False"
    world.status(deployment, availableReplicas=1)
    assert said(world.reconcile(made), "ContainerHealthy")[0] != "False"


@pytest.mark.parametrize(
    ("own", "of_service", "found"),
    [({}, {}, None), ({}, {IDLE: "freeze"}, "freeze"), ({IDLE: "stop"}, {IDLE: "freeze"}, "stop")],
)
def test_what_becomes_of_an_idle_replica_is_the_revisions_word_or_its_services(
    own: dict[str, str], of_service: dict[str, str], found: str | None
) -> None:
    world = World()
    world.create(obj(CONFIGURATION, "hello", {"template": {"spec": SPEC}}, annotations=of_service))
    made = revision(world)
    world.store.patch_metadata(made.key, labels={CONFIGURATION_LABEL: "hello"}, annotations=own)
    made = world.store.get(REVISION, made.name, "default")
    image(world, made, imageDigest="app@sha256:1")
    autoscaler = child(world.reconcile(made), POD_AUTOSCALER)
    assert autoscaler["metadata"]["annotations"].get(IDLE) == found


def test_a_route_that_names_it_makes_it_active() -> None:
    world = World()
    made = revision(world)
    for name in ("b", "a"):
        world.create(obj(ROUTE, name, {"traffic": [{"revisionName": made.name, "percent": 100}]}))
    outcome = world.reconcile(made)
    assert outcome.labels == {ROUTING_STATE: "active"}
    assert outcome.annotations == {ROUTES: "a,b", ROUTING_STATE_MODIFIED: "2026-01-02T03:04:05Z"}


def test_a_route_to_its_configuration_makes_the_latest_created_active() -> None:
    world = World()
    made = revision(world)
    world.store.patch_metadata(made.key, labels={CONFIGURATION_LABEL: "hello"})
    configuration = world.create(obj(CONFIGURATION, "hello", {"template": {"spec": SPEC}}))
    world.create(obj(ROUTE, "hello", {"traffic": [{"configurationName": "hello", "percent": 100}]}))
    assert world.reconcile(made).labels == {ROUTING_STATE: "pending"}
    world.status(configuration, latestCreatedRevisionName=made.name)
    assert world.reconcile(made).labels == {ROUTING_STATE: "active"}


@pytest.mark.parametrize(
    ("before", "routes", "after", "is_new"),
    [
        ("", [], "pending", False),
        ("pending", ["r"], "active", True),
        ("active", ["r"], "active", False),
        ("active", [], "reserve", True),
        ("reserve", [], "reserve", False),
        ("reserve", ["r"], "active", True),
    ],
)
def test_the_routing_state(before: str, routes: list[str], after: str, is_new: bool) -> None:
    made = revision(World(), **({ROUTING_STATE: before} if before else {}))
    labels, annotations = routing(made, routes, NOW)
    assert labels == {ROUTING_STATE: after}
    assert (ROUTING_STATE_MODIFIED in annotations) is is_new


@pytest.mark.parametrize(
    ("state", "failed", "expected"),
    [
        ("pending", "", ""),
        ("pending", "ResourcesAvailable", "Unreachable"),
        ("pending", "ContainerHealthy", "Unreachable"),
        ("active", "ContainerHealthy", "Reachable"),
        ("reserve", "", "Unreachable"),
    ],
)
def test_reachability_follows_from_the_routing_state(state: str, failed: str, expected: str) -> None:
    world = World()
    made = revision(world)
    if failed:
        made = world.status(made, conditions=[{"type": failed, "status": "False"}])
    assert reachability(made, {ROUTING_STATE: state}) == expected


def test_the_kind_of_its_images_is_found_through_the_registry() -> None:
    world = World()
    image(world, revision(world))
    assert [found.name for found in world.store.list(IMAGE)] == ["hello-00001-cache-user-container"]
