"""From core Services and their Endpoints to the data plane: cluster-local names that lead to Pods.

kemu carries requests to a Service's name itself, by the Host header, for its own deliveries and for containers on
port 80. A Service without a port 80 has no listener in kemu: there containers find the address of one of its Pods
under the name (`HostTable.pin`), and connect to it on the Pod's own port. A name that a Route has stays the Route's.
Projections only; made by `app.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.ingress.cycle import Client, Cycle
from emulator.ingress.exchanges import open_exchange
from emulator.ingress.handler import Handler, Timeouts, Work
from emulator.ingress.hosts import HostTable
from emulator.ingress.upstream import Dialer, Endpoint
from emulator.objects.podmarks import ADDRESS
from emulator.objects.resource import Resource
from emulator.settings import CLUSTER_DOMAIN
from emulator.store.projection import Projection
from emulator.store.store import Store
from emulator.workloads.coreservices import CORE_SERVICE, ServiceSpec
from emulator.workloads.endpoints import ENDPOINTS, EndpointsData
from emulator.workloads.pods import POD

if TYPE_CHECKING:
    from emulator.ingress.cluster import Call

_HTTP = 80
_SHORT_IN = "default"
_SERVICE_TYPE = "networking.internal.knative.dev/serviceType"
Address = tuple[str, int]


class Turns:
    """Implements `ingress.handler.Backend`: the ready Pods of one port of a Service, in turn, without limits.

    A Service knows no protocols: whoever speaks HTTP/2 to it speaks it with its Pods (`streams`).
    """

    def __init__(self, name: str, dialer: Dialer, *, speaks_http2: bool = False) -> None:
        self.timeouts = Timeouts(total_s=None)
        self.speaks_http2 = speaks_http2
        self.streams = None if speaks_http2 else Turns(name, dialer, speaks_http2=True)
        self.in_path = False
        self._name = name
        self._dialer = dialer
        self._endpoints: dict[Address, Endpoint] = {}
        self._next = 0

    @property
    def is_ready(self) -> bool:
        return bool(self._endpoints)

    def share(self, addresses: list[Address]) -> None:
        """From now on these are the Pods."""
        for gone in self._endpoints.keys() - set(addresses):
            self._endpoints.pop(gone).close()
        for address in addresses:
            if address not in self._endpoints:
                self._endpoints[address] = self._dialer.endpoint(*address, speaks_http2=self.speaks_http2)
        if self.streams is not None:
            self.streams.share(addresses)

    def admit(self, work: Work) -> None:
        endpoints = list(self._endpoints.values())
        if not endpoints:
            work.fail(503, f'no endpoints available for service "{self._name}"')
            return
        self._next = (self._next + 1) % len(endpoints)
        work.dispatch(endpoints[self._next])

    def timing(self, work: Work) -> bytes:
        return b""

    def leave(self, work: Work) -> None:
        """There is nothing to free."""

    def tunnelled(self, work: Work) -> None:
        """Nobody waits for its end."""

    def troubled(self, work: Work, text: str) -> None:
        """Its client is told."""


class ServiceHandler:
    """Implements `Handler`: the port in the Host header chooses; without one that the Service has, its first.

    `alias` is the name that an ExternalName Service stands for: kemu itself may know it.
    """

    def __init__(self, hosts: HostTable) -> None:
        self.ports: dict[int, Turns] = {}
        self.alias = ""
        self._hosts = hosts

    def elsewhere(self) -> Handler | None:
        """What kemu knows under the alias; another alias is not followed, it might lead back."""
        found = self._hosts.find(self.alias.encode()) if self.alias else None
        return None if isinstance(found, ServiceHandler) and found.alias else found

    def choose(self, host: bytes) -> Turns:
        port = host.rpartition(b":")[2]
        number = int(port) if port.isdigit() else _HTTP
        return self.ports.get(number) or self.ports.get(_HTTP) or next(iter(self.ports.values()))

    def open(self, connection: Client) -> Cycle:
        other = self.elsewhere()
        if other is not None:
            return other.open(connection)
        turns = self.choose(connection.host)
        return open_exchange(connection, turns.streams if connection.speaks_http2 and turns.streams else turns)

    def call(self, call: Call) -> None:
        other = self.elsewhere()
        if other is None:
            call.enter(self.choose(call.host))
        else:
            other.call(call)


@dataclass
class _Entry:
    """What the tables hold of one Service."""

    handler: ServiceHandler
    names: tuple[str, ...] = ()


class ServiceDelivery:
    """The names of all core Services in the table of cluster-local names."""

    def __init__(self, store: Store, hosts: HostTable, dialer: Dialer) -> None:
        self._store = store
        self._hosts = hosts
        self._dialer = dialer
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._route = store.registry.of("serving.knative.dev/v1", "Route")

    def start(self) -> None:
        """Fill the table and keep it; call it on the loop."""
        Projection(self._store, CORE_SERVICE, self._put_service, self._drop_service)
        Projection(self._store, ENDPOINTS, self._put_endpoints, self._put_endpoints)

    def _put_endpoints(self, endpoints: Resource[EndpointsData]) -> None:
        service = self._store.find(CORE_SERVICE, endpoints.name, endpoints.namespace)
        if service is not None:
            self._put_service(service)

    def _put_service(self, service: Resource[ServiceSpec]) -> None:
        found = self._store.find(ENDPOINTS, service.name, service.namespace)
        ports = self._ports(service, found)
        if not ports or self._is_of_route(service):
            self._drop_service(service)
            return
        entry = self._entries.setdefault((service.namespace, service.name), _Entry(ServiceHandler(self._hosts)))
        entry.handler.alias = service.spec.external_name.rstrip(".") if service.spec.type == "ExternalName" else ""
        turns = entry.handler.ports
        for number in turns.keys() - ports.keys():
            turns.pop(number).share([])
        for number, addresses in ports.items():
            turns.setdefault(number, Turns(service.name, self._dialer)).share(addresses)
        names = _names(service)
        for name in () if entry.names == names else names:
            self._hosts.set(name, entry.handler)
        entry.names = names
        self._pin(service, names, found)

    def _pin(
        self, service: Resource[ServiceSpec], names: tuple[str, ...], found: Resource[EndpointsData] | None
    ) -> None:
        """Where containers look for a Service: at a Pod of it where that listens on the very ports, whatever it speaks
        there; else at kemu's own listeners, which speak HTTP.
        """
        ports = frozenset(port.port for port in service.spec.ports if port.protocol == "TCP")
        is_heard = service.spec.type == "ExternalName" or _HTTP in ports or _is_mapped(service, found)
        first = next((a.ip for subset in (found.spec.subsets if found else ()) for a in subset.addresses), "")
        for name in names:
            self._hosts.pin(name, "" if is_heard else first)
            self._hosts.hear(name, ports - {_HTTP} if is_heard else frozenset())

    def _drop_service(self, service: Resource[ServiceSpec]) -> None:
        entry = self._entries.pop((service.namespace, service.name), None)
        if entry is None:
            return
        for turns in entry.handler.ports.values():
            turns.share([])
        for name in entry.names:
            self._hosts.pin(name, "")
            self._hosts.hear(name, frozenset())
            if self._hosts.own(name) is entry.handler:
                self._hosts.remove(name)

    def _is_of_route(self, service: Resource[ServiceSpec]) -> bool:
        """Whose name serving leads elsewhere: a Route's placeholder or namesake, or a Revision's public Service."""
        is_public = service.labels.get(_SERVICE_TYPE) == "Public"
        is_placeholder = is_public or (service.controller or {}).get("kind") == "Route"
        return is_placeholder or (
            self._route is not None and self._store.find(self._route, service.name, service.namespace) is not None
        )

    def _ports(
        self, service: Resource[ServiceSpec], endpoints: Resource[EndpointsData] | None
    ) -> dict[int, list[Address]]:
        """The addresses behind each port; nothing for a Service that stands for nothing that kemu knows of."""
        spec = service.spec
        if spec.type == "ExternalName":
            outside = spec.external_name.rstrip(".")
            return {port: [(outside, port)] for port in [each.port for each in spec.ports] or [_HTTP]}
        if endpoints is None and not spec.selector:
            return {}
        return {port.port: list(self._addresses(port.name, endpoints)) for port in spec.ports if port.protocol == "TCP"}

    def _addresses(self, port: str, endpoints: Resource[EndpointsData] | None) -> Iterator[Address]:
        for subset in endpoints.spec.subsets if endpoints is not None else ():
            numbers = [each.port for each in subset.ports if each.name == port]
            for address in subset.addresses if numbers else ():
                reference = address.target_ref or {}
                pod = self._store.find(POD, str(reference.get("name", "")), endpoints.namespace if endpoints else "")
                yield _reached(pod, address.ip, numbers[0])


def _is_mapped(service: Resource[ServiceSpec], endpoints: Resource[EndpointsData] | None) -> bool:
    """Whether a Pod listens on other ports than its Service is asked on."""
    asked = {port.name: port.port for port in service.spec.ports}
    subsets = endpoints.spec.subsets if endpoints is not None else ()
    return any(each.port != asked.get(each.name, each.port) for subset in subsets for each in subset.ports)


def _reached(pod: Resource[Any] | None, ip: str, port: int) -> Address:
    """Where kemu reaches a Pod's port: engines with a machine of their own publish one port of it here."""
    host, _, published = (pod.annotations.get(ADDRESS, "") if pod is not None else "").rpartition(":")
    return (ip, port) if host in ("", ip) else (host, int(published))


def _names(service: Resource[ServiceSpec]) -> tuple[str, ...]:
    """All names of a Service. One in the namespace `default` is also found without it: all containers see one file."""
    space = f"{service.name}.{service.namespace}"
    short = (service.name,) if service.namespace == _SHORT_IN and service.name != "localhost" else ()
    return (f"{space}.svc.{CLUSTER_DOMAIN}", f"{space}.svc", space, *short)
