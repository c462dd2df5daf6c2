"""Python's client of the API (`kubernetes`): lists, watches that go on, patches, custom objects.

Its exec and port-forward are in test_streams.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.manifests import config_map, service

kubernetes = pytest.importorskip("kubernetes")
PACKAGE = "kubernetes"
SERVING = ("serving.knative.dev", "v1")
WITHIN_S = 30

pytestmark = pytest.mark.engine


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    """A client of the API, closed after the test."""
    with kubernetes.config.new_client_from_config(str(kubeconfig)) as client:
        yield client


@pytest.fixture
def core(api: Any) -> Any:
    return kubernetes.client.CoreV1Api(api)


@pytest.fixture
def custom(api: Any) -> Any:
    return kubernetes.client.CustomObjectsApi(api)


def test_list(core: Any, space: str) -> None:
    for name in ("a", "b", "c"):
        core.create_namespaced_config_map(space, config_map(name, key=name))
    page = core.list_namespaced_config_map(space, limit=2)
    assert [each.metadata.name for each in page.items] == ["a", "b"]
    assert page.metadata.remaining_item_count == 1
    rest = core.list_namespaced_config_map(space, limit=2, _continue=page.metadata._continue)
    assert [(each.metadata.name, each.data) for each in rest.items] == [("c", {"key": "c"})]
    assert space in [each.metadata.name for each in core.list_namespace().items]
    with pytest.raises(kubernetes.client.ApiException) as failed:
        core.read_namespaced_config_map("d", space)
    assert (failed.value.status, failed.value.reason) == (404, "Not Found")


def test_watch(core: Any, space: str) -> None:
    core.create_namespaced_config_map(space, config_map("before"))
    before = core.list_namespaced_config_map(space).metadata.resource_version
    core.create_namespaced_config_map(space, config_map("between"))
    core.delete_namespaced_config_map("before", space)
    watch, seen = kubernetes.watch.Watch(), []
    later = threading.Timer(0.1, core.create_namespaced_config_map, (space, config_map("later")))
    later.start()
    listing = core.list_namespaced_config_map
    for event in watch.stream(listing, space, resource_version=before, timeout_seconds=WITHIN_S):
        seen.append((event["type"], event["object"].metadata.name))
        if seen[-1][1] == "later":
            watch.stop()
    later.join()
    assert seen == [("ADDED", "between"), ("DELETED", "before"), ("ADDED", "later")]
    with pytest.raises(kubernetes.client.ApiException) as failed:
        next(kubernetes.watch.Watch().stream(listing, space, resource_version="1", timeout_seconds=WITHIN_S))
    assert failed.value.status == 410


def test_patch(core: Any, api: Any, space: str) -> None:
    """A dictionary is a strategic merge of a core object, a list a JSON patch; apply is named."""
    core.create_namespaced_config_map(space, config_map("map", a="1", b="2"))
    assert core.patch_namespaced_config_map("map", space, {"data": {"a": None, "c": "3"}}).data == {"b": "2", "c": "3"}
    steps = [{"op": "replace", "path": "/data/b", "value": "4"}, {"op": "remove", "path": "/data/c"}]
    assert core.patch_namespaced_config_map("map", space, steps).data == {"b": "4"}
    applied = core.patch_namespaced_config_map(
        "map", space, config_map("map", d="5"), field_manager="me", _content_type="application/apply-patch+yaml"
    )
    assert applied.data == {"b": "4", "d": "5"}
    assert "me" in [each.manager for each in applied.metadata.managed_fields]


def test_custom_objects(custom: Any, space: str) -> None:
    services = (*SERVING, space, "services")
    custom.create_namespaced_custom_object(*services, service("hello", tier="web"))
    selected = {"field_selector": "metadata.name=hello", "timeout_seconds": WITHIN_S}
    for event in kubernetes.watch.Watch().stream(custom.list_namespaced_custom_object, *services, **selected):
        conditions = {each["type"]: each["status"] for each in event["object"]["status"].get("conditions", ())}
        if conditions.get("Ready") == "True":
            break
    assert conditions["Ready"] == "True"
    merged = custom.patch_namespaced_custom_object(
        *services, "hello", {"metadata": {"labels": {"tier": None, "a": "b"}}}
    )
    assert merged["metadata"]["labels"] == {"a": "b"}
    found = custom.list_cluster_custom_object(*SERVING, "services", label_selector="a=b")
    assert [each["metadata"]["name"] for each in found["items"]] == ["hello"]
    read = custom.get_namespaced_custom_object(*services, "hello")
    read["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "b"
    assert custom.replace_namespaced_custom_object(*services, "hello", read)["metadata"]["generation"] == 2
    with pytest.raises(kubernetes.client.ApiException) as failed:
        custom.replace_namespaced_custom_object(*services, "hello", read)
    assert failed.value.status == 409
    custom.delete_namespaced_custom_object(*services, "hello")


def test_dynamic_client(api: Any, space: str) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(api)
    services = dynamic.resources.get(api_version="serving.knative.dev/v1", kind="Service")
    services.create(body=service("hello"), namespace=space)
    assert [each.metadata.name for each in services.get(namespace=space).items] == ["hello"]
    applied = dynamic.server_side_apply(
        services, service("hello", "b"), "hello", space, field_manager="me", force_conflicts=True
    )
    assert applied.spec.template.spec.containers[0].env[0].value == "b"
    services.delete(name="hello", namespace=space)
