"""A Pod's volumes as mounts: empty ones, claimed ones, and files made of ConfigMaps, Secrets and the Pod itself.

`plan` is pure and says what each volume consists of; `write` puts files below the Pod's own folder in the data
directory, from where they are bind-mounted read-only (`volumefiles.py` has their form, `podvolumes.py` the moment). An
emptyDir is a volume of the engine, shared by the Pod's containers; one in memory is that, too, where it is mounted more
than once, since an engine's tmpfs is never shared. Follows Kubernetes' volume plugins configmap, secret, projected,
downwardapi and emptydir, and the kubelet's makeMounts for `subPath` and `subPathExpr`.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emulator.lib.quantities import Quantity
from emulator.objects.podspec import (
    Container,
    DownwardAPIVolumeFile,
    KeyToPath,
    PodSpec,
    Volume,
    VolumeMount,
    VolumeProjection,
    expand_env,
    referred,
)
from emulator.objects.resource import Resource
from emulator.runtime.base import Mount
from emulator.workloads.environment import ConfigFault, Lookup, pod_field, resource_value
from emulator.workloads.volumefiles import DEFAULT_MODE, File, replace_files


@dataclass(frozen=True)
class VolumePlan:
    """What stands behind one volume: `files`, a folder of this computer, the engine's volume of a `claim`; else an
    empty volume of the engine, or memory.
    """

    name: str
    files: tuple[File, ...] | None = None
    in_memory: bool = False
    size_bytes: int | None = None
    host_path: str = ""
    host_type: str = ""
    claim: str = ""
    read_only: bool = False


def plan(pod: Resource[PodSpec], lookup: Lookup) -> list[VolumePlan]:
    """All volumes of `pod`, or ConfigFault when one needs what is not there."""
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    mounted = Counter(mount.name for container in containers for mount in container.volume_mounts)
    return [_planned(volume, pod, lookup, is_shared=mounted[volume.name] > 1) for volume in pod.spec.volumes]


def mounts_of(
    container: Container, pod: Resource[PodSpec], plans: Sequence[VolumePlan], folder: Path, env: Mapping[str, str]
) -> tuple[Mount, ...]:
    """The mounts of one container with this environment; `folder` is where `write` puts the files."""
    by_name = {p.name: p for p in plans}
    mounts = []
    for mount in container.volume_mounts:
        if (found := by_name.get(mount.name)) is None:
            raise ConfigFault(f'volumeMount "{mount.name}" names no volume of the Pod')
        sub = _sub_path(mount, env)
        if found.files is not None or found.host_path:
            source = Path(found.host_path) if found.host_path else folder / mount.name
            read_only = found.files is not None or bool(mount.read_only)
            mounts.append(Mount(kind="bind", target=mount.mount_path, source=str(source / sub), read_only=read_only))
        elif found.in_memory:
            mounts.append(Mount(kind="tmpfs", target=mount.mount_path, size_bytes=found.size_bytes))
        else:
            name = found.claim or engine_volume(pod, mount.name)
            of = Mount(kind="volume", target=mount.mount_path, source=name, sub_path=sub, is_kept=bool(found.claim))
            mounts.append(replace(of, read_only=bool(mount.read_only) or found.read_only))
    return tuple(mounts)


def _sub_path(mount: VolumeMount, env: Mapping[str, str]) -> str:
    """The path inside the volume that is mounted, in its shortest spelling; "" for the whole."""
    sub = mount.sub_path or ""
    if mount.sub_path_expr:
        if absent := sorted({name for name in referred(mount.sub_path_expr) if not env.get(name)}):
            raise ConfigFault(f"missing value for {', '.join(absent)}")
        sub = expand_env(mount.sub_path_expr, env)
    if sub.startswith("/"):
        raise ConfigFault(f"error SubPath `{sub}` must not be an absolute path")
    if ".." in sub.split("/"):
        raise ConfigFault(f"unable to provision SubPath `{sub}`: must not contain '..'")
    return "/".join(part for part in sub.split("/") if part not in ("", "."))


def engine_volume(pod: Resource[PodSpec], name: str) -> str:
    """What the engine's volume behind an emptyDir is called."""
    return f"kemu-{pod.uid}-{name}"


def engine_volumes(pod: Resource[PodSpec], plans: Sequence[VolumePlan]) -> list[str]:
    """The engine's volumes that go with the Pod."""
    others = {p.name for p in plans if p.files is not None or p.in_memory or p.host_path or p.claim}
    return [engine_volume(pod, p.name) for p in plans if p.name not in others]


def write(folder: Path, files: Mapping[str, Sequence[File]], group: int | None = None) -> None:
    """Lay out the files of volumes, by their names, below `folder`; `group` may read them. Blocks."""
    for name, own in files.items():
        replace_files(folder / name, own, group)


