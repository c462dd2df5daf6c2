"""What a container's `env` and `envFrom` come to: literal values, ConfigMaps, Secrets and fields of its Pod.

Pure but for the look-ups it is given. Follows Kubernetes (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables):
envFrom first, then env in order, later names win, `$(VAR)` sees what was defined before it. A reference that leads
nowhere and is not optional is a `ConfigFault`, which the Pod shows as CreateContainerConfigError.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from emulator.objects.configrefs import ConfigKind, no_key, not_found
from emulator.objects.podspec import (
    Container,
    EnvFromSource,
    EnvVar,
    KeySelector,
    NamedRef,
    PodSpec,
    ResourceFieldSelector,
    expand_env,
)
from emulator.objects.resource import Resource
from emulator.runtime.base import Capacity
from emulator.workloads.resourcefields import resource_field


class ConfigFault(Exception):
    """The container cannot be configured; the text is Kubernetes'."""


class Lookup(Protocol):
    """Reads what Pods of one namespace refer to, None where it is not there; and what the node has."""

    node: Capacity

    def config_map(self, name: str) -> Mapping[str, str] | None: ...

    def config_files(self, name: str) -> Mapping[str, str] | None:
        """A ConfigMap with its binary data, which volumes have and variables have not."""
        ...

    def secret(self, name: str) -> Mapping[str, str] | None: ...

    def claim(self, name: str) -> str | None:
        """What the engine's volume of a PersistentVolumeClaim is called; None if there is no such claim."""
        ...


Read = Callable[[str], Mapping[str, str] | None]


def secret_text(encoded: str) -> str:
    """One value of a Secret's `data` as text; bytes that are no UTF-8 are kept as surrogates."""
    return base64.b64decode(encoded).decode(errors="surrogateescape")


def environment_of(container: Container, pod: Resource[PodSpec], lookup: Lookup) -> dict[str, str]:
    """The environment of one container of `pod`, or ConfigFault."""
    env: dict[str, str] = {}
    for source in container.env_from:
        env.update(_imported(source, pod.namespace, lookup))
    for variable in container.env:
        value = _value(variable, container, pod, lookup)
        if value is not None:
            env[variable.name] = expand_env(value, env) if variable.value_from is None else value
    return env


def _imported(source: EnvFromSource, namespace: str, lookup: Lookup) -> Iterator[tuple[str, str]]:
    imports: tuple[tuple[ConfigKind, NamedRef | None, Read], ...] = (
        ("ConfigMap", source.config_map_ref, lookup.config_map),
        ("Secret", source.secret_ref, lookup.secret),
    )
    for kind, ref, read in imports:
        if ref is None:
            continue
        data = read(ref.name)
        if data is None and not ref.optional:
            raise ConfigFault(not_found(kind, ref.name, namespace))
        for name, value in (data or {}).items():
            yield f"{source.prefix or ''}{name}", value


def _value(variable: EnvVar, container: Container, pod: Resource[PodSpec], lookup: Lookup) -> str | None:
    source = variable.value_from
    if source is None:
        return variable.value or ""
    if source.field_ref is not None:
        return pod_field(pod, source.field_ref.field_path)
    if source.resource_field_ref is not None:
        return resource_value(pod, container, source.resource_field_ref, lookup)
    selectors: tuple[tuple[ConfigKind, KeySelector | None, Read], ...] = (
        ("ConfigMap", source.config_map_key_ref, lookup.config_map),
        ("Secret", source.secret_key_ref, lookup.secret),
    )
    for kind, ref, read in selectors:
        if ref is None:
            continue
        data = read(ref.name)
        if data is not None and ref.key in data:
            return data[ref.key]
        if ref.optional:
            return None
        if data is None:
            raise ConfigFault(not_found(kind, ref.name, pod.namespace))
        raise ConfigFault(no_key(kind, ref.name, pod.namespace, ref.key))
    return None


def pod_field(pod: Resource[Any], path: str) -> str:
    """What the downward API gives for a `fieldPath`; ConfigFault for one that Kubernetes does not serve."""
    simple = {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.uid,
        "spec.nodeName": "kemu",
        "spec.serviceAccountName": pod.spec.service_account_name or "default",
        "status.podIP": str(pod.status.get("podIP", "")),
        "status.podIPs": str(pod.status.get("podIP", "")),
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
    }
    if path in simple:
        return simple[path]
    for prefix, entries in (("metadata.labels", pod.labels), ("metadata.annotations", pod.annotations)):
        if path == prefix:
            return "\n".join(f'{key}="{value}"' for key, value in sorted(entries.items()))
        if path.startswith(f"{prefix}['") and path.endswith("']"):
            return entries.get(path[len(prefix) + 2 : -2], "")
    raise ConfigFault(f"unsupported fieldPath: {path}")


def resource_value(
    pod: Resource[PodSpec], container: Container | None, ref: ResourceFieldSelector, lookup: Lookup
) -> str:
    """What a `resourceFieldRef` comes to, in a variable of `container` or in a file (None); ConfigFault."""
    try:
        return resource_field(pod.spec, container, ref, lookup.node)
    except ValueError as fault:
        raise ConfigFault(str(fault)) from fault
