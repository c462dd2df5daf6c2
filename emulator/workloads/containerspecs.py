"""From a Pod's container to the Runtime's `ContainerSpec`.

Pure: the one place that says how Kubernetes' words (command, limits, securityContext, volumes …) become an engine's.
Files of ConfigMap, Secret and projected volumes are written by `volumes.py`, which gives the mounts. Called by the
Pod's keepers for every start, so that an edited ConfigMap counts from the next start on.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.lib.quantities import Quantity
from emulator.objects.podspec import Container, PodSpec, SecurityContext, expand_env
from emulator.objects.resource import Resource
from emulator.runtime.base import ContainerSpec, Mount
from emulator.workloads.environment import ConfigFault

POD_LABEL, CONTAINER_LABEL = "dev.kemu.pod", "dev.kemu.container"
MILLI_CPU_NANO = 1_000_000
# Kubernetes' MinShares and SharesPerCPU (pkg/kubelet/cm/helpers_linux.go).
_SHARES_PER_CPU, _LEAST_SHARES = 1024, 2


def container_spec(
    pod: Resource[PodSpec], container: Container, env: Mapping[str, str], mounts: tuple[Mount, ...], attempt: int
) -> ContainerSpec:
    """What to run for `container` of `pod`, as the image's user. `attempt` counts its starts and keeps names apart."""
    security = container.security_context
    return ContainerSpec(
        name=f"kemu-{pod.name}-{container.name}-{pod.uid[:8]}-{attempt}",
        image=container.image,
        env=dict(env),
        command=_expanded(container.command, env),
        args=_expanded(container.args, env),
        working_dir=container.working_dir,
        groups=_groups(pod.spec),
        hostname=pod.spec.hostname or pod.name,
        labels={POD_LABEL: f"{pod.namespace}/{pod.name}", CONTAINER_LABEL: container.name},
        ports=_ports(pod.spec, container),
        mounts=mounts,
        memory_bytes=_amount(container, "limits", "memory"),
        cpu_nano=_cpu_nano(container),
        cpu_shares=_cpu_shares(container),
        cap_add=_capabilities(security, "add"),
        cap_drop=_capabilities(security, "drop"),
        read_only_root=bool(security and security.read_only_root_filesystem),
        is_unconfined=_is_unconfined(pod.spec, security),
        stdin=bool(container.stdin),
        stdin_once=bool(container.stdin_once),
        tty=bool(container.tty),
    )


def _expanded(words: list[str] | None, env: Mapping[str, str]) -> tuple[str, ...] | None:
    return tuple(expand_env(word, env) for word in words) if words else None


def _ports(spec: PodSpec, container: Container) -> tuple[int, ...]:
    """Those of the container, and the others that probes of the Pod ask: one network has them all."""
    own = [port.container_port for port in container.ports]
    probes = [p for c in spec.containers for p in (c.readiness_probe, c.liveness_probe, c.startup_probe) if p]
    handlers = [handler for p in probes for handler in (p.http_get, p.tcp_socket, p.grpc) if handler]
    asked = [int(str(handler.port)) for handler in handlers if str(handler.port).isdigit()]
    return tuple(dict.fromkeys([*own, *(port for port in asked if port and own)]))


def _groups(spec: PodSpec) -> tuple[int, ...]:
    security = spec.security_context
    if security is None:
        return ()
    own = [security.fs_group] if security.fs_group is not None else []
    return (*own, *(security.supplemental_groups or ()))


def _is_unconfined(spec: PodSpec, security: SecurityContext | None) -> bool:
    """Whether seccomp is off; unless it is, the engine's profile applies, as with Kubernetes' `seccompDefault`."""
    own, pods = (context.seccomp_profile if context else None for context in (security, spec.security_context))
    profile = own or pods or {}
    if profile.get("type") == "Localhost":
        fix = "there is no folder of profiles on this node; use RuntimeDefault"
        raise ConfigFault(f"seccompProfile {profile.get('localhostProfile') or 'Localhost'}: {fix}")
    return profile.get("type") == "Unconfined"


def _capabilities(security: SecurityContext | None, which: str) -> tuple[str, ...]:
    capabilities = security.capabilities if security else None
    return tuple(getattr(capabilities, which, None) or ())


def _amount(container: Container, table: str, resource: str) -> int | None:
    found = _quantity(container, table, resource)
    return found.to_int() if found else None


def _cpu_nano(container: Container) -> int | None:
    found = _quantity(container, "limits", "cpu")
    return round(found.to_float() * 1000) * MILLI_CPU_NANO if found else None


def _cpu_shares(container: Container) -> int | None:
    found = _quantity(container, "requests", "cpu")
    return max(_LEAST_SHARES, int(found.to_float() * _SHARES_PER_CPU)) if found else None


def _quantity(container: Container, table: str, resource: str) -> Quantity | None:
    amounts = getattr(container.resources, table, None) or {}
    return Quantity.parse(str(amounts[resource])) if resource in amounts else None
