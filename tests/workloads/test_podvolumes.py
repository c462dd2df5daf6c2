"""The volumes of a Pod follow what they are made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from emulator.lib.tasks import Tasks
from emulator.workloads.hostpaths import HostPaths
from emulator.workloads.podvolumes import PodVolumes
from tests.workloads.pods import Configs, pod

WITHIN_S = 10.0


class Changing(Configs):
    """`data` is the ConfigMap `settings`; None when it has gone."""

    data: dict[str, str] | None = None

    def config_map(self, name: str) -> Mapping[str, str] | None:
        return self.data


async def until(file: Path, text: str) -> None:
    def wait() -> None:
        deadline = time.monotonic() + WITHIN_S
        while not (file.exists() and file.read_text() == text):
            assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {file} has {text}"
            time.sleep(0.005)

    await asyncio.to_thread(wait)


@pytest.mark.parametrize("again", [False, True], ids=["once", "after it had gone"])
async def test_a_config_map_that_changes_is_in_the_volume_soon(tmp_path: Path, again: bool) -> None:
    configs = Changing()
    configs.data = {"level": "1"}
    volume = {"name": "v", "configMap": {"name": "settings"}}
    made = pod({"volumes": [volume]}, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    volumes = PodVolumes(lambda: made, configs, tmp_path, HostPaths(False))
    async with Tasks() as tasks:
        tasks.spawn(volumes.follow(), "volumes")
        (mount,) = await volumes.mounts(made.spec.containers[0], {})
        assert (mount.source, mount.read_only) == (str(tmp_path / "v"), True)
        before = (tmp_path / "v" / "..data").readlink()
        assert (tmp_path / "v" / "level").read_text() == "1"
        await volumes.mounts(made.spec.containers[0], {})
        assert (tmp_path / "v" / "..data").readlink() == before, "what has not changed is not written again"
        if again:
            configs.data = None
            volumes.renew()
            await asyncio.sleep(0)
        configs.data = {"level": "2", "more": "x"}
        volumes.renew()
        await until(tmp_path / "v" / "more", "x")
        assert (tmp_path / "v" / "level").read_text() == "2"
    assert await volumes.remove() == []
    assert not (tmp_path / "v").exists()
