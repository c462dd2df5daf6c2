"""RevisionSpec: a PodSpec as Knative allows it, with its timeouts and concurrency; its defaults.

The model takes every field of a PodSpec; `revisionrules.py` refuses those that Knative does not have. Followed:
knative/serving pkg/apis/serving/v1/revision_{types,defaults}.go (serving §2.3-2.6, §7 config-defaults).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from pydantic import Field

from emulator.lib.gotemplatefunctions import TemplateFault
from emulator.lib.gotemplates import Struct, parse
from emulator.objects.kind import Json
from emulator.objects.model import ATOMIC_MAP, Model, atomic_list, keyed
from emulator.objects.names import child_name
from emulator.objects.podspec import ConfigMapVolumeSource, Container, PodSpec, Volume
from emulator.objects.refs import TemplateMetadata
from emulator.serving.features import SECURE_DEFAULTS, Features

TIMEOUT_S, MAX_TIMEOUT_S = 300, 600
_FIRST_FREE_PORT = 1024  # below it, a process needs NET_BIND_SERVICE to listen
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


class RevisionVolume(Volume):
    config_map: ConfigMapVolumeSource | None = Field(default=None, json_schema_extra=ATOMIC_MAP)


class RevisionSpec(PodSpec):
    # Knative's CRDs declare fewer lists as maps than core/v1 does: volumes and imagePullSecrets.
    volumes: list[RevisionVolume] = Field(  # type: ignore[assignment]
        default_factory=list, json_schema_extra=keyed("name", strategic=False)
    )
    containers: list[Container] = Field(default_factory=list, json_schema_extra=atomic_list())
    init_containers: list[Container] = Field(default_factory=list, json_schema_extra=atomic_list())
    container_concurrency: int | None = None
    timeout_seconds: int | None = None
    response_start_timeout_seconds: int | None = None
    idle_timeout_seconds: int | None = None


class RevisionTemplate(Model):
    metadata: TemplateMetadata | None = None
    spec: RevisionSpec


def set_defaults(spec: Json, config: Mapping[str, str], features: Features, metadata: Json) -> None:
    """Complete the JSON of a RevisionSpec in place; `config` is the data of config-defaults.

    `metadata` is that of the object which holds it: names of containers may be made of it.
    """
    timeout = int(config.get("revision-timeout-seconds", TIMEOUT_S))
    if not spec.get("timeoutSeconds"):
        spec["timeoutSeconds"] = timeout
    # A default that would not run out before the timeout is left out.
    for field, key, shipped in (
        ("responseStartTimeoutSeconds", "revision-response-start-timeout-seconds", timeout),
        ("idleTimeoutSeconds", "revision-idle-timeout-seconds", 0),
    ):
        if spec.get(field) is None and 0 != int(config.get(key, shipped)) < spec["timeoutSeconds"]:
            spec[field] = int(config.get(key, shipped))
    if spec.get("containerConcurrency") is None:
        spec["containerConcurrency"] = int(config.get("container-concurrency", 0))
    links = config.get("enable-service-links", "false").lower()
    if spec.get("enableServiceLinks") is None and links in ("true", "false"):
        spec["enableServiceLinks"] = links == "true"
    containers, init_containers = spec.get("containers") or [], spec.get("initContainers") or []
    taken = {c.get("name") for c in (*containers, *init_containers)}
    parent = object_meta(metadata)
    _name(containers, _filled(config.get("container-name-template", "user-container"), parent), taken)
    _name(init_containers, _filled(config.get("init-container-name-template", "init-container"), parent), taken)
    for container in containers:
        _default_container(container, spec, config, serves=is_serving(container, containers))
    if features.has_secure_defaults:
        for container in (*containers, *init_containers):
            _secure(container, spec.get("securityContext") or {}, features)


def is_serving(container: Json, containers: Sequence[Json]) -> bool:
    """Whether a container is the one that requests go to: the only one, or the one with a port."""
    return len(containers) == 1 or bool(container.get("ports"))


def object_meta(metadata: Json) -> Struct:
    """Kubernetes' ObjectMeta as templates see it (apimachinery meta/v1 types.go)."""
    fields = (
        *("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"),
        *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
        *("labels", "annotations", "ownerReferences", "finalizers", "managedFields"),
    )
    maps = ("labels", "annotations")
    values = {name: metadata.get(name) or ({} if name in maps else "") for name in fields}
    return Struct("v1.ObjectMeta", {"UID" if k == "uid" else k[0].upper() + k[1:]: v for k, v in values.items()})


