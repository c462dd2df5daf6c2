"""PingSources: an event on a schedule. Reads a PingSource and its sink, writes its status; `ping.py` does the ticking.

Followed: knative/eventing pkg/reconciler/pingsource, pkg/apis/sources/v1/ping_lifecycle.go (eventing §8.1).
"""

from __future__ import annotations

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.control.resolver import Unresolved, resolve
from emulator.eventing.brokers import IDENTITY_CREATED
from emulator.eventing.kinds import PingSourceSpec
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json
from emulator.objects.resource import Resource

TYPE = "dev.knative.sources.ping"


def source_of(namespace: str, name: str) -> str:
    """The attribute `source` of a PingSource's events."""
    return f"/apis/v1/namespaces/{namespace}/pingsources/{name}"


def reconcile(source: Resource[PingSourceSpec], view: View) -> Outcome:
    assert source.spec.sink is not None
    attributes = [{"type": TYPE, "source": source_of(source.namespace, source.name)}]
    status: Json = {"ceAttributes": attributes}
    try:
        status["sinkUri"] = resolve(source.spec.sink, source.namespace, view)
    except Unresolved as fault:
        sink = Condition.false("SinkProvided", "NotFound", str(fault))
        return Outcome([sink, Condition.unknown("Deployed"), IDENTITY_CREATED], status)
    return Outcome([Condition.true("SinkProvided"), Condition.true("Deployed"), IDENTITY_CREATED], status)


PING_SOURCE_RECONCILER = Reconciler(reconcile)
