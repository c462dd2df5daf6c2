"""Objects in, Outcome out: a real Store with all kinds of kemu and a real View on it, but no Controller and no loop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.control.addresses import Addresses
from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.control.relations import Index
from emulator.eventing.reconcilers import KINDS as EVENTING_KINDS
from emulator.eventing.reconcilers import RECONCILERS as EVENTING_RECONCILERS
from emulator.objects.conditions import summarize
from emulator.objects.errors import ApiError
from emulator.objects.kind import Json, Kind, Registry
from emulator.objects.resource import Resource
from emulator.serving.reconcilers import KINDS as SERVING_KINDS
from emulator.serving.reconcilers import RECONCILERS as SERVING_RECONCILERS
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.reconcilers import KINDS as WORKLOAD_KINDS

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_DENIED = "denied the request: validation failed: "


class StandingClock:
    """Implements `Clock`; moves only when told."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class World:
    """See the module's text."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.store = Store(Registry((*SERVING_KINDS, *EVENTING_KINDS, *WORKLOAD_KINDS)), self.clock, CONFIG_MAP)
        self.reconcilers: dict[Kind[Any], Reconciler] = {**SERVING_RECONCILERS, **EVENTING_RECONCILERS}
        references = {kind: r.references for kind, r in self.reconcilers.items() if r.references}
        self.index = Index(self.store, references)
        self.store.observe(self._changed)

    def _changed(self, change: Change) -> None:
        self.index.note(change)

    def config(self, name: str, namespace: str, data: Mapping[str, str]) -> None:
        """A ConfigMap, made or replaced."""
        metadata = {"name": name, "namespace": namespace}
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
        if self.store.find(CONFIG_MAP, name, namespace) is None:
            self.store.create(obj)
        else:
            self.store.update(obj)

    def create(self, obj: Json, owner: Resource[Any] | None = None, user: str = "me") -> Resource[Any]:
        """Store a new object, as the child of `owner` if one is given."""
        if owner is not None:
            obj = {**obj, "metadata": {**obj["metadata"], "ownerReferences": [owner.owner_reference()]}}
        return self.store.create(obj, user)

    def edit(self, resource: Resource[Any], *, user: str = "me", **changes: Any) -> Resource[Any]:
        """Store the object as it is now with these top-level fields replaced (`spec`, `metadata`)."""
        present = self.store.get(resource.kind, resource.name, resource.namespace)
        return self.store.update({**present.obj, **changes}, user)

    def refusal(self, obj: Json, user: str = "me") -> str:
        """What admission says against creating or updating `obj`; "" if it takes it."""
        kind = self.store.registry.of(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        assert kind is not None
        present = self.store.find(kind, metadata.get("name", ""), metadata.get("namespace", "default"))
        try:
            self.store.create(obj, user) if present is None else self.store.update(obj, user)
        except ApiError as error:
            return error.message.partition(_DENIED)[2] or error.message
        return ""

    def status(self, resource: Resource[Any], **status: Any) -> Resource[Any]:
        """Store a status (besides conditions that are there) for the object's generation."""
        kept = {k: v for k, v in resource.status.items() if k == "conditions"}
        return self.store.update_status(resource.key, {**kept, "observedGeneration": resource.generation, **status})

    def ready(
        self, resource: Resource[Any], value: str = "True", reason: str = "", message: str = "", **status: Any
    ) -> Resource[Any]:
        """Store Ready with this value, and a status."""
        said = {"reason": reason, "message": message}
        ready = {"type": "Ready", "status": value, **{k: v for k, v in said.items() if v}}
        present = self.store.get(resource.kind, resource.name, resource.namespace)
        return self.status(present, **status, conditions=[{**ready, "lastTransitionTime": self.store.now()}])

    def view(self) -> View:
        return View(self.store, self.index, Addresses())

    def reconcile(self, resource: Resource[Any]) -> Outcome:
        """One run of the kind's reconciler on the object as it is now; nothing is written."""
        present = self.store.get(resource.kind, resource.name, resource.namespace)
        return self.reconcilers[resource.kind].reconcile(present, self.view())


def obj(kind: Kind[Any], name: str, spec: Json, **metadata: Any) -> Json:
    """An object as a user writes it, in the namespace `default`."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": spec,
    }


def said(outcome: Outcome, type_: str = "Ready") -> tuple[str, str, str]:
    """(status, reason, message) of a condition of the Outcome, Ready as it follows from the rest."""
    conditions = summarize(outcome.conditions or (), (), "", outcome.happy)
    found = next(c for c in conditions if c["type"] == type_)
    return found["status"], found.get("reason", ""), found.get("message", "")


def child(outcome: Outcome, kind: Kind[Any] | str, name: str = "") -> Json:
    """The Outcome's child of a kind, of a name if several are there."""
    wanted = kind if isinstance(kind, str) else kind.name
    (found,) = (c for c in outcome.children if c["kind"] == wanted and name in ("", c["metadata"]["name"]))
    return found
