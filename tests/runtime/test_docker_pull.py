"""Images from a registry: with the credentials that are given, and with those that the docker client keeps."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from emulator.runtime.base import Credential
from emulator.runtime.docker_pull import pull_image
from emulator.runtime.errors import ImageMissing
from tests.runtime.registry import Registry

pytestmark = pytest.mark.engine

ME = Credential("me", "s3cret")


@pytest.fixture
def registry(engine: docker.DockerClient) -> Iterator[Registry]:
    """One that knows `me` only; the images that were pulled from it are removed."""
    with Registry(me="s3cret") as registry:
        yield registry
        for image in engine.images.list():
            for tag in image.tags:
                if tag.startswith(registry.host):
                    engine.images.remove(tag)


@pytest.fixture
def client_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The docker client's config.json, empty."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    path = tmp_path / "config.json"
    path.write_text("{}")
    return path


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential helper `kemu-test` on the PATH that says what ME has."""
    program = folder / "docker-credential-kemu-test"
    said = json.dumps({"ServerURL": "x", "Username": ME.user, "Secret": ME.password})
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def pulled(engine: docker.DockerClient, registry: Registry, *credentials: Credential) -> str | None:
    return pull_image(engine.api, registry.ref("app"), lambda progress: None, credentials).digest


def test_the_first_credential_that_the_registry_knows_counts(
    engine: docker.DockerClient, registry: Registry, client_config: Path
) -> None:
    assert pulled(engine, registry, Credential("other", "x"), ME) == registry.digest
    assert registry.shown[0] == "other"
    assert registry.shown[-1] == "me"


def test_without_any_the_registrys_refusal_is_told(
    engine: docker.DockerClient, registry: Registry, client_config: Path
) -> None:
    with pytest.raises(ImageMissing, match=r"(?s)basic auth.*docker login"):
        pulled(engine, registry)


def test_a_docker_login_counts_at_once(engine: docker.DockerClient, registry: Registry, client_config: Path) -> None:
    with pytest.raises(ImageMissing):
        pulled(engine, registry)
    auth = base64.b64encode(f"{ME.user}:{ME.password}".encode()).decode()
    client_config.write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    assert pulled(engine, registry) == registry.digest


@pytest.mark.parametrize("which", ["credsStore", "credHelpers"])
def test_the_docker_clients_helpers_are_asked(
    engine: docker.DockerClient,
    registry: Registry,
    client_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
) -> None:
    helper(client_config.parent, monkeypatch)
    name: object = "kemu-test" if which == "credsStore" else {registry.host: "kemu-test"}
    client_config.write_text(json.dumps({which: name}))
    assert pulled(engine, registry) == registry.digest


@pytest.mark.filterwarnings("ignore:.*not installed or not available in PATH")
def test_a_helper_that_is_not_there_is_told_where_it_was_needed_and_else_ignored(
    engine: docker.DockerClient, registry: Registry, client_config: Path
) -> None:
    client_config.write_text(json.dumps({"credsStore": "no-such-helper"}))
    with pytest.raises(ImageMissing, match=r"credentials for .* cannot be read: .*no-such-helper"):
        pulled(engine, registry)
    registry.users = {}
    assert pulled(engine, registry) == registry.digest
