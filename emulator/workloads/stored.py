"""Kinds that are only kept: everything of the API works on them, and nothing in kemu acts on them.

Files for clusters bring such objects along (roles, webhooks, budgets, quotas), and clients ask for them. They are one
table: a kind that kemu comes to act on leaves it for a module of its own. Their bodies are judged by nobody; only
lists that patches merge by a key are declared. For each group the log says once, at its first object, that kemu does
not act on it and why that does no harm.
"""

from __future__ import annotations

import logging
from typing import Any

from pydantic import ConfigDict, Field

from emulator.lib.report import report
from emulator.objects.kind import Column, Kind
from emulator.objects.model import JsonObject, Model, keyed
from emulator.objects.names import path_segment_faults
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads import storedcolumns as columns

logger = logging.getLogger(__name__)


class Kept(Model):
    """Whatever a user wrote."""

    model_config = ConfigDict(extra="allow")


class Account(Kept):
    secrets: list[JsonObject] = Field(default_factory=list, json_schema_extra=keyed("name"))


class Webhooks(Kept):
    webhooks: list[JsonObject] = Field(default_factory=list, json_schema_extra=keyed("name"))


def _kind(
    group_version: str, name: str, plural: str, shown: tuple[Column, ...], short: str = "", **more: Any
) -> Kind[Any]:
    group, _, version = group_version.rpartition("/")
    return Kind(
        group=group,
        version=version,
        name=name,
        plural=plural,
        spec=more.pop("spec", Kept),
        root=True,
        short_names=(short,) if short else (),
        columns=shown,
        has_status=more.pop("has_status", False),
        **more,
    )


_RBAC = "rbac.authorization.k8s.io/v1"
_HOOKS = "admissionregistration.k8s.io/v1"
_WIDE: dict[str, Any] = {"namespaced": False}
_STATUS: dict[str, Any] = {"has_status": True}
# `system:controller:…`
_ANY: dict[str, Any] = {"names": path_segment_faults}

STORED: tuple[Kind[Any], ...] = (
    _kind(_RBAC, "Role", "roles", (columns.CREATED_AT,), **_ANY),
    _kind(_RBAC, "RoleBinding", "rolebindings", columns.BINDING, **_ANY),
    _kind(_RBAC, "ClusterRole", "clusterroles", (columns.CREATED_AT,), **_WIDE, **_ANY),
    _kind(_RBAC, "ClusterRoleBinding", "clusterrolebindings", columns.BINDING, **_WIDE, **_ANY),
    _kind(
        _HOOKS,
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        columns.WEBHOOKS,
        spec=Webhooks,
        categories=("api-extensions",),
        **_WIDE,
    ),
    _kind(
        _HOOKS,
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        columns.WEBHOOKS,
        spec=Webhooks,
        categories=("api-extensions",),
        **_WIDE,
    ),
    _kind(
        _HOOKS,
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        columns.POLICY,
        categories=("api-extensions",),
        **_WIDE,
        **_STATUS,
    ),
    _kind(
        _HOOKS,
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        columns.POLICY_BINDING,
        categories=("api-extensions",),
        **_WIDE,
    ),
    _kind(
        "apiregistration.k8s.io/v1",
        "APIService",
        "apiservices",
        columns.API_SERVICE,
        categories=("api-extensions",),
        **_WIDE,
        **_STATUS,
    ),
    _kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", columns.BUDGET, "pdb", **_STATUS),
    _kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", columns.NETWORK_POLICY, "netpol"),
    _kind("networking.k8s.io/v1", "Ingress", "ingresses", columns.INGRESS, "ing", **_STATUS),
    _kind("networking.k8s.io/v1", "IngressClass", "ingressclasses", columns.INGRESS_CLASS, **_WIDE),
    _kind("storage.k8s.io/v1", "StorageClass", "storageclasses", columns.STORAGE_CLASS, "sc", **_WIDE),
    _kind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", columns.PRIORITY_CLASS, "pc", **_WIDE),
    _kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", columns.RUNTIME_CLASS, **_WIDE),
    _kind("coordination.k8s.io/v1", "Lease", "leases", columns.LEASE),
    _kind("v1", "PersistentVolume", "persistentvolumes", columns.VOLUME, "pv", **_WIDE, **_STATUS),
    _kind("v1", "ServiceAccount", "serviceaccounts", columns.ACCOUNT, "sa", spec=Account),
    _kind("v1", "LimitRange", "limitranges", (columns.CREATED_AT,), "limits"),
    _kind("v1", "ResourceQuota", "resourcequotas", columns.QUOTA, "quota", **_STATUS),
)

# Why it does no harm that nothing acts on a group's objects. A Lease does all that it does on a cluster, and of a
# ServiceAccount nobody expects more than that it is there.
_WHY = {
    "rbac.authorization.k8s.io": "whoever reaches kemu's API may do everything",
    "admissionregistration.k8s.io": "kemu calls no webhooks; what Knative's check is checked anyway",
    "apiregistration.k8s.io": "kemu passes no requests on to other API servers",
    "policy": "there are no nodes to be drained",
    "networking.k8s.io": "containers reach each other freely, and requests come in by the hosts of Routes only",
    "storage.k8s.io": "volumes are folders on this computer",
    "scheduling.k8s.io": "there is one node, this computer",
    "node.k8s.io": "containers run in the container engine's own way",
    "": "there are no limits to what a namespace may hold, and volumes are folders on this computer",
}


def tell_of_stored(store: Store) -> None:
    """From now on the log says once for each group that its objects are kept without effect."""
    told = {"coordination.k8s.io"}
    groups = {kind: kind.group for kind in STORED if kind.name != "ServiceAccount"}

    def changed(change: Change) -> None:
        group = groups.get(change.resource.kind)
        if group is None or group in told:
            return
        told.add(group)
        resource = change.resource
        said = "kept, without effect like all of its sort (%s): %s"
        report(logger, f"{resource.kind.name} {resource.name}", said, group or "v1", _WHY[group])

    store.observe(changed)
