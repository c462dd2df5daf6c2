"""From Ingresses to the host tables: each rule's names lead to a RuleHandler, public ones on both listeners.

A projection: it carries out what Routes' and DomainMappings' Ingresses say, at the moment that they are written, and
decides nothing. A public name leads to the same inside; a cluster-local full name is also taken on the public listener
when the same is public under another name, so that `curl -H 'Host: hello.default.svc.cluster.local'` works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from emulator.ingress.hosts import HostTable, VirtualHosts
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.ingresses import INGRESS, LOCAL, REDIRECTED, IngressSpec
from emulator.serving.rulehandlers import Draw, Headers, Rule, RuleHandler, Way
from emulator.serving.throttler import Throttler
from emulator.settings import CLUSTER_DOMAIN
from emulator.store.projection import Projection
from emulator.store.store import Store

SEED = "kemu.dev/split-seed"
"""Annotation of a Service or Route: its split chooses alike each time that it is set."""
_OWN_HEADERS = ("Knative-Serving-Revision", "Knative-Serving-Namespace", "K-Original-Host")
"""For Knative's activator and queue-proxy, which take them away again."""
_TAG_HEADER = "Knative-Serving-Tag"
Names = dict[str, RuleHandler]
_Key = tuple[str, str]


class IngressTable:
    """`throttler` gives a Revision's Throttler by namespace and name."""

    def __init__(self, store: Store, hosts: VirtualHosts, throttler: Callable[[str, str], Throttler | None]) -> None:
        self._store = store
        self._hosts = hosts
        self._throttler = throttler
        self._names: dict[_Key, tuple[Names, Names]] = {}
        self._read: dict[_Key, tuple[Json, str]] = {}
        self._served: dict[_Key, set[_Key]] = {}
        """Which Ingresses lead to a Service."""
        self._leads: dict[_Key, set[_Key]] = {}

    def start(self) -> None:
        """Fill the tables and keep them; call it on the loop."""
        Projection(self._store, INGRESS, self._put, self._drop)

    def refresh(self, namespace: str, revision: str) -> None:
        """A Throttler has come or gone: read the rules anew that lead there."""
        for key in list(self._served.get((namespace, revision), ())):
            self._read.pop(key, None)
            if (ingress := self._store.find(INGRESS, key[1], key[0])) is not None:
                self._put(ingress)

    def _put(self, ingress: Resource[IngressSpec]) -> None:
        key, what = (ingress.namespace, ingress.name), (ingress.obj["spec"], ingress.annotations.get(SEED, ""))
        if self._read.get(key) != what:  # what is said of its status does not make a split begin anew
            self._read[key] = what
            self._note_services(key, ingress)
            self._publish(key, *self._rules(ingress))

    def _note_services(self, key: _Key, ingress: Resource[IngressSpec] | None) -> None:
        for service in self._leads.pop(key, ()):
            self._served[service].discard(key)
        rules = ingress.spec.rules if ingress is not None else ()
        splits = [split for rule in rules if rule.http for path in rule.http.paths for split in path.splits]
        self._leads[key] = {(split.service_namespace, split.service_name) for split in splits}
        for service in self._leads[key]:
            self._served.setdefault(service, set()).add(key)

    def _rules(self, ingress: Resource[IngressSpec]) -> tuple[dict[str, Rule], dict[str, Rule]]:
        """The rules of the public and of the cluster-local names."""
        public: dict[str, Rule] = {}
        internal: dict[str, Rule] = {}
        rules = [rule for rule in ingress.obj["spec"].get("rules") or () if rule.get("http")]
        shown = [rule["http"] for rule in rules if rule.get("visibility") != LOCAL]
        made: list[tuple[Json, Rule | None]] = []  # names that lead to the same share one Draw
        for rule in rules:
            known = next((known for http, known in made if http == rule["http"]), None)
            read = known or self._rule(rule["http"]["paths"], ingress.annotations.get(SEED, ""))
            made.append((rule["http"], read))
            if read is None:
                continue
            names = dict.fromkeys(rule.get("hosts") or (), read)
            if rule.get("visibility") == LOCAL:
                internal |= names
                if rule["http"] in shown:
                    public |= {n: r for n, r in names.items() if n.endswith(CLUSTER_DOMAIN)}
            else:
                is_redirected = ingress.obj["spec"].get("httpOption") == REDIRECTED
                public |= {n: Rule(r.way, r.tagged, is_redirected) for n, r in names.items()}
        return public, internal

    def _drop(self, ingress: Resource[IngressSpec]) -> None:
        key = (ingress.namespace, ingress.name)
        self._publish(key, {}, {})
        self._note_services(key, None)
        del self._names[key], self._leads[key]
        self._read.pop(key, None)

    def _publish(self, key: _Key, public: Mapping[str, Rule], internal: Mapping[str, Rule]) -> None:
        before = self._names.get(key, ({}, {}))
        self._names[key] = (
            _published(self._hosts.public, before[0], public),
            _published(self._hosts.internal, before[1], internal),
        )

    # -- reading rules

    def _rule(self, paths: Iterable[Json], seed: str) -> Rule | None:
        """None where no path leads anywhere."""
        way: Way | None = None
        tagged: dict[bytes, Way] = {}
        for path in paths:
            read = self._way(path, seed)
            match = (path.get("headers") or {}).get(_TAG_HEADER)
            if read is not None and match is not None:
                tagged[str(match["exact"]).encode()] = read
            elif read is not None and not path.get("headers"):
                way = way or read
        return None if way is None else Rule(way, tagged)

    def _way(self, path: Json, seed: str) -> Way | None:
        splits = path["splits"]
        added = {**(path.get("appendHeaders") or {}), **(splits[0].get("appendHeaders") or {} if splits else {})}
        headers: Headers = [(k.encode(), v.encode()) for k, v in added.items() if k not in _OWN_HEADERS]
        if host := path.get("rewriteHost"):
            return Way(None, headers, host.encode(), partial(self._hosts.internal.find, host.encode()))
        shares = [
            (throttler, int(split.get("percent") or 0))
            for split in splits
            if (throttler := self._throttler(split["serviceNamespace"], split["serviceName"])) is not None
        ]
        shares = [(throttler, percent) for throttler, percent in shares if percent > 0]
        return Way(Draw(shares, seed), headers) if shares else None


def _published(table: HostTable, before: Names, wanted: Mapping[str, Rule]) -> Names:
    """Let the names lead to these rules, and no others of `before`; handlers stay, so that nobody looks anew."""
    for name in before.keys() - wanted.keys():
        if table.own(name) is before[name]:
            table.remove(name)
    now: Names = {}
    for name, rule in wanted.items():
        handler = before.get(name)
        if handler is None:
            handler = RuleHandler(rule)
        else:
            handler.take(rule)
        if table.own(name) is not handler:
            table.set(name, handler)
        now[name] = handler
    return now
