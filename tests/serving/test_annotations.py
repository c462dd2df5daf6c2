"""Rules for metadata of Services, Configurations, Routes and templates (serving §1.4, 2.2)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Kind
from emulator.serving.annotations import CREATOR, IDLE, LAST_MODIFIER, PROGRESS_DEADLINE, ROLLOUT_DURATION
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE
from tests.world import World, obj

POD = {"containers": [{"image": "app"}]}
SPEC = {"template": {"spec": POD}}
TEMPLATE = {"metadata": {"annotations": {IDLE: "frozen"}}, "spec": POD}
TRAFFIC = {"traffic": [{"configurationName": "c", "percent": 100}]}
AT = "metadata.annotations"
MIN = "autoscaling.knative.dev/min-scale"


def service(name: str = "hello", **metadata: Any) -> dict[str, Any]:
    return obj(SERVICE, name, SPEC, **metadata)


@pytest.mark.parametrize("name", ["1a", "A", "a.b", "a" * 64])
def test_a_name_is_a_dns_1035_label(name: str) -> None:
    text = World().refusal(service(name))
    assert text.startswith("not a DNS 1035 label: [")
    assert text.endswith("]: metadata.name")


def test_a_generated_name_is_judged_by_what_it_begins_with() -> None:
    made = {"metadata": {"generateName": "hello-", "namespace": "default"}}
    assert World().refusal({**service(), **made}) == ""
    text = World().refusal({**service(), "metadata": {"generateName": "Hello-"}})
    assert text.startswith("not a DNS 1035 label prefix: [a DNS-1035 label must")
    assert text.endswith("]: metadata.generateName")


@pytest.mark.parametrize(
    "made", [service(annotations={MIN: "1"}), obj(CONFIGURATION, "c", SPEC, annotations={MIN: "1"})]
)
def test_autoscaling_annotations_belong_to_the_template(made: dict[str, Any]) -> None:
    assert World().refusal(made) == (
        f'invalid key name "{MIN}": {AT}\nautoscaling annotations must be put under '
        '"spec.template.metadata.annotations" to work'
    )


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (ROLLOUT_DURATION, "120s", ""),
        (ROLLOUT_DURATION, "", ""),
        (ROLLOUT_DURATION, "soon", "invalid value: soon"),
        (ROLLOUT_DURATION, "1500ms", "rollout-duration=1500ms is not at second precision"),
        (ROLLOUT_DURATION, "-5s", "rollout-duration=-5s must be positive"),
    ],
)
def test_a_rollouts_duration(key: str, value: str, text: str) -> None:
    expected = f"{text}: {AT}.{key}" if text else ""
    assert World().refusal(service(annotations={key: value})) == expected
    assert World().refusal(obj(ROUTE, "r", TRAFFIC, annotations={key: value})) == expected


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (PROGRESS_DEADLINE, "30s", ""),
        (PROGRESS_DEADLINE, "x", f"invalid value: x: spec.template.{AT}.{PROGRESS_DEADLINE}"),
        (
            PROGRESS_DEADLINE,
            "1500ms",
            f"progress-deadline=1500ms is not at second precision: spec.template.{AT}.{PROGRESS_DEADLINE}",
        ),
        ("networking.knative.dev/ingress-class", "x", ""),
        (
            "networking.knative.dev/ingres-class",
            "x",
            f'invalid key name "networking.knative.dev/ingres-class": spec.template.{AT}',
        ),
        (MIN, "-1", f"expected 0 <= -1 <= 2147483647: spec.template.{AT}.{MIN}"),
        ("queue.sidecar.serving.knative.dev/cpu-resource-limit", "1", ""),
    ],
)
def test_a_templates_annotation(key: str, value: str, text: str) -> None:
    spec = {"template": {"metadata": {"annotations": {key: value}}, "spec": POD}}
    assert World().refusal(obj(SERVICE, "hello", spec)) == text


@pytest.mark.parametrize(
    "where", [{"metadata": {"name": "hello", "annotations": {IDLE: "frozen"}}}, {"spec": {"template": TEMPLATE}}]
)
def test_an_idle_replica_is_stopped_or_frozen_and_nothing_else(where: dict[str, Any]) -> None:
    text = World().refusal({**service(), **where})
    assert text.startswith("invalid value: frozen: ")
    assert text.endswith(f"{AT}.{IDLE}")


def test_a_visibility_that_is_unknown_is_taken() -> None:
    assert World().refusal(service(labels={"networking.knative.dev/visibility": "odd"})) == ""


@pytest.mark.parametrize(
    ("made", "label", "owners"),
    [
        (obj(CONFIGURATION, "c", SPEC), "service", SERVICE),
        (obj(ROUTE, "r", TRAFFIC), "service", SERVICE),
        (obj(REVISION, "r", POD), "configuration", CONFIGURATION),
    ],
)
def test_a_label_that_names_an_owner_needs_that_owner(made: dict[str, Any], label: str, owners: Kind[Any]) -> None:
    key = f"serving.knative.dev/{label}"
    labelled = {**made, "metadata": {**made["metadata"], "labels": {key: "hello"}}}
    assert World().refusal(labelled) == f"missing field(s): metadata.labels.{key}"
    world = World()
    owner = world.create(obj(owners, "hello", SPEC))
    owned = {**labelled["metadata"], "ownerReferences": [owner.owner_reference()]}
    assert world.refusal({**labelled, "metadata": owned}) == ""


def test_who_made_it_and_who_changed_its_spec_last_is_noted() -> None:
    world = World()
    made = world.create(service(), user="ann")
    assert (made.annotations[CREATOR], made.annotations[LAST_MODIFIER]) == ("ann", "ann")
    again = world.store.update(service(labels={"a": "b"}), "bob")
    assert again.annotations[LAST_MODIFIER] == "ann"
    changed = world.store.update(obj(SERVICE, "hello", {**SPEC, "traffic": [{"percent": 100, "tag": "t"}]}), "bob")
    assert (changed.annotations[CREATOR], changed.annotations[LAST_MODIFIER]) == ("ann", "bob")


def test_the_same_document_from_somebody_else_changes_nothing() -> None:
    world = World()
    made = world.create(service(), user="ann")
    assert world.store.update(service(), "bob") is made


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (CREATOR, f"annotation value is immutable: {AT}.{CREATOR}"),
        (LAST_MODIFIER, f"invalid value: eve: {AT}.{LAST_MODIFIER}"),
    ],
)
def test_neither_can_be_forged(key: str, text: str) -> None:
    world = World()
    world.create(service(), user="ann")
    assert world.refusal(service(annotations={key: "eve"})) == text


def test_what_is_owned_is_signed_by_nobody() -> None:
    world = World()
    owner = world.create(service())
    assert CREATOR not in world.create(obj(CONFIGURATION, "hello", SPEC), owner).annotations
