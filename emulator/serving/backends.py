"""From the Store to the data plane: a Throttler for each Revision, and the replicas that it may use.

Projections only: Revisions give Throttlers, Pods their replicas; names and splits come from Ingresses
(ingresstable.py). The request path looks at these tables and never at the Store. Nothing here decides on scale or
traffic; it carries out what the reconcilers wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from emulator.control.addresses import Addresses
from emulator.ingress.handler import Timeouts
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.upstream import Dialer, Endpoint
from emulator.objects.kind import Json, Kind
from emulator.objects.podmarks import ADDRESS, FROZEN, REVISION_LABEL, is_frozen, takes_requests
from emulator.objects.resource import Resource
from emulator.serving.absences import is_expected, why_absent
from emulator.serving.coldstarts import ColdStarts
from emulator.serving.ingresstable import IngressTable
from emulator.serving.kinds import REVISION
from emulator.serving.revisionchildren import protocol
from emulator.serving.rulehandlers import RuleHandler
from emulator.serving.stats import percentiles
from emulator.serving.throttler import Hooks, Throttler
from emulator.serving.troubles import Troubles
from emulator.settings import CLUSTER_DOMAIN
from emulator.store.projection import Projection
from emulator.store.store import Store


class Backends:
    """The Throttlers of all Revisions, and the names that lead to them."""

    def __init__(
        self,
        store: Store,
        hosts: VirtualHosts,
        dialer: Dialer,
        addresses: Addresses,
        poke: Callable[[str, str], None],
        *,
        debug_headers: bool = False,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._dialer = dialer
        self._addresses = addresses
        self._poke = poke
        self._troubles = Troubles()
        pod = store.registry.of("v1", "Pod")
        assert pod is not None
        self._pod: Kind[Any] = pod
        self._throttlers: dict[tuple[str, str], Throttler] = {}
        self._dropped: WeakSet[Throttler] = WeakSet()
        """Those of deleted Revisions, as long as a request of theirs is under way."""
        self._pods: dict[tuple[str, str], dict[str, str]] = {}
        self._thawing: dict[tuple[str, str], Endpoint] = {}
        """Endpoints of Pods that are being thawed, by namespace and name, with a connection made meanwhile."""
        self._ingresses = IngressTable(store, hosts, self.throttler)
        self._cold_starts = ColdStarts(store)
        self._debug_headers = debug_headers

    def start(self) -> None:
        """Fill the tables and keep them; call it on the loop."""
        Projection(self._store, REVISION, self._put_revision, self._drop_revision)
        Projection(self._store, self._pod, self._put_pod, self._drop_pod)
        self._ingresses.start()

    def throttler(self, namespace: str, revision: str) -> Throttler | None:
        return self._throttlers.get((namespace, revision))

    def stats(self, namespace: str, revision: str) -> Json:
        """Requests and starts of a Revision, and how long the latest ones took."""
        throttler = self._throttlers.get((namespace, revision))
        requests: Json = {"count": 0, "errors": 0, **percentiles(())}
        if throttler is not None:
            times_ms = [taken_s * 1000 for taken_s in throttler.times]
            requests = {"count": throttler.requests, "errors": throttler.errors, **percentiles(times_ms)}
        return {"requests": requests, **self._cold_starts.stats((namespace, revision))}

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
        cold = self._cold_starts
        hooks = Hooks(
            lambda: self._poke(*key),
            lambda work, pod: cold.note(work, key, pod),
            (lambda work, pod: cold.header(work, key[0], pod)) if self._debug_headers else None,
            lambda work, text: self._troubles.tell(revision.name, work, text),
        )
        is_h2c = protocol(revision) == "h2c"
        self._throttlers[key] = Throttler(spec.container_concurrency or 0, timeouts, hooks, speaks_http2=is_h2c)
        self._ingresses.refresh(*key)
        handler = RuleHandler.to((self._throttlers[key], 100))
        for name in _public_names(revision):
            self._hosts.internal.set(name, handler)

    def _drop_revision(self, revision: Resource[Any]) -> None:
        throttler = self._throttlers.pop((revision.namespace, revision.name), None)
        self._pods.pop((revision.namespace, revision.name), None)
        self._cold_starts.forget((revision.namespace, revision.name))
        if throttler is not None:
            throttler.set_replicas({})
            throttler.fail_waiting(503, f'revision "{revision.name}" was deleted')
            self._dropped.add(throttler)
            self._ingresses.refresh(revision.namespace, revision.name)
        for name in _public_names(revision):
            self._hosts.internal.remove(name)

    # -- Pods

    def _put_pod(self, pod: Resource[Any]) -> None:
        revision = pod.labels.get(REVISION_LABEL)
        if revision is None:
            return
        pods = self._pods.setdefault((pod.namespace, revision), {})
        address = pod.annotations.get(ADDRESS)
        is_usable = address is not None and takes_requests(pod)
        if is_usable == (pod.name in pods):
            if address is not None and not is_usable:
                self._prepare(pod, address, revision)
            return
        if is_usable and address is not None:
            pods[pod.name] = address
        else:
            del pods[pod.name]
        self._share_pods(pod.namespace, revision)

    def _prepare(self, pod: Resource[Any], address: str, revision: str) -> None:
        """Dial a Pod that is being thawed; one that is frozen again is let go of."""
        key = (pod.namespace, pod.name)
        is_thawing = is_frozen(pod) and FROZEN not in pod.annotations and not pod.is_deleting
        if is_thawing and key not in self._thawing and (pod.namespace, revision) in self._throttlers:
            endpoint = self._thawing[key] = self._endpoint(address, (pod.namespace, revision))
            endpoint.warm()
        elif not is_thawing and (unused := self._thawing.pop(key, None)) is not None:
            unused.close()

    def _drop_pod(self, pod: Resource[Any]) -> None:
        revision = pod.labels.get(REVISION_LABEL, "")
        if (unused := self._thawing.pop((pod.namespace, pod.name), None)) is not None:
            unused.close()
        if self._pods.get((pod.namespace, revision), {}).pop(pod.name, None) is not None:
            self._share_pods(pod.namespace, revision)

    def _share_pods(self, namespace: str, revision: str) -> None:
        throttler = self._throttlers.get((namespace, revision))
        if throttler is not None:
            pods = self._pods[namespace, revision]
            throttler.set_replicas(
                {name: self._maker((namespace, name), address, revision) for name, address in pods.items()}
            )

    def _maker(self, pod: tuple[str, str], address: str, revision: str) -> Callable[[], Endpoint]:
        return lambda: self._thawing.pop(pod, None) or self._endpoint(address, (pod[0], revision))

    def _endpoint(self, address: str, revision: tuple[str, str]) -> Endpoint:
        host, _, port = address.rpartition(":")
        line = f"Kemu-Revision: {revision[1]}\r\n".encode()
        is_h2c = self._throttlers[revision].speaks_http2
        return self._dialer.endpoint(host, int(port), speaks_http2=is_h2c, response_lines=line)


def _public_names(revision: Resource[Any]) -> tuple[str, ...]:
    """Those of a Revision's public core Service, which lead to it whatever Routes say (serving §4.1)."""
    space = f"{revision.name}.{revision.namespace}"
    return (f"{space}.svc.{CLUSTER_DOMAIN}", f"{space}.svc", space)
