"""What Knative accepts of a Revision's volumes and their mounts, in its own words.

Pure; paths start below the RevisionSpec. Where Knative names no place people are told the volume's all the same.
Followed: knative/serving pkg/apis/serving/k8s_validation.go, ValidateVolumes and validateVolumeMounts (serving §2.6).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from emulator.lib.quantities import Quantity
from emulator.objects.kind import Json
from emulator.objects.names import dns1123_label_faults
from emulator.objects.podspec import DownwardAPIVolumeFile, KeyToPath, PodSpec, Volume, VolumeMount, VolumeProjection
from emulator.objects.problems import Problem, both, disallowed, invalid_value, missing, neither, under
from emulator.serving.features import Features, enabling

RESERVED_PATHS = ("/", "/dev", "/dev/log")
_ALWAYS = ("secret", "configMap", "projected")
# The kinds of volumes behind a flag: the flag, and what a volume of that kind is called.
_GATED = {
    "emptyDir": ("kubernetes.podspec-volumes-emptydir", "EmptyDir"),
    "persistentVolumeClaim": ("kubernetes.podspec-persistent-volume-claim", ""),
    "hostPath": ("kubernetes.podspec-volumes-hostpath", "HostPath"),
    "csi": ("kubernetes.podspec-volumes-csi", "CSI"),
    "ephemeral": ("kubernetes.podspec-volumes-ephemeral", "Ephemeral"),
    "image": ("kubernetes.podspec-volumes-image", "Image"),
}
_PVC_WRITE = "kubernetes.podspec-persistent-volume-write"
_PROPAGATION = "kubernetes.podspec-volumes-mount-propagation"


def volume_problems(spec: PodSpec, raw: Json, features: Features) -> Iterator[Problem]:
    """The faults of `spec.volumes`; `raw` is the spec's JSON."""
    mounted = {m.name for c in (*spec.containers, *spec.init_containers) for m in c.volume_mounts}
    seen: set[str] = set()
    for index, volume in enumerate(spec.volumes):
        body = raw["volumes"][index]
        found = [*_place_problems(volume, mounted, seen)]
        if not volume.name:
            found.append(missing("name"))
        elif dns1123_label_faults(volume.name):
            found.append(invalid_value(volume.name, "name"))
        else:  # upstream forgets the flags' words when the name is faulty
            found += _flag_problems(volume, body, features)
        yield from under([*found, *_kind_problems(body, features), *_content_problems(volume)], "volumes", index)
        seen.add(volume.name)


def _place_problems(volume: Volume, mounted: set[str], seen: set[str]) -> Iterator[Problem]:
    if volume.name in seen:
        yield Problem(("name",), f'duplicate volume name "{volume.name}"')
    if volume.name not in mounted:
        yield Problem(("name",), f'volume with name "{volume.name}" not mounted')


def _flag_problems(volume: Volume, raw: Json, features: Features) -> Iterator[Problem]:
    """Kinds of volumes whose flag is not Enabled; Knative names no place for these."""
    for kind, (flag, called) in _GATED.items():
        if called and raw.get(kind) is not None and not features.is_enabled(flag):
            said = f"{called} volume support is disabled, but found {called} volume {volume.name}"
            yield Problem((kind,), said, told=(), hint=enabling(flag))
    claim = volume.persistent_volume_claim
    if claim is None:
        return
    found = f"found persistent volume claim {claim.claim_name}"
    if not features.is_enabled(flag := _GATED["persistentVolumeClaim"][0]):
        said = f"Persistent volume claim support is disabled, but {found}"
        yield Problem(("persistentVolumeClaim",), said, told=(), hint=enabling(flag))
    if not claim.read_only and not features.is_enabled(_PVC_WRITE):
        said = f"Persistent volume write support is disabled, but {found} that is not read-only"
        yield Problem(("persistentVolumeClaim",), said, told=(), hint=enabling(_PVC_WRITE))


def _kind_problems(raw: Json, features: Features) -> Iterator[Problem]:
    given = [kind for kind, value in raw.items() if kind != "name" and value is not None]
    for kind in given:
        if kind not in _ALWAYS and not (kind in _GATED and features.is_on(_GATED[kind][0])):
            yield disallowed(kind)
    known = [kind for kind in (*_ALWAYS, *_GATED) if kind in given]
    if not known:
        open_kinds = [*_ALWAYS, *(kind for kind, (flag, _) in _GATED.items() if features.is_enabled(flag))]
        yield neither(*((kind,) for kind in open_kinds))
    elif len(known) > 1:
        yield both(*((kind,) for kind in known))


def _content_problems(volume: Volume) -> Iterator[Problem]:
    for source in (volume.secret, volume.config_map):
        if source is not None:
            yield from _item_problems(source.items)
    for index, projection in enumerate(volume.projected.sources if volume.projected else ()):
        yield from under(_projection_problems(projection), "projected", index)
    if volume.image is not None:
        yield from under(_image_problems(volume.image), "image")
    if volume.empty_dir is not None:
        medium, limit = volume.empty_dir.medium, volume.empty_dir.size_limit
        if medium not in (None, "", "Memory"):
            yield invalid_value(medium, "emptyDir", "medium")
        if limit is not None and not _is_size(str(limit)):
            yield invalid_value(limit, "emptyDir", "sizeLimit")


