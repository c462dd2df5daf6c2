"""One kemu for all these tests."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests.contract.cluster import Cluster
from tests.scenarios.harness import Kemu


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None) -> Iterator[Cluster]:
    """A `kemu up` without manifests, under the domain that Knative's suites ask for."""
    kemu = Kemu(tmp_path_factory.mktemp("contract"), engine)
    try:
        kemu.up("--domain", "example.com")
        yield Cluster(kemu)
        kemu.stop()
    finally:
        kemu.clean()