def _filled(template: str, parent: Struct) -> str:
    """A container's name; "" for a template that does not fit this object."""
    try:
        return parse("container-template", template).render(parent)
    except TemplateFault:
        return ""


def _name(containers: list[Json], base: str, taken: set[Any]) -> None:
    """Name the nameless; `taken` are the names that the user gave."""
    numbered = (child_name(base, f"-{number}") for number in count())
    for container in containers:
        if not container.get("name"):
            is_free = len(containers) == 1 and base not in taken
            container["name"] = base if is_free else next(name for name in numbered if name not in taken)


def _secure(container: Json, pod: Json, features: Features) -> None:
    """What secure-pod-defaults adds where neither the container nor its Pod says otherwise."""
    context = container["securityContext"] = dict(container.get("securityContext") or {})
    if context.get("allowPrivilegeEscalation") is None:
        context["allowPrivilegeEscalation"] = False
    if not (pod.get("seccompProfile") or {}).get("type"):
        profile = context.get("seccompProfile") or {}
        context["seccompProfile"] = {**profile, "type": profile.get("type") or "RuntimeDefault"}
    if context.get("capabilities") is None:
        context["capabilities"] = {"drop": ["ALL"]}
        if any((port.get("containerPort") or 0) < _FIRST_FREE_PORT for port in container.get("ports") or ()):
            context["capabilities"]["add"] = ["NET_BIND_SERVICE"]
    if features.is_enabled(SECURE_DEFAULTS) and pod.get("runAsNonRoot") is None:
        context.setdefault("runAsNonRoot", True)


def _default_container(container: Json, spec: Json, config: Mapping[str, str], *, serves: bool) -> None:
    resources = container["resources"] = dict(container.get("resources") or {})
    for table in ("requests", "limits"):
        for resource in _RESOURCES:
            found = config.get(f"revision-{resource}-{table[:-1]}")
            if found and resource not in (resources.get(table) or {}):
                resources[table] = {**(resources.get(table) or {}), resource: found}
    for mount in container.get("volumeMounts") or ():
        if _is_read_only(mount.get("name"), spec):
            mount["readOnly"] = True
    if serves or container.get("readinessProbe") is not None:
        container["readinessProbe"] = _default_readiness(container.get("readinessProbe"), serves)
    for name in ("readinessProbe", "livenessProbe", "startupProbe"):
        probe = container.get(name)
        if probe and probe.get("grpc") is not None and probe["grpc"].get("service") is None:
            container[name] = {**probe, "grpc": {**probe["grpc"], "service": ""}}


def _default_readiness(probe: Json | None, serves: bool) -> Json:
    probe = dict(probe or {})
    if serves and not _handlers(probe):
        probe["tcpSocket"] = {"port": 0}
    if not probe.get("successThreshold"):
        probe["successThreshold"] = 1
    if probe.get("periodSeconds"):
        probe["failureThreshold"] = probe.get("failureThreshold") or 3
        probe["timeoutSeconds"] = probe.get("timeoutSeconds") or 1
    return probe


def _handlers(probe: Mapping[str, Any]) -> list[str]:
    return [name for name in ("exec", "grpc", "httpGet", "tcpSocket") if probe.get(name) is not None]


def _is_read_only(name: str | None, spec: Json) -> bool:
    """All mounts are but those of volumes that can be written, which are as written."""
    writable = ("emptyDir", "persistentVolumeClaim", "ephemeral")
    named = [volume for volume in spec.get("volumes") or () if volume.get("name") == name]
    return all(volume.get(kind) is None for volume in named for kind in writable)
