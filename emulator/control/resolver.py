"""Turns a Destination into the URL that events are sent to.

Follows knative/pkg resolver/addressable_resolver.go (eventing §3): a bare uri is itself; a core Service has its
cluster-local name; anything else must be Addressable (`status.address.url`); a relative uri is resolved against that.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from emulator.control.reconciler import View
from emulator.objects.refs import Destination, KReference
from emulator.objects.resource import Resource
from emulator.settings import CLUSTER_DOMAIN


class Unresolved(Exception):
    """The Destination has no URL yet; `reason` is a condition reason, the text its message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def resolve(destination: Destination, namespace: str, view: View) -> str:
    """The URL of a Destination seen from `namespace`, or Unresolved."""
    if destination.ref is None:
        return destination.uri or ""
    base = _ref_url(destination.ref, namespace, view)
    return urljoin(base, destination.uri) if destination.uri else base


def _ref_url(ref: KReference, namespace: str, view: View) -> str:
    space = ref.namespace or namespace
    if ref.api_version == "v1" and ref.kind == "Service":
        return view.addresses.cluster_url(f"{ref.name}.{space}.svc.{CLUSTER_DOMAIN}")
    kind = view.registry.of(ref.api_version or "", ref.kind)
    if kind is None:
        raise Unresolved(
            "NotFound", f'failed to get object {space}/{ref.name}: no kind "{ref.kind}" in {ref.api_version}'
        )
    found = view.find(kind, ref.name, space if kind.namespaced else "")
    if found is None:
        raise Unresolved("NotFound", f'failed to get object {space}/{ref.name}: {kind.resource} "{ref.name}" not found')
    return address_of(found, ref.address)


def address_of(resource: Resource[Any], name: str | None = None) -> str:
    """`status.address.url` of an Addressable (or the named one of `status.addresses`), or Unresolved."""
    shown = f"{resource.kind.name}.{resource.kind.group} {resource.namespace}/{resource.name}"
    for address in resource.status.get("addresses", ()):
        if name is None or address.get("name") == name:
            return str(address["url"])
    address = resource.status.get("address")
    if not address or name is not None:
        raise Unresolved("AddressNotSet", f"address not set for {shown}")
    if not address.get("url"):
        raise Unresolved("AddressNotSet", f"URL missing in address of {shown}")
    return str(address["url"])
