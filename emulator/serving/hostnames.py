"""The host names of a Route: what its URL is, and under which names it is reached.

Pure, from the Route and the ConfigMaps config-network and config-domain (serving §4.1). The public URL is on the domain
that config-domain selects, else on kemu's own (`localhost`), and carries the ingress's port where that is not 80: a URL
in status can be opened as it is. Besides it a Route answers under the domains that articles and clusters use
(`settings.ALSO_DOMAINS`), so that commands work as typed. Used by routes.py (status) and backends.py (host table).
Followed: knative/serving pkg/reconciler/route/{domains,config}.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import yaml

from emulator.control.addresses import Addresses
from emulator.lib.gotemplatefunctions import TemplateFault
from emulator.lib.gotemplates import Struct, Template, parse
from emulator.objects.names import dns1123_label_faults, dns1123_subdomain_faults
from emulator.objects.resource import Resource
from emulator.settings import ALSO_DOMAINS, CLUSTER_DOMAIN

VISIBILITY = "networking.knative.dev/visibility"
DOMAIN_TEMPLATE = "{{.Name}}.{{.Namespace}}.{{.Domain}}"
TAG_TEMPLATE = "{{.Tag}}-{{.Name}}"


class BadTemplate(Exception):
    """A template of config-network makes no host name; the text says which and why."""


@dataclass(frozen=True)
class HostNames:
    """All names of one Route. `domains` has the domain of its URL first; none for a private Route.

    `local` are the tags ("" for the Route's own name) that are private although the Route is not.
    """

    route: Resource[Any]
    addresses: Addresses
    domains: tuple[str, ...]
    domain_template: str
    tag_template: str
    scheme: str
    local: frozenset[str] = frozenset()
    _made: dict[tuple[str, str], str] = field(default_factory=dict, compare=False, repr=False)
    """Host names by tag and domain: each is asked for several times."""

    @classmethod
    def of(
        cls, route: Resource[Any], network: Mapping[str, str], domains: Mapping[str, str], addresses: Addresses
    ) -> HostNames:
        """The names by the ConfigMaps' data; BadTemplate."""
        names = cls(
            route=route,
            addresses=addresses,
            domains=_domains(route, domains, addresses.domain),
            domain_template=network.get("domain-template") or network.get("domainTemplate") or DOMAIN_TEMPLATE,
            tag_template=network.get("tag-template") or network.get("tagTemplate") or TAG_TEMPLATE,
            scheme=network.get("default-external-scheme") or "http",
        )
        names.public("")
        return names

    def hiding(self, local: Collection[str]) -> HostNames:
        """The same with these tags private."""
        return replace(self, local=frozenset(local))

    def is_private(self, tag: str = "") -> bool:
        return not self.domains or tag in self.local

    def url(self, tag: str = "") -> str:
        """What status.url (or a tagged target's url) says."""
        if self.is_private(tag):
            return self.addresses.cluster_url(self.internal(tag)[0])
        return self.addresses.public_url(self.scheme, self.public(tag)[0])

    @property
    def address(self) -> str:
        """The cluster-local URL."""
        return self.addresses.cluster_url(self.internal("")[0])

    def public(self, tag: str) -> list[str]:
        """Names on the public listener, that of the URL first; none for what is private."""
        domains = () if self.is_private(tag) else self.domains
        return [self._host(tag, domain, self.domain_template) for domain in domains]

    def internal(self, tag: str) -> list[str]:
        """Cluster-local names, the full one first."""
        full = self._host(tag, f"svc.{CLUSTER_DOMAIN}", DOMAIN_TEMPLATE)
        return [full, full.removesuffix(f".{CLUSTER_DOMAIN}"), full.removesuffix(f".svc.{CLUSTER_DOMAIN}")]

    def label(self, tag: str) -> str:
        """The Route's name, or what the tag-template makes of it and a tag."""
        return _filled(self.tag_template, self._values(self.route.name, "", tag)) if tag else self.route.name

    def _host(self, tag: str, domain: str, template: str) -> str:
        host = self._made.get((tag, domain))
        if host is None:
            host = self._made[tag, domain] = self._new_host(tag, domain, template)
        return host

    def _new_host(self, tag: str, domain: str, template: str) -> str:
        name = self.label(tag)
        host = _filled(template, self._values(name, domain, tag))
        if dns1123_subdomain_faults(host) or any(dns1123_label_faults(label) for label in host.split(".")):
            raise BadTemplate(f'domain-template "{template}" makes "{host}", which is no host name')
        return host

    def _values(self, name: str, domain: str, tag: str) -> dict[str, Any]:
        return {
            "Name": name,
            "Namespace": self.route.namespace,
            "Domain": domain,
            "Tag": tag,
            "Labels": self.route.labels,
            "Annotations": self.route.annotations,
        }


def _domains(route: Resource[Any], config: Mapping[str, str], default: str) -> tuple[str, ...]:
    if route.labels.get(VISIBILITY) == "cluster-local":
        return ()
    chosen = _selected(route, {key: text for key, text in config.items() if not key.startswith("_")})
    if chosen == f"svc.{CLUSTER_DOMAIN}":
        return ()
    first = chosen or default
    return (first, *(domain for domain in dict.fromkeys((default, *ALSO_DOMAINS)) if domain != first))


def _selected(route: Resource[Any], config: Mapping[str, str]) -> str | None:
    """The domain with the most matching labels, of several the first by name; None if none applies."""
    best: tuple[int, str] | None = None
    for domain, text in sorted(config.items()):
        selector = ((yaml.safe_load(text) if text.strip() else None) or {}).get("selector") or {}
        if all(route.labels.get(key) == label_value(value) for key, value in selector.items()) and (
            best is None or len(selector) > best[0]
        ):
            best = (len(selector), domain)
    return best[1] if best else None


def label_value(value: object) -> str:
    """A value of a selector: numbers and truths stand for their texts, as sigs.k8s.io/yaml decodes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled(template: str, values: Mapping[str, Any]) -> str:
    try:
        return _read(template).render(Struct("config.DomainTemplateValues", values))
    except TemplateFault as fault:
        raise BadTemplate(str(fault)) from None


@lru_cache(maxsize=64)
def _read(template: str) -> Template:
    return parse("domain-template", template)
