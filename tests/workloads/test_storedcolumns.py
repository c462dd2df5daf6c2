"""The columns of kinds that are only kept."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Column
from emulator.objects.resource import Resource
from emulator.workloads import storedcolumns
from emulator.workloads.configs import CONFIG_MAP
from tests.world import World

TIMED = {"metadata": {"name": "x", "creationTimestamp": "2026-01-02T03:04:05Z"}}
METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
NOW = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}
BY_VALUE = {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "1Gi"}}}
SUBJECTS = [
    {"kind": "User", "name": "ann"},
    {"kind": "User", "name": "bob"},
    {"kind": "ServiceAccount", "namespace": "default", "name": "default"},
]


def cells(columns: tuple[Column, ...], obj: dict[str, Any]) -> dict[str, object]:
    """The cells of an object that has these fields; its kind does not matter to a cell."""
    made = World().create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})
    resource: Resource[Any] = Resource(CONFIG_MAP, {**made.obj, **TIMED, **obj}, made.spec)
    return {column.name: column.cell(resource) for column in columns if column.name != "Age"}


@pytest.mark.parametrize(
    ("columns", "obj", "name", "cell"),
    [
        ("ACCOUNT", {"secrets": [{}, {}]}, "Secrets", 2),
        ("ACCOUNT", {}, "Secrets", 0),
        ("BINDING", {"roleRef": {"kind": "Role", "name": "r"}}, "Role", "Role/r"),
        ("BINDING", {"subjects": SUBJECTS}, "Users", "ann, bob"),
        ("BINDING", {"subjects": SUBJECTS}, "Groups", ""),
        ("BINDING", {"subjects": SUBJECTS}, "ServiceAccounts", "default/default"),
        ("AUTOSCALER", {"spec": {"scaleTargetRef": {"kind": "D", "name": "d"}}}, "Reference", "D/d"),
        ("AUTOSCALER", {"spec": {}}, "Targets", "<none>"),
        ("AUTOSCALER", {"spec": {"metrics": [METRIC]}}, "Targets", "cpu: <unknown>/80%"),
        ("AUTOSCALER", {"spec": {"metrics": [METRIC]}, "status": {"currentMetrics": [NOW]}}, "Targets", "cpu: 40%/80%"),
        ("AUTOSCALER", {"spec": {"metrics": [BY_VALUE]}}, "Targets", "memory: <unknown>/1Gi"),
        (
            "AUTOSCALER",
            {"spec": {"metrics": [METRIC] * 4}},
            "Targets",
            "cpu: <unknown>/80%, cpu: <unknown>/80% + 2 more...",
        ),
        ("AUTOSCALER", {"spec": {}}, "MinPods", "1"),
        ("BUDGET", {"spec": {"minAvailable": "50%"}}, "Min Available", "50%"),
        ("BUDGET", {"spec": {}}, "Max Unavailable", "N/A"),
        ("INGRESS", {"spec": {}}, "Hosts", "*"),
        ("INGRESS", {"spec": {"rules": [{"host": h} for h in "abcd"]}}, "Hosts", "a,b,c + 1 more..."),
        ("INGRESS", {"spec": {"tls": [{}]}}, "Ports", "80, 443"),
        (
            "INGRESS",
            {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "h"}]}}},
            "Address",
            "1.2.3.4,h",
        ),
        ("INGRESS_CLASS", {"spec": {"parameters": {"kind": "K", "name": "n", "apiGroup": "g"}}}, "Parameters", "K.g/n"),
        ("INGRESS_CLASS", {"spec": {}}, "Parameters", "<none>"),
        ("NETWORK_POLICY", {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}}, "Pod-Selector", "a=b"),
        ("NETWORK_POLICY", {"spec": {"podSelector": {}}}, "Pod-Selector", "<none>"),
        ("STORAGE_CLASS", {"provisioner": "p"}, "ReclaimPolicy", "Delete"),
        ("STORAGE_CLASS", {"allowVolumeExpansion": True}, "AllowVolumeExpansion", True),
        ("VOLUME", {"spec": {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}}, "Access Modes", "RWO,ROX"),
        ("VOLUME", {"spec": {"claimRef": {"namespace": "n", "name": "c"}}}, "Claim", "n/c"),
        ("VOLUME", {"spec": {}}, "Claim", ""),
        ("QUOTA", {"spec": {"hard": {"pods": "4", "limits.cpu": "2"}}}, "Request", "pods: 0/4"),
        ("QUOTA", {"status": {"hard": {"limits.cpu": "2"}, "used": {"limits.cpu": "1"}}}, "Limit", "limits.cpu: 1/2"),
        ("API_SERVICE", {"spec": {}}, "Service", "Local"),
        ("API_SERVICE", {"spec": {"service": {"namespace": "n", "name": "s"}}}, "Service", "n/s"),
        ("API_SERVICE", {}, "Available", "Unknown"),
        (
            "API_SERVICE",
            {"status": {"conditions": [{"type": "Available", "status": "False", "reason": "No"}]}},
            "Available",
            "False (No)",
        ),
        ("WEBHOOKS", {"webhooks": [{}]}, "Webhooks", 1),
        ("POLICY", {"spec": {"paramKind": {"apiVersion": "v1", "kind": "K"}}}, "ParamKind", "v1/K"),
        ("POLICY", {"spec": {}}, "ParamKind", "<unset>"),
        ("POLICY_BINDING", {"spec": {"paramRef": {"name": "p"}}}, "ParamRef", "*/p"),
        ("POLICY_BINDING", {"spec": {"paramRef": {"selector": {}}}}, "ParamRef", "*"),
        ("PRIORITY_CLASS", {"value": 5}, "Value", 5),
        ("PRIORITY_CLASS", {}, "Global-Default", False),
        ("LEASE", {"spec": {"holderIdentity": "me"}}, "Holder", "me"),
        ("RUNTIME_CLASS", {"handler": "h"}, "Handler", "h"),
    ],
)
def test_a_cell_says_what_kubectl_says(columns: str, obj: dict[str, Any], name: str, cell: object) -> None:
    assert cells(getattr(storedcolumns, columns), obj)[name] == cell


def test_the_time_of_creation_is_shown_as_it_is() -> None:
    assert cells((storedcolumns.CREATED_AT,), {}) == {"Created At": "2026-01-02T03:04:05Z"}
