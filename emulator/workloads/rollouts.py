"""How large each ReplicaSet of a Deployment should be: rolling updates, re-creation, scaling in mid-rollout.

Pure arithmetic over the ReplicaSets' sizes and counts; `deployments.py` carries it out. Followed: kubernetes
pkg/controller/deployment/{rolling,recreate,sync}.go and util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from emulator.objects.kind import Json
from emulator.objects.resource import Resource

DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"

Sizes = dict[str, int]


@dataclass(frozen=True)
class Bounds:
    """How many Pods there may be beyond `replicas`, and how many of them may be missing."""

    replicas: int
    surge: int
    unavailable: int

    @classmethod
    def of(cls, spec: Json) -> Bounds:
        """From a Deployment's spec; percents are of `replicas` (intstr: surge rounds up, unavailable down)."""
        replicas = int(spec["replicas"])
        strategy = spec.get("strategy") or {}
        if strategy.get("type") == "Recreate":
            return cls(replicas, 0, 0)
        rolling = strategy.get("rollingUpdate") or {}
        surge = _amount(rolling.get("maxSurge", "25%"), replicas, ceil)
        unavailable = _amount(rolling.get("maxUnavailable", "25%"), replicas, floor)
        if not surge and not unavailable:
            unavailable = 1
        return cls(replicas, surge, min(unavailable, replicas))

    @property
    def most(self) -> int:
        return self.replicas + self.surge

    @property
    def least(self) -> int:
        return self.replicas - self.unavailable


def _amount(value: Any, replicas: int, rounded: Any) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return int(rounded(int(value[:-1]) * replicas / 100))
    return int(value)


@dataclass(frozen=True)
class Sets:
    """A Deployment's ReplicaSets: the one of the present template, and the others, oldest first.

    `size` of the new one is 0 while it has yet to be made; `name` is what it will be called.
    """

    name: str
    new: Resource[Any] | None
    old: Sequence[Resource[Any]]

    @property
    def size(self) -> int:
        return size_of(self.new) if self.new is not None else 0

    @property
    def sizes(self) -> Sizes:
        return {self.name: self.size, **{s.name: size_of(s) for s in self.old}}

    @property
    def all(self) -> list[Resource[Any]]:
        return [*self.old, *((self.new,) if self.new is not None else ())]

    @property
    def is_new(self) -> bool:
        """Whether the present template has no ReplicaSet yet."""
        return self.new is None

    def total(self, field: str) -> int:
        return sum(int(s.status.get(field, 0)) for s in self.all)


def size_of(replica_set: Resource[Any]) -> int:
    return int(replica_set.obj["spec"]["replicas"])


def was_scaled(sets: Sets, replicas: int) -> bool:
    """Whether the Deployment's own size changed since its ReplicaSets got theirs."""
    desired = [s.annotations.get(DESIRED) for s in sets.all if size_of(s) > 0]
    return any(said is not None and said != str(replicas) for said in desired)


def scaled(sets: Sets, bounds: Bounds, *, is_rolling: bool) -> Sizes:
    """The sizes after the Deployment's own size changed: in mid-rollout every ReplicaSet gets its part of it."""
    sizes = sets.sizes
    active = [s for s in sets.all if size_of(s) > 0]
    if len(active) <= 1:
        only = active[0] if active else sets.new
        return {**sizes, only.name: bounds.replicas} if only is not None else sizes
    if _is_saturated(sets, bounds.replicas):
        return {**dict.fromkeys(sizes, 0), sets.name: bounds.replicas}
    return _shared(sizes, active, bounds) if is_rolling else sizes


def _is_saturated(sets: Sets, replicas: int) -> bool:
    new = sets.new
    if new is None or sets.size != replicas:
        return False
    is_told = new.annotations.get(DESIRED) == str(replicas)
    return is_told and int(new.status.get("availableReplicas", 0)) == replicas


def _shared(sizes: Sizes, active: Sequence[Resource[Any]], bounds: Bounds) -> Sizes:
    """Proportional scaling: the difference is shared out by size, the larger ones first; the rest to the first."""
    allowed = bounds.most if bounds.replicas > 0 else 0
    missing = allowed - sum(map(size_of, active))
    newest_first = sorted(active, key=lambda s: str(s.metadata["creationTimestamp"]), reverse=missing > 0)
    ordered = sorted(newest_first, key=size_of, reverse=True)
    given, shares = 0, dict[str, int]()
    for each in ordered:
        share = _share(each, missing - given, bounds) if missing else 0
        shares[each.name] = max(size_of(each) + share, 0)
        given += share
    if missing:
        first = ordered[0].name
        shares[first] = max(shares[first] + missing - given, 0)
    return {**sizes, **shares}


def _share(replica_set: Resource[Any], left: int, bounds: Bounds) -> int:
    size = size_of(replica_set)
    most = int(replica_set.annotations.get(MOST, 0)) or bounds.most
    share = floor(size * bounds.most / most + 0.5) - size  # GetReplicaSetFraction, rounded half away from zero
    return min(share, left) if left > 0 else max(share, left)


def rolled(sets: Sets, bounds: Bounds) -> Sizes:
    """One step of a rolling update: first the new one grows as far as it may, then old ones shrink."""
    sizes = sets.sizes
    grown = _grown(sizes, sets.name, bounds)
    if grown != sizes[sets.name]:
        return {**sizes, sets.name: grown}
    return {**sizes, **_shrunk(sets, bounds)}


def _grown(sizes: Mapping[str, int], new: str, bounds: Bounds) -> int:
    if sizes[new] > bounds.replicas:
        return bounds.replicas
    room = bounds.most - sum(sizes.values())
    return min(sizes[new] + room, bounds.replicas) if room > 0 else sizes[new]


def _shrunk(sets: Sets, bounds: Bounds) -> Sizes:
    """The old ones' sizes: Pods that do not run go first, then as many as the available ones allow."""
    old = {s.name: size_of(s) for s in sets.old if size_of(s) > 0}
    waiting = sets.size - int(sets.new.status.get("availableReplicas", 0)) if sets.new is not None else 0
    spare = sets.size + sum(old.values()) - bounds.least - waiting
    if not old or spare <= 0:
        return old
    available = {s.name: int(s.status.get("availableReplicas", 0)) for s in sets.old}
    for name in old:
        useless = min(spare, max(old[name] - available[name], 0))
        old[name] -= useless
        spare -= useless
    spare = sets.total("availableReplicas") - bounds.least
    for name in old:
        gone = min(old[name], max(spare, 0))
        old[name] -= gone
        spare -= gone
    return old


def recreated(sets: Sets, bounds: Bounds, *, old_are_gone: bool) -> Sizes:
    """All old Pods go before the first new one comes."""
    return {**dict.fromkeys(sets.sizes, 0), sets.name: bounds.replicas if old_are_gone else sets.size}
