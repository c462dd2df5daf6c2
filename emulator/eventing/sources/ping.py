"""Ticks: sends the events of PingSources when their schedules say so, and at once when asked.

Level-based over the Store: the next moment of each ready PingSource stands in a heap; a changed one is entered anew.
A tick that was missed (the laptop slept) is not made up for. Knative's own retries for ticks are kept, its random
delay of up to half a second is not. Followed: knative/eventing pkg/adapter/mtping, pkg/adapter/v2/cloudevents.go
(eventing §8.1).
"""

from __future__ import annotations

import asyncio
import base64
import heapq
import json
import uuid
from datetime import datetime
from typing import Any

from emulator.eventing.cloudevents import Event, now_text
from emulator.eventing.kinds import PING_SOURCE, PingSourceSpec
from emulator.eventing.narrator import Narrator
from emulator.eventing.sources.pingsources import TYPE, source_of
from emulator.eventing.sources.schedule import Schedule
from emulator.eventing.sources.sender import Sender
from emulator.objects.errors import BadRequest
from emulator.objects.resource import Key, Resource
from emulator.store.store import Store
from emulator.store.watch import Change

_FIRST_DELAY_S = 0.1
_LONGEST_WAIT_S = 30.0  # the computer's clock may jump


class Ticker:
    """One for the process."""

    def __init__(self, store: Store, sender: Sender, narrator: Narrator) -> None:
        self._store = store
        self._sender = sender
        self._narrator = narrator
        self._due: list[tuple[datetime, str, str]] = []
        self._next: dict[Key, datetime] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Tick until cancelled."""
        for source in self._store.list(PING_SOURCE):
            self._schedule(source)
        self._store.observe(self._changed)
        while True:
            now = self._store.clock.now()
            while self._due and self._due[0][0] <= now:
                self._take(now)
            wait_s = (self._due[0][0] - self._store.clock.now()).total_seconds() if self._due else _LONGEST_WAIT_S
            self._wake.clear()
            try:
                async with asyncio.timeout(min(max(wait_s, 0.0), _LONGEST_WAIT_S)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def fire(self, namespace: str, name: str) -> Event:
        """Tick now; NotFound, or BadRequest when the source has no sink yet."""
        source = self._store.get(PING_SOURCE, name, namespace)
        if not source.status.get("sinkUri"):
            why = source.condition("SinkProvided").get("message", "its sink is not resolved yet")
            raise BadRequest(f"PingSource {namespace}/{name} cannot tick: {why}")
        return self._tick(source)

    def _changed(self, change: Change) -> None:
        resource = change.resource
        if resource.kind is not PING_SOURCE:
            return
        if change.type == "DELETED":
            self._next.pop(resource.key, None)
        elif change.before is None or change.before.spec is not resource.spec:
            self._schedule(resource)

    def _schedule(self, source: Resource[PingSourceSpec]) -> None:
        schedule = Schedule(source.spec.schedule, source.spec.timezone)
        due = schedule.next_after(self._store.clock.now())
        self._next[source.key] = due
        heapq.heappush(self._due, (due, source.namespace, source.name))
        self._wake.set()

    def _take(self, now: datetime) -> None:
        due, namespace, name = heapq.heappop(self._due)
        key = Key(PING_SOURCE, namespace, name)
        source = self._store.find(PING_SOURCE, name, namespace)
        if source is None or self._next.get(key) != due:
            return  # deleted, or scheduled anew
        self._schedule(source)
        if source.is_ready and not self._sender.is_stopped and (now - due).total_seconds() < _LONGEST_WAIT_S:
            self._tick(source)

    def _tick(self, source: Resource[PingSourceSpec]) -> Event:
        event = _event(source)
        sink = str(source.status["sinkUri"])
        self._narrator.ticked(source.name, event, _sink_name(source))
        self._sender.send(event, sink, source.namespace, _FIRST_DELAY_S)
        return event


def _event(source: Resource[PingSourceSpec]) -> Event:
    spec = source.spec
    attributes = {
        b"specversion": b"1.0",
        b"id": str(uuid.uuid4()).encode(),
        b"source": source_of(source.namespace, source.name).encode(),
        b"type": TYPE.encode(),
        b"time": now_text(),
    }
    extensions = spec.ce_overrides.extensions if spec.ce_overrides else {}
    attributes |= {name.encode(): value.encode() for name, value in extensions.items()}
    data = base64.b64decode(spec.data_base64) if spec.data_base64 else _compact(spec.data, spec.content_type)
    return Event(attributes, data, spec.content_type.encode() if data and spec.content_type else None)


def _compact(text: str, content_type: str) -> bytes:
    """JSON goes out without spaces, as Go's encoder has it."""
    if content_type != "application/json" or not text:
        return text.encode()
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def _sink_name(source: Resource[Any]) -> str:
    sink = source.obj["spec"]["sink"]
    ref = sink.get("ref")
    return f"{ref['kind']} {ref['name']}" if ref else str(sink.get("uri", ""))
