"""Discovery: which groups, versions and resources there are."""

from __future__ import annotations

import pytest

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


def test_everything_comes_at_once_in_the_aggregated_form() -> None:
    registry = Registry(KINDS)
    core, others = discovery.aggregated_core(registry, "v2"), discovery.aggregated_groups(registry, "v2")
    assert [item["metadata"].get("name", "") for item in core["items"]] == [""]
    serving = next(item for item in others["items"] if item["metadata"]["name"] == "serving.knative.dev")
    services = next(r for r in serving["versions"][0]["resources"] if r["resource"] == "services")
    assert (services["responseKind"]["kind"], services["shortNames"]) == ("Service", ["kservice", "ksvc"])
    assert [part["subresource"] for part in services["subresources"]] == ["status"]


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", "v2"),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", "v2beta1"),
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer", "v2"),
        ("application/json", None),
        ("", None),
        ("application/json, application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", None),
    ],
)
def test_the_form_asked_for_first_counts(accept: str, version: str | None) -> None:
    assert discovery.aggregated_version(accept) == version


def test_reviews_are_listed_though_nothing_of_them_is_stored() -> None:
    found = discovery.resources(Registry(KINDS), "authorization.k8s.io", "v1")["resources"]
    assert [entry["kind"] for entry in found][:2] == ["SelfSubjectAccessReview", "SelfSubjectRulesReview"]
