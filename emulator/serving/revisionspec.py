"""RevisionSpec: a PodSpec as Knative allows it, with its timeouts and concurrency; its defaults.

The model takes every field of a PodSpec; `revisionrules.py` refuses those that Knative does not have. Followed:
knative/serving pkg/apis/serving/v1/revision_{types,defaults}.go (serving §2.3-2.6, §7 config-defaults).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from emulator.objects.kind import Json
from emulator.objects.model import Model
from emulator.objects.podspec import PodSpec

TIMEOUT_S, MAX_TIMEOUT_S = 300, 600
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


class RevisionSpec(PodSpec):
    container_concurrency: int | None = None
    timeout_seconds: int | None = None
    response_start_timeout_seconds: int | None = None
    idle_timeout_seconds: int | None = None


class TemplateMetadata(Model):
    name: str | None = None
    namespace: str | None = None
    generate_name: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: list[str] = Field(default_factory=list)
    creation_timestamp: str | None = None


class RevisionTemplate(Model):
    metadata: TemplateMetadata | None = None
    spec: RevisionSpec


def set_defaults(spec: Json, config: Mapping[str, str]) -> None:
    """Complete the JSON of a RevisionSpec in place; `config` is the data of config-defaults."""
    timeout = int(config.get("revision-timeout-seconds", TIMEOUT_S))
    if not spec.get("timeoutSeconds"):
        spec["timeoutSeconds"] = timeout
    start = int(config.get("revision-response-start-timeout-seconds", timeout))
    if spec.get("responseStartTimeoutSeconds") is None and start < spec["timeoutSeconds"]:
        spec["responseStartTimeoutSeconds"] = start
    if spec.get("idleTimeoutSeconds") is None and int(config.get("revision-idle-timeout-seconds", 0)):
        spec["idleTimeoutSeconds"] = int(config["revision-idle-timeout-seconds"])
    if spec.get("containerConcurrency") is None:
        spec["containerConcurrency"] = int(config.get("container-concurrency", 0))
    if spec.get("enableServiceLinks") is None and config.get("enable-service-links", "false").lower() != "default":
        spec["enableServiceLinks"] = config.get("enable-service-links", "false").lower() == "true"
    containers = spec.get("containers") or []
    _name(containers, "user-container")
    _name(spec.get("initContainers") or [], "init-container")
    serving = [c for c in containers if c.get("ports")] or containers[:1] if len(containers) == 1 else []
    serving = serving or [c for c in containers if c.get("ports")]
    for container in containers:
        _default_container(container, spec, config, is_serving=any(container is c for c in serving))
    for container in spec.get("initContainers") or []:
        _default_container(container, spec, config, is_serving=False)


def _name(containers: list[Json], base: str) -> None:
    taken = {c.get("name") for c in containers}
    unnamed = [c for c in containers if not c.get("name")]
    if len(containers) == 1 and unnamed:
        unnamed[0]["name"] = base
        return
    number = 0
    for container in unnamed:
        while f"{base}-{number}" in taken:
            number += 1
        container["name"] = f"{base}-{number}"
        taken.add(container["name"])


def _default_container(container: Json, spec: Json, config: Mapping[str, str], *, is_serving: bool) -> None:
    resources = container["resources"] = dict(container.get("resources") or {})
    for table in ("requests", "limits"):
        for resource in _RESOURCES:
            found = config.get(f"revision-{resource}-{table[:-1]}")
            if found and resource not in resources.get(table, {}):
                resources[table] = {**resources.get(table, {}), resource: found}
    for mount in container.get("volumeMounts") or ():
        if _is_read_only(mount.get("name"), spec):
            mount["readOnly"] = True
    if is_serving:
        container["readinessProbe"] = _default_readiness(container.get("readinessProbe"))
    for name in ("livenessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None and not _handlers(probe):
            container[name] = {**probe, "tcpSocket": {"port": 0}}


def _default_readiness(probe: Json | None) -> Json:
    probe = dict(probe or {})
    if not _handlers(probe):
        probe["tcpSocket"] = {"port": 0}
    if not probe.get("successThreshold"):
        probe["successThreshold"] = 1
    if probe.get("periodSeconds"):
        probe.setdefault("failureThreshold", 3)
        probe.setdefault("timeoutSeconds", 1)
    return probe


def _handlers(probe: Mapping[str, Any]) -> list[str]:
    return [name for name in ("exec", "grpc", "httpGet", "tcpSocket") if probe.get(name) is not None]


def _is_read_only(name: str | None, spec: Json) -> bool:
    """Mounts of ConfigMaps, Secrets and projections are; of volumes that can be written they are as written."""
    for volume in spec.get("volumes") or ():
        if volume.get("name") == name:
            return not any(k in volume for k in ("emptyDir", "persistentVolumeClaim", "ephemeral"))
    return False
