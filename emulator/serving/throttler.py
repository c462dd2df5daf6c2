"""The Throttler: admission to the replicas of one Revision, and Knative's activator in one.

It holds requests while no replica is ready, hands them out first come first served by the rules of `balancing.py`, and
never lets more than containerConcurrency into a replica. Waiting for a cold start and waiting for a slot are the same
thing. Whether a cluster would have its activator in the path is the Scaler's decision (`set_mode`); it shows in how
many may wait, in who is chosen, and in headers. Pure bookkeeping on the event loop: no I/O; what it admits knows how to
dispatch itself. Followed: knative/serving pkg/queue/breaker.go, pkg/activator/net/throttler.go (serving §5).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from emulator.ingress.handler import Timeouts, Work
from emulator.ingress.upstream import Endpoint
from emulator.serving.balancing import Policy, activator_policy, least_loaded
from emulator.serving.metrics import Sample

QUEUE_FACTOR = 10
"""Requests that may wait for each one that runs in a replica (queue-proxy's breaker)."""
ACTIVATOR_QUEUE = 10_000
"""Requests that may wait while the activator is in the path (its breaker's depth; a cluster's holds even more, since
that breaker counts its capacity as if it were endless)."""
TIMES_KEPT = 512
_SWITCHING = 101
QUEUE_FULL = "pending request queue full"


class Replica:
    """One ready Pod: where it listens and what it has in hand."""

    __slots__ = ("born", "endpoint", "first", "gone", "in_flight", "is_new", "name", "tunnels")

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.endpoint = endpoint
        self.in_flight = 0
        self.tunnels: set[Work] = set()
        """Those of what is in flight that have become WebSockets and the like."""
        self.gone: asyncio.Event | None = None
        self.first: Work | None = None
        """The request that waited longest for this replica, until it is over."""
        self.is_new = True
        self.born = perf_counter()


@dataclass(frozen=True)
class Hooks:
    """Who is told: `poke` when a request finds no replica, `started` when the request that a new
    replica (by its Pod's name) was started for is over, `troubled` when a replica fails a request. `timing` makes the
    header line of `Backend.timing`.
    """

    poke: Callable[[], None]
    started: Callable[[Work, str], None]
    timing: Callable[[Work, str], bytes] | None = None
    troubled: Callable[[Work, str], None] = lambda work, text: None


class Log(Protocol):
    """What is told of each request that went to a replica (requestlog.py)."""

    def begin(self, work: Work) -> None: ...

    def end(self, work: Work, pod: str) -> None: ...


class Meter(Protocol):
    """What is told how long each request took (telemetry.py)."""

    def add(self, status: int, seconds: float) -> None: ...


class Throttler:
    """Implements `ingress.handler.Backend` and `scaler.LoadSource`. `concurrency` 0 means no limit."""

    def __init__(self, concurrency: int, timeouts: Timeouts, hooks: Hooks, *, speaks_http2: bool = False) -> None:
        self.timeouts = timeouts
        self.speaks_http2 = speaks_http2
        self.in_path = True
        """Whether the activator stands in the path: by the Scaler's word, and always while no replica is ready."""
        self.requests = 0
        """All that ever arrived."""
        self.errors = 0
        """Those that were answered with a status of 500 and above."""
        self.times: deque[float] = deque(maxlen=TIMES_KEPT)
        """How long the latest requests took, from their arrival to the end of the answer, in seconds."""
        self.log: Log | None = None
        self.meter: Meter | None = None
        self._concurrency = concurrency
        self._hooks = hooks
        self._replicas: dict[str, Replica] = {}
        self._order: list[Replica] = []
        """The same by address."""
        self._activator: Policy[Replica] = activator_policy(concurrency)
        self._policy = self._activator
        self._is_proxied = True
        self._leaving: set[Replica] = set()
        self._waiting: deque[Work] = deque()
        self._gone_waiting = 0
        self._in_flight = 0
        self._time = asyncio.get_running_loop().time
        # The average is an integral over time, moved on only when the number changes.
        self._area = 0.0
        self._moved_at = self._taken_at = self._time()
        self._taken = 0

    # -- Backend

    @property
    def is_ready(self) -> bool:
        return bool(self._replicas)

    @property
    def in_flight(self) -> int:
        """Requests inside, waiting ones included."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        return len(self._waiting) - self._gone_waiting

    def admit(self, work: Work) -> None:
        now = self._time()
        self._area += self._in_flight * (now - self._moved_at)
        self._moved_at = now
        self._in_flight += 1
        self.requests += 1
        work.admitted = perf_counter()
        replica = None if self._waiting else self._choose()
        if replica is not None:
            replica.in_flight += 1
            work.replica = replica
            if self.log is not None:
                self.log.begin(work)
            work.dispatch(replica.endpoint)
            return
        if self.waiting >= self._limit():
            work.fail(503, QUEUE_FULL)
            return
        work.waited = True
        work.arrived = work.admitted
        self._waiting.append(work)
        if not self._replicas:
            self._hooks.poke()

    def timing(self, work: Work) -> bytes:
        replica = work.replica
        if self._hooks.timing is None or not isinstance(replica, Replica) or work.arrived > replica.born:
            return b""
        return self._hooks.timing(work, replica.name)

    def tunnelled(self, work: Work) -> None:
        replica = work.replica
        assert isinstance(replica, Replica)
        replica.tunnels.add(work)
        if replica.gone is not None:
            self._part(replica, replica.gone)

    def troubled(self, work: Work, text: str) -> None:
        self._hooks.troubled(work, text)

    def leave(self, work: Work) -> None:
        now = self._time()
        self._area += self._in_flight * (now - self._moved_at)
        self._moved_at = now
        self._in_flight -= 1
        self._count(work)
        replica = work.replica
        if replica is None:
            if work.waited and work.dispatched == 0.0:
                self._gone_waiting += 1
                if self._gone_waiting > len(self._waiting) // 2:
                    self._forget_gone()
            return
        assert isinstance(replica, Replica)
        work.replica = None
        replica.in_flight -= 1
        replica.tunnels.discard(work)
        if self.log is not None:
            self.log.end(work, replica.name)
        if replica.first is work:
            replica.first = None
            self._hooks.started(work, replica.name)
        if replica.gone is not None:
            self._part(replica, replica.gone)
        elif self._waiting:
            self._release()

    def _count(self, work: Work) -> None:
        """What is kept of a request that is over."""
        status = work.status
        if status >= 500:
            self.errors += 1
        if status == _SWITCHING:
            return  # a WebSocket lasts as long as its client likes
        taken_s = perf_counter() - work.admitted
        self.times.append(taken_s)
        if self.meter is not None and status:
            self.meter.add(status, taken_s)

    # -- replicas

    def set_replicas(self, wanted: dict[str, Callable[[], Endpoint]]) -> None:
        """Let exactly these take work, by Pod name; one that left gets nothing new and may finish what it has."""
        for name in [name for name in self._replicas if name not in wanted]:
            replica = self._replicas.pop(name)
            replica.gone = asyncio.Event()
            self._leaving.add(replica)
            self._part(replica, replica.gone)
        for name, make in wanted.items():
            if name not in self._replicas:
                self._replicas[name] = Replica(name, make())
        self._order = sorted(self._replicas.values(), key=_address)
        self._set_path()
        self._release()

    def _part(self, replica: Replica, gone: asyncio.Event) -> None:
        """A replica that left may stop once it has but tunnels in hand, and is let go of once it has nothing."""
        if replica.in_flight == len(replica.tunnels):
            gone.set()
        if replica.in_flight == 0:
            self._leaving.discard(replica)
            replica.endpoint.close()

    async def drained(self, address: str) -> None:
        """Returns when no request is under way to a replica that left. Tunnels are not waited for: a WebSocket lasts
        until the function, which is told to end, closes it (queue-proxy counts no hijacked connection either).
        """
        for replica in list(self._leaving):
            if replica.endpoint.address == address and replica.gone is not None:
                await replica.gone.wait()

    def fail_waiting(self, status: int, text: str) -> None:
        """Answer everything that waits; for a Revision that is gone."""
        waiting, self._waiting = self._waiting, deque()
        self._gone_waiting = 0
        for work in waiting:
            if not work.finished:
                work.fail(status, text)

    # -- LoadSource

    def set_mode(self, *, is_proxied: bool) -> None:
        """Whether the activator is to be in the path; without a ready replica it is, whatever is said here."""
        self._is_proxied = is_proxied
        self._set_path()

    def take(self, now: float) -> Sample:
        """Average concurrency and arrivals since the last call; `now` is the loop's time."""
        self._area += self._in_flight * (now - self._moved_at)
        self._moved_at = now
        length = max(now - self._taken_at, 1e-9)
        sample = Sample(self._area / length, (self.requests - self._taken) / max(length, 1.0))
        self._area, self._taken, self._taken_at = 0.0, self.requests, now
        return sample

    # -- inside

    def _limit(self) -> int:
        if self.in_path:
            return ACTIVATOR_QUEUE
        return QUEUE_FACTOR * self._concurrency * len(self._order)

    def _set_path(self) -> None:
        self.in_path = self._is_proxied or not self._order
        self._policy = self._activator if self.in_path else least_loaded

    def _choose(self) -> Replica | None:
        order = self._order
        if len(order) == 1:
            (only,) = order
            return None if self._concurrency and only.in_flight >= self._concurrency else only
        return self._policy(order, self._concurrency) if order else None

    def _release(self) -> None:
        """Dispatch what waits, as far as there is room."""
        waiting = self._waiting
        while waiting:
            if waiting[0].finished:
                waiting.popleft()
                self._gone_waiting -= 1
                continue
            replica = self._choose()
            if replica is None:
                return
            work = waiting.popleft()
            replica.in_flight += 1
            work.replica = replica
            work.dispatched = perf_counter()
            if replica.is_new:
                replica.first = work
            replica.is_new = False
            if self.log is not None:
                self.log.begin(work)
            work.dispatch(replica.endpoint)

    def _forget_gone(self) -> None:
        self._waiting = deque(work for work in self._waiting if not work.finished)
        self._gone_waiting = 0


def _address(replica: Replica) -> str:
    return replica.endpoint.address
