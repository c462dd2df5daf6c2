"""Gives scenarios a `kemu`: its own data directory and manifests, gone without a trace afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.scenarios.harness import Kemu


@pytest.fixture
def kemu(tmp_path: Path, engine: docker.DockerClient, images: None) -> Iterator[Kemu]:
    kemu = Kemu(tmp_path, engine)
    yield kemu
    kemu.clean()
