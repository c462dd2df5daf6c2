"""Cold starts, part by part: where the time went that a request waited for a replica to start, or to thaw.

The Pod's own parts come from its worker (`kemu.dev/cold-start`); what a request waited besides was spent in kemu's
hands, and is `queued`. The parts of a request always add up to the time from its arrival to the first byte of its
answer. Told in the log, on the Pod (`kemu.dev/last-start`), in `kemu ps` and `kemu stats`, and as a `Server-Timing`
header where `--debug-headers` asks for it (W3C Server Timing, syntax of the header field).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emulator.ingress.handler import Work
from emulator.lib.report import report
from emulator.objects.kind import Json, Kind
from emulator.objects.podmarks import COLD_START, LAST_START
from emulator.serving.stats import Times
from emulator.store.store import Store

logger = logging.getLogger(__name__)

Way = Literal["started", "thawed"]
WAYS: tuple[Way, ...] = ("started", "thawed")
KEPT = 256
"""Starts of a Revision whose times are kept, the latest ones."""
_WHOLE = 0.8  # what the request did not wait for is less than clocks and turns of the loop can differ


@dataclass(frozen=True)
class ColdStart:
    """`parts` in ms, in the order of time."""

    way: Way
    parts: Mapping[str, float]

    @property
    def total_ms(self) -> float:
        return sum(self.parts.values())

    @property
    def text(self) -> str:
        said = "cold start" if self.way == "started" else "thawed in"
        return f"{said} {_shown(self.total_ms)} ms: " + " · ".join(f"{k} {_shown(ms)}" for k, ms in self.parts.items())

    @property
    def note(self) -> str:
        """For an annotation."""
        parts = " ".join(f"{name.replace(' ', '-')}={ms:.1f}" for name, ms in self.parts.items())
        return f"{self.way} total={self.total_ms:.1f} {parts}"

    @property
    def header(self) -> bytes:
        """A `Server-Timing` line, complete."""
        parts = ", ".join(f"{name.replace(' ', '-')};dur={ms:.1f}" for name, ms in self.parts.items())
        return f"Server-Timing: cold;desc={self.way};dur={self.total_ms:.1f}, {parts}\r\n".encode()


def _shown(ms: float) -> str:
    return f"{ms:.0f}" if ms >= 10 else f"{ms:.1f}"


def own_parts(note: str) -> dict[str, float]:
    """A Pod's own parts, from its annotation; empty when it says nothing."""
    return {name: float(ms) for name, _, ms in (part.partition("=") for part in note.split())}


def breakdown(own: Mapping[str, float], waited_ms: float, first_byte_ms: float) -> ColdStart:
    """What a request waited for: of the Pod's own parts only the end, if it came when they had begun."""
    left, parts = waited_ms, dict[str, float]()
    for name, ms in reversed([*own.items()]):
        parts[name] = min(ms, left)
        left -= parts[name]
    seen = {name: ms for name, ms in reversed([*parts.items()]) if ms > 0 or own[name] == 0}
    way: Way = "thawed" if "thaw" in own else "started"
    return ColdStart(way, {"queued": left, **seen, "first byte": first_byte_ms})


class ColdStarts:
    """What is known of all Revisions' cold starts; `last` is the latest of each, by (namespace, name)."""

    def __init__(self, store: Store) -> None:
        pod = store.registry.of("v1", "Pod")
        assert pod is not None
        self._store = store
        self._pod: Kind[Any] = pod
        self.last: dict[tuple[str, str], ColdStart] = {}
        self.times: dict[tuple[str, str], dict[Way, Times]] = {}

    def of(self, work: Work, namespace: str, pod: str) -> ColdStart | None:
        """The breakdown of a request that has waited for this Pod and has an answer."""
        found = self._store.find(self._pod, pod, namespace)
        own = own_parts(found.annotations.get(COLD_START, "")) if found is not None else {}
        if not own or not work.dispatched or not work.first_byte:
            return None
        waited_ms = (work.dispatched - work.arrived) * 1000
        return breakdown(own, waited_ms, (work.first_byte - work.dispatched) * 1000)

    def note(self, work: Work, revision: tuple[str, str], pod: str) -> None:
        """The first request of a new replica is over: tell where its time went, if it waited for the whole start."""
        namespace, name = revision
        found = self._store.find(self._pod, pod, namespace)
        cold = self.of(work, namespace, pod)
        if cold is None or found is None:
            return
        own_ms = sum(own_parts(found.annotations[COLD_START]).values())
        if cold.total_ms < own_ms * _WHOLE:
            return  # it came while a further replica was starting, and waited for a part of that only
        self.last[revision] = cold
        self.times.setdefault(revision, {}).setdefault(cold.way, Times(KEPT)).add(cold.total_ms)
        facts = {part: round(ms, 1) for part, ms in cold.parts.items()}
        report(logger, name, "%s", cold.text, way=cold.way, total_ms=round(cold.total_ms, 1), **facts)
        self._store.patch_metadata(found.key, annotations={LAST_START: cold.note})

    def header(self, work: Work, namespace: str, pod: str) -> bytes:
        """The line for the answer to this request; b"" when nothing is known of its wait."""
        cold = self.of(work, namespace, pod)
        return cold.header if cold is not None else b""

    def stats(self, revision: tuple[str, str]) -> Json:
        """How often a Revision's replicas were started and thawed for a request, how long that took, and where the
        time of the last one went.
        """
        times, last = self.times.get(revision, {}), self.last.get(revision)
        found: Json = {way: times.get(way, Times(1)).summary() for way in WAYS}
        said = {"way": last.way, "totalMs": round(last.total_ms, 1), "text": last.text} if last else None
        return {**found, "lastStart": said}

    def forget(self, revision: tuple[str, str]) -> None:
        self.last.pop(revision, None)
        self.times.pop(revision, None)