def _image_problems(source: Json) -> Iterator[Problem]:
    if not source.get("reference"):
        yield missing("reference")
    if source.get("pullPolicy") not in (None, "", "Always", "IfNotPresent", "Never"):
        yield invalid_value(source["pullPolicy"], "pullPolicy")


def _is_size(text: str) -> bool:
    try:
        return Quantity.parse(text).value >= 0
    except ValueError:
        return False


def _item_problems(items: Sequence[KeyToPath]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        if not item.key:
            yield missing("items", index, "key")
        if not item.path:
            yield missing("items", index, "path")


def _projection_problems(projection: VolumeProjection) -> Iterator[Problem]:
    sources = {
        "secret": projection.secret,
        "configMap": projection.config_map,
        "serviceAccountToken": projection.service_account_token,
        "downwardAPI": projection.downward_api,
    }
    given = [name for name, source in sources.items() if source is not None]
    if not given:
        yield neither(*((name,) for name in sources))
    elif len(given) > 1:
        yield both(*((name,) for name in given))
    named = [("secret", projection.secret), ("configMap", projection.config_map)]
    for name, source in [(name, source) for name, source in named if source is not None]:
        yield from under(_item_problems(source.items), name)
        if not source.name:
            yield missing(name, "name")
    if projection.service_account_token is not None and not projection.service_account_token.path:
        yield missing("serviceAccountToken", "path")
    for index, item in enumerate(projection.downward_api.items if projection.downward_api else ()):
        yield from under(_downward_problems(item), "downwardAPI", "items", index)


def _downward_problems(item: DownwardAPIVolumeFile) -> Iterator[Problem]:
    if item.field_ref is None and item.resource_field_ref is None:
        yield neither(("fieldRef",), ("resourceFieldRef",))
    elif item.field_ref is not None and item.resource_field_ref is not None:
        yield Problem(("fieldRef",), "Within a single item, cannot set both", others=(("resourceFieldRef",),))
    if not item.path:
        yield missing("path")


def mount_problems(mounts: Sequence[VolumeMount], spec: PodSpec, features: Features) -> Iterator[Problem]:
    """The faults of a container's `volumeMounts`; paths start below the container."""
    volumes = {volume.name: volume for volume in spec.volumes}
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        found = [*_mask_problems(mount, features), *_path_problems(mount, seen), *_access_problems(mount, volumes)]
        if mount.name not in volumes:
            found.append(Problem(("name",), "volumeMount has no matching volume"))
        yield from under([*found, *_propagation_problems(mount, features)], "volumeMounts", index)
        seen.add(_clean(mount.mount_path))


def _mask_problems(mount: VolumeMount, features: Features) -> Iterator[Problem]:
    if mount.mount_propagation is not None and not features.is_on(_PROPAGATION):
        yield disallowed("mountPropagation")
    for field, value in (("subPathExpr", mount.sub_path_expr), ("recursiveReadOnly", mount.recursive_read_only)):
        if value is not None:
            yield disallowed(field)


def _path_problems(mount: VolumeMount, seen: set[str]) -> Iterator[Problem]:
    where = mount.mount_path
    if not where:
        yield missing("mountPath")
    elif _clean(where) in RESERVED_PATHS:
        yield Problem(("mountPath",), f'mountPath "{_clean(where)}" is a reserved path')
    elif not where.startswith("/"):
        yield invalid_value(where, "mountPath")
    elif _clean(where) in seen:
        yield invalid_value(f'"{where}" must be unique', "mountPath")


def _access_problems(mount: VolumeMount, volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    volume = volumes.get(mount.name)
    if volume is None or mount.read_only:
        return
    claim = volume.persistent_volume_claim
    if claim is not None:
        if claim.read_only:
            yield Problem(("readOnly",), "volume is readOnly but volume mount is not")
    elif volume.empty_dir is None and volume.ephemeral is None:
        yield Problem(("readOnly",), "volume mount should be readOnly for this type of volume")


def _propagation_problems(mount: VolumeMount, features: Features) -> Iterator[Problem]:
    if mount.mount_propagation is None:
        return
    if not features.is_enabled(_PROPAGATION):
        found = f"found volume mount {mount.name} with mount propagation"
        said = f"Volume Mount Propagation support is disabled, but {found}"
        yield Problem((), said, told=(), hint=enabling(_PROPAGATION))
    if mount.mount_propagation not in ("None", "HostToContainer"):
        yield Problem(("mountPropagation",), "mount propagation should be set to None or HostToContainer")


def _clean(path: str) -> str:
    """As Go's path.Clean, which knows no double slash at the start."""
    return posixpath.normpath(path.replace("//", "/")) if path else ""
