"""Sends the events of ApiServerSources: one for each change of an object that a ready source watches.

What is there already when kemu or a source starts makes no event, as on a cluster. Changes are heard from the Store
itself, at once and in order; what no source watches costs one look-up. Followed: knative/eventing
pkg/adapter/apiserver (eventing §8.4).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from emulator.eventing.cloudevents import Event, now_text
from emulator.eventing.filters import Matcher, matcher
from emulator.eventing.sources.apiserversources import (
    API_SERVER_SOURCE,
    SOURCE,
    ApiServerSourceSpec,
    event_type,
)
from emulator.eventing.sources.sender import Sender
from emulator.objects.kind import Json, Kind
from emulator.objects.resource import Key, Resource
from emulator.objects.selectors import Selector
from emulator.store.store import Store
from emulator.store.watch import Change

_FIRST_PAUSE_S = 0.05  # ContextWithRetriesExponentialBackoff in pkg/adapter/apiserver/events
_JSON = b"application/json"


@dataclass(frozen=True)
class Interest:
    """What one ready source wants of one kind."""

    source: Resource[ApiServerSourceSpec]
    labels: Selector
    namespaces: frozenset[str]
    wants: Matcher

    def sees(self, resource: Resource[Any]) -> bool:
        owner = self.source.spec.owner
        if owner is not None and not _is_controlled_by(resource, owner.api_version, owner.kind):
            return False
        is_near = not resource.namespace or "" in self.namespaces or resource.namespace in self.namespaces
        return is_near and self.labels.matches(resource.labels)


class ObjectReporter:
    """One for the process."""

    def __init__(self, store: Store, sender: Sender) -> None:
        self._store = store
        self._sender = sender
        self._interests: dict[Kind[Any], dict[Key, list[Interest]]] = {}

    def start(self) -> None:
        """Follow the Store from now on."""
        for source in self._store.list(API_SERVER_SOURCE):
            self._take(source)
        self._store.observe(self._changed)

    def _changed(self, change: Change) -> None:
        resource = change.resource
        for interests in list(self._interests.get(resource.kind, {}).values()):
            for interest in interests:
                self._report(interest, change)
        if resource.kind is API_SERVER_SOURCE:
            self._drop(resource.key)
            if change.type != "DELETED":
                self._take(resource)

    def _drop(self, key: Key) -> None:
        for interests in self._interests.values():
            interests.pop(key, None)

    def _take(self, source: Resource[ApiServerSourceSpec]) -> None:
        if not source.is_ready:
            return
        wants, namespaces = matcher({"filters": source.spec.filters}), frozenset(source.status["namespaces"])
        for watched in source.spec.resources:
            kind = self._store.registry.of(watched.api_version, watched.kind)
            if kind is not None:
                labels = watched.selector.selector() if watched.selector else Selector()
                interest = Interest(source, labels, namespaces, wants)
                self._interests.setdefault(kind, {}).setdefault(source.key, []).append(interest)

    def _report(self, interest: Interest, change: Change) -> None:
        is_in = interest.sees(change.resource)
        was_in = change.before is not None and interest.sees(change.before)
        if not (is_in or was_in):
            return
        seen = "DELETED" if not is_in else "ADDED" if change.type == "MODIFIED" and not was_in else change.type
        event = _event(interest.source, seen, change.resource)
        if interest.wants(event):
            source = interest.source
            self._sender.send(event, str(source.status["sinkUri"]), source.namespace, _FIRST_PAUSE_S)


def _event(source: Resource[ApiServerSourceSpec], change: str, resource: Resource[Any]) -> Event:
    kind = resource.kind
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": SOURCE,
        "type": event_type(source, change),
        "subject": f"/apis/{kind.api_version}/namespaces/{resource.namespace}/{kind.plural}/{resource.name}",
        "kind": kind.name,
        "apiversion": kind.api_version,
        "name": resource.name,
        **({"namespace": resource.namespace} if resource.namespace else {}),
        **(source.spec.ce_overrides.extensions if source.spec.ce_overrides else {}),
    }
    encoded = {name.encode(): value.encode() for name, value in attributes.items()}
    data = _reference(resource) if source.spec.mode == "Reference" else _whole(resource)
    text = json.dumps(data, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return Event({**encoded, b"time": now_text()}, text.encode("utf-8", "surrogatepass"), _JSON)


def _reference(resource: Resource[Any]) -> Json:
    found = {
        "kind": resource.kind.name,
        "namespace": resource.namespace,
        "name": resource.name,
        "apiVersion": resource.kind.api_version,
    }
    return {name: value for name, value in found.items() if value}


def _whole(resource: Resource[Any]) -> Json:
    return {**resource.obj, "apiVersion": resource.kind.api_version, "kind": resource.kind.name}


def _is_controlled_by(resource: Resource[Any], api_version: str, kind: str) -> bool:
    owner = resource.controller
    return owner is not None and owner["apiVersion"] == api_version and owner["kind"] == kind
