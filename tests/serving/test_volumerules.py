"""What is refused of volumes and mounts: one row a rule, with the webhook's own text (serving §2.6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.admission import AT, C0, refusal

V0, M0 = f"{AT}.volumes[0]", f"{C0}.volumeMounts[0]"
PREFIX = "kubernetes.podspec-"
EMPTY: dict[str, Any] = {"emptyDir": {}}
CONFIG: dict[str, Any] = {"configMap": {"name": "c"}}


def volume(source: dict[str, Any], name: str = "v", **mount: Any) -> dict[str, Any]:
    """A spec whose container mounts one volume."""
    mounts = [{"name": name, "mountPath": "/data", **mount}]
    return {"containers": [{"image": "app", "volumeMounts": mounts}], "volumes": [{"name": name, **source}]}


def claim(read_only: bool | None = None) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": "disk", **({"readOnly": read_only} if read_only else {})}}


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        pytest.param(volume(EMPTY), "", id="emptyDir"),
        pytest.param(volume(CONFIG), "", id="configMap"),
        pytest.param(volume({"secret": {"secretName": "s"}}), "", id="secret"),
        pytest.param(
            {"containers": [{"image": "app"}], "volumes": [{"name": "v", **EMPTY}]},
            f'volume with name "v" not mounted: {V0}.name',
            id="not mounted",
        ),
        pytest.param(
            {**volume(EMPTY), "volumes": [{"name": "v", **EMPTY}] * 2},
            f'duplicate volume name "v": {AT}.volumes[1].name',
            id="one name twice",
        ),
        pytest.param(volume(EMPTY, "A"), f"invalid value: A: {V0}.name", id="name"),
        pytest.param(
            volume({}),
            f"expected exactly one, got neither: {V0}.configMap, {V0}.emptyDir, {V0}.projected, {V0}.secret",
            id="of no kind",
        ),
        pytest.param(
            volume({**EMPTY, **CONFIG}),
            f"expected exactly one, got both: {V0}.configMap, {V0}.emptyDir",
            id="of two kinds",
        ),
        pytest.param(
            volume({"downwardAPI": {}, **EMPTY}), f"must not set the field(s): {V0}.downwardAPI", id="downwardAPI"
        ),
        pytest.param(
            volume({"configMap": {"name": "c", "items": [{}]}}),
            f"missing field(s): {V0}.items[0].key, {V0}.items[0].path",
            id="items",
        ),
        pytest.param(
            volume({"projected": {"sources": [{}]}}),
            "expected exactly one, got neither: "
            + ", ".join(f"{V0}.projected[0].{kind}" for kind in ("configMap", "downwardAPI", "secret"))
            + f", {V0}.projected[0].serviceAccountToken",
            id="projection of nothing",
        ),
        pytest.param(
            volume({"projected": {"sources": [{"secret": {"items": []}}, {"serviceAccountToken": {}}]}}),
            f"missing field(s): {V0}.projected[0].secret.name, {V0}.projected[1].serviceAccountToken.path",
            id="projections",
        ),
        pytest.param(
            volume({"projected": {"sources": [{"downwardAPI": {"items": [{"path": "p"}]}}]}}),
            "expected exactly one, got neither: "
            + ", ".join(f"{V0}.projected[0].downwardAPI.items[0].{f}" for f in ("fieldRef", "resourceFieldRef")),
            id="downwardAPI of nothing",
        ),
        pytest.param(
            volume({"emptyDir": {"medium": "Disk"}}), f"invalid value: Disk: {V0}.emptyDir.medium", id="medium"
        ),
        pytest.param(
            volume({"emptyDir": {"sizeLimit": "-1Mi"}}), f"invalid value: -1Mi: {V0}.emptyDir.sizeLimit", id="size"
        ),
        pytest.param(volume({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}), "", id="in memory"),
    ],
)
def test_a_volume(spec: dict[str, Any], text: str) -> None:
    assert refusal(spec) == text


@pytest.mark.parametrize(
    ("source", "flag", "text"),
    [
        ({"hostPath": {"path": "/x"}}, "volumes-hostpath", "HostPath volume support is disabled, but found HostPath"),
        ({"csi": {}}, "volumes-csi", "CSI volume support is disabled, but found CSI"),
        ({"ephemeral": {}}, "volumes-ephemeral", "Ephemeral volume support is disabled, but found Ephemeral"),
        ({"image": {"reference": "app"}}, "volumes-image", "Image volume support is disabled, but found Image"),
    ],
)
def test_a_kind_behind_a_flag(source: dict[str, Any], flag: str, text: str) -> None:
    [kind] = source
    assert refusal(volume(source)) == f"{text} volume v: \nmust not set the field(s): {V0}.{kind}"
    assert refusal(volume(source), {PREFIX + flag: "Allowed"}) == f"{text} volume v: "
    assert refusal(volume(source), {PREFIX + flag: "Enabled"}) == ""


def test_an_empty_dir_can_be_switched_off() -> None:
    text = refusal(volume(EMPTY), {f"{PREFIX}volumes-emptydir": "Disabled"})
    assert text.splitlines() == [
        "EmptyDir volume support is disabled, but found EmptyDir volume v: ",
        f"must not set the field(s): {V0}.emptyDir",
    ]


@pytest.mark.parametrize(
    ("spec", "flags", "texts"),
    [
        pytest.param(
            volume(claim(True), readOnly=True),
            (),
            [
                "Persistent volume claim support is disabled, but found persistent volume claim disk",
                "must not set the field(s)",
            ],
            id="off",
        ),
        pytest.param(volume(claim(True), readOnly=True), ("claim",), [], id="to read"),
        pytest.param(
            volume(claim()),
            ("claim",),
            [
                "Persistent volume write support is disabled, "
                "but found persistent volume claim disk that is not read-only"
            ],
            id="to write, with only reading on",
        ),
        pytest.param(volume(claim()), ("claim", "write"), [], id="to write"),
        pytest.param(
            volume(claim(True)), ("claim",), ["volume is readOnly but volume mount is not"], id="mounted to write"
        ),
    ],
)
def test_a_claim(spec: dict[str, Any], flags: tuple[str, ...], texts: list[str]) -> None:
    said = refusal(spec, {f"{PREFIX}persistent-volume-{flag}": "Enabled" for flag in flags})
    assert [line.rpartition(": ")[0] for line in said.splitlines()] == texts


@pytest.mark.parametrize(
    ("mount", "text"),
    [
        pytest.param({"mountPath": ""}, f"missing field(s): {M0}.mountPath", id="no path"),
        pytest.param({"mountPath": "data"}, f"invalid value: data: {M0}.mountPath", id="relative"),
        *(
            pytest.param({"mountPath": path}, f'mountPath "{clean}" is a reserved path: {M0}.mountPath', id=path)
            for path, clean in (("/", "/"), ("//", "/"), ("/dev/", "/dev"), ("/x/../dev/log", "/dev/log"))
        ),
        pytest.param({"mountPath": "/dev/shm"}, "", id="below a reserved path"),
        pytest.param({"subPath": "a"}, "", id="subPath"),
        pytest.param({"subPathExpr": "a"}, f"must not set the field(s): {M0}.subPathExpr", id="subPathExpr"),
        pytest.param(
            {"mountPropagation": "None"},
            "Volume Mount Propagation support is disabled, but found volume mount v with mount propagation: \n"
            f"must not set the field(s): {M0}.mountPropagation",
            id="propagation",
        ),
    ],
)
def test_a_mount(mount: dict[str, Any], text: str) -> None:
    assert refusal(volume(EMPTY, **mount)) == text


def test_a_mount_of_no_volume_and_a_path_mounted_twice() -> None:
    mounts = [{"name": "v", "mountPath": "/data"}, {"name": "x", "mountPath": "/data/"}]
    spec = {"containers": [{"image": "app", "volumeMounts": mounts}], "volumes": [{"name": "v", **EMPTY}]}
    assert refusal(spec).splitlines() == [
        f'invalid value: "/data/" must be unique: {C0}.volumeMounts[1].mountPath',
        f"volumeMount has no matching volume: {C0}.volumeMounts[1].name",
    ]


def test_propagation_has_two_words_where_it_is_on() -> None:
    flags = {f"{PREFIX}volumes-mount-propagation": "Enabled"}
    said = "mount propagation should be set to None or HostToContainer"
    assert refusal(volume(EMPTY, mountPropagation="HostToContainer"), flags) == ""
    assert refusal(volume(EMPTY, mountPropagation="Both"), flags) == f"{said}: {M0}.mountPropagation"


def test_only_init_containers_have_to_say_that_a_config_is_read_only() -> None:
    init = {"image": "ini", "volumeMounts": [{"name": "v", "mountPath": "/data"}]}
    spec = {**volume(CONFIG), "initContainers": [init]}
    said = "volume mount should be readOnly for this type of volume"
    flags = {f"{PREFIX}init-containers": "Enabled"}
    assert refusal(spec, flags) == f"{said}: {AT}.containers[0].volumeMounts[0].readOnly"
