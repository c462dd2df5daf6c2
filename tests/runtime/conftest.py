"""A `runtime` of each kind there is, connected, for an instance of its own that is swept when the test ends."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import docker
import pytest

from emulator.runtime.base import ContainerSpec, Runtime
from emulator.runtime.docker import DockerRuntime

Make = Callable[[str], Runtime]

RUNTIMES: dict[str, Make] = {"docker": DockerRuntime}
"""Every implementation, made for an instance: what `test_contract*.py` asks of one, it asks of all."""

SpecOf = Callable[..., ContainerSpec]


@pytest.fixture(params=RUNTIMES.values(), ids=list(RUNTIMES))
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a runtime of one kind for an instance, not connected."""
    return cast(Make, request.param)


@pytest.fixture
async def runtime(make: Make, engine: docker.DockerClient, images: None) -> AsyncIterator[Runtime]:
    """A runtime that is connected."""
    runtime = make(f"test-{secrets.token_hex(4)}")
    await runtime.connect()
    yield runtime
    await runtime.sweep()
    await runtime.remove_kept()
    await runtime.close()


@pytest.fixture
async def neighbour(make: Make, engine: docker.DockerClient, images: None) -> AsyncIterator[Runtime]:
    """Another instance's runtime, connected to the same engine."""
    neighbour = make(f"test-{secrets.token_hex(4)}")
    await neighbour.connect()
    yield neighbour
    await neighbour.sweep()
    await neighbour.close()


@pytest.fixture
def spec(runtime: Runtime, engine_labels: dict[str, str]) -> SpecOf:
    """Makes specs of the scriptable image, with names that nobody else uses."""

    def make_spec(name: str = "one", **fields: Any) -> ContainerSpec:
        labels = {**engine_labels, **fields.pop("labels", {})}
        given = {"image": "kemu.test/scriptable", **fields}
        return ContainerSpec(name=f"{runtime.instance}-{name}", labels=labels, **given)

    return make_spec
