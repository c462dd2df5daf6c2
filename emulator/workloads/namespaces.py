"""Namespaces: accepted, listed, and always Active. A namespace that only a manifest names comes to be with it."""

from __future__ import annotations

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.kind import AGE, Column, Kind
from emulator.objects.model import Model
from emulator.objects.resource import Resource


class NamespaceSpec(Model):
    finalizers: list[str] = Field(default_factory=list)


NAMESPACE = Kind(
    group="",
    version="v1",
    name="Namespace",
    plural="namespaces",
    spec=NamespaceSpec,
    short_names=("ns",),
    namespaced=False,
    fields=("status.phase",),
    columns=(Column("Status", lambda r: r.status.get("phase", "Active")), AGE),
)


def reconcile(namespace: Resource[NamespaceSpec], view: View) -> Outcome:
    """Reads a Namespace, writes its phase."""
    return Outcome(None, {"phase": "Active"})


NAMESPACE_RECONCILER = Reconciler(reconcile)
