"""Volumes: what they consist of, where they are mounted, and their files."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from emulator.runtime.base import Mount
from emulator.workloads import volumes
from emulator.workloads.environment import ConfigFault
from emulator.workloads.volumefiles import File
from emulator.workloads.volumes import VolumePlan
from tests.workloads.pods import Configs, pod

MEMORY = {"containerName": "c", "resource": "limits.memory", "divisor": "1Mi"}
NAME = {"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}


def planned(**source: Any) -> VolumePlan:
    (found,) = volumes.plan(pod({"volumes": [{"name": "v", **source}]}), Configs())
    return found


@pytest.mark.parametrize(
    ("source", "files"),
    [
        pytest.param(
            {"configMap": {"name": "settings"}},
            (File("LEVEL", "7"), File("FILE", "text"), File("BYTES", "\udcff")),
            id="all keys, binary ones too",
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
            {"projected": {"sources": [{"secret": {"name": "keys"}}, {"configMap": {"name": "no", "optional": True}}]}},
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
        pytest.param(
            {"downwardAPI": {"items": [{"path": "m", "resourceFieldRef": MEMORY}]}},
            (File("m", "8192"),),
            id="a container's resources",
        ),
        pytest.param(
            {"projected": {"sources": [{"downwardAPI": {"items": [{"path": "m", "resourceFieldRef": MEMORY}]}}]}},
            (File("m", "8192"),),
            id="projected resources",
        ),
    ],
)
def test_a_volume_of_files_says_which(source: dict[str, Any], files: tuple[File, ...]) -> None:
    assert planned(**source).files == files


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"persistentVolumeClaim": {"claimName": "no"}}, 'persistentvolumeclaim "no" not found'),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "K", "path": "k"}]}},
            'secret "keys" references non-existent config key: K',
        ),
    ],
)
def test_what_is_not_there_is_a_fault(source: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigFault, match=text):
        planned(**source)


def test_a_placeholder_stands_for_a_token_and_says_whose_it_would_be() -> None:
    files = planned(projected={"sources": [{"serviceAccountToken": {"path": "t", "audience": "api"}}]}).files
    assert files is not None
    (file,) = files
    head, claims, signature = file.text.split(".")
    assert json.loads(base64.urlsafe_b64decode(f"{claims}==")) == {
        "aud": ["api"],
        "iss": "kemu",
        "sub": "system:serviceaccount:default:default",
    }
    assert (file.path, json.loads(base64.urlsafe_b64decode(f"{head}=="))["alg"], signature) == (
        "t",
        "none",
        "placeholder",
    )


SOURCES = [
    {"name": "disk", "emptyDir": {}},
    {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    {"name": "host", "hostPath": {"path": "/srv"}},
    {"name": "files", "configMap": {"name": "settings"}},
    {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}},
]


def mounted(folder: Path, env: Mapping[str, str] = MappingProxyType({}), **mount: str) -> dict[str, Mount]:
    """Each of SOURCES mounted in this way, by the volume's name; the engine's volumes without their prefix."""
    made = pod({"volumes": SOURCES}, volumeMounts=[{"name": s["name"], "mountPath": "/v", **mount} for s in SOURCES])
    plans = volumes.plan(made, Configs())
    assert volumes.engine_volumes(made, plans) == [f"kemu-{made.uid}-disk"]
    found = volumes.mounts_of(made.spec.containers[0], made, plans, folder, env)
    shortened = (replace(m, source=m.source.replace(f"kemu-{made.uid}-", "")) for m in found)
    return dict(zip((str(s["name"]) for s in SOURCES), shortened, strict=True))


@pytest.mark.parametrize(
    "mount",
    [{"subPath": "a/b"}, {"subPath": "./a//b/"}, {"subPathExpr": "$(A)/b"}],
    ids=["a path", "a path spelled oddly", "an expression"],
)
def test_a_path_inside_is_mounted_of_every_sort_of_volume(tmp_path: Path, mount: dict[str, str]) -> None:
    assert mounted(tmp_path, {"A": "a"}, **mount) == {
        "disk": Mount(kind="volume", target="/v", source="disk", sub_path="a/b"),
        "memory": Mount(kind="tmpfs", target="/v", size_bytes=1 << 20),
        "host": Mount(kind="bind", target="/v", source="/srv/a/b"),
        "files": Mount(kind="bind", target="/v", source=str(tmp_path / "files/a/b"), read_only=True),
        "claim": Mount(kind="volume", target="/v", source="volume-of-data", sub_path="a/b", is_kept=True),
    }


@pytest.mark.parametrize("path", ["", "."], ids=["nothing said", "a dot"])
def test_a_volume_is_mounted_whole(tmp_path: Path, path: str) -> None:
    found = mounted(tmp_path, subPath=path)
    assert (found["disk"].sub_path, found["host"].source, found["files"].source) == (
        "",
        "/srv",
        str(tmp_path / "files"),
    )


@pytest.mark.parametrize(
    ("mount", "text"),
    [
        ({"subPath": "a/../../b"}, "unable to provision SubPath `a/../../b`: must not contain '..'"),
        ({"subPath": "/etc"}, "error SubPath `/etc` must not be an absolute path"),
        ({"subPathExpr": "$(UP)/x"}, "unable to provision SubPath `../x`: must not contain '..'"),
        ({"subPathExpr": "$(NO)/$(EMPTY)/$$(UP)"}, "missing value for EMPTY, NO"),
    ],
)
def test_a_path_that_leads_out_or_nowhere_is_a_fault(tmp_path: Path, mount: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        mounted(tmp_path, {"UP": "..", "EMPTY": ""}, **mount)
    assert str(caught.value) == text


@pytest.mark.parametrize(("claims", "mounts"), [(True, False), (False, True)], ids=["the claim", "the mount"])
def test_a_claim_is_mounted_for_reading_where_either_says_so(tmp_path: Path, claims: bool, mounts: bool) -> None:
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data", "readOnly": claims}}
    made = pod({"volumes": [volume]}, volumeMounts=[{"name": "v", "mountPath": "/v", "readOnly": mounts}])
    (mount,) = volumes.mounts_of(made.spec.containers[0], made, volumes.plan(made, Configs()), tmp_path, {})
    assert mount.read_only


def test_a_volume_in_memory_that_is_shared_is_one_of_the_engines(tmp_path: Path) -> None:
    mounts = [{"name": "memory", "mountPath": path} for path in ("/a", "/b")]
    made = pod({"volumes": [SOURCES[1]]}, volumeMounts=mounts)
    plans = volumes.plan(made, Configs())
    found = volumes.mounts_of(made.spec.containers[0], made, plans, tmp_path, {})
    assert [(m.kind, m.source) for m in found] == [("volume", f"kemu-{made.uid}-memory")] * 2
    assert volumes.engine_volumes(made, plans) == [f"kemu-{made.uid}-memory"]


def test_a_path_of_a_folder_that_is_not_there_becomes_an_empty_folder(tmp_path: Path) -> None:
    volumes.write(tmp_path, {"v": (File("f", "text"),)})
    sources = [tmp_path / "v" / path for path in ("f", "no/such")]
    volumes.make_sources([Mount(kind="bind", target="/x", source=str(source)) for source in sources])
    assert (sources[0].read_text(), list(sources[1].iterdir())) == ("text", [])


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigFault, match="file/sub: Not a directory"):
        volumes.make_sources([Mount(kind="bind", target="/x", source=str(tmp_path / "file" / "sub"))])


def test_files_are_written_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "pod"
    volumes.write(folder, {"v": (File("a/b", "text", 0o400),), "none": ()})
    path = folder / "v" / "a" / "b"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("text", 0o400)
    assert (folder / "none").is_dir()
    volumes.remove(folder)
    assert not folder.exists()


def test_a_mount_of_no_volume_is_a_fault(tmp_path: Path) -> None:
    made = pod({}, volumeMounts=[{"name": "gone", "mountPath": "/x"}])
    with pytest.raises(ConfigFault, match='"gone" names no volume'):
        volumes.mounts_of(made.spec.containers[0], made, [], tmp_path, {})
