"""Which replica takes a request: the rules by which Knative's activator spreads them, and the ingress without it.

Pure choices over the replicas of one Revision; the Throttler keeps those in order of their addresses and asks. None is
the answer when no replica has a slot free: the request waits then.

Followed: knative/serving pkg/activator/net/{lb_policy,throttler}.go (98e5ef9; serving §5.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import randrange
from typing import Protocol, TypeVar

_FIRST_AVAILABLE_MOST = 3
"""Up to this containerConcurrency the activator fills one replica before the next (newRevisionThrottler)."""


class Loaded(Protocol):
    in_flight: int


R = TypeVar("R", bound=Loaded)
Policy = Callable[[Sequence[R], int], R | None]
"""Of replicas (at least one) and containerConcurrency (0: no limit) to the one that takes the next request."""


def activator_policy(concurrency: int) -> Policy[R]:
    """The activator's rule for this containerConcurrency; a new one for each Revision, since one rule keeps a place."""
    if not concurrency:
        return random_choice_of_two
    return first_available if concurrency <= _FIRST_AVAILABLE_MOST else RoundRobin()


def random_choice_of_two(replicas: Sequence[R], concurrency: int) -> R | None:
    """The less loaded of two that chance picks; chance again between equals."""
    count = len(replicas)
    first = randrange(count)
    if count == 1:
        return replicas[first]
    second = randrange(count - 1)
    one, other = replicas[first], replicas[second + (second >= first)]
    return other if other.in_flight < one.in_flight else one


def first_available(replicas: Sequence[R], concurrency: int) -> R | None:
    """The first in order that has a slot free."""
    return next((replica for replica in replicas if replica.in_flight < concurrency), None)


class RoundRobin:
    """Each in turn, those without a free slot left out."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, replicas: Sequence[R], concurrency: int) -> R | None:
        count = len(replicas)
        start = self._next if self._next < count else 0
        for step in range(count):
            place = (start + step) % count
            if replicas[place].in_flight < concurrency:
                self._next = place + 1
                return replicas[place]
        return None


def least_loaded(replicas: Sequence[R], concurrency: int) -> R | None:
    """The ingress's own rule, for when no activator is in the path: the one with the fewest requests."""
    best = min(replicas, key=_load)
    return None if concurrency and best.in_flight >= concurrency else best


def _load(replica: Loaded) -> int:
    return replica.in_flight
