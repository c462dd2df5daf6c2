"""Discovery: which groups, versions and resources there are."""

from __future__ import annotations

from emulator.app import KINDS
from emulator.kubeapi import discovery
from emulator.objects.kind import Registry


def test_every_group_is_listed_once_with_its_preferred_version() -> None:
    groups = discovery.groups(Registry(KINDS))["groups"]
    names = [group["name"] for group in groups]
    assert len(names) == len(set(names))
    serving = next(group for group in groups if group["name"] == "serving.knative.dev")
    assert serving["preferredVersion"] == {"groupVersion": "serving.knative.dev/v1", "version": "v1"}
    assert "" not in names


def test_a_resource_has_its_short_names_and_its_parts() -> None:
    found = {entry["name"]: entry for entry in discovery.resources(Registry(KINDS), "", "v1")["resources"]}
    assert found["pods"]["shortNames"] == ["po"]
    assert (found["namespaces"]["namespaced"], found["pods"]["namespaced"]) == (False, True)
    assert found["pods/log"]["verbs"] == ["get"]
    assert found["pods/status"]["kind"] == "Pod"


def test_an_older_version_that_is_also_served_lists_its_kinds() -> None:
    found = discovery.resources(Registry(KINDS), "operator.knative.dev", "v1alpha1")
    assert found["groupVersion"] == "operator.knative.dev/v1alpha1"
    assert "knativeservings" in [entry["name"] for entry in found["resources"]]
