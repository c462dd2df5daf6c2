"""What Knative accepts of a RevisionSpec, in its own words.

Pure: a decoded spec, its JSON and the ConfigMaps in force give Problems with paths below the spec. Followed:
knative/serving pkg/apis/serving/k8s_validation.go and v1/revision_validation.go (serving §2.3-2.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.objects.kind import Json
from emulator.objects.names import dns1123_subdomain_faults
from emulator.objects.podspec import Container, EnvVar, Probe, VolumeMount
from emulator.objects.problems import (
    Path,
    Problem,
    both,
    disallowed,
    invalid_value,
    missing,
    neither,
    out_of_range,
    under,
)
from emulator.serving.features import ALLOWED, CONTAINER_ALLOWED, Features
from emulator.serving.revisionspec import MAX_TIMEOUT_S, RevisionSpec

RESERVED_ENV = ("PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION")
RESERVED_PORTS = (8008, 8012, 8013, 8022, 9090, 9091)
RESERVED_PATHS = ("/", "/dev", "/dev/log")
_VOLUME_KINDS = (
    "secret",
    "configMap",
    "projected",
    "emptyDir",
    "persistentVolumeClaim",
    "hostPath",
    "csi",
    "ephemeral",
    "image",
)
_VOLUME_FLAGS = {
    "hostPath": (
        "kubernetes.podspec-volumes-hostpath",
        "HostPath volume support is disabled, but found HostPath volume {}",
    ),
    "csi": ("kubernetes.podspec-volumes-csi", "CSI volume support is disabled, but found CSI volume {}"),
    "ephemeral": (
        "kubernetes.podspec-volumes-ephemeral",
        "Ephemeral volume support is disabled, but found ephemeral volume {}",
    ),
    "image": ("kubernetes.podspec-volumes-image", "Image volume support is disabled, but found image volume {}"),
    "emptyDir": (
        "kubernetes.podspec-volumes-emptydir",
        "EmptyDir volume support is disabled, but found EmptyDir volume {}",
    ),
    "persistentVolumeClaim": (
        "kubernetes.podspec-persistent-volume-claim",
        "Persistent volume claim support is disabled, but found persistent volume claim {}",
    ),
}


def problems_of(spec: RevisionSpec, raw: Json, defaults: Mapping[str, str], features: Features) -> Iterator[Problem]:
    """All faults of a completed RevisionSpec; paths start below it."""
    yield from _field_problems(raw, features)
    yield from _number_problems(spec, defaults)
    if spec.service_account_name and (faults := dns1123_subdomain_faults(spec.service_account_name)):
        yield invalid_value(spec.service_account_name, "serviceAccountName", details="\n".join(faults))
    if spec.automount_service_account_token:
        yield invalid_value(True, "automountServiceAccountToken")
    yield from _volume_problems(spec, raw, features)
    yield from _container_list_problems(spec, features)
    serving = _serving(spec.containers)
    for index, container in enumerate(spec.containers):
        body = raw["containers"][index]
        found = [*_container_problems(container, body, spec, is_serving=container is serving)]
        found += [
            *_probe_problems(container, features, container is serving),
            *_reference_problems(container, features),
        ]
        yield from under(found, "containers", index)
    for index, container in enumerate(spec.init_containers):
        body = raw["initContainers"][index]
        found = [*_container_problems(container, body, spec, is_serving=False), *_init_problems(container)]
        yield from under(found, "initContainers", index)


def _field_problems(raw: Json, features: Features) -> Iterator[Problem]:
    for field in raw:
        if field not in ALLOWED and not features.lets_through(field):
            yield disallowed(field)


def _number_problems(spec: RevisionSpec, defaults: Mapping[str, str]) -> Iterator[Problem]:
    longest = int(defaults.get("max-revision-timeout-seconds", MAX_TIMEOUT_S))
    if spec.timeout_seconds is not None and not 0 <= spec.timeout_seconds <= longest:
        yield out_of_range(spec.timeout_seconds, 0, longest, "timeoutSeconds")
    most = int(defaults.get("container-concurrency-max-limit", 1000))
    least = 0 if defaults.get("allow-container-concurrency-zero", "true").lower() == "true" else 1
    if spec.container_concurrency is not None and not least <= spec.container_concurrency <= most:
        yield out_of_range(spec.container_concurrency, least, most, "containerConcurrency")


def _container_list_problems(spec: RevisionSpec, features: Features) -> Iterator[Problem]:
    containers = spec.containers
    if not containers:
        yield missing("containers")
    if len(containers) > 1 and not features.is_on("multi-container"):
        yield Problem(("containers",), f"multi-container is off, but found {len(containers)} containers")
    if spec.init_containers and not features.is_on("kubernetes.podspec-init-containers"):
        count = len(spec.init_containers)
        said = f"pod spec support for init-containers is off, but found {count} init containers"
        yield Problem(("initContainers",), said)
    ports = sum(len(c.ports) for c in containers)
    if ports > 1:
        details = "Only a single port is allowed across all containers"
        yield Problem(("containers[*]", "ports"), "more than one container port is set", details=details)
    elif len(containers) > 1 and not ports:
        yield missing("containers[*]", "ports")
    seen: set[str] = set()
    for index, container in enumerate((*containers, *spec.init_containers)):
        if container.name in seen:
            yield Problem(("containers", index, "name"), f'duplicate container name "{container.name}"')
        seen.add(container.name)


def _serving(containers: Sequence[Container]) -> Container | None:
    with_ports = [c for c in containers if c.ports]
    return with_ports[0] if with_ports else containers[0] if len(containers) == 1 else None


def _container_problems(container: Container, raw: Json, spec: RevisionSpec, *, is_serving: bool) -> Iterator[Problem]:
    if not {k for k in raw if k not in ("name", "resources", "readinessProbe")}:
        yield Problem((), "missing field(s)", "FieldValueRequired")
        return
    for field in raw:
        if field not in CONTAINER_ALLOWED:
            yield disallowed(field)
    if not container.image:
        yield missing("image")
    elif fault := _image_fault(container.image):
        details = f'image: "{container.image}", error: {fault}'
        yield Problem(("image",), "Failed to parse image reference", details=details)
    if container.name == "queue-proxy":
        yield Problem(("name",), '"queue-proxy" is a reserved container name')
    for index, variable in enumerate(container.env):
        yield from under(_env_problems(variable, is_serving), "env", index)
    yield from _env_from_problems(container)
    yield from _port_problems(container)
    yield from _mount_problems(container, spec)
    if container.resources and container.resources.claims:
        yield disallowed("resources", "claims")
    yield from _security_problems(container)


def _env_from_problems(container: Container) -> Iterator[Problem]:
    for index, source in enumerate(container.env_from):
        given = [source.config_map_ref is not None, source.secret_ref is not None]
        paths: tuple[Path, Path] = (("envFrom", index, "configMapRef"), ("envFrom", index, "secretRef"))
        if not any(given):
            yield neither(*paths)
        elif all(given):
            yield both(*paths)


def _image_fault(image: str) -> str:
    """Why `image` is no reference, or nothing (go-containerregistry name.ParseReference, its common faults)."""
    name = image.partition("@")[0]
    if any(c.isspace() for c in image) or name.startswith(("/", "-", ":")) or name.endswith(("/", ":")):
        return f"could not parse reference: {image}"
    repository = name.rpartition("/")[2].partition(":")[0]
    if repository != repository.lower():
        return "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: " + image
    return ""


def _env_problems(variable: EnvVar, is_serving: bool) -> Iterator[Problem]:
    reserved = RESERVED_ENV if is_serving else RESERVED_ENV[1:]
    if not variable.name:
        yield missing("name")
    elif variable.name in reserved:
        yield Problem(("name",), f'"{variable.name}" is a reserved environment variable')


def _reference_problems(container: Container, features: Features) -> Iterator[Problem]:
    """Variables made of the Pod's own fields are behind a flag."""
    if features.is_on("kubernetes.podspec-fieldref"):
        return
    for index, variable in enumerate(container.env):
        source = variable.value_from
        if source is not None and (source.field_ref or source.resource_field_ref):
            yield disallowed("env", index, "valueFrom", "fieldRef" if source.field_ref else "resourceFieldRef")


