"""Kinds: defaults, names given to Revisions, what cannot change, columns (serving §1.1, 1.6, 1.7, 1.10, 2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Kind
from emulator.serving.annotations import NAMESPACE
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE
from emulator.serving.podautoscalers import POD_AUTOSCALER
from tests.world import World, obj

POD = {"containers": [{"image": "app"}]}
NAME = "spec.template.metadata.name"


def service(given: str = "", image: str = "app", **more: Any) -> dict[str, Any]:
    metadata = {"metadata": {"name": given}} if given else {}
    return obj(SERVICE, "hello", {"template": {**metadata, "spec": {"containers": [{"image": image}]}}, **more})


def test_a_minimal_service_is_completed_as_on_a_cluster() -> None:
    made = World().create(service())
    assert made.obj["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]
    assert made.obj["spec"]["template"]["spec"]["containers"][0]["name"] == "user-container"
    assert made.obj["spec"]["template"]["metadata"] == {}


def test_the_defaults_of_the_cluster_are_filled_in() -> None:
    world = World()
    world.config("config-defaults", NAMESPACE, {"revision-timeout-seconds": "60"})
    for kind in (SERVICE, CONFIGURATION):
        made = world.create(obj(kind, "hello", {"template": {"spec": POD}}))
        assert made.obj["spec"]["template"]["spec"]["timeoutSeconds"] == 60
    assert world.create(obj(REVISION, "hello-1", POD)).obj["spec"]["timeoutSeconds"] == 60


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hello-v1", ""),
        ("other-v1", f'invalid value: "other-v1" must have prefix "hello-": {NAME}'),
        ("hello", f'invalid value: "hello" must have prefix "hello-": {NAME}'),
    ],
)
def test_a_given_name_begins_with_the_services(name: str, text: str) -> None:
    assert World().refusal(service(name)) == text


def test_a_given_name_is_first_of_all_a_dns_label() -> None:
    text = World().refusal(service("Other.1"))
    assert text.startswith("invalid value: not a DNS 1035 label: [")
    assert text.endswith(f"]: {NAME}")


def test_a_service_of_a_generated_name_gives_none_at_first() -> None:
    made = {**service("hello-v1"), "metadata": {"generateName": "hello-"}}
    assert World().refusal(made) == f"must not set the field(s): {NAME}"


@pytest.mark.parametrize("kind", [SERVICE, CONFIGURATION])
def test_another_template_needs_another_name(kind: Kind[Any]) -> None:
    def made(name: str, image: str) -> dict[str, Any]:
        pod = {"containers": [{"image": image}]}
        return obj(kind, "hello", {"template": {"metadata": {"name": name}, "spec": pod}})

    world = World()
    world.create(made("hello-v1", "app"))
    said, *differences = world.refusal(made("hello-v1", "app:2")).splitlines()
    assert said == f"Saw the following changes without a name change (-old +new): {NAME}"
    assert "".join(differences) == '{.spec.template.spec.containers[0].image}:\t-: "app"\t+: "app:2"'
    assert world.refusal(made("hello-v2", "app:2")) == ""


def test_new_defaults_make_no_other_template_of_one_whose_name_stays() -> None:
    world = World()
    world.create(service("hello-v1"))
    world.config("config-defaults", NAMESPACE, {"revision-timeout-seconds": "60"})
    before = world.store.get(SERVICE, "hello", "default")
    assert world.refusal(before.obj) == ""


def test_a_document_with_a_given_name_may_change_its_traffic_alone() -> None:
    world = World()
    made = world.create(service("hello-v1"))
    changed = world.store.update(service("hello-v1", traffic=[{"percent": 100, "tag": "t"}]))
    assert changed.obj["spec"]["template"] == made.obj["spec"]["template"]


def test_a_revisions_spec_cannot_change_but_its_annotations_can() -> None:
    world = World()
    made = world.create(obj(REVISION, "hello-1", POD))
    changed = {**made.obj["spec"], "timeoutSeconds": 5}
    text = world.refusal({**made.obj, "spec": changed})
    assert text.splitlines() == [
        "Immutable fields changed (-old +new): spec",
        "{.spec.timeoutSeconds}:",
        "\t-: 300",
        "\t+: 5",
    ]
    key = "autoscaling.knative.dev/min-scale"
    named = {"name": "hello-1", "namespace": "default"}
    for value, said in (("1", ""), ("x", f"invalid value: x: metadata.annotations.{key}")):
        assert world.refusal({**made.obj, "metadata": {**named, "annotations": {key: value}}}) == said


def test_only_the_spec_counts_for_a_generation() -> None:
    world = World()
    made = world.create(service())
    assert world.store.update({**made.obj, "metadata": {**made.metadata, "labels": {"a": "b"}}}).generation == 1
    assert world.store.update(service(traffic=[{"percent": 100, "tag": "t"}])).generation == 2


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (SERVICE, ["URL", "LatestCreated", "LatestReady", "Ready", "Reason"]),
        (CONFIGURATION, ["LatestCreated", "LatestReady", "Ready", "Reason"]),
        (REVISION, ["Config Name", "Generation", "Ready", "Reason", "Actual Replicas", "Desired Replicas"]),
        (ROUTE, ["URL", "Ready", "Reason"]),
        (POD_AUTOSCALER, ["DesiredScale", "ActualScale", "Ready", "Reason"]),
    ],
)
def test_columns(kind: Kind[Any], columns: list[str]) -> None:
    assert [column.name for column in kind.columns] == columns
    assert ("all" in kind.categories) == (kind is not POD_AUTOSCALER)  # which is shown to who asks for it only


def test_cells_read_the_status() -> None:
    world = World()
    made = world.ready(world.create(service()), "False", "RevisionMissing", url="http://a", latestReadyRevisionName="x")
    assert [column.cell(made) for column in SERVICE.columns] == ["http://a", "", "x", "False", "RevisionMissing"]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ksvc", SERVICE),
        ("kservice", SERVICE),
        ("cfg", CONFIGURATION),
        ("config", CONFIGURATION),
        ("rev", REVISION),
        ("rt", ROUTE),
        ("kpa", POD_AUTOSCALER),
        ("services.serving.knative.dev", SERVICE),
    ],
)
def test_short_names(word: str, kind: Kind[Any]) -> None:
    assert World().store.registry.named(word) == [kind]
