"""Volumes: what they consist of, where they are mounted, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.base import Mount
from emulator.workloads import volumes
from emulator.workloads.environment import ConfigFault
from emulator.workloads.volumes import File, VolumePlan
from tests.workloads.pods import Configs, pod

NAME = {"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}


def planned(**source: Any) -> VolumePlan:
    (found,) = volumes.plan(pod({"volumes": [{"name": "v", **source}]}), Configs())
    return found


@pytest.mark.parametrize(
    ("source", "files"),
    [
        pytest.param(
            {"configMap": {"name": "settings"}},
            (File("LEVEL", "7"), File("FILE", "text")),
            id="all keys",
        ),
        pytest.param(
            {"configMap": {"name": "settings", "defaultMode": 0o600, "items": [{"key": "FILE", "path": "a/b"}]}},
            (File("a/b", "text", 0o600),),
            id="a chosen key",
        ),
        pytest.param(
            {"secret": {"secretName": "keys", "items": [{"key": "TOKEN", "path": "t", "mode": 0o400}]}},
            (File("t", "s3cret", 0o400),),
            id="a Secret with a mode",
        ),
        pytest.param({"configMap": {"name": "no", "optional": True}}, (), id="an optional one that is not there"),
        pytest.param(
            {"projected": {"sources": [{"secret": {"name": "keys"}}, {"serviceAccountToken": {"path": "t"}}]}},
            (File("TOKEN", "s3cret"),),
            id="projected",
        ),
        pytest.param(
            {
                "downwardAPI": {
                    "defaultMode": 0o440,
                    "items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}],
                }
            },
            (File("n", "p", 0o440),),
            id="the Pod's own fields, with the volume's mode",
        ),
    ],
)
def test_a_volume_of_files_says_which(source: dict[str, Any], files: tuple[File, ...]) -> None:
    assert planned(**source).files == files


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "K", "path": "k"}]}},
            'secret "keys" references non-existent config key: K',
        ),
    ],
)
def test_what_is_not_there_is_a_fault(source: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigFault, match=text):
        planned(**source)


def test_empty_volumes_and_folders_are_mounted_in_their_own_ways(tmp_path: Path) -> None:
    sources = [
        {"name": "disk", "emptyDir": {}},
        {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "host", "hostPath": {"path": "/srv"}},
        {"name": "files", "configMap": {"name": "settings"}},
    ]
    mounts = [{"name": s["name"], "mountPath": f"/{s['name']}", "subPath": "s"} for s in sources]
    made = pod({"volumes": sources}, volumeMounts=mounts)
    plans = volumes.plan(made, Configs())
    assert volumes.mounts_of(made.spec.containers[0], made, plans, tmp_path) == (
        Mount(kind="volume", target="/disk", source=f"kemu-{made.uid}-disk"),
        Mount(kind="tmpfs", target="/memory", size_bytes=1 << 20),
        Mount(kind="bind", target="/host", source="/srv/s"),
        Mount(kind="bind", target="/files", source=str(tmp_path / "files" / "s"), read_only=True),
    )
    assert volumes.engine_volumes(made, plans) == [f"kemu-{made.uid}-disk"]


def test_files_are_written_with_their_modes_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "pod"
    volumes.write(folder, [VolumePlan("v", (File("a/b", "text", 0o400),)), VolumePlan("none", ())])
    path = folder / "v" / "a" / "b"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("text", 0o400)
    assert (folder / "none").is_dir()
    volumes.remove(folder)
    assert not folder.exists()


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Also one that its owner may not write: each start of a container writes the files again."""
    volumes.write(tmp_path, [VolumePlan("v", (File("f", "old", 0o400),))])
    with (tmp_path / "v" / "f").open() as reader:
        volumes.write(tmp_path, [VolumePlan("v", (File("f", "new", 0o400),))])
        assert reader.read() == "old"
    assert (tmp_path / "v" / "f").read_text() == "new"
    assert [p.name for p in (tmp_path / "v").iterdir()] == ["f"]


def test_a_mount_of_no_volume_is_a_fault(tmp_path: Path) -> None:
    made = pod({}, volumeMounts=[{"name": "gone", "mountPath": "/x"}])
    with pytest.raises(ConfigFault, match='"gone" names no volume'):
        volumes.mounts_of(made.spec.containers[0], made, [], tmp_path)
