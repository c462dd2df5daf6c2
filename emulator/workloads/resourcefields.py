"""What `resourceFieldRef` comes to: a container's limit or request, in units of the divisor, rounded up.

Pure. A limit that is not set is what the node can give, which is the engine's computer; a request that is not set is
the limit, as Kubernetes defaults it. Followed: kubernetes pkg/api/v1/resource/helpers.go
(ExtractContainerResourceValue, MergeContainerResourceLimits), pkg/apis/core/v1/defaults.go (SetDefaults_Pod).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from emulator.lib.quantities import Quantity
from emulator.objects.podspec import Container, PodSpec, ResourceFieldSelector
from emulator.runtime.base import Capacity

_STANDARD = ("cpu", "memory", "ephemeral-storage")
_MILLI = 1000


def asks_node(spec: PodSpec) -> bool:
    """Whether some reference may have to be answered with what the node can give."""
    return any(ref.resource.startswith("limits.") for ref in _refs(spec))


def resource_field(spec: PodSpec, container: Container | None, ref: ResourceFieldSelector, node: Capacity) -> str:
    """The value for `ref`, asked by `container` (None: by a volume, which must name one).

    ValueError in Kubernetes' words.
    """
    if ref.container_name:
        container = next((c for c in _containers(spec) if c.name == ref.container_name), None)
    if container is None:
        raise ValueError(f"container {ref.container_name or ''} not found")
    table, _, resource = ref.resource.partition(".")
    is_known = resource in _STANDARD or resource.startswith("hugepages-")
    if table not in ("limits", "requests") or not is_known:
        raise ValueError(f"unsupported container resource : {ref.resource}")
    divisor = _parsed(ref.divisor) or Fraction(1)
    if resource == "cpu":  # counted in thousandths, which are never split
        amount, divisor = Fraction(ceil(_amount(container, table, resource, node) * _MILLI)), divisor * _MILLI
    else:
        amount = Fraction(ceil(_amount(container, table, resource, node)))
    return str(ceil(amount / divisor))


def _amount(container: Container, table: str, resource: str, node: Capacity) -> Fraction:
    limits = container.resources.limits if container.resources else {}
    requests = container.resources.requests if container.resources else {}
    limit = _parsed(limits.get(resource))
    if table == "requests":
        return _parsed(requests[resource]) if resource in requests else limit
    given = {"cpu": node.cpus, "memory": node.memory_bytes}
    return limit or Fraction(given.get(resource, 0))


def _parsed(text: object) -> Fraction:
    return Fraction(0) if text is None else Quantity.parse(str(text)).value


def _containers(spec: PodSpec) -> Iterator[Container]:
    yield from spec.containers
    yield from spec.init_containers


def _refs(spec: PodSpec) -> Iterator[ResourceFieldSelector]:
    for container in _containers(spec):
        for variable in container.env:
            if variable.value_from is not None and variable.value_from.resource_field_ref is not None:
                yield variable.value_from.resource_field_ref
    for volume in spec.volumes:
        sources = [
            volume.downward_api,
            *(p.downward_api for p in (volume.projected.sources if volume.projected else ())),
        ]
        for source in sources:
            for item in source.items if source is not None else ():
                if item.resource_field_ref is not None:
                    yield item.resource_field_ref
