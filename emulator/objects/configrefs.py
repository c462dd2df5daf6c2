"""Which ConfigMaps and Secrets a PodSpec cannot do without, and what is said of one that is missing.

Pure. Serving asks before a Revision counts as ready, workloads when a container is about to start; the texts are the
kubelet's (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables; pkg/volume/{configmap,secret,projected}). References
that are marked optional are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from emulator.objects.podspec import Container, EnvFromSource, EnvVar, KeyToPath, PodSpec, Volume
from emulator.objects.problems import Path

ConfigKind = Literal["ConfigMap", "Secret"]


@dataclass(frozen=True)
class ConfigRef:
    """One reference that must lead to an object, and to `keys` of its data. `path` is inside the PodSpec."""

    kind: ConfigKind
    name: str
    path: Path
    keys: tuple[str, ...] = ()


def not_found(kind: ConfigKind, name: str, namespace: str) -> str:
    return f'{kind.lower()} "{name}" not found in namespace "{namespace}"'


def no_key(kind: ConfigKind, name: str, namespace: str, key: str) -> str:
    return f"couldn't find key {key} in {kind} {namespace}/{name}"


def fault_of(ref: ConfigRef, data: Mapping[str, object] | None, namespace: str) -> str | None:
    """What is wrong with `ref` where the object has `data` (None: there is no such object)."""
    if data is None:
        return not_found(ref.kind, ref.name, namespace)
    absent = [key for key in ref.keys if key not in data]
    return no_key(ref.kind, ref.name, namespace, absent[0]) if absent else None


def config_refs(spec: PodSpec) -> Iterator[ConfigRef]:
    """Every reference of `spec` to a ConfigMap or Secret that it cannot do without."""
    for index, volume in enumerate(spec.volumes):
        yield from _of_volume(volume, ("volumes", index))
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            yield from _of_container(container, (field, index))


def _of_container(container: Container, path: Path) -> Iterator[ConfigRef]:
    for index, source in enumerate(container.env_from):
        yield from _imported(source, (*path, "envFrom", index))
    for index, variable in enumerate(container.env):
        yield from _of_variable(variable, (*path, "env", index, "valueFrom"))


def _imported(source: EnvFromSource, path: Path) -> Iterator[ConfigRef]:
    if (config_map := source.config_map_ref) is not None and not config_map.optional:
        yield ConfigRef("ConfigMap", config_map.name, (*path, "configMapRef"))
    if (secret := source.secret_ref) is not None and not secret.optional:
        yield ConfigRef("Secret", secret.name, (*path, "secretRef"))


def _of_variable(variable: EnvVar, path: Path) -> Iterator[ConfigRef]:
    source = variable.value_from
    if source is None:
        return
    if (config_map := source.config_map_key_ref) is not None and not config_map.optional:
        yield ConfigRef("ConfigMap", config_map.name, (*path, "configMapKeyRef"), (config_map.key,))
    if (secret := source.secret_key_ref) is not None and not secret.optional:
        yield ConfigRef("Secret", secret.name, (*path, "secretKeyRef"), (secret.key,))


def _of_volume(volume: Volume, path: Path) -> Iterator[ConfigRef]:
    if (config_map := volume.config_map) is not None and not config_map.optional:
        yield ConfigRef("ConfigMap", config_map.name, (*path, "configMap"), _keys(config_map.items))
    if (secret := volume.secret) is not None and not secret.optional:
        yield ConfigRef("Secret", secret.secret_name, (*path, "secret"), _keys(secret.items))
    for index, part in enumerate(volume.projected.sources if volume.projected else ()):
        inside = (*path, "projected", "sources", index)
        if (config_map := part.config_map) is not None and not config_map.optional:
            yield ConfigRef("ConfigMap", config_map.name, (*inside, "configMap"), _keys(config_map.items))
        if (projection := part.secret) is not None and not projection.optional:
            yield ConfigRef("Secret", projection.name, (*inside, "secret"), _keys(projection.items))


def _keys(items: Sequence[KeyToPath]) -> tuple[str, ...]:
    return tuple(item.key for item in items)
