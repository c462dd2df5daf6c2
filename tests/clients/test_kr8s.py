"""kr8s, a client of the API for scripts: a Service is created, waited for, listed and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients.manifests import service

kr8s = pytest.importorskip("kr8s")
PACKAGE = "kr8s"

pytestmark = pytest.mark.engine


@pytest.fixture
def api(kubeconfig: Path) -> Any:
    return kr8s.api(kubeconfig=str(kubeconfig))


@pytest.fixture
def hello(api: Any, space: str) -> Any:
    """A Service `hello` that was just created."""
    kind = kr8s.objects.new_class("Service", "serving.knative.dev/v1", namespaced=True, plural="services")
    body = service("hello", tier="web")
    body["metadata"]["namespace"] = space
    created = kind(body, api=api)
    created.create()
    return created


def test_wait(hello: Any) -> None:
    hello.wait("condition=Ready", timeout=30)
    assert hello.status.latestReadyRevisionName == "hello-00001"


def test_list(api: Any, hello: Any, space: str) -> None:
    found = list(api.get("services.serving.knative.dev", namespace=space, label_selector={"tier": "web"}))
    assert [each.name for each in found] == ["hello"]
    assert "serving.knative.dev/v1" in {each["version"] for each in api.api_resources()}


def test_patch(hello: Any) -> None:
    hello.label(more="yes")
    assert hello.labels["more"] == "yes"
    hello.annotate({"example.org/a": "b"})
    hello.refresh()
    assert hello.annotations["example.org/a"] == "b"


def test_delete(hello: Any) -> None:
    assert hello.exists()
    hello.delete()
    hello.wait("delete", timeout=30)
    assert not hello.exists()
