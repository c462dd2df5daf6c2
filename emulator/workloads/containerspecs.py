"""From a Pod's container to the Runtime's `ContainerSpec`.

Pure: the one place that says how Kubernetes' words (command, limits, securityContext, volumes …) become an engine's.
Files of ConfigMap, Secret and projected volumes are written by `volumes.py`, which gives the mounts. Called by the
Pod's keepers for every start, so that an edited ConfigMap counts from the next start on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    """What to run for `container` of `pod`. `attempt` counts its starts and keeps names apart."""
    security = container.security_context
    return ContainerSpec(
        name=f"kemu-{pod.name}-{container.name}-{pod.uid[:8]}-{attempt}",
        image=container.image,
        env=dict(env),
        command=_expanded(container.command, env),
        args=_expanded(container.args, env),
        working_dir=container.working_dir,
        user=_user(pod.spec, security),
        groups=_groups(pod.spec),
        hostname=pod.spec.hostname or pod.name,
        labels={POD_LABEL: f"{pod.namespace}/{pod.name}", CONTAINER_LABEL: container.name},
        ports=tuple(port.container_port for port in container.ports),
        mounts=mounts,
        memory_bytes=_amount(container, "limits", "memory"),
        cpu_nano=_cpu_nano(container),
        cpu_shares=_cpu_shares(container),
        cap_add=_capabilities(security, "add"),
        cap_drop=_capabilities(security, "drop"),
        read_only_root=bool(security and security.read_only_root_filesystem),
        stdin=bool(container.stdin),
        stdin_once=bool(container.stdin_once),
        tty=bool(container.tty),
    )


def _expanded(words: list[str] | None, env: Mapping[str, str]) -> tuple[str, ...] | None:
    return tuple(expand_env(word, env) for word in words) if words else None


def _user(spec: PodSpec, security: SecurityContext | None) -> str | None:
    user = _first(security, spec.security_context, "run_as_user")
    group = _first(security, spec.security_context, "run_as_group")
    if user is None:
        return None  # the engine cannot set a group alone; Kubernetes asks for a user with it, too
    return f"{user}:{group}" if group is not None else str(user)


def _groups(spec: PodSpec) -> tuple[int, ...]:
    security = spec.security_context
    if security is None:
        return ()
    own = [security.fs_group] if security.fs_group is not None else []
    return (*own, *(security.supplemental_groups or ()))


def _first(container: Any, pod: Any, field: str) -> Any:
    for security in (container, pod):
        value = getattr(security, field, None)
        if value is not None:
            return value
    return None


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
    try:
        return Quantity.parse(str(amounts[resource])) if resource in amounts else None
    except ValueError as fault:
        raise ConfigFault(f"resources.{table}.{resource}: {fault}") from fault
