"""Routes: which Revisions they lead to, and what keeps them from it (serving §1.8, 1.9, 2.8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.lib.clock import LoopClock
from emulator.objects.resource import Resource
from emulator.serving.annotations import CONFIGURATION_LABEL, NAMESPACE, ROLLOUT_DURATION, SERVICE_LABEL
from emulator.serving.hostnames import VISIBILITY
from emulator.serving.ingresses import INGRESS
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE
from emulator.serving.routes import referenced
from emulator.workloads.kubeevents import KUBE_EVENT
from tests.world import NOW, World, child, obj, said

POD = {"containers": [{"image": "app"}]}
ASSIGNED, MISSING = "AllTrafficAssigned", "RevisionMissing"


def route(world: World, *targets: dict[str, Any], owner: Resource[Any] | None = None, **meta: Any) -> Resource[Any]:
    traffic = targets or ({"configurationName": "hello", "percent": 100},)
    return world.create(obj(ROUTE, "hello", {"traffic": [*traffic]}, **meta), owner)


def configuration(world: World, ready: str = "", value: str = "True") -> None:
    made = world.create(obj(CONFIGURATION, "hello", {"template": {"spec": POD}}))
    world.ready(made, value, **({"latestReadyRevisionName": ready} if ready else {}))
    if ready:
        revision(world, ready)


def revision(world: World, name: str, value: str = "True") -> Resource[Any]:
    return world.ready(world.create(obj(REVISION, name, POD)), value)


def test_the_latest_ready_revision_gets_the_traffic() -> None:
    world = World()
    configuration(world, "hello-00003")
    outcome = world.reconcile(route(world))
    assert outcome.status == {
        "traffic": [{"latestRevision": True, "percent": 100, "revisionName": "hello-00003"}],
        "url": "http://hello.default.localhost",
        "address": {"url": "http://hello.default.svc.cluster.local"},
    }
    assert said(outcome)[0] == "True"
    assert said(outcome, "CertificateProvisioned") == ("True", "TLSNotEnabled", "external-domain-tls is not enabled")


def test_a_split_with_tags_says_their_urls_and_keeps_its_order() -> None:
    world = World()
    configuration(world, "hello-00002")
    revision(world, "hello-00001")
    old = {"revisionName": "hello-00001", "percent": 10, "tag": "old"}
    outcome = world.reconcile(
        route(world, old, {"configurationName": "hello", "percent": 90}, {**old, "percent": 0} | {"tag": "older"})
    )
    first = {"latestRevision": False, "percent": 10, "revisionName": "hello-00001", "tag": "old"}
    assert outcome.status["traffic"] == [
        {**first, "url": "http://old-hello.default.localhost"},
        {"latestRevision": True, "percent": 90, "revisionName": "hello-00002"},
        {**first, "percent": 0, "tag": "older", "url": "http://older-hello.default.localhost"},
    ]


def test_a_private_route_says_so() -> None:
    world = World()
    configuration(world, "hello-00001")
    outcome = world.reconcile(route(world, labels={"networking.knative.dev/visibility": "cluster-local"}))
    assert outcome.status["url"] == "http://hello.default.svc.cluster.local"
    assert said(outcome, "CertificateProvisioned")[2] == "TLS is not enabled for cluster-local"


LATEST, NAMED = {"configurationName": "hello", "percent": 100}, {"revisionName": "hello-00001", "percent": 100}


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        pytest.param(
            LATEST,
            None,
            ("False", "ConfigurationMissing", 'Configuration "hello" referenced in traffic not found.'),
            id="no configuration",
        ),
        pytest.param(
            LATEST,
            "Unknown",
            ("Unknown", MISSING, 'Configuration "hello" is waiting for a Revision to become ready.'),
            id="a configuration that is not ready",
        ),
        pytest.param(
            LATEST,
            "False",
            ("False", MISSING, 'Configuration "hello" does not have any ready Revision.'),
            id="a configuration that failed",
        ),
        pytest.param(
            NAMED, None, ("False", MISSING, 'Revision "hello-00001" referenced in traffic not found.'), id="no revision"
        ),
        pytest.param(
            NAMED, "Unknown", ("Unknown", MISSING, 'Revision "hello-00001" is not yet ready.'), id="one not ready"
        ),
        pytest.param(
            NAMED, "False", ("False", MISSING, 'Revision "hello-00001" failed to become ready.'), id="one that failed"
        ),
    ],
)
def test_a_target_that_cannot_be_had(target: dict[str, Any], value: str | None, expected: tuple[str, str, str]) -> None:
    world = World()
    if value is not None:
        configuration(world, value=value)
        revision(world, "hello-00001", value)
    outcome = world.reconcile(route(world, target))
    assert said(outcome, ASSIGNED) == expected
    ingress = ("Unknown", "IngressNotConfigured", "Ingress has not yet been reconciled.")
    assert said(outcome, "IngressReady") == ingress


def test_while_one_target_is_missing_the_last_split_stays() -> None:
    world = World()
    configuration(world, "hello-00002")
    before = [{"latestRevision": True, "percent": 100, "revisionName": "hello-00001"}]
    made = route(world, {"configurationName": "hello", "percent": 50}, {"revisionName": "gone", "percent": 50})
    outcome = world.reconcile(world.ready(made, traffic=before))
    assert outcome.status["traffic"] == before
    assert said(outcome)[0] == "False"


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        ("other", 'Revision "x" belongs to Service "other", not Service "hello".'),
        ("", 'Revision "x" does not belong to Service "hello".'),
    ],
)
def test_a_services_route_leads_to_no_other_services_revisions(owner: str, text: str) -> None:
    world = World()
    parent = world.create(obj(SERVICE, "hello", {"template": {"spec": POD}}))
    world.ready(world.create(obj(REVISION, "x", POD, labels={SERVICE_LABEL: owner} if owner else {})))
    made = route(world, {"revisionName": "x", "percent": 100}, owner=parent, labels={SERVICE_LABEL: "hello"})
    assert said(world.reconcile(made), ASSIGNED) == ("False", "RevisionNotOwned", text)


def test_a_route_of_its_own_leads_to_any_revision() -> None:
    world = World()
    revision(world, "x")
    assert said(world.reconcile(route(world, {"revisionName": "x", "percent": 100})))[0] == "True"


def test_a_bad_template_is_told_and_the_last_split_stays() -> None:
    world = World()
    world.config("config-network", NAMESPACE, {"domain-template": "{{.Nope}}"})
    before = [{"latestRevision": True, "percent": 100, "revisionName": "hello-00001"}]
    outcome = world.reconcile(world.ready(route(world), traffic=before, url="http://a"))
    assert said(outcome, ASSIGNED)[:2] == ("False", "ErrorConfig")
    assert outcome.status == {"traffic": before, "url": "http://a"}


def test_a_tag_that_makes_too_long_a_name_is_told() -> None:
    world = World()
    configuration(world, "hello-00001")
    made = route(world, {"configurationName": "hello", "percent": 100, "tag": "t" * 60})
    status, reason, text = said(world.reconcile(made), ASSIGNED)
    assert (status, reason) == ("False", "ErrorConfig")
    assert text.endswith("which is no host name")


def test_the_revisions_and_configurations_of_spec_and_status_are_referred_to() -> None:
    world = World()
    traffic = [{"revisionName": "hello-00001", "percent": 100, "latestRevision": True}]
    made = world.ready(route(world), traffic=traffic)
    assert {(key.kind, key.name) for key in referenced(made)} == {(CONFIGURATION, "hello"), (REVISION, "hello-00001")}
    assert CONFIGURATION_LABEL not in made.labels


def test_a_core_service_holds_each_name_of_a_route_with_its_labels_and_annotations() -> None:
    world = World()
    configuration(world, "hello-00002")
    tagged = {"configurationName": "hello", "percent": 100, "tag": "new"}
    made = route(world, tagged, labels={"a": "b", "networking.knative.dev/visibility": "x"}, annotations={"c": "d"})
    services = [child for child in world.reconcile(made).children if child["kind"] == "Service"]
    assert [service["metadata"]["name"] for service in services] == ["hello", "new-hello"]
    metadata = services[0]["metadata"]
    assert metadata["labels"] == {"a": "b", "serving.knative.dev/route": "hello"}
    assert metadata["annotations"].items() >= {"c": "d"}.items()
    assert services[0]["spec"]["type"] == "ExternalName"


def test_what_is_followed_must_still_be_ready() -> None:
    world = World()
    configuration(world, "hello-00001")
    world.ready(world.store.get(REVISION, "hello-00001", "default"), "False", "ExitCode1")
    assert said(world.reconcile(route(world)), ASSIGNED) == (
        "False",
        MISSING,
        'Revision "hello-00001" failed to become ready.',
    )


def test_a_label_on_a_placeholder_hides_that_name_alone() -> None:
    world = World()
    configuration(world, "hello-00001")
    made = route(world, LATEST, {**LATEST, "percent": 0, "tag": "a"}, {**LATEST, "percent": 0, "tag": "b"})
    hidden = child(world.reconcile(made), "Service", "a-hello")
    hidden["metadata"]["labels"][VISIBILITY] = "cluster-local"
    world.create(hidden, made)
    outcome = world.reconcile(made)
    urls = {entry.get("tag", ""): entry.get("url") for entry in outcome.status["traffic"]}
    assert urls["a"] == "http://a-hello.default.svc.cluster.local"
    assert urls["b"] == "http://b-hello.default.localhost"
    assert outcome.status["url"] == "http://hello.default.localhost"
    assert child(outcome, "Service", "a-hello")["metadata"]["labels"][VISIBILITY] == "cluster-local"
    hosts = [host for rule in child(outcome, INGRESS)["spec"]["rules"] for host in rule["hosts"]]
    assert "b-hello.default.localhost" in hosts
    assert "a-hello.default.localhost" not in hosts


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Ingress", 'There is an existing Ingress "hello" that we do not own.'),
        ("Service", 'There is an existing placeholder Service "hello" that we do not own.'),
    ],
)
def test_a_stranger_with_the_name_of_a_child_is_told(kind: str, text: str) -> None:
    world = World()
    configuration(world, "hello-00001")
    made = route(world)
    world.create(child(world.reconcile(made), kind))
    assert said(world.reconcile(made), "IngressReady") == ("False", "NotOwned", text)


def test_an_annotation_with_another_protocol_leaves_the_ingress_as_it_is() -> None:
    world = World()
    configuration(world, "hello-00001")
    outcome = world.reconcile(route(world, annotations={"networking.knative.dev/http-protocol": "gopher"}))
    assert said(outcome, "IngressReady")[1] == "IngressNotConfigured"
    assert [note.reason for note in outcome.notes] == ["InternalError"]
    assert [made["kind"] for made in outcome.children] == ["Service"]


@pytest.mark.looptime
async def test_a_rollout_goes_its_steps_by_itself_and_says_so_meanwhile() -> None:
    world = World()
    world.store.clock = LoopClock(NOW)
    configuration(world, "hello-00001")
    reconcilers = {kind: world.reconcilers[kind] for kind in (ROUTE, INGRESS)}
    controller = Controller(world.store, reconcilers, Recorder(world.store, KUBE_EVENT), Addresses())
    made = route(world, annotations={ROLLOUT_DURATION: "5s"})
    controller.settle()

    def shares() -> dict[str, int]:
        traffic = world.store.get(ROUTE, made.name, "default").status["traffic"]
        return {entry["revisionName"]: entry["percent"] for entry in traffic}

    def ingress_ready() -> tuple[str, str]:
        condition = world.store.get(ROUTE, made.name, "default").condition("IngressReady")
        return condition["status"], condition.get("reason", "")

    assert (shares(), ingress_ready()) == ({"hello-00001": 100}, ("True", ""))
    revision(world, "hello-00002")
    world.ready(world.store.get(CONFIGURATION, "hello", "default"), latestReadyRevisionName="hello-00002")
    seen = []
    for _ in range(5):
        controller.settle()
        seen.append(shares())
        rules = world.store.get(INGRESS, "hello", "default").obj["spec"]["rules"]
        splits = rules[0]["http"]["paths"][0]["splits"]
        assert seen[-1] == {split["serviceName"]: split["percent"] for split in splits}
        if len(seen) < 5:
            assert ingress_ready() == ("Unknown", "RolloutInProgress")
        await asyncio.sleep(1.001)
    assert seen == [{"hello-00001": 100 - n, "hello-00002": n} for n in (1, 26, 51, 76)] + [{"hello-00002": 100}]
    assert ingress_ready() == ("True", "")
