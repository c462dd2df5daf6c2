"""The operator's kinds: their configuration counts, the rest is taken as done."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.workloads.operators import KNATIVE_SERVING, VERSION, config_maps, reconcile
from tests.world import World, obj, said


def operator(world: World, **spec: Any) -> Any:
    return world.create(obj(KNATIVE_SERVING, "knative-serving", spec))


@pytest.mark.parametrize("name", ["autoscaler", "config-autoscaler"])
def test_a_config_map_is_made_of_each_entry_under_either_name(name: str) -> None:
    (made,) = config_maps(operator(World(), config={name: {"stable-window": "30s"}}))
    assert made["metadata"] == {"name": "config-autoscaler", "namespace": "default"}
    assert made["data"] == {"stable-window": "30s"}


def test_what_describes_an_installation_is_kept_and_has_no_effect() -> None:
    made = operator(World(), ingress={"kourier": {"enabled": True}}, version="1.17")
    assert made.obj["spec"]["ingress"] == {"kourier": {"enabled": True}}
    assert config_maps(made) == []


def test_it_counts_as_installed() -> None:
    world = World()
    outcome = reconcile(operator(world, config={"features": {"a": "b"}}), world.view())
    assert said(outcome)[0] == "True"
    assert outcome.status == {"version": VERSION}
    assert [child["metadata"]["name"] for child in outcome.children] == ["config-features"]


def test_the_older_version_is_served_too() -> None:
    world = World()
    made = world.create({**obj(KNATIVE_SERVING, "old", {}), "apiVersion": "operator.knative.dev/v1alpha1"})
    assert made.kind is KNATIVE_SERVING