def make_sources(mounts: Sequence[Mount]) -> None:
    """What `mounts` bind and is not there becomes an empty folder, as on a cluster; ConfigFault. Blocks."""
    for source in (Path(mount.source) for mount in mounts if mount.kind == "bind"):
        try:
            if not source.exists():
                source.mkdir(parents=True)
        except OSError as error:
            raise ConfigFault(f"{source}: {error.strerror}") from error


def remove(folder: Path) -> None:
    """Remove what `write` made. Blocks: call it in a thread."""
    shutil.rmtree(folder, ignore_errors=True)


def _planned(volume: Volume, pod: Resource[PodSpec], lookup: Lookup, *, is_shared: bool) -> VolumePlan:
    name = volume.name
    if volume.config_map is not None:
        source = volume.config_map
        return VolumePlan(
            name,
            _files("configmap", lookup.config_files, source.name, source.items, source.optional, source.default_mode),
        )
    if volume.secret is not None:
        secret = volume.secret
        return VolumePlan(
            name,
            _files("secret", lookup.secret, secret.secret_name, secret.items, secret.optional, secret.default_mode),
        )
    if volume.projected is not None:
        mode = volume.projected.default_mode
        parts = [_projection(part, pod, lookup, mode) for part in volume.projected.sources]
        return VolumePlan(name, tuple(file for files in parts for file in files))
    if volume.downward_api is not None:
        return VolumePlan(name, _downward(volume.downward_api.items, pod, lookup, volume.downward_api.default_mode))
    if volume.host_path is not None:
        return VolumePlan(name, host_path=volume.host_path.path, host_type=volume.host_path.type or "")
    if (claim := volume.persistent_volume_claim) is not None:
        return VolumePlan(name, claim=_claimed(claim.claim_name, lookup), read_only=bool(claim.read_only))
    empty = volume.empty_dir
    size = Quantity.parse(str(empty.size_limit)).to_int() if empty and empty.size_limit else None
    return VolumePlan(name, in_memory=bool(empty and empty.medium == "Memory") and not is_shared, size_bytes=size)


def _claimed(claim: str, lookup: Lookup) -> str:
    if (found := lookup.claim(claim)) is None:
        raise ConfigFault(f'persistentvolumeclaim "{claim}" not found')
    return found


def _projection(part: VolumeProjection, pod: Resource[PodSpec], lookup: Lookup, mode: int | None) -> tuple[File, ...]:
    if part.config_map is not None:
        source = part.config_map
        return _files("configmap", lookup.config_files, source.name, source.items, source.optional, mode)
    if part.secret is not None:
        secret = part.secret
        return _files("secret", lookup.secret, secret.name, secret.items, secret.optional, mode)
    if part.downward_api is not None:
        return _downward(part.downward_api.items, pod, lookup, mode)
    if part.service_account_token is not None:
        token = part.service_account_token
        account = pod.spec.service_account_name or "default"
        text = placeholder_token(f"system:serviceaccount:{pod.namespace}:{account}", token.audience)
        return (File(token.path, text, DEFAULT_MODE if mode is None else mode),)
    return ()  # clusterTrustBundle: there is no certificate authority inside


def placeholder_token(subject: str, audience: str | None) -> str:
    """What stands for a service account's token: it has a JWT's form, nobody has signed it, and no server takes it."""
    claims = {"aud": [audience or "https://kubernetes.default.svc"], "iss": "kemu", "sub": subject}
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    head, body = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.placeholder"


def _downward(
    items: Sequence[DownwardAPIVolumeFile], pod: Resource[PodSpec], lookup: Lookup, mode: int | None
) -> tuple[File, ...]:
    default = mode or DEFAULT_MODE
    files = []
    for item in items:
        if item.field_ref is not None:
            files.append(File(item.path, pod_field(pod, item.field_ref.field_path), item.mode or default))
        elif item.resource_field_ref is not None:
            text = resource_value(pod, None, item.resource_field_ref, lookup)
            files.append(File(item.path, text, item.mode or default))
    return tuple(files)


def _files(
    word: str,
    read: Callable[[str], Mapping[str, str] | None],
    name: str,
    items: Sequence[KeyToPath] | None,
    optional: bool | None,
    mode: int | None,
) -> tuple[File, ...]:
    data = read(name)
    if data is None and not optional:
        raise ConfigFault(f'{word} "{name}" not found')
    default = mode or DEFAULT_MODE
    if not items:
        return tuple(File(key, text, default) for key, text in (data or {}).items())
    absent = [item.key for item in items if item.key not in (data or {})]
    if absent and not optional:
        raise ConfigFault(f'{word} "{name}" references non-existent config key: {absent[0]}')
    return tuple(File(i.path, (data or {})[i.key], i.mode or default) for i in items if i.key in (data or {}))
