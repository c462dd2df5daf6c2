"""The operator's kinds KnativeServing and KnativeEventing: what kemu already is, so only their configuration counts.

Reads one of them, writes the `config-*` ConfigMaps that its `spec.config` names, in its own namespace. The rest of the
spec (ingress, registry, high availability) describes an installation that does not take place; it is accepted and kept.
Followed: knative/operator pkg/reconciler/common/configmap.go.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.conditions import Condition
from emulator.objects.kind import READY, REASON, Column, Json, Kind
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.workloads.configs import CONFIG_MAP

VERSION = "1.20.0"


class OperatorSpec(Model):
    model_config = ConfigDict(extra="allow")

    config: dict[str, dict[str, str]] = Field(default_factory=dict)


def _kind(name: str, plural: str) -> Kind[OperatorSpec]:
    return Kind(
        group="operator.knative.dev",
        version="v1beta1",
        name=name,
        plural=plural,
        spec=OperatorSpec,
        also_served=("v1alpha1",),
        columns=(
            Column("Version", lambda r: r.status.get("version")),
            READY,
            REASON,
        ),
    )


KNATIVE_SERVING = _kind("KnativeServing", "knativeservings")
KNATIVE_EVENTING = _kind("KnativeEventing", "knativeeventings")


def config_maps(operator: Resource[Any]) -> list[Json]:
    """The ConfigMaps of `spec.config`; names with and without the prefix `config-` mean the same."""
    return [
        {
            "apiVersion": "v1",
            "kind": CONFIG_MAP.name,
            "metadata": {"name": f"config-{name.removeprefix('config-')}", "namespace": operator.namespace},
            "data": dict(data),
        }
        for name, data in operator.spec.config.items()
    ]


def reconcile(operator: Resource[OperatorSpec], view: View) -> Outcome:
    """Reads an operator's object; writes its ConfigMaps and says that all is installed."""
    types = ("DependenciesInstalled", "DeploymentsAvailable", "InstallSucceeded", "VersionMigrationEligible")
    return Outcome([Condition.true(t) for t in types], {"version": VERSION}, config_maps(operator))


OPERATOR_RECONCILER = Reconciler(reconcile, prunes=(CONFIG_MAP,), adopts=(CONFIG_MAP,))