def _port_problems(container: Container) -> Iterator[Problem]:
    for port in container.ports:
        if port.host_port is not None:
            yield disallowed("ports", "hostPort")
        if port.host_ip is not None:
            yield disallowed("ports", "hostIP")
        if not 0 <= port.container_port <= 65535:
            yield out_of_range(port.container_port, 0, 65535, "ports", "containerPort")
        if port.container_port in RESERVED_PORTS:
            number = port.container_port
            details = f"{number} is a reserved port, please use a different value"
            yield invalid_value(f"{number} is a reserved port", "ports", "containerPort", details=details)
        if port.protocol not in (None, "", "TCP"):
            yield invalid_value(port.protocol, "ports", "protocol")
        if port.name not in (None, "", "http1", "h2c"):
            details = "Name must be empty, or one of: 'h2c', 'http1'"
            yield Problem(("ports",), f"Port name {port.name} is not allowed", details=details)


def _mount_problems(container: Container, spec: RevisionSpec) -> Iterator[Problem]:
    volumes = {volume.name: volume for volume in spec.volumes}
    seen: set[str] = set()
    for index, mount in enumerate(container.volume_mounts):
        path = ("volumeMounts", index)
        if mount.name not in volumes:
            yield Problem((*path, "name"), "volumeMount has no matching volume")
        yield from _path_problems(mount, seen, path)
        seen.add(mount.mount_path)


