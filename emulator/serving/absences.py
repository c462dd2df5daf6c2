"""Why a host name does not answer yet: what is said to who asks for it all the same.

Looks at the Store only when nothing is found in the host tables, so it need not be fast. Used through backends.py.
"""

from __future__ import annotations

from typing import Any

from emulator.control.addresses import Addresses
from emulator.objects.resource import Resource
from emulator.serving.annotations import NAMESPACE
from emulator.serving.domainmappings import DOMAIN_MAPPING
from emulator.serving.hostnames import BadTemplate, HostNames
from emulator.serving.kinds import ROUTE, SERVICE
from emulator.serving.networkconfig import CONFIG
from emulator.store.store import Store


def why_absent(store: Store, addresses: Addresses, host: str) -> str:
    """What keeps the Route or DomainMapping of `host` (lower case, no port) from answering; "" if nothing does."""
    for mapping in store.list(DOMAIN_MAPPING):
        if mapping.name == host and not mapping.is_ready:
            return _told(mapping)
    for route in store.list(ROUTE):
        names = _host_names(store, addresses, route)
        if names is not None and not route.is_ready and host in (*names.public(""), *names.internal("")):
            owner = store.find(SERVICE, route.name, route.namespace)
            return _told(owner if owner is not None and route.is_controlled_by(owner) else route)
    return ""


def is_expected(store: Store, addresses: Addresses, host: str) -> bool:
    """Whether a Route is about to answer to `host`: it is there, and neither ready nor past hope."""
    return any(
        names is not None and host in names.internal("")
        for route in store.list(ROUTE)
        if not route.is_ready and not route.has_failed
        for names in (_host_names(store, addresses, route),)
    )


def _told(resource: Resource[Any]) -> str:
    ready = resource.condition("Ready")
    said = ready.get("message") or ready.get("reason") or "it has only just come"
    return f"{resource.kind.name} {resource.namespace}/{resource.name} is not ready: {said}"


def _host_names(store: Store, addresses: Addresses, route: Resource[Any]) -> HostNames | None:
    network, domains = store.config(CONFIG, NAMESPACE), store.config("config-domain", NAMESPACE)
    try:
        return HostNames.of(route, network, domains, addresses)
    except BadTemplate:
        return None  # the Route's condition says it
