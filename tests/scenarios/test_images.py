"""Images of a registry that wants to know who pulls, and images that are not to be pulled."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.registry import Registry
from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine


@pytest.fixture
def registry(kemu: Kemu) -> Iterator[Registry]:
    """It knows `me`; what was pulled from it is removed."""
    with Registry(me="s3cret") as registry:
        yield registry
        for image in kemu.engine.images.list():
            if any(tag.startswith(registry.host) for tag in image.tags):
                kemu.engine.images.remove(str(image.id), force=True)


def revision(kemu: Kemu) -> dict[str, Any]:
    found = kemu.objects("revisions")
    return dict(found[0].get("status", {})) if found else {}


@pytest.mark.parametrize("by", ["the Service", "its ServiceAccount"])
def test_a_registry_is_shown_the_pull_secret(kemu: Kemu, registry: Registry, by: str) -> None:
    auth = base64.b64encode(b"me:s3cret").decode()
    config = json.dumps({"auths": {registry.host: {"auth": auth}}})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": config},
    }
    secrets = {"imagePullSecrets": [{"name": "pull"}]}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}, **secrets}
    spec = secrets if by == "the Service" else {}
    texts = [json.dumps(secret), service("private", image=registry.ref("app"), spec=spec)]
    if by != "the Service":
        texts.insert(0, json.dumps(account))
    kemu.write("all.yaml", "\n---\n".join(texts))
    kemu.up()
    statuses = eventually(lambda: revision(kemu).get("containerStatuses"), "the image's digest is known")
    assert statuses[0]["imageDigest"] == f"{registry.host}/app@{registry.digest}"
    assert set(registry.shown) == {"me"}
    assert not any("s3cret" in json.dumps(line) for line in kemu.log())


def test_a_registry_that_is_shown_nothing_says_why_and_which_secret_is_not_there(
    kemu: Kemu, registry: Registry
) -> None:
    secrets = {"imagePullSecrets": [{"name": "pull"}]}
    kemu.write("all.yaml", service("private", image=registry.ref("app"), spec=secrets))
    kemu.up()
    said = kemu.said("is missing")
    assert "basic auth" in said
    assert 'imagePullSecrets: secret "pull" not found in namespace "default"' in said
    assert "docker login" in said


def test_an_image_that_is_not_to_be_pulled_is_told_as_such(kemu: Kemu, registry: Registry) -> None:
    kemu.write("all.yaml", service("local", container={"image": registry.ref("app"), "imagePullPolicy": "Never"}))
    kemu.up()
    kemu.said("is not present with pull policy of Never")
    assert registry.shown == []
