"""What Knative accepts of a RevisionSpec, in its own words.

Pure: a decoded spec, its JSON and the ConfigMaps in force give Problems with paths below the spec. Followed:
knative/serving pkg/apis/serving/k8s_validation.go and v1/revision_validation.go (serving §2.3-2.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from emulator.objects.imagenames import is_reference
from emulator.objects.kind import Json
from emulator.objects.names import dns1123_subdomain_faults
from emulator.objects.podspec import Container, ContainerPort, EnvVar, PodSecurityContext, SecurityContext
from emulator.objects.problems import (
    Problem,
    both,
    disallowed,
    invalid_value,
    missing,
    neither,
    out_of_range,
    under,
)
from emulator.serving.features import ALLOWED, CONTAINER_ALLOWED, GATED, Features, enabling
from emulator.serving.proberules import init_probe_problems, probe_problems
from emulator.serving.revisionspec import MAX_TIMEOUT_S, RevisionSpec, is_serving
from emulator.serving.volumerules import mount_problems, volume_problems

RESERVED_ENV = ("PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION")
RESERVED_PORTS = (8008, 8012, 8013, 8022, 9090, 9091)
_MAX_ID = 2**31 - 1
_SECURITY_ALLOWED = (
    "capabilities",
    "readOnlyRootFilesystem",
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "allowPrivilegeEscalation",
    "seccompProfile",
)
_POD_SECURITY_ALLOWED = (
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "fsGroup",
    "supplementalGroups",
    "seccompProfile",
)


def problems_of(spec: RevisionSpec, raw: Json, defaults: Mapping[str, str], features: Features) -> Iterator[Problem]:
    """All faults of a completed RevisionSpec; paths start below it."""
    yield from _field_problems(raw, features)
    yield from _number_problems(spec, defaults)
    for fault in dns1123_subdomain_faults(spec.service_account_name) if spec.service_account_name else ():
        yield invalid_value(spec.service_account_name, "serviceAccountName", details=fault)
    if spec.security_context is not None:
        body = raw["securityContext"]
        yield from under(_pod_security_problems(spec.security_context, body, features), "securityContext")
    yield from volume_problems(spec, raw, features)
    yield from _containers_problems(spec, raw, features)
    yield from _init_containers_problems(spec, raw, features)


def _field_problems(raw: Json, features: Features) -> Iterator[Problem]:
    for field, value in raw.items():
        if _is_written(value) and field not in ALLOWED and not features.lets_through(field):
            hint = enabling(f"kubernetes.podspec-{GATED[field]}") if field in GATED else ""
            yield replace(disallowed(field), hint=hint)
    if raw.get("automountServiceAccountToken"):
        yield disallowed("automountServiceAccountToken")


def _is_written(value: object) -> bool:
    """Whether a Go struct would remember that the field was written."""
    return value is not None and value is not False and value != ""


def _number_problems(spec: RevisionSpec, defaults: Mapping[str, str]) -> Iterator[Problem]:
    longest = int(defaults.get("max-revision-timeout-seconds", MAX_TIMEOUT_S))
    if spec.timeout_seconds is not None and not 0 <= spec.timeout_seconds <= longest:
        yield out_of_range(spec.timeout_seconds, 0, longest, "timeoutSeconds")
    most = int(defaults.get("container-concurrency-max-limit", 1000))
    least = 0 if defaults.get("allow-container-concurrency-zero", "true").lower() == "true" else 1
    if spec.container_concurrency is not None and not least <= spec.container_concurrency <= most:
        yield out_of_range(spec.container_concurrency, least, most, "containerConcurrency")


def _containers_problems(spec: RevisionSpec, raw: Json, features: Features) -> Iterator[Problem]:
    containers = spec.containers
    ports = sum(len(c.ports) for c in containers)
    if not containers:
        yield missing("containers")
    if ports > 1:
        details = "Only a single port is allowed across all containers"
        yield Problem(("containers[*]", "ports"), "more than one container port is set", details=details)
    elif len(containers) > 1 and not ports:
        yield missing("containers[*]", "ports")
    if len(containers) > 1 and not features.is_enabled("multi-container"):
        said = f"multi-container is off, but found {len(containers)} containers"
        yield Problem(("containers",), said, told=(), hint=enabling("multi-container"))
        return
    yield from (fault.under("containers", at) for at, fault in _name_problems(containers, set()))
    for index, container in enumerate(containers):
        body = raw["containers"][index]
        serves = is_serving(body, raw["containers"])
        reserved = RESERVED_ENV if serves else RESERVED_ENV[1:]
        found = [*_container_problems(container, body, spec, features, reserved=reserved)]
        found += [*_port_problems(container), *probe_problems(container, body, features, is_serving=serves)]
        yield from under(found, "containers", index)


def _init_containers_problems(spec: RevisionSpec, raw: Json, features: Features) -> Iterator[Problem]:
    containers = spec.init_containers
    if not containers:
        return
    if not features.is_enabled(flag := "kubernetes.podspec-init-containers"):
        said = f"pod spec support for init-containers is off, but found {len(containers)} init containers"
        yield Problem(("initContainers",), said, told=(), hint=enabling(flag))
        return
    taken = [*_name_problems(containers, {c.name for c in spec.containers})]
    for index, container in enumerate(containers):
        body = raw["initContainers"][index]
        found = [fault for at, fault in taken if at == index]
        found += _container_problems(container, body, spec, features, reserved=RESERVED_ENV[1:])
        found += [*_basic_port_problems(container.ports), *init_probe_problems(container)]
        # Upstream tells them as those of containers (validateInitContainers).
        yield from (fault.moved(("initContainers", index), ("containers", index)) for fault in found)


def _name_problems(containers: Sequence[Container], taken: set[str]) -> Iterator[tuple[int, Problem]]:
    """Names that are taken, by the index of who has them too."""
    for index, container in enumerate(containers):
        if container.name in taken:
            yield index, Problem(("name",), f'duplicate container name "{container.name}"')
        taken.add(container.name)


def _container_problems(
    container: Container, raw: Json, spec: RevisionSpec, features: Features, *, reserved: Sequence[str]
) -> Iterator[Problem]:
    """What holds for containers of all sorts."""
    if not {k for k in raw if k not in ("name", "resources", "readinessProbe")}:
        yield Problem((), "missing field(s)", "FieldValueRequired")
        return
    for field, value in raw.items():
        if _is_written(value) and field not in CONTAINER_ALLOWED:
            yield disallowed(field)
    yield from _image_problems(container.image)
    if container.name == "queue-proxy":
        yield Problem(("name",), '"queue-proxy" is a reserved container name')
    for index, variable in enumerate(container.env):
        yield from under(_env_problems(variable, features, reserved), "env", index)
    yield from _env_from_problems(container)
    yield from mount_problems(container.volume_mounts, spec, features)
    if container.resources and container.resources.claims:
        yield disallowed("resources", "claims")
    if container.security_context is not None:
        found = _security_problems(container.security_context, raw["securityContext"], features)
        yield from under(found, "securityContext")
    if container.termination_message_policy not in (None, "", "File", "FallbackToLogsOnError"):
        yield invalid_value(container.termination_message_policy, "terminationMessagePolicy")


def _env_from_problems(container: Container) -> Iterator[Problem]:
    for index, source in enumerate(container.env_from):
        given = [source.config_map_ref is not None, source.secret_ref is not None]
        if any(given) and not all(given):
            continue
        fault = (both if all(given) else neither)(("configMapRef",), ("secretRef",))
        yield fault.moved(("envFrom", index), ("envFrom",))  # upstream forgets the index


def _image_problems(image: str) -> Iterator[Problem]:
    if not image:
        yield missing("image")
    elif not is_reference(image):
        details = f'image: "{image}", error: could not parse reference: {image}'
        yield Problem(("image",), "Failed to parse image reference", details=details)


def _env_problems(variable: EnvVar, features: Features, reserved: Sequence[str]) -> Iterator[Problem]:
    if not variable.name:
        yield missing("name")
    elif variable.name in reserved:
        yield Problem(("name",), f'"{variable.name}" is a reserved environment variable')
    source = variable.value_from
    if source is None or features.is_on("kubernetes.podspec-fieldref"):
        return
    for field, given in (("fieldRef", source.field_ref), ("resourceFieldRef", source.resource_field_ref)):
        if given is not None:
            yield disallowed("valueFrom", field)


def _port_problems(container: Container) -> Iterator[Problem]:
    """Only the first is asked: more of them are a fault of their own."""
    yield from _basic_port_problems(container.ports[:1])
    for port in container.ports[:1]:
        if port.protocol not in (None, "", "TCP"):
            yield invalid_value(port.protocol, "ports", "protocol")
        if port.name not in (None, "", "http1", "h2c"):
            details = "Name must be empty, or one of: 'h2c', 'http1'"
            yield Problem(("ports",), f"Port name {port.name} is not allowed", details=details)


def _basic_port_problems(ports: Sequence[ContainerPort]) -> Iterator[Problem]:
    for port in ports:
        number = port.container_port
        if port.host_port:
            yield disallowed("ports", "hostPort")
        if port.host_ip:
            yield disallowed("ports", "hostIP")
        if not 0 <= number <= 65535:
            yield out_of_range(number, 0, 65535, "ports", "containerPort")
        if number in RESERVED_PORTS:
            details = f"{number} is a reserved port, please use a different value"
            yield invalid_value(f"{number} is a reserved port", "ports", "containerPort", details=details)


def _security_problems(security: SecurityContext, raw: Json, features: Features) -> Iterator[Problem]:
    allowed = _SECURITY_ALLOWED if raw.get("privileged") else (*_SECURITY_ALLOWED, "privileged")
    for field, value in raw.items():
        if field not in allowed and value is not None:
            yield disallowed(field)
    yield from _id_problems({"runAsUser": security.run_as_user, "runAsGroup": security.run_as_group})
    added = security.capabilities.add if security.capabilities else []
    if not added or features.is_enabled("kubernetes.containerspec-addcapabilities"):
        return
    if not (features.has_secure_defaults and added == ["NET_BIND_SERVICE"]):
        yield disallowed("capabilities", "add")


def _pod_security_problems(security: PodSecurityContext, raw: Json, features: Features) -> Iterator[Problem]:
    """Without its flag nothing may be set, but with secure-pod-defaults a common seccompProfile."""
    allowed: tuple[str, ...] = _POD_SECURITY_ALLOWED
    if not features.is_on("kubernetes.podspec-securitycontext"):
        profile = (security.seccomp_profile or {}).get("type")
        is_common = features.has_secure_defaults and profile in ("RuntimeDefault", "Unconfined")
        allowed = ("seccompProfile",) if is_common else ()
    for field, value in raw.items():
        if field not in allowed and value is not None:
            yield disallowed(field)
    ids: dict[str, int | None] = {"runAsUser": security.run_as_user, "runAsGroup": security.run_as_group}
    yield from _id_problems({**ids, "fsGroup": security.fs_group})
    groups = enumerate(security.supplemental_groups or ())
    yield from _id_problems({f"supplementalGroups[{index}]": group for index, group in groups})


def _id_problems(ids: Mapping[str, int | None]) -> Iterator[Problem]:
    for field, number in ids.items():
        if number is not None and not 0 <= number <= _MAX_ID:
            yield out_of_range(number, 0, _MAX_ID, field)