def _path_problems(mount: VolumeMount, seen: set[str], path: tuple[str | int, ...]) -> Iterator[Problem]:
    where = mount.mount_path
    if not where:
        yield missing(*path, "mountPath")
    elif where.rstrip("/") in ("", *RESERVED_PATHS):
        yield Problem((*path, "mountPath"), f'mountPath "{where}" is a reserved path')
    elif not where.startswith("/"):
        yield invalid_value(where, *path, "mountPath")
    elif where in seen:
        yield Problem((*path, "mountPath"), f'invalid value: "{where}" must be unique')


def _volume_problems(spec: RevisionSpec, raw: Json, features: Features) -> Iterator[Problem]:
    mounted = {m.name for c in (*spec.containers, *spec.init_containers) for m in c.volume_mounts}
    seen: set[str] = set()
    for index, volume in enumerate(spec.volumes):
        path = ("volumes", index)
        if volume.name in seen:
            yield Problem((*path, "name"), f'duplicate volume name "{volume.name}"')
        elif volume.name not in mounted:
            yield Problem((*path, "name"), f'volume with name "{volume.name}" not mounted')
        seen.add(volume.name)
        kinds = [kind for kind in _VOLUME_KINDS if raw["volumes"][index].get(kind) is not None]
        if not kinds:
            yield neither(*((*path, kind) for kind in ("secret", "configMap", "projected", "emptyDir")))
        for kind in kinds:
            flag, said = _VOLUME_FLAGS.get(kind, ("", ""))
            if flag and not features.is_on(flag):
                yield Problem(path, said.format(volume.name))


def _security_problems(container: Container) -> Iterator[Problem]:
    security = container.security_context
    if security is None:
        return
    for field, value in (("runAsUser", security.run_as_user), ("runAsGroup", security.run_as_group)):
        if value is not None and not 0 <= value <= 2**31 - 1:
            yield out_of_range(value, 0, 2**31 - 1, "securityContext", field)
    if security.privileged:
        yield invalid_value(True, "securityContext", "privileged")
    for field, given in (("procMount", security.proc_mount), ("seLinuxOptions", security.se_linux_options)):
        if given is not None:
            yield disallowed("securityContext", field)


def _probe_problems(container: Container, features: Features, is_serving: bool) -> Iterator[Problem]:
    probes = {
        "readinessProbe": container.readiness_probe,
        "livenessProbe": container.liveness_probe,
        "startupProbe": container.startup_probe,
    }
    for name, probe in probes.items():
        if probe is None:
            continue
        if not is_serving and not features.is_on("multi-container-probing"):
            yield disallowed(name)
            continue
        yield from under(_handler_problems(probe), name)
        yield from under(_probe_number_problems(probe, name == "readinessProbe"), name)
        if is_serving:
            yield from under(_probe_port_problems(probe, container), name)


def _handler_problems(probe: Probe) -> Iterator[Problem]:
    handlers: dict[str, Any] = {
        "exec": probe.exec,
        "grpc": probe.grpc,
        "httpGet": probe.http_get,
        "tcpSocket": probe.tcp_socket,
    }
    given = [name for name, handler in handlers.items() if handler is not None]
    if not given:
        yield neither(*((name,) for name in handlers))
    elif len(given) > 1:
        yield both(*((name,) for name in given))


def _probe_number_problems(probe: Probe, is_readiness: bool) -> Iterator[Problem]:
    least = {"periodSeconds": (probe.period_seconds, 0), "initialDelaySeconds": (probe.initial_delay_seconds, 0)}
    for field, (value, low) in least.items():
        if value is not None and value < low:
            yield out_of_range(value, low, 2**31 - 1, field)
    if is_readiness and not probe.period_seconds:
        for field, value in (("failureThreshold", probe.failure_threshold), ("timeoutSeconds", probe.timeout_seconds)):
            if value:
                yield Problem((field,), f"{field} is disallowed when periodSeconds is zero")
    if probe.success_threshold is not None and probe.success_threshold < 1:
        yield out_of_range(probe.success_threshold, 1, 2**31 - 1, "successThreshold")


def _probe_port_problems(probe: Probe, container: Container) -> Iterator[Problem]:
    name = container.ports[0].name if container.ports else None
    for field, handler in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
        port = handler.port if handler is not None else None
        if isinstance(port, str) and port and not port.isdigit() and port != name:
            yield invalid_value(port, field, "port", details="Probe port must match container port")


def _init_problems(container: Container) -> Iterator[Problem]:
    for field in ("livenessProbe", "readinessProbe", "startupProbe", "ports"):
        given = {
            "livenessProbe": container.liveness_probe,
            "readinessProbe": container.readiness_probe,
            "startupProbe": container.startup_probe,
            "ports": container.ports or None,
        }[field]
        if given is not None:
            yield Problem((field,), "field not allowed in an init container")
