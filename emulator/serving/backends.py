"""From the Store to the data plane: a Throttler for each Revision, and the replicas that it may use.

Projections only: Revisions give Throttlers, Pods their replicas; names and splits come from Ingresses
(ingresstable.py). The request path looks at these tables and never at the Store. Nothing here decides on scale or
traffic; it carries out what the reconcilers wrote.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from emulator.control.addresses import Addresses
from emulator.ingress.handler import Timeouts, Work
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.upstream import Dialer, Endpoint
from emulator.lib.report import report
from emulator.objects.kind import Kind
from emulator.objects.podmarks import ADDRESS, COLD_START, REVISION_LABEL, takes_requests
from emulator.objects.resource import Resource
from emulator.serving.absences import is_expected, why_absent
from emulator.serving.ingresstable import IngressTable
from emulator.serving.kinds import REVISION
from emulator.serving.throttler import Hooks, Throttler
from emulator.store.projection import Projection
from emulator.store.store import Store

logger = logging.getLogger(__name__)

_WHOLE = 0.8  # clocks differ by milliseconds


class Backends:
    """The Throttlers of all Revisions, and the names that lead to them."""

    def __init__(
        self,
        store: Store,
        hosts: VirtualHosts,
        dialer: Dialer,
        addresses: Addresses,
        poke: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._dialer = dialer
        self._addresses = addresses
        self._poke = poke
        pod = store.registry.of("v1", "Pod")
        assert pod is not None
        self._pod: Kind[Any] = pod
        self._throttlers: dict[tuple[str, str], Throttler] = {}
        self._dropped: WeakSet[Throttler] = WeakSet()
        """Those of deleted Revisions, as long as a request of theirs is under way."""
        self._pods: dict[tuple[str, str], dict[str, str]] = {}
        self._ingresses = IngressTable(store, hosts, self.throttler)
        self.last_cold: dict[tuple[str, str], str] = {}
        """The last cold start of each Revision, as it was reported."""

    def start(self) -> None:
        """Fill the tables and keep them; call it on the loop."""
        Projection(self._store, REVISION, self._put_revision, self._drop_revision)
        Projection(self._store, self._pod, self._put_pod, self._drop_pod)
        self._ingresses.start()

    def throttler(self, namespace: str, revision: str) -> Throttler | None:
        return self._throttlers.get((namespace, revision))

    def requests(self, namespace: str, revision: str) -> int:
        """How many requests a Revision has had."""
        throttler = self._throttlers.get((namespace, revision))
        return throttler.requests if throttler is not None else 0

    def why_absent(self, host: str) -> str:
        """See absences.py."""
        return why_absent(self._store, self._addresses, host)

    def is_expected(self, host: str) -> bool:
        """See absences.py."""
        return is_expected(self._store, self._addresses, host)

    async def drain(self, address: tuple[str, int], timeout_s: float) -> bool:
        """True once no request is under way to a replica that was taken out; False after `timeout_s`."""
        text = f"{address[0]}:{address[1]}"
        try:
            async with asyncio.timeout(timeout_s):
                for throttler in (*self._throttlers.values(), *self._dropped):
                    await throttler.drained(text)
        except TimeoutError:
            return False
        return True

    # -- Revisions

    def _put_revision(self, revision: Resource[Any]) -> None:
        key = (revision.namespace, revision.name)
        if key in self._throttlers:
            return
        spec = revision.spec
        timeouts = Timeouts(
            total_s=spec.timeout_seconds or None,
            response_start_s=spec.response_start_timeout_seconds or None,
            idle_s=spec.idle_timeout_seconds or None,
        )
        hooks = Hooks(lambda: self._poke(*key), lambda work: self._report_cold(key, work))
        self._throttlers[key] = Throttler(spec.container_concurrency or 0, timeouts, hooks)
        self._ingresses.refresh(*key)

    def _drop_revision(self, revision: Resource[Any]) -> None:
        throttler = self._throttlers.pop((revision.namespace, revision.name), None)
        self._pods.pop((revision.namespace, revision.name), None)
        if throttler is not None:
            throttler.set_replicas({})
            throttler.fail_waiting(503, f'revision "{revision.name}" was deleted')
            self._dropped.add(throttler)
            self._ingresses.refresh(revision.namespace, revision.name)

    def _report_cold(self, key: tuple[str, str], work: Work) -> None:
        """Say where the time of the first answer of a new replica went."""
        if not work.first_byte or not work.dispatched:
            return
        parts = self._cold_parts(key, work)
        if parts is None:
            return
        total_ms = (work.first_byte - work.arrived) * 1000
        if total_ms < sum(parts.values()) * _WHOLE:
            return  # it came while a further replica was starting, and waited for a part of that only
        listed = " · ".join(f"{name} {ms:.0f}" for name, ms in parts.items())
        text = f"cold start {total_ms:.0f} ms: {listed}"
        self.last_cold[key] = text
        report(logger, key[1], "%s", text, total_ms=round(total_ms, 1), **{k: round(v, 1) for k, v in parts.items()})

    def _cold_parts(self, key: tuple[str, str], work: Work) -> dict[str, float] | None:
        """The Pod's timings and the request's."""
        endpoint = getattr(work, "endpoint", None)
        for name, address in self._pods.get(key, {}).items():
            pod = self._store.find(self._pod, name, key[0])
            if pod is None or endpoint is None or address != endpoint.address:
                continue
            text = pod.annotations.get(COLD_START, "")
            if not text:
                return None
            parts = {k: float(v) for k, _, v in (part.partition("=") for part in text.split())}
            first_ms = (work.first_byte - work.dispatched) * 1000
            return {**parts, "first byte": first_ms}
        return None

    # -- Pods

    def _put_pod(self, pod: Resource[Any]) -> None:
        revision = pod.labels.get(REVISION_LABEL)
        if revision is None:
            return
        pods = self._pods.setdefault((pod.namespace, revision), {})
        address = pod.annotations.get(ADDRESS)
        is_usable = address is not None and takes_requests(pod)
        if is_usable == (pod.name in pods):
            return
        if is_usable and address is not None:
            pods[pod.name] = address
        else:
            del pods[pod.name]
        self._share_pods(pod.namespace, revision)

    def _drop_pod(self, pod: Resource[Any]) -> None:
        revision = pod.labels.get(REVISION_LABEL, "")
        if self._pods.get((pod.namespace, revision), {}).pop(pod.name, None) is not None:
            self._share_pods(pod.namespace, revision)

    def _share_pods(self, namespace: str, revision: str) -> None:
        throttler = self._throttlers.get((namespace, revision))
        if throttler is not None:
            pods = self._pods[namespace, revision]
            throttler.set_replicas({name: self._endpoint(address, revision) for name, address in pods.items()})

    def _endpoint(self, address: str, revision: str) -> Callable[[], Endpoint]:
        host, _, port = address.rpartition(":")
        line = f"Kemu-Revision: {revision}\r\n".encode()
        return lambda: Endpoint(host, int(port), self._dialer, response_lines=line)
