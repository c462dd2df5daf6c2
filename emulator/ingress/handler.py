"""The contracts of the data plane: what a host leads to, and who lets work through.

A `Handler` is what stands in a `HostTable`: it opens a `Cycle` for a request on a listener, and takes a `Call` made by
this process itself. There are two families: proxying ones (`Exchange` and `Call` go through a `Backend`, which is
serving's Throttler) and receivers (`receipt.py`). A Route is a Handler that chooses a Backend per request:

    def open(self, connection: Client) -> Cycle:
        return open_exchange(connection, self.choose())

    def call(self, call: Call) -> None:
        call.enter(self.choose())

Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from emulator.ingress.cluster import Call
    from emulator.ingress.cycle import Client, Cycle
    from emulator.ingress.upstream import Endpoint


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The three clocks of spec serving.md §4.6, in seconds; None leaves one out."""

    total_s: float | None = 300.0
    response_start_s: float | None = None
    idle_s: float | None = None
    first_s: float = field(init=False)
    """When the first of the clocks may run out; infinite when there is none."""

    def __post_init__(self) -> None:
        given = [clock for clock in (self.total_s, self.response_start_s, self.idle_s) if clock]
        object.__setattr__(self, "first_s", min(given, default=inf))


class Handler(Protocol):
    """What a host name leads to."""

    def open(self, connection: Client) -> Cycle:
        """The cycle for the request whose head `connection` has just read (`method`, `url`, `headers`, `host`).

        Called while the head is parsed, so it must not write; `Cycle.start` is called when the request's turn on
        the connection has come.
        """
        ...

    def call(self, call: Call) -> None:
        """Take a request that this process makes itself; `call` must be answered, or entered into a Backend."""
        ...


class Work(Protocol):
    """What a Backend lets through: an `Exchange` (from the network) or a `Call` (from this process).

    The Backend calls `dispatch` once there is room, or `fail`; the work calls `Backend.leave` exactly once when it is
    over, also when it never got through. `replica` belongs to the Backend.
    """

    replica: object | None
    admitted: float
    """When it arrived, by `time.perf_counter`: a loop's own clock may stand still for a millisecond."""
    arrived: float
    """The same clock at which it had to wait; 0 when it never did."""
    dispatched: float
    """The same clock when `dispatch` was called after waiting; 0 when the work never waited."""
    first_byte: float
    """The same clock at the response's head, kept only when the work had to wait; else 0."""
    waited: bool
    """Set by the Backend when the work could not be dispatched at once."""
    finished: bool
    status: int
    """The status that the caller was given; 0 while there is none (or the caller left)."""
    size: int
    """Bytes of response body so far."""
    method: bytes
    target: bytes

    def dispatch(self, endpoint: Endpoint) -> None: ...

    def fail(self, status: int, text: str) -> None: ...

    def seen_headers(self) -> list[tuple[bytes, bytes]]:
        """The request's headers as the replica gets them; only a request log asks."""
        ...


class Backend(Protocol):
    """Admission to the replicas of one Revision (serving's Throttler is the real one)."""

    timeouts: Timeouts
    speaks_http2: bool
    """Whether the replicas do."""
    in_path: bool
    """Whether Knative would have its activator in the path: shows in headers and in a timeout's text."""

    @property
    def is_ready(self) -> bool:
        """Whether a replica could take work now; only probes ask."""
        ...

    def admit(self, work: Work) -> None:
        """Dispatch `work` now, or later in order of arrival, or fail it."""
        ...

    def timing(self, work: Work) -> bytes:
        """A complete header line, for the answer to `work` that had to wait, which says for what; mostly b""."""
        ...

    def leave(self, work: Work) -> None:
        """`work` is over: free its slot, or its place in the queue, and count it."""
        ...

    def tunnelled(self, work: Work) -> None:
        """`work` was answered by a change of protocol, and lasts as long as both sides like."""
        ...

    def troubled(self, work: Work, text: str) -> None:
        """A replica gave `work` no answer, or not all of one; `text` says what it did instead."""
        ...
