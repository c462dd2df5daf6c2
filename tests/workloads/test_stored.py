"""Kinds that are only kept: what kubectl shows of them, and that the log says so once for each group."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.objects.kind import Kind, Registry
from emulator.store.store import Store
from emulator.store.strategic import strategic_merge
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.stored import STORED, tell_of_stored

BY_NAME: dict[str, Kind[Any]] = {kind.name: kind for kind in STORED}


def made(kind: str, name: str = "a", **body: Any) -> dict[str, Any]:
    return {"apiVersion": BY_NAME[kind].api_version, "kind": kind, "metadata": {"name": name}, **body}


@pytest.fixture
def store() -> Store:
    return Store(Registry((CONFIG_MAP, *STORED)), SystemClock(), CONFIG_MAP)


SHOWN: list[tuple[str, dict[str, Any], dict[str, object]]] = [
    (
        "RoleBinding",
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [
                {"kind": "User", "name": "jane"},
                {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
                {"kind": "ServiceAccount", "name": "t", "namespace": "n"},
            ],
        },
        {"Role": "Role/r", "Users": "jane", "Groups": "", "ServiceAccounts": "n/s, n/t"},
    ),
    ("ValidatingWebhookConfiguration", {"webhooks": [{"name": "x"}, {"name": "y"}]}, {"Webhooks": 2}),
    ("APIService", {"spec": {"service": {"namespace": "n", "name": "s"}}}, {"Service": "n/s", "Available": "Unknown"}),
    (
        "PodDisruptionBudget",
        {"spec": {"minAvailable": "80%"}},
        {"Min Available": "80%", "Max Unavailable": "N/A", "Allowed Disruptions": 0},
    ),
    (
        "NetworkPolicy",
        {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
        {"Pod-Selector": "a=b"},
    ),
    ("NetworkPolicy", {"spec": {"podSelector": {}}}, {"Pod-Selector": "<none>"}),
    (
        "Ingress",
        {"spec": {"tls": [{}], "rules": [{"host": name} for name in ("a", "b", "c", "d")]}},
        {"Class": "<none>", "Hosts": "a,b,c + 1 more...", "Address": "", "Ports": "80, 443"},
    ),
    ("IngressClass", {"spec": {"controller": "c"}}, {"Controller": "c", "Parameters": "<none>"}),
    (
        "StorageClass",
        {"provisioner": "p"},
        {
            "Provisioner": "p",
            "ReclaimPolicy": "Delete",
            "VolumeBindingMode": "Immediate",
            "AllowVolumeExpansion": False,
        },
    ),
    ("PriorityClass", {"value": 7}, {"Value": 7, "Global-Default": False}),
    (
        "PersistentVolume",
        {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}},
        {"Capacity": "1Gi", "Access Modes": "RWO,ROX", "Reclaim Policy": "Retain", "Status": "Available"},
    ),
    (
        "ResourceQuota",
        {"spec": {"hard": {"pods": "4", "limits.cpu": "2"}}},
        {"Request": "pods: 0/4", "Limit": "limits.cpu: 0/2"},
    ),
    ("Lease", {"spec": {"holderIdentity": "me"}}, {"Holder": "me"}),
]


@pytest.mark.parametrize(("kind", "body", "shown"), SHOWN, ids=[kind for kind, _, _ in SHOWN])
def test_what_kubectl_shows(store: Store, kind: str, body: dict[str, Any], shown: dict[str, object]) -> None:
    resource = store.create(made(kind, **body))
    cells = {column.name: column.cell(resource) for column in BY_NAME[kind].columns}
    assert {name: cells[name] for name in shown} == shown


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.resource)
def test_an_object_without_anything_is_kept_and_shown(store: Store, kind: Kind[Any]) -> None:
    resource = store.create(made(kind.name))
    assert all(column.cell(resource) is not None for column in kind.columns)


def test_webhooks_are_patched_by_their_names() -> None:
    live = made("MutatingWebhookConfiguration", webhooks=[{"name": "x", "a": 1}, {"name": "y"}])
    patch = {"webhooks": [{"name": "x", "b": 2}]}
    merged = strategic_merge(live, patch, BY_NAME["MutatingWebhookConfiguration"])
    assert merged["webhooks"] == [{"name": "x", "a": 1, "b": 2}, {"name": "y"}]


def test_the_log_says_once_for_a_group_that_nothing_acts_on_it(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tell_of_stored(store)
    for kind in ("Role", "ClusterRole", "Lease", "LimitRange"):
        store.create(made(kind))
    assert [(vars(record)["about"], record.getMessage().partition(":")[0]) for record in caplog.records] == [
        ("Role a", "kept, without effect like all of its sort (rbac.authorization.k8s.io)"),
        ("LimitRange a", "kept, without effect like all of its sort (v1)"),
    ]


@pytest.mark.parametrize("kind", ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"])
def test_roles_may_have_names_that_only_fit_into_a_path(store: Store, kind: str) -> None:
    made = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "system:Node.1"}}
    assert store.create(made).name == "system:Node.1"
